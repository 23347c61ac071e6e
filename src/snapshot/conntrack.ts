import { type Ip, parseIp } from '../address/ip.js'
import type { Entry, ProtocolState, TcpSide, TcpState } from '../conntrack/entry.js'
import { invertTuple, isIcmp, type Tuple } from '../conntrack/tuple.js'
import { CT_STATUS } from '../packet/fields.js'
import { InputError } from './problem.js'
import { type Line, linesOf, Words } from './words.js'

/** What conntrack(8) says on standard error, which often ends up in the same file. */
const REMARK = /^(conntrack v|\S*conntrack\S*:|\d+ flow entries)/

/**
 * Connections as `conntrack -L`, `conntrack -L -o extended` and /proc/net/nf_conntrack print them (libnetfilter_conntrack:
 * src/conntrack/snprintf_default.c; net/netfilter/nf_conntrack_standalone.c: ct_seq_show). `now`: seconds since the epoch at which the listing
 * was made, for the timeouts. Throws InputError at the first line that is none, or is cut off.
 *
 * The listing has no TCP windows: entries come out as the kernel makes those that it picks up in mid-stream (windows empty, liberal).
 */
export function readConnections(text: string, now: number): readonly Entry[] {
  return linesOf(text)
    .filter((line) => !REMARK.test(line.text))
    .map((line) => readConnection(line, now))
}

const TCP_STATES: ReadonlySet<string> = new Set<TcpState>([
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
])

const FAMILIES: Readonly<Record<string, 4 | 6>> = { ipv4: 4, ipv6: 6 }

function readConnection(line: Line, now: number): Entry {
  const words = new Words(line)
  const family = FAMILIES[words.peek() ?? '']
  if (family) {
    words.next('the line')
    takeNumber(words, 'the address family')
  }
  words.next('the protocol')
  const protocol = takeNumber(words, 'the protocol')
  if (protocol > 255) words.fail(`${protocol} is not an IP protocol`)
  // offloaded connections have no timeout
  const seconds = /^\d+$/.test(words.peek() ?? '') ? takeNumber(words, 'the timeout') : undefined
  const { position: statePosition } = words
  const state = /^[A-Z][A-Z\d_]*$/.test(words.peek() ?? '') ? words.next('the state') : undefined
  // /proc/net/nf_conntrack prints what GRE keeps before the addresses (gre_print_conntrack)
  while (/^(stream_)?timeout=/.test(words.peek() ?? '')) words.next('the timeout')
  if (protocol === TCP && state !== undefined && !TCP_STATES.has(state))
    words.fail(`${state} is no state of TCP`, statePosition)
  const original = readDirection(words, protocol)
  const unreplied = words.take('[UNREPLIED]')
  const reply = readDirection(words, protocol)
  if (original.tuple.family !== reply.tuple.family || (family && family !== original.tuple.family))
    words.fail('addresses of different families')
  const rest = readRest(words)
  const assured = rest.flags.has('ASSURED')
  const expires = seconds === undefined ? Number.POSITIVE_INFINITY : now + seconds
  return {
    original: original.tuple,
    reply: reply.tuple,
    status:
      CT_STATUS.CONFIRMED |
      (unreplied ? 0 : CT_STATUS.SEEN_REPLY) |
      (assured ? CT_STATUS.ASSURED : 0) |
      (rest.values.has('helper') ? CT_STATUS.HELPER : 0) |
      natStatus(original.tuple, reply.tuple),
    mark: rest.number('mark') ?? 0,
    zone: rest.number('zone') ?? original.zone ?? reply.zone ?? 0,
    ...zoneDirection(original, reply),
    expires,
    protocol: protocolState(protocol, state, assured, seconds, now),
    counters: { original: original.counters, reply: reply.counters },
    master: undefined,
    helper: rest.values.get('helper'),
  }
}

const TCP = 6
const UDP = 17
const UDPLITE = 136
const GRE = 47

/** IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_BE_LIBERAL: what tcp_new gives a connection that it did not see begin. */
const PICKED_UP = 2 | 8
const unknownSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, scale: 0, flags: PICKED_UP })
/** enum tcp_bit_set: TCP_NONE_SET. */
const NO_SEGMENT = 5
/** nf_conntrack_proto_udp.c: UDP_CT_UNREPLIED, and how long after its first packet a connection counts as a stream. */
const UDP_TIMEOUT = 30
const STREAM_AFTER = 2

function protocolState(
  protocol: number,
  state: string | undefined,
  assured: boolean,
  seconds: number | undefined,
  now: number,
): ProtocolState {
  if (protocol === UDP || protocol === UDPLITE) {
    const lastSeen = now - Math.max(0, UDP_TIMEOUT - (seconds ?? UDP_TIMEOUT))
    return { kind: 'udp', stream: assured, streamSince: assured ? 0 : lastSeen + STREAM_AFTER }
  }
  if (protocol !== TCP) return { kind: 'other', state: state ?? '' }
  return {
    kind: 'tcp',
    state: (state ?? 'ESTABLISHED') as TcpState,
    seen: { original: unknownSide(), reply: unknownSide() },
    lastDirection: undefined,
    lastIndex: NO_SEGMENT,
    lastSeq: 0,
    lastAck: 0,
    lastEnd: 0,
    lastWindow: 0,
    lastWscale: 0,
    lastFlags: 0,
    retransmits: 0,
  }
}

/** Which ends NAT changed: the listing does not say so, but a reply that is no plain answer does. Both are settled in a confirmed connection. */
function natStatus(original: Tuple, reply: Tuple): number {
  const settled = CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
  const plain = invertTuple(original)
  if (!plain) return settled
  const icmp = isIcmp(original.protocol)
  const destination = reply.src !== plain.src || (!icmp && reply.sport !== plain.sport)
  const source = reply.dst !== plain.dst || (icmp ? reply.sport !== plain.sport : reply.dport !== plain.dport)
  return settled | (destination ? CT_STATUS.DST_NAT : 0) | (source ? CT_STATUS.SRC_NAT : 0)
}

/** `zone-orig=` and `zone-reply=` stand behind their tuples, `zone=` behind both (ct_show_zone). */
function zoneDirection(original: DirectionRead, reply: DirectionRead): Pick<Entry, 'zoneDirection'> {
  if ((original.zone === undefined) === (reply.zone === undefined)) return {}
  return { zoneDirection: original.zone === undefined ? 'reply' : 'original' }
}

interface DirectionRead {
  readonly tuple: Tuple
  readonly counters: { packets: number; bytes: number }
  readonly zone: number | undefined
}

/** `src=… dst=… sport=… dport=… zone-orig=… packets=… bytes=…`: ends at `[…]`, at the next `src=`, or at a key that stands for the whole. */
function readDirection(words: Words, protocol: number): DirectionRead {
  const src = address(words, 'src')
  const dst = address(words, 'dst')
  if (typeof src !== typeof dst) words.fail('addresses of different families')
  const values = new Map<string, number>()
  for (let pair = pairOf(words.peek()); pair && DIRECTION_KEYS.has(pair.key); pair = pairOf(words.peek())) {
    values.set(pair.key, numberOf(words, pair.value, pair.key))
    words.next(pair.key)
  }
  const need = (key: string): number => values.get(key) ?? words.fail(`${key}= is missing`)
  const ends = { sport: values.get('sport') ?? 0, dport: values.get('dport') ?? 0 }
  if (PORTS.has(protocol)) ends.sport = port(words, need('sport'))
  if (PORTS.has(protocol)) ends.dport = port(words, need('dport'))
  if (isIcmp(protocol)) {
    ends.sport = port(words, need('id'))
    ends.dport = octet(words, need('type')) * 256 + octet(words, need('code'))
  }
  if (protocol === GRE) {
    ends.sport = values.get('srckey') ?? 0
    ends.dport = values.get('dstkey') ?? 0
  }
  return {
    tuple: { family: typeof src === 'number' ? 4 : 6, protocol, src, dst, ...ends },
    counters: { packets: values.get('packets') ?? 0, bytes: values.get('bytes') ?? 0 },
    zone: values.get('zone-orig') ?? values.get('zone-reply'),
  }
}

const DIRECTION_KEYS: ReadonlySet<string> = new Set([
  'sport',
  'dport',
  'type',
  'code',
  'id',
  'srckey',
  'dstkey',
  'packets',
  'bytes',
  'zone-orig',
  'zone-reply',
])
const PORTS: ReadonlySet<number> = new Set([TCP, UDP, UDPLITE, 33, 132])

const port = (words: Words, value: number): number => (value <= 0xffff ? value : words.fail(`${value} is over 65535`))
const octet = (words: Words, value: number): number => (value <= 0xff ? value : words.fail(`${value} is over 255`))

function address(words: Words, key: string): Ip {
  const pair = pairOf(words.peek())
  if (pair?.key !== key) words.fail(`${key}= is missing`)
  const ip = parseIp(pair.value) ?? words.fail(`${pair.value} is not an IP address`)
  words.next(key)
  return ip
}

interface Rest {
  readonly flags: ReadonlySet<string>
  readonly values: ReadonlyMap<string, string>
  number(key: string): number | undefined
}

/** What stands behind both directions: `[ASSURED] mark=0 secctx=… zone=1 delta-time=… helper=ftp use=1 id=… labels=…`, in the order of the version. */
function readRest(words: Words): Rest {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const numbers = new Map<string, number>()
  while (!words.done) {
    const pair = pairOf(words.peek())
    if (pair) {
      values.set(pair.key, pair.value)
      if (NUMBERS.has(pair.key)) numbers.set(pair.key, numberOf(words, pair.value, pair.key))
    } else flags.add(words.peek()!.replace(/[[\]]/g, ''))
    words.next('the reply')
  }
  return { flags, values, number: (key) => numbers.get(key) }
}

const NUMBERS: ReadonlySet<string> = new Set(['mark', 'zone', 'use'])

function pairOf(word: string | undefined): { readonly key: string; readonly value: string } | undefined {
  const equals = word === undefined || word.startsWith('[') ? -1 : word.indexOf('=')
  return equals > 0 ? { key: word!.slice(0, equals), value: word!.slice(equals + 1) } : undefined
}

function numberOf(words: Words, text: string, what: string): number {
  if (!/^(\d+|0x[\da-f]+)$/i.test(text))
    throw new InputError(`${what} ${text || '(nothing)'} is not a number`, words.position)
  return Number(text)
}

function takeNumber(words: Words, what: string): number {
  if (words.done) words.next(what)
  const value = numberOf(words, words.peek()!, what)
  words.next(what)
  return value
}
