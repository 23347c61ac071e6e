import { recomputeHeader } from '../packet/checksum.js'
import { concatBytes } from '../packet/hex.js'
import { type MacHeader, Packet, put16, u16, u32 } from '../packet/packet.js'

interface Queue {
  readonly pieces: Map<number, Uint8Array>
  total: number | undefined
  first: { readonly head: Uint8Array; readonly mac: MacHeader | undefined } | undefined
  readonly expires: number
}

/** A packet put together, and the payload bytes that each of its fragments brought, in order: it leaves again in just these pieces. */
export interface Whole {
  readonly packet: Packet
  readonly pieces: readonly number[]
}

/** net.ipv4.ipfrag_time. */
const PATIENCE = 30

/** A fragment, taken apart. `head`: what every fragment repeats, as the whole packet will have it. */
interface Fragment {
  readonly key: string
  readonly head: Uint8Array
  readonly payload: Uint8Array
}

/** Fragments that wait for the rest of their packet (net/ipv4/ip_fragment.c, net/ipv6/reassembly.c). Overlapping ones throw it away, as since 4.19. */
export class Reassembly {
  readonly #queues = new Map<string, Queue>()

  add(packet: Packet, now: number): Whole | undefined {
    const { fragmentOffset, moreFragments } = packet.transport
    const fragment = packet.family === 4 ? fragment4(packet) : fragment6(packet)
    if (!fragment) return undefined
    const { key, payload } = fragment
    let queue = this.#queues.get(key)
    if (!queue || queue.expires < now) {
      queue = { pieces: new Map(), total: undefined, first: undefined, expires: now + PATIENCE }
      this.#queues.set(key, queue)
    }
    const from = fragmentOffset * 8
    for (const [at, piece] of queue.pieces)
      if (from < at + piece.length && at < from + payload.length) {
        if (at !== from || piece.length !== payload.length) this.#queues.delete(key)
        return undefined
      }
    queue.pieces.set(from, payload)
    if (!moreFragments) queue.total = from + payload.length
    if (fragmentOffset === 0) queue.first = { head: fragment.head, mac: packet.mac }
    const whole = assemble(queue)
    if (whole) this.#queues.delete(key)
    return whole
  }
}

function fragment4({ bytes, transport }: Packet): Fragment {
  const head = bytes.slice(0, transport.offset)
  put16(head, 6, u16(head, 6)! & 0x4000)
  return {
    key: `4 ${bytes.subarray(12, 20).join('.')} ${u16(bytes, 4)} ${transport.protocol}`,
    head,
    payload: bytes.slice(transport.offset),
  }
}

const FRAGMENT_HEADER = 44

/** The fragment header goes; the header before it names what the fragment header named (RFC 8200 section 4.5). */
function fragment6({ bytes }: Packet): Fragment | undefined {
  let pointer = 6
  let at = 40
  while (bytes[pointer] !== FRAGMENT_HEADER) {
    const length = bytes[at + 1]
    if (length === undefined || ![0, 43, 60].includes(bytes[pointer]!)) return undefined
    pointer = at
    at += (length + 1) * 8
  }
  const id = u32(bytes, at + 4)
  if (id === undefined) return undefined
  const head = bytes.slice(0, at)
  head[pointer] = bytes[at]!
  return { key: `6 ${bytes.subarray(8, 40).join('.')} ${id}`, head, payload: bytes.slice(at + 8) }
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
  const packet = new Packet(concatBytes(first.head, ...parts), first.mac)
  const { bytes } = packet
  if (packet.family === 4) {
    put16(bytes, 2, bytes.length)
    recomputeHeader(packet)
  } else put16(bytes, 4, bytes.length - 40)
  return { packet, pieces: parts.map(({ length }) => length) }
}
