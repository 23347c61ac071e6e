import { familyOf, parseIp, printIp } from '../address/ip.js'
import { parsePacketLine } from '../packet/language.js'
import { QuestionError } from '../path/resolve.js'
import { trace } from '../path/trace.js'
import type { Branch, RuleVisit, Step } from '../path/trail.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { pickOne, sampleText } from '../sets/sample.js'
import type { ReachQuestion } from './reach-question.js'
import type { Arrival } from './reach-walk.js'
import type { Ground } from './walk-ground.js'

/** A rule that had a say, with its place. */
export interface Deciding {
  readonly place: string
  readonly table: string
  readonly chain: string
  readonly rule: number
  readonly text: string
  readonly file: string | undefined
  readonly line: number | undefined
}

/** A packet that gets there, as `trace` reads it and says. */
export interface Example {
  readonly packet: string
  /** Its source and destination where it ends. */
  readonly sees: string
  readonly becomes: string
  /** It gets there whatever the snapshot does not tell; lots may lead it elsewhere. */
  readonly certain: boolean
  /** The rules that let it in and rewrite it, in their order. */
  readonly rules: readonly Deciding[]
}

/** So many packets are tried. */
const TRIES = 4

/** A packet of an arrival that `trace` walks there; undefined: none of those that were tried is. */
export function exampleOf(
  ground: Ground,
  hosts: Hosts,
  arrival: Arrival,
  question: ReachQuestion,
): Example | undefined {
  const { space } = ground
  const { bdd } = space
  const { start } = arrival
  const exists = start.generated ? arrival.possible : bdd.and(arrival.possible, start.packets)
  const all = bdd.and(arrival.sure, exists) === EMPTY ? exists : bdd.and(arrival.sure, exists)
  // who is outside calls an address of the host that he comes to, if that gets him there: a published port before a container's own address
  const called = start.generated ? EMPTY : bdd.and(all, ownAddresses(ground, start.place))
  return (
    triedExample(ground, hosts, arrival, question, called) ??
    triedExample(ground, hosts, arrival, question, bdd.minus(all, called))
  )
}

/** One of these packets, if one of the first few is walked there. */
function triedExample(
  { space }: Ground,
  hosts: Hosts,
  arrival: Arrival,
  question: ReachQuestion,
  packets: Node,
): Example | undefined {
  let left = packets
  for (let n = 0; n < TRIES && left !== EMPTY; n++) {
    const picked = pickOne(space, left)
    if (!picked) return undefined
    const text = textOf(hosts, arrival, picked.sample)
    const walked = text && walkedTo(hosts, text, arrival, question)
    if (text && walked) {
      const { final, steps } = walked.branch
      const end = (ip: string, port: number | undefined) =>
        port === undefined ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
      return {
        packet: text,
        sees: final.src,
        becomes: `${end(final.src, final.sport)} > ${end(final.dst, final.dport)}`,
        certain: walked.certain,
        rules: decidingOf(steps),
      }
    }
    left = space.bdd.minus(left, picked.packet)
  }
  return undefined
}

/** Packets to addresses of links that default routes leave by. */
function ownAddresses({ space, addresses, family }: Ground, { links, routes }: Namespace): Node {
  const outer = new Set<string | undefined>()
  for (const { destination, nexthops } of routes)
    if (destination.length === 0) for (const { dev } of nexthops) outer.add(dev)
  const own = links.filter(({ name }) => outer.has(name)).flatMap((link) => link.addresses)
  return space.union(
    own
      .filter(({ prefix, scope }) => scope === 'global' && familyOf(prefix.ip) === family)
      .map(({ prefix }) => space.equals(addresses.dst, prefix.ip)),
  )
}

function textOf(
  hosts: Hosts,
  { start }: Arrival,
  sample: NonNullable<ReturnType<typeof pickOne>>['sample'],
): string | undefined {
  const place = placeName(start.place)
  const plain = { ...sample, state: 'NEW' as const, mark: 0 }
  if (!start.generated) return sampleText(plain, place)
  const words = `${sampleText({ ...plain, iif: '' })} from ${place}`
  // the kernel chooses the source: what it takes for a packet of this kind
  const asked = parsePacketLine(words.replace(/ \S+ > /, ' > '))
  if (!asked.ok) return undefined
  try {
    const src = parseIp(trace(hosts, asked.packet, { now: 0 }).packet.src)
    if (src === undefined) return undefined
    const text = sampleText({ ...plain, iif: '', src })
    return familyOf(src) === sample.family ? `${text} from ${place}` : undefined
  } catch (error) {
    if (error instanceof QuestionError) return undefined
    throw error
  }
}

function walkedTo(
  hosts: Hosts,
  text: string,
  arrival: Arrival,
  { to }: ReachQuestion,
): { readonly branch: Branch; readonly certain: boolean } | undefined {
  const parsed = parsePacketLine(text)
  if (!parsed.ok) return undefined
  try {
    const { branches } = trace(hosts, parsed.packet, { now: 0 })
    const branch = branches.find((one) => isThere(one, arrival, to))
    const certain = branches.every(({ supposing, outcome }) => supposing === undefined && outcome !== 'undecided')
    return branch && { branch, certain }
  } catch (error) {
    if (error instanceof QuestionError) return undefined
    throw error
  }
}

/** What becomes of it in the end: for a host's rules it has arrived though nobody listens. */
const TAKEN_IN: ReadonlySet<string> = new Set(['no-socket', 'no-protocol', 'echo-ignored'])

export function isThere(
  { outcome, where, final }: Branch,
  { place, outcome: wanted, interface: name }: Pick<Arrival, 'place' | 'outcome' | 'interface'>,
  to: ReachQuestion['to'],
): boolean {
  if (placeName(where) !== placeName(place)) return false
  if (
    wanted === 'sent'
      ? outcome !== 'sent' || final.interface !== name
      : outcome !== 'delivered' && !TAKEN_IN.has(where.reason)
  )
    return false
  if (to.sentTo) return true
  if (to.address !== undefined && final.dst !== printIp(to.address)) return false
  return to.port === undefined || final.dport === to.port
}

/** Rules that accepted the packet or translated it. */
export function decidingOf(steps: readonly Step[]): readonly Deciding[] {
  const found: Deciding[] = []
  const add = (place: string, table: string, { chain, number, rule }: Pick<RuleVisit, 'chain' | 'number' | 'rule'>) =>
    found.push({ place, table, chain, rule: number, text: rule.text, file: rule.source?.file, line: rule.source?.line })
  for (const step of steps) {
    if (step.kind !== 'hook') continue
    for (const { table, type, decidedBy } of step.chains) {
      const { chain, number, rule } = decidedBy
      if (!rule || number === undefined) continue
      if (type !== 'nat' || rule.steps.some((one) => 'do' in one && one.do.do === 'nat'))
        add(placeName(step), table, { chain, number, rule })
    }
  }
  return found
}
