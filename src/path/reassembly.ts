import { recomputeHeader } from '../packet/checksum.js'
import { concatBytes } from '../packet/hex.js'
import { type MacHeader, Packet, put16, u8, u16, u32 } from '../packet/packet.js'

/** A packet put together. */
export interface Whole {
  readonly packet: Packet
  /** The payload bytes that each of its fragments brought, in order: it leaves again in just these pieces. */
  readonly pieces: readonly number[]
  /** The longest of the fragments, with its headers: no longer ones are made of it (frag_max_size). */
  readonly longest: number
  /** The longest had DF (IPSKB_FRAG_PMTU): pieces that are cut anew have it as well. */
  readonly df: boolean
  /** Bytes in front of what was put together: what IPv6 has before the fragment header. */
  readonly head: number
}

/**
 * What became of a fragment. `queued`: it waits, or was thrown away (alone, or with all that waited). `left`: connection tracking does not take it for
 * a fragment that could be put together and lets it pass; local delivery tells its sender of a parameter problem, RFC 8200 section 4.5.
 */
export type Collected =
  | { readonly is: 'whole'; readonly whole: Whole }
  | { readonly is: 'queued' }
  | { readonly is: 'left'; readonly code: number; readonly pointer: number }

const QUEUED: Collected = { is: 'queued' }

/** A stretch of bytes that came one after the other (struct ipfrag_skb_cb: frag_run_len). */
interface Stretch {
  readonly from: number
  to: number
}

interface Queue {
  readonly pieces: Map<number, Uint8Array>
  readonly stretches: Stretch[]
  /** The stretch that the fragment with the last bytes ended. */
  tail: { readonly from: number; readonly to: number; readonly stretch: Stretch } | undefined
  /** As far as the packet goes by what is known. */
  length: number
  ends: boolean
  first: { readonly head: Uint8Array; readonly mac: MacHeader | undefined } | undefined
  /** Of all fragments; `longestDf`: of those with DF. */
  longest: number
  longestDf: number
  /** A bit for each ECN value that was seen. */
  ecn: number
  readonly expires: number
}

/** net.ipv4.ipfrag_time. */
const PATIENCE = 30

/** A fragment, taken apart. `head`: what every fragment repeats, as the whole packet will have it. */
interface Fragment {
  readonly key: string
  readonly head: Uint8Array
  readonly payload: Uint8Array
}

interface Arrived {
  readonly from: number
  readonly payload: Uint8Array
  readonly head: Uint8Array
  /** Of the fragment with its headers. */
  readonly length: number
  readonly packet: Packet
}

/**
 * Fragments that wait for the rest of their packet (net/ipv4/ip_fragment.c, net/ipv6/reassembly.c, nf_conntrack_reasm.c, inet_fragment.c). A
 * repeated fragment is dropped, one that overlaps others takes all of them with it.
 */
export class Reassembly {
  readonly #queues = new Map<string, Queue>()
  readonly #lenient: boolean

  /** `lenient`: an IPv6 fragment that contradicts the others is dropped alone (connection tracking), not with all of them. */
  constructor(lenient: boolean) {
    this.#lenient = lenient
  }

  add(packet: Packet, now: number): Collected {
    return packet.family === 4 ? this.#add4(packet, now) : this.#add6(packet, now)
  }

  /** ip_frag_queue. */
  #add4(packet: Packet, now: number): Collected {
    const { fragmentOffset, moreFragments } = packet.transport
    const { key, head, payload: all } = fragment4(packet)
    const payload = moreFragments ? all.subarray(0, all.length & ~7) : all
    const queue = this.#queue(key, now)
    const from = fragmentOffset * 8
    const to = from + payload.length
    if (!extend(queue, to, moreFragments) || from === to) return this.#forget(key)
    return this.#insert(key, queue, { from, payload, head, length: head.length + payload.length, packet })
  }

  /** nf_ct_frag6_gather, nf_ct_frag6_queue; ipv6_frag_rcv, ip6_frag_queue. */
  #add6(packet: Packet, now: number): Collected {
    const { fragmentOffset, moreFragments } = packet.transport
    const fragment = fragment6(packet)
    if (!fragment) return { is: 'left', code: 0, pointer: 40 }
    if (isHeaderCut(packet)) return { is: 'left', code: INCOMPLETE_HEADERS, pointer: 0 }
    const { key, head, payload } = fragment
    const from = fragmentOffset * 8
    const to = from + payload.length
    if (to > 0xffff) return QUEUED
    const queue = this.#queue(key, now)
    if (moreFragments && to & 7) {
      // for connection tracking that is the end of them all (nf_ct_frag6_queue), for the host's own reassembly not
      if (this.#lenient) this.#queues.delete(key)
      return { is: 'left', code: 0, pointer: PAYLOAD_LENGTH }
    }
    if (!extend(queue, to, moreFragments) || from === to) return this.#lenient ? QUEUED : this.#forget(key)
    return this.#insert(key, queue, { from, payload, head, length: packet.bytes.length, packet })
  }

  #queue(key: string, now: number): Queue {
    const known = this.#queues.get(key)
    if (known && known.expires >= now) return known
    const queue: Queue = {
      pieces: new Map(),
      stretches: [],
      tail: undefined,
      length: 0,
      ends: false,
      first: undefined,
      longest: 0,
      longestDf: 0,
      ecn: 0,
      expires: now + PATIENCE,
    }
    this.#queues.set(key, queue)
    return queue
  }

  #forget(key: string): Collected {
    this.#queues.delete(key)
    return QUEUED
  }

  /** What a repeated fragment says is not heard: neither its length nor its DF and ECN. */
  #insert(key: string, queue: Queue, { from, payload, head, length, packet }: Arrived): Collected {
    const { mac, family, bytes } = packet
    const place = placeOf(queue, from, from + payload.length)
    if (place !== 'free') return place === 'repeated' ? QUEUED : this.#forget(key)
    queue.pieces.set(from, payload)
    queue.longest = Math.max(queue.longest, length)
    if (family === 4 && u16(bytes, 6)! & DONT_FRAGMENT) queue.longestDf = Math.max(queue.longestDf, length)
    queue.ecn |= 1 << ecnOf(bytes, family)
    if (from === 0) queue.first = { head, mac }
    const received = [...queue.pieces.values()].reduce((total, piece) => total + piece.length, 0)
    if (!queue.ends || !queue.first || received !== queue.length) return QUEUED
    this.#queues.delete(key)
    const whole = assemble(queue)
    return whole ? { is: 'whole', whole } : QUEUED
  }
}

const DONT_FRAGMENT = 0x4000

/** What a fragment says about the length of the packet; false where that contradicts what others said. */
function extend(queue: Queue, to: number, more: boolean): boolean {
  if (!more) {
    if (to < queue.length || (queue.ends && to !== queue.length)) return false
    queue.ends = true
    queue.length = to
  } else if (to > queue.length) {
    if (queue.ends) return false
    queue.length = to
  }
  return true
}

/** inet_frag_queue_insert: a fragment inside of one stretch is a repeated one. */
function placeOf(queue: Queue, from: number, to: number): 'free' | 'repeated' | 'overlaps' {
  const { tail, stretches } = queue
  if (!tail || tail.to < to) {
    if (tail && tail.to > from) return 'overlaps'
    const stretch = tail?.to === from ? tail.stretch : { from, to }
    if (tail?.to === from) stretch.to = to
    else stretches.push(stretch)
    queue.tail = { from, to, stretch }
    return 'free'
  }
  for (const stretch of stretches)
    if (from < stretch.to && to > stretch.from)
      return from >= stretch.from && to <= stretch.to ? 'repeated' : 'overlaps'
  stretches.push({ from, to })
  return 'free'
}

function fragment4({ bytes, transport }: Packet): Fragment {
  const head = bytes.slice(0, transport.offset)
  return {
    key: `4 ${bytes.subarray(12, 20).join('.')} ${u16(bytes, 4)} ${transport.protocol}`,
    head,
    payload: bytes.slice(transport.offset),
  }
}

const FRAGMENT_HEADER = 44
const NO_NEXT_HEADER = 59
/** ipv6_ext_hdr without "no next header": what find_prev_fhdr steps over. */
const STEPPED_OVER: ReadonlySet<number> = new Set([0, 43, 51, 60])

/** The fragment header goes; the header before it names what the fragment header named (RFC 8200 section 4.5). */
function fragment6({ bytes }: Packet): Fragment | undefined {
  let pointer = 6
  let at = 40
  while (bytes[pointer] !== FRAGMENT_HEADER) {
    const kind = bytes[pointer]!
    const length = bytes[at + 1]
    if (length === undefined || !STEPPED_OVER.has(kind)) return undefined
    pointer = at
    at += kind === 51 ? (length + 2) * 4 : (length + 1) * 8
  }
  const id = u32(bytes, at + 4)
  if (id === undefined) return undefined
  const head = bytes.slice(0, at)
  head[pointer] = bytes[at]!
  return { key: `6 ${bytes.subarray(8, 40).join('.')} ${id}`, head, payload: bytes.slice(at + 8) }
}

/** ICMPV6_HDR_INCOMP, RFC 7112. */
const INCOMPLETE_HEADERS = 3
/** Where the IPv6 header has its payload length. */
const PAYLOAD_LENGTH = 4
const HEADERS: Readonly<Record<number, number>> = { 6: 20, 17: 8, 58: 8 }

/** ipv6frag_thdr_truncated: a first fragment must hold all headers, the transport's too; one whose headers lead nowhere is not looked at. */
function isHeaderCut({ bytes, transport }: Packet): boolean {
  const { protocol, offset, fragmentOffset } = transport
  if (STEPPED_OVER.has(protocol) || protocol === FRAGMENT_HEADER || protocol === NO_NEXT_HEADER) return false
  return fragmentOffset === 0 && offset + (HEADERS[protocol] ?? 1) > bytes.length
}

const ecnOf = (bytes: Uint8Array, family: 4 | 6): number =>
  family === 4 ? u8(bytes, 1)! & 3 : (u8(bytes, 1)! >> 4) & 3
const CONGESTION = 3

/** ip_frag_ecn_table: what is marked in one fragment is in all, undefined where fragments of ECN and without are mixed. */
function commonEcn(seen: number): number | undefined {
  if (seen & 1) return seen === 1 ? 0 : undefined
  return seen & (1 << CONGESTION) ? CONGESTION : 0
}

function assemble({ pieces, length, first, longest, longestDf, ecn }: Queue): Whole | undefined {
  const mark = commonEcn(ecn)
  if (!first || mark === undefined) return undefined
  const parts: Uint8Array[] = []
  for (let at = 0; at < length; at += parts.at(-1)!.length) {
    const piece = pieces.get(at)
    if (!piece) return undefined
    parts.push(piece)
  }
  const packet = new Packet(concatBytes(first.head, ...parts), first.mac)
  const { bytes } = packet
  const df = packet.family === 4 && longestDf === longest
  if (packet.family === 4) {
    bytes[1]! |= mark
    put16(bytes, 2, bytes.length)
    put16(bytes, 6, df ? DONT_FRAGMENT : 0)
    packet.touch()
    recomputeHeader(packet)
  } else {
    bytes[1]! |= mark << 4
    put16(bytes, 4, bytes.length - 40)
  }
  return { packet, pieces: parts.map((part) => part.length), longest, df, head: first.head.length }
}
