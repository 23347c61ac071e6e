import { printIp } from '../address/ip.js'
import type { FieldValue } from '../packet/fields.js'
import { type Headers, headersOf } from '../packet/headers.js'
import type { Packet } from '../packet/packet.js'
import type { PacketRequest } from '../packet/request.js'
import { type Beginning, begin } from './begin.js'
import { flatten, type Merge } from './branches.js'
import { explore } from './choices.js'
import { Cursor } from './cursor.js'
import type { Fate, Walked } from './fate.js'
import { following, replyTo } from './next-packet.js'
import { throughProxy } from './proxy-handshake.js'
import { QuestionError } from './resolve.js'
import type { Run } from './run.js'
import { settle } from './settle.js'
import { Skb } from './skb.js'
import { answerEach, suppositions } from './suppose.js'
import { symptomOf } from './symptom.js'
import { allAssumptions, branchOf, endOf, questionRun, type TraceOptions } from './trace.js'
import type { Branch, Trail } from './trail.js'
import { walk } from './walk.js'
import type { Hosts, Place } from './world.js'
import { placeName } from './world.js'

/** The 5-tuple as one side has it. */
export interface View {
  readonly src: string
  readonly sport: number | undefined
  readonly dst: string
  readonly dport: number | undefined
}

export interface Connection {
  readonly probability: number
  /** As in `Branch`. */
  readonly supposing?: string
  /** Null: not decided. */
  readonly works: boolean | null
  readonly symptom: string
  readonly why: string
  readonly request: Branch
  readonly reply: Branch | null
  /** The third packet: the request's way again, now that the connection exists. */
  readonly third: Branch | null
  /** The other packet of the socket, which was confirmed while the request was under way; null where nobody asked for a race. */
  readonly rival: Branch | null
  readonly sender: View
  /** As the receiver sees it; null where the request arrives nowhere. */
  readonly receiver: (View & Place) | null
}

/** What `connect` answers. */
export interface Connections {
  readonly packet: Trail['packet']
  readonly assumptions: readonly string[]
  readonly branches: readonly Connection[]
}

interface Tried {
  readonly works: boolean | null
  readonly symptom: string
  readonly why: string
  readonly request: Walked
  readonly reply: Walked | undefined
  readonly third: Walked | undefined
  readonly rival: Walked | undefined
  readonly sender: View
  readonly assumptions: ReadonlySet<string>
}

export interface ConnectOptions extends TraceOptions {
  /** Two packets of one UDP socket, of which neither is confirmed yet when the other one is tracked: a resolver's questions for A and AAAA. */
  readonly race?: boolean
}

/** Does the connection work: request, reply, and the next packet, both ways? Throws QuestionError where it cannot be asked. */
export function connect(hosts: Hosts, request: PacketRequest, options: ConnectOptions = {}): Connections {
  const supposed = suppositions(hosts, request)
  const ask = (known: Hosts) => connectKnown(known, request, options)
  return supposed
    ? answerEach(supposed, ask, outcomeOf, ({ request }) => request.final.src)
    : settle(hosts, ask, { outcomeOf, walksOf })
}

const walksOf = ({ request, reply, third }: Connection): readonly Branch[] =>
  [request, reply, third].flatMap((branch) => branch ?? [])

const outcomeOf = ({ works, request, reply, third }: Connection): string =>
  `${works} ${[request, reply, third].map((branch) => branch && endOf(branch))}`

function connectKnown(hosts: Hosts, request: PacketRequest, options: ConnectOptions): Connections {
  let asked: Trail['packet'] | undefined
  const tree = explore((chooser): Tried => {
    const run = questionRun(hosts, chooser, options)
    const beginning = begin(run, walk, request)
    const { start, cursor } = beginning
    asked ??= { ...headersOf(cursor.skb.packet, cursor.skb.mark), from: placeName(start.place), in: start.in }
    if (options.race && cursor.skb.packet.transport.protocol !== UDP)
      throw new QuestionError('only two UDP packets of one socket can race: TCP sends one SYN')
    return new Attempt(run, beginning, options.race ?? false).run()
  })
  const leaves = flatten(tree, MERGE)
  return {
    packet: asked!,
    assumptions: allAssumptions(
      hosts,
      leaves.map(({ result }) => result.assumptions),
    ),
    branches: leaves.map(({ probability, result }) => connectionOf(result, probability)),
  }
}

/** The packet that a tunnel carried away: whoever unwraps it outside of what is known gets it as it went in. */
function carried({ steps }: Walked): Headers | undefined {
  const wrapped: Headers[] = []
  for (const step of steps)
    if (step.kind === 'encapsulate') wrapped.push(step.inner)
    else if (step.kind === 'decapsulate') wrapped.pop()
  return wrapped[0]
}

const view = ({ src, sport, dst, dport }: Headers): View => ({ src, sport, dst, dport })
const endpoint = (address: string, port: number | undefined) =>
  port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

class Attempt {
  readonly #run: Run
  readonly #beginning: Beginning
  readonly #first: Packet
  readonly #sender: Headers
  /** The mark and the socket behind the first packet: the next ones have them too. */
  readonly #origin: Pick<Skb, 'mark' | 'sender'>

  #rival: Walked | undefined
  /** What the sender acknowledges with its next packet. */
  #acknowledged = 1001

  constructor(run: Run, beginning: Beginning, race: boolean) {
    this.#run = run
    this.#beginning = beginning
    this.#first = beginning.cursor.skb.packet.clone()
    this.#sender = headersOf(this.#first, 0)
    this.#origin = { mark: beginning.cursor.skb.mark, sender: beginning.cursor.skb.sender }
    if (race)
      run.rival = () => {
        this.#rival = this.#again(this.#first.clone())
      }
  }

  run(): Tried {
    const { cursor, stage } = this.#beginning
    const request = { fate: walk(cursor, stage), steps: cursor.steps, way: cursor.way }
    const { fate } = request
    if (fate.outcome === 'undecided') return this.#failed(request, null, fate.text)
    if (fate.reason === 'synproxy') return this.#proxied(request)
    if (fate.outcome !== 'delivered' && fate.outcome !== 'sent') return this.#failed(request, false, fate.text)
    const reply = fate.outcome === 'delivered' ? this.#replyFromHere(request) : this.#replyFromOutside(fate)
    if (typeof reply === 'string') return this.#failed(request, false, reply, 'timeout')
    return this.#judge(request, reply)
  }

  /** SYNPROXY has answered the SYN. */
  #proxied(syn: Walked): Tried {
    const opened = throughProxy(syn, {
      acknowledge: (number) => this.#again(following(this.#first, number)!),
      answer: (called) =>
        called.fate.outcome === 'delivered' ? this.#replyFromHere(called) : this.#replyFromOutside(called.fate),
    })
    if ('why' in opened) return this.#tried(opened.request, opened)
    this.#acknowledged = opened.acknowledged
    return this.#judge(opened.request, opened.reply)
  }

  #tried(request: Walked, more: Pick<Tried, 'works' | 'symptom' | 'why'> & Partial<Tried>): Tried {
    return {
      request,
      reply: undefined,
      third: undefined,
      rival: this.#rival,
      sender: view(this.#sender),
      assumptions: this.#run.assumptions,
      ...more,
    }
  }

  #failed(request: Walked, works: false | null, why: string, symptom = symptomOf(request.fate)): Tried {
    return this.#tried(request, { works, symptom, why })
  }

  /** The receiver is known: its socket (or its kernel, for an echo request) answers. */
  #replyFromHere({ fate, steps }: Walked): Walked | string {
    if (fate.packet.protocol === 'icmp' || fate.packet.protocol === 'icmpv6') {
      if (!fate.answer) return 'nothing is answered to this ICMP message'
      const step = steps.findLast((some) => some.kind === 'reply')
      return step?.kind === 'reply'
        ? { fate: fate.answer.fate, steps: step.walked, way: step.way }
        : { fate: fate.answer.fate, steps: [], way: [] }
    }
    const packet = replyTo(fate.skb.packet)
    if (!packet) return `no reply is known for protocol ${fate.packet.protocol}`
    const netns = this.#run.netns(fate.place)
    const skb = new Skb(packet)
    skb.sender = { uid: undefined, gid: undefined, socket: true }
    netns.openFlow(packet)
    const cursor = new Cursor(this.#run, walk, netns, skb)
    cursor.record({ kind: 'generate', text: `${placeName(fate.place)} answers` })
    return { fate: walk(cursor, 'generate'), steps: cursor.steps, way: cursor.way }
  }

  /** The receiver is outside: it is taken to answer to the address that it saw, and the answer to come in where the request left. */
  #replyFromOutside(fate: Fate): Walked | string {
    const { packet } = fate.skb
    const netns = this.#run.netns(fate.place)
    const [src, dst] = [netns.addressOf(packet, 'src'), netns.addressOf(packet, 'dst')]
    const dev = fate.interface
    const link = netns.link(dev)
    if (!link || dev === undefined) return 'the interface it left through is not known'
    const translated = this.#sender.dst !== fate.packet.dst || this.#sender.dport !== fate.packet.dport
    if (!netns.isLocal(src) && netns.isOnLink(src, dev) && netns.isOnLink(dst, dev)) {
      if (translated)
        return `the reply does not come back this way: ${printIp(dst)} and ${printIp(src)} share the link of ${dev}, so it is answered directly, from an address that was not called`
      this.#run.assume(`${printIp(dst)} answers ${printIp(src)} directly on the link of ${dev}`)
    }
    if (isPrivate(src) && !isPrivate(dst))
      return `it leaves with the private source address ${printIp(src)}: ${printIp(dst)} cannot answer to it`
    if (!netns.isLocal(src))
      this.#run.assume(`${printIp(dst)} (outside) has a route back to ${printIp(src)} through ${placeName(fate.place)}`)
    const answer = replyTo(packet)
    if (!answer) return `no reply is known for protocol ${fate.packet.protocol}`
    this.#run.assume(
      `${printIp(dst)} is outside: it is taken to answer, and its answer to arrive on ${dev} of ${placeName(fate.place)}`,
    )
    const skb = new Skb(answer)
    skb.iif = dev
    answer.mac = {
      source: packet.mac?.destination ?? 0,
      destination: link.mac ?? 0,
      ethertype: packet.family === 4 ? 0x0800 : 0x86dd,
    }
    const cursor = new Cursor(this.#run, walk, netns, skb)
    return { fate: walk(cursor, 'receive'), steps: cursor.steps, way: cursor.way }
  }

  #judge(request: Walked, reply: Walked): Tried {
    const { start } = this.#beginning
    const { fate } = reply
    const back = carried(reply) ?? fate.packet
    const from = endpoint(back.src, back.sport)
    const called = endpoint(this.#sender.dst, this.#sender.dport)
    const mirrored =
      back.src === this.#sender.dst &&
      back.sport === this.#sender.dport &&
      back.dst === this.#sender.src &&
      back.dport === this.#sender.sport
    if (fate.outcome === 'undecided')
      return this.#tried(request, { works: null, symptom: symptomOf(fate), why: `the reply: ${fate.text}`, reply })
    const home = start.in === undefined ? placeName(fate.place) === placeName(start.place) : fate.outcome === 'sent'
    if (home && !mirrored && fate.reason !== 'rule-drop' && fate.reason !== 'policy-drop') {
      const why = `the reply comes from ${from}, but ${called} was called: the client does not know it`
      return this.#tried(request, { works: false, symptom: 'timeout (the reply is answered with RST)', why, reply })
    }
    if (fate.outcome !== 'delivered' && fate.outcome !== 'sent')
      return this.#tried(request, {
        works: false,
        symptom: 'timeout',
        why: `the reply does not come back: ${fate.text}`,
        reply,
      })
    if (!home) {
      const why = `the reply does not come back this way: it is ${fate.outcome} at ${placeName(fate.place)}`
      return this.#tried(request, { works: false, symptom: 'timeout', why, reply })
    }
    const third = this.#third()
    const arrived = !third || third.fate.outcome === request.fate.outcome
    if (!arrived)
      return this.#tried(request, {
        works: false,
        symptom: 'hangs after the handshake',
        why: `the next packet: ${third.fate.text}`,
        reply,
        third,
      })
    const symptom = back.protocol === 'tcp' ? 'connected' : back.protocol.startsWith('icmp') ? 'echo reply' : 'answered'
    return this.#tried(request, {
      works: true,
      symptom,
      why: 'the request arrives, the reply comes back',
      reply,
      third,
    })
  }

  /** TCP: the acknowledgement that ends the handshake; UDP: another datagram. */
  #third(): Walked | undefined {
    const packet = following(this.#first, this.#acknowledged)
    return packet && this.#again(packet)
  }

  /** Another packet from where the first one came. */
  #again(packet: Packet): Walked {
    const { start } = this.#beginning
    const netns = this.#run.netns(start.place)
    const skb = new Skb(packet)
    skb.mark = this.#origin.mark
    const next = new Cursor(this.#run, walk, netns, skb)
    if (start.in === undefined) {
      skb.sender = this.#origin.sender
      next.record({ kind: 'generate', text: `${placeName(start.place)} goes on` })
      return { fate: walk(next, 'generate'), steps: next.steps, way: next.way }
    }
    skb.iif = start.in
    packet.mac = this.#first.mac
    return { fate: walk(next, 'receive'), steps: next.steps, way: next.way }
  }
}

/** RFC 1918, shared (6598), loopback, link-local, unique local (4193). */
function isPrivate(ip: FieldValue): boolean {
  if (typeof ip === 'bigint') return ip >> 121n === 0x7en || ip >> 118n === 0x3fan
  const within = (net: number, length: number) => ip >>> (32 - length) === net >>> (32 - length)
  return (
    within(0x0a000000, 8) ||
    within(0xac100000, 12) ||
    within(0xc0a80000, 16) ||
    within(0x64400000, 10) ||
    within(0x7f000000, 8) ||
    within(0xa9fe0000, 16)
  )
}

function connectionOf(tried: Tried, probability: number): Connection {
  const branch = (some: Walked | undefined) => (some ? branchOf(some, probability) : null)
  const { fate } = tried.request
  const arrived = fate.outcome === 'delivered' || fate.outcome === 'sent'
  return {
    probability,
    works: tried.works,
    symptom: tried.symptom,
    why: tried.why,
    request: branchOf(tried.request, probability),
    reply: branch(tried.reply),
    third: branch(tried.third),
    rival: branch(tried.rival),
    sender: tried.sender,
    receiver: arrived ? { ...fate.place, ...view(fate.packet) } : null,
  }
}

const UDP = 17

const MERGE: Merge<Tried> = {
  same: (a, b) =>
    a.works === b.works &&
    a.symptom === b.symptom &&
    JSON.stringify(a.request.fate.packet) === JSON.stringify(b.request.fate.packet),
  undecided: (ways, point) => ({ ...ways[0]!, works: null, symptom: 'not decided', why: point.about }),
  cut: (ways) => ({ ...ways[0]!, works: null, symptom: 'not decided', why: 'too many ways to walk them all' }),
}
