import { FLAG, hex, type Seen, tcp, tcpAck, tcpFlags, tcpSeq } from '../cases/frames.js'
import type { RuleSpec, Ruleset } from '../cases/ruleset.js'
import { arrives, back, type Flow } from '../cases/stage.js'
import type { Injection, LabSpec } from '../lab.js'
import type { Random } from '../prng.js'
import { ADDRESSES, labOf } from './scene.js'
import { hexOf, network, type Talk } from './talk.js'

const PORTS = [80, 443]
const TCP = 6

/** What comes in mid-stream makes no connection: SYNPROXY's documentation asks for that. */
export function proxyLab(family: 4 | 6, backend: 'legacy' | 'nft'): LabSpec {
  const lab = labOf(family, backend)
  return { ...lab, sysctls: { ...lab.sysctls, 'net.netfilter.nf_conntrack_tcp_loose': '0' } }
}

const chains = (...names: readonly string[]) => names.map((name) => ({ name, policy: 'ACCEPT' as const }))
const rule = (chain: string, text: string, target = ''): RuleSpec => ({ chain, parts: [text], target })
const some = (random: Random, chance: number, ...rules: readonly RuleSpec[]): readonly RuleSpec[] =>
  random.chance(chance) ? rules : []

/** SYNs untracked, mostly; SYNPROXY as its manual page tells, mostly; NAT of what SYNPROXY sends itself. */
export function proxyRules(random: Random, family: 4 | 6): Ruleset {
  const { clients, server, service } = ADDRESSES[family]
  const offers = [
    random.weighted([[4, '--mss 1460'], [1, '--mss 1400'], [1, '']]),
    random.weighted([[3, '--wscale 7'], [1, '--wscale 14'], [2, '']]),
    random.chance(0.7) ? '--sack-perm' : '',
    random.chance(0.7) ? '--timestamp' : '',
    random.chance(0.3) ? '--ecn' : '',
  ].filter((one) => one !== '').join(' ') // biome-ignore format: one line each
  const which = random.weighted([
    [8, '-p tcp -m conntrack --ctstate INVALID,UNTRACKED'],
    [1, '-p tcp'],
    [1, '-p tcp --dport 80 -m conntrack --ctstate NEW,INVALID,UNTRACKED'],
    [1, '-p tcp --tcp-flags SYN,ACK SYN'],
  ])
  const syns = ['-p tcp --syn', '-p tcp --syn --dport 80']
  const states = ['FORWARD', 'OUTPUT', 'INPUT'].flatMap((chain) =>
    ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'].map((state) =>
      rule(chain, `-m conntrack --ctstate ${state}`),
    ),
  )
  return [
    { name: 'raw', chains: chains('PREROUTING', 'OUTPUT'), rules: [
      ...some(random, 0.85, rule('PREROUTING', random.pick(syns), '-j CT --notrack')),
      ...some(random, 0.1, rule('OUTPUT', '-p tcp', '-j CT --notrack')),
      ...some(random, 0.1, rule('OUTPUT', '-p tcp', '-j CONNMARK --set-mark 0x5')),
      ...some(random, 0.1, rule('PREROUTING', '-i r0', '-j CT --zone 3'), rule('PREROUTING', '-i r1', '-j CT --zone 3')),
    ] },
    { name: 'mangle', chains: chains('PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'), rules: [...states, ...some(random, 0.2, rule('OUTPUT', '-p tcp', `-j MARK --set-mark 0x${random.int(1, 9)}`)), ...some(random, 0.1, rule('OUTPUT', '-p tcp', '-j CONNMARK --save-mark'))] },
    { name: 'nat', chains: chains('PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'), rules: [
      ...some(random, 0.2, rule('PREROUTING', `-d ${service}`, `-j DNAT --to-destination ${server}`)),
      ...some(random, 0.4, rule('OUTPUT', `-d ${service}`, `-j DNAT --to-destination ${server}`)),
      ...some(random, 0.3, rule('POSTROUTING', `-s ${clients} -o r1`, '-j MASQUERADE')),
    ] },
    { name: 'filter', chains: chains('INPUT', 'FORWARD', 'OUTPUT'), rules: [
      rule('FORWARD', which, `-j SYNPROXY ${offers}`.trim()),
      ...some(random, 0.5, rule('INPUT', '-p tcp -m conntrack --ctstate INVALID,UNTRACKED', `-j SYNPROXY ${offers}`.trim())),
      ...some(random, 0.6, rule('FORWARD', '-m conntrack --ctstate INVALID', '-j DROP')),
    ] },
  ] // biome-ignore format: a table
}

interface Party {
  readonly at: string
  readonly src: string
  readonly dst: string
  readonly sport: number
  readonly dport: number
  /** What it has heard last, whose link and addresses of the frame it answers by. */
  via?: Seen
  seq: number
  ack: number
  clock: number
  echo: number
}

const number = (digits: string, from: number): number => Number.parseInt(digits.slice(from, from + 8), 16)

/** The timestamps of a segment that came out. */
function timesOf({ transport }: Seen): readonly [value: number, echo: number] | undefined {
  const end = 8 * Number.parseInt(transport[24]!, 16)
  for (let at = 40; at < end; ) {
    const kind = transport.slice(at, at + 2)
    if (kind === '00') return undefined
    if (kind === '08') return [number(transport, at + 4), number(transport, at + 12)]
    at += kind === '01' ? 2 : 2 * Math.max(1, Number.parseInt(transport.slice(at + 2, at + 4), 16))
  }
  return undefined
}

/** Clients that open, give up, guess, come again; a server that takes, refuses or is silent. */
export function* synproxyFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other, server, service, routers } = ADDRESSES[family]
  for (let n = random.int(1, 3); n > 0; n--) {
    const dst = random.weighted([
      [6, server],
      [2, service],
      [1, routers[0]!],
    ])
    yield* conversation(talk, {
      at: 'r0',
      src: random.pick([client, client, other]),
      dst,
      sport: random.pick([2000, 2001, random.int(1024, 65535)]),
      dport: random.pick([...PORTS, 80]),
      seq: random.pick([1000, 0xffffffff, random.int(0, 0xffffffff)]),
      ack: 0,
      clock: random.int(0, 0xffffffff),
      echo: 0,
    })
  }
}

function* conversation(talk: Talk, client: Party): Flow {
  const { random } = talk
  const times = random.chance(0.7)
  const odd = random.chance(0.05)
  const say = (who: Party, flags: number, { options = '', data = '', shift = 0, wrong = false, window = random.pick([60000, 500, 0, 65535]), ack = who.ack } = {}): Injection => {
    const stamps = times ? `${odd ? '08' : '0101' + '08'}0a${hex(who.clock, 4)}${hex(who.echo, 4)}${odd ? '0101' : ''}` : ''
    const segment = tcp({ ...who, seq: (who.seq + shift) >>> 0, ack: flags & FLAG.ack ? ack : 0, flags, window, options: `${options}${stamps}`, wrong }, data)
    const packet = network(talk, who.src, who.dst, TCP, segment)
    return who.via ? back(who.via, packet) : arrives(who.at, packet)
  } // biome-ignore format: one thing a line
  const asked = `${random.pick(['', '020405b4', '020405dc', '02040400', '02042328'])}${random.pick(['', '01030307', '0103030f', '01030300'])}${random.pick(['', '04020101'])}`
  const syn = FLAG.syn | (random.chance(0.3) ? FLAG.ece | FLAG.cwr : 0) | (random.chance(0.05) ? FLAG.psh | FLAG.urg : 0)
  let seen = yield say(client, syn, { options: asked, wrong: random.chance(0.03) })
  if (random.chance(0.15)) seen = yield say(client, syn, { options: asked })
  const answer = seen.find((one) => one.protocol === TCP && one.at === client.at && tcpFlags(one) & FLAG.syn)
  client.seq = (client.seq + 1) >>> 0
  client.clock = (client.clock + 10) >>> 0
  if (answer) {
    client.ack = (tcpSeq(answer) + 1) >>> 0
    client.echo = timesOf(answer)?.[0] ?? 0
  }
  if (!answer) return
  if (random.chance(0.1)) yield say(client, FLAG.ack, { options: '', shift: random.pick([-1, 1, 2, 3]), data: random.pick(['', '61']) })
  const piggy = random.chance(0.1) ? hexOf('GET /') : ''
  seen = yield say(client, FLAG.ack, { data: piggy, wrong: random.chance(0.03) })
  if (random.chance(0.1)) seen = yield say(client, FLAG.ack, { shift: random.pick([0, -1, -1]) })
  const called = seen.find((one) => one.protocol === TCP && one.at !== client.at && tcpFlags(one) & FLAG.syn)
  if (!called) return
  // the model takes the first cookie that answers a SYN for the right one: no guesses before that
  if (random.chance(0.1)) yield say(client, FLAG.ack, { ack: random.int(0, 0xffffffff) })
  const end: Party = { at: called.at, src: called.dst, dst: called.src, sport: called.dport, dport: called.sport, via: called, seq: random.pick([5000, 0xffffffff, random.int(0, 0xffffffff)]), ack: (tcpSeq(called) + 1) >>> 0, clock: random.int(0, 0xffffffff), echo: timesOf(called)?.[0] ?? 0 }
  const taken = random.weighted([[8, 'yes'], [1, 'no'], [1, 'silent']])
  if (taken === 'no') yield say(end, FLAG.rst | FLAG.ack)
  if (taken !== 'yes') {
    if (random.chance(0.5)) yield say(client, FLAG.ack, { shift: random.pick([0, -1]) })
    return
  }
  const offered = `${random.pick(['', '020405b4', '02040200'])}${random.pick(['', '01030307', '01030302'])}${random.pick(['', '04020101'])}`
  seen = yield say(end, FLAG.syn | FLAG.ack, { options: offered })
  if (random.chance(0.1)) seen = yield say(end, FLAG.syn | FLAG.ack, { options: offered })
  end.seq = (end.seq + 1) >>> 0
  for (let more = random.int(0, 6); more > 0; more--) yield* exchange(talk, client, end, say)
  const over = random.weighted([[4, 'fin'], [2, 'rst'], [2, 'server rst'], [2, 'none']])
  if (over === 'rst') yield say(client, FLAG.rst)
  if (over === 'server rst') yield say(end, FLAG.rst | FLAG.ack)
  if (over === 'fin') {
    yield say(client, FLAG.fin | FLAG.ack)
    client.seq = (client.seq + 1) >>> 0
    end.ack = (end.ack + 1) >>> 0
    yield say(end, FLAG.fin | FLAG.ack)
    client.ack = (client.ack + 1) >>> 0
    yield say(client, FLAG.ack)
  }
  // and comes again from the same port
  if (over !== 'none' && random.chance(0.4)) {
    yield say({ ...client, seq: (client.seq + 100_000) >>> 0 }, FLAG.syn, { options: asked })
    if (random.chance(0.5)) yield say(client, FLAG.ack)
    if (random.chance(0.3)) yield say(end, FLAG.ack)
  }
} // biome-ignore format: one thing a line

type Say = (
  who: Party,
  flags: number,
  more?: { readonly options?: string; readonly data?: string; readonly shift?: number },
) => Injection

/** Data one way, and what came of it on the other side; or an acknowledgement with a hole. */
function* exchange({ random }: Talk, client: Party, end: Party, say: Say): Flow {
  const [from, to] = random.chance(0.5) ? [client, end] : [end, client]
  const data = hexOf('data'.repeat(random.int(1, 5)))
  from.clock = (from.clock + 5) >>> 0
  if (random.chance(0.2)) {
    const edge = (from.ack + 4) >>> 0
    yield say(from, FLAG.ack, { options: `0101050a${hex(edge, 4)}${hex((edge + 4) >>> 0, 4)}` })
    return
  }
  const seen = yield say(from, FLAG.ack | FLAG.psh, { data, shift: random.chance(0.1) ? random.pick([-1, 100_000]) : 0 })
  const came = seen.find((one) => one.protocol === TCP && one.at === to.at)
  if (!came) return
  from.seq = (from.seq + data.length / 2) >>> 0
  to.ack = (tcpSeq(came) + data.length / 2) >>> 0
  if (tcpAck(came) !== 0) to.echo = timesOf(came)?.[0] ?? to.echo
} // biome-ignore format: one thing a line
