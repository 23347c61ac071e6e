import { recomputeHeader } from '../packet/checksum.js'
import { concatBytes } from '../packet/hex.js'
import { Packet, put16, u16 } from '../packet/packet.js'

interface Queue {
  readonly pieces: Map<number, Uint8Array>
  total: number | undefined
  first: Packet | undefined
  readonly expires: number
}

/** A packet put together, and the payload bytes that each of its fragments brought, in order: it leaves again in just these pieces. */
export interface Whole {
  readonly packet: Packet
  readonly pieces: readonly number[]
}

/** net.ipv4.ipfrag_time. */
const PATIENCE = 30

/** Fragments that wait for the rest of their packet (net/ipv4/ip_fragment.c). IPv4; overlapping ones throw the packet away, as since 4.19. */
export class Reassembly {
  readonly #queues = new Map<string, Queue>()

  add(packet: Packet, now: number): Whole | undefined {
    const { offset, protocol, fragmentOffset, moreFragments } = packet.transport
    if (packet.family !== 4) return undefined
    const key = `${packet.bytes.subarray(12, 20).join('.')} ${u16(packet.bytes, 4)} ${protocol}`
    let queue = this.#queues.get(key)
    if (!queue || queue.expires < now) {
      queue = { pieces: new Map(), total: undefined, first: undefined, expires: now + PATIENCE }
      this.#queues.set(key, queue)
    }
    const payload = packet.bytes.slice(offset)
    const from = fragmentOffset * 8
    for (const [at, piece] of queue.pieces)
      if (from < at + piece.length && at < from + payload.length) {
        if (at !== from || piece.length !== payload.length) this.#queues.delete(key)
        return undefined
      }
    queue.pieces.set(from, payload)
    if (!moreFragments) queue.total = from + payload.length
    if (fragmentOffset === 0) queue.first = packet
    const whole = assemble(queue)
    if (whole) this.#queues.delete(key)
    return whole
  }
}

function assemble({ pieces, total, first }: Queue): Whole | undefined {
  if (total === undefined || !first) return undefined
  const parts: Uint8Array[] = []
  let at = 0
  for (let piece = pieces.get(0); piece && at < total; piece = pieces.get(at)) {
    parts.push(piece)
    at += piece.length
  }
  if (at !== total) return undefined
  const header = first.bytes.slice(0, first.transport.offset)
  const bytes = concatBytes(header, ...parts)
  put16(bytes, 2, bytes.length)
  put16(bytes, 6, u16(bytes, 6)! & 0x4000)
  const whole = new Packet(bytes, first.mac)
  recomputeHeader(whole)
  return { packet: whole, pieces: parts.map(({ length }) => length) }
}
