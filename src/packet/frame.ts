import { type MacHeader, Packet, put16, put32, u16 } from './packet.js'

export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd, QINQ: 0x88a8 } as const

/** An 802.1Q tag (IEEE 802.1Q section 9.6). */
export interface VlanTag {
  readonly id: number
  readonly priority: number
  /** 0x8100, or 0x88a8 for a service tag. */
  readonly tpid: number
}

export interface Frame {
  /** `ethertype`: of the payload, behind any tags. */
  readonly mac: MacHeader
  /** Outermost first. */
  readonly vlans: readonly VlanTag[]
  /** IP packets end where their length field says: what the link padded is gone. Shorter than it says where the frame is cut off. */
  readonly payload: Uint8Array
}

const number48 = (bytes: Uint8Array, at: number): number => {
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + bytes[at + i]!
  return value
}

/** Ethernet II. `undefined` where the header is cut off. */
export function parseFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < 14) return undefined
  const vlans: VlanTag[] = []
  let at = 12
  let ethertype = u16(bytes, at)!
  while (ethertype === ETHERTYPE.VLAN || ethertype === ETHERTYPE.QINQ) {
    const tci = u16(bytes, at + 2)
    const next = u16(bytes, at + 4)
    if (tci === undefined || next === undefined) return undefined
    vlans.push({ id: tci & 0xfff, priority: tci >> 13, tpid: ethertype })
    ethertype = next
    at += 4
  }
  const mac = { destination: number48(bytes, 0), source: number48(bytes, 6), ethertype }
  return { mac, vlans, payload: trimToLength(bytes.subarray(at + 2), ethertype) }
}

/**
 * An IP packet without what stands behind its end, as ip_rcv_core and ip6_rcv_core trim it (pskb_trim_rcsum). An IPv6 payload length of 0 (jumbogram)
 * and a length beyond the bytes, or less than a header, trim nothing: the receiver will drop the latter two.
 */
export function trimToLength(bytes: Uint8Array, ethertype: number): Uint8Array {
  let length: number | undefined
  if (ethertype === ETHERTYPE.IPV4) length = u16(bytes, 2)
  else if (ethertype === ETHERTYPE.IPV6) {
    const payload = u16(bytes, 4)
    length = payload ? payload + 40 : undefined
  }
  return length === undefined || length < 20 || length >= bytes.length ? bytes : bytes.subarray(0, length)
}

function put48(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, Math.floor(value / 2 ** 32))
  put32(bytes, at + 2, value % 2 ** 32)
}

/** Header, tags, payload; no padding to 60 bytes and no checksum: virtual devices carry none. */
export function buildFrame(mac: MacHeader, payload: Uint8Array, vlans: readonly VlanTag[] = []): Uint8Array {
  const bytes = new Uint8Array(14 + 4 * vlans.length + payload.length)
  put48(bytes, 0, mac.destination)
  put48(bytes, 6, mac.source)
  let at = 12
  for (const tag of vlans) {
    put16(bytes, at, tag.tpid)
    put16(bytes, at + 2, (tag.priority << 13) | tag.id)
    at += 4
  }
  put16(bytes, at, mac.ethertype)
  bytes.set(payload, at + 2)
  return bytes
}

/** The packet in a frame with the frame's MAC header, its bytes its own. `undefined` where the frame is cut off or carries no byte of IPv4 or IPv6. */
export function packetOfFrame(bytes: Uint8Array): Packet | undefined {
  const frame = parseFrame(bytes)
  if (!frame || frame.payload.length === 0) return undefined
  const { ethertype } = frame.mac
  if (ethertype !== ETHERTYPE.IPV4 && ethertype !== ETHERTYPE.IPV6) return undefined
  return new Packet(frame.payload.slice(), frame.mac)
}

/** What any frame holds: IP, ARP, or what only a bridge passes on. `undefined` where it is cut off or holds nothing. */
export function payloadOfFrame(bytes: Uint8Array): Packet | undefined {
  const frame = parseFrame(bytes)
  return frame && frame.payload.length > 0 ? new Packet(frame.payload.slice(), frame.mac) : undefined
}

/** The tags of a frame, outermost first; most have none, which is seen at once. */
export function tagsOf(bytes: Uint8Array): readonly VlanTag[] {
  const ethertype = u16(bytes, 12)
  return ethertype === ETHERTYPE.VLAN || ethertype === ETHERTYPE.QINQ ? (parseFrame(bytes)?.vlans ?? NO_TAGS) : NO_TAGS
}

const NO_TAGS: readonly VlanTag[] = []

/** The frame of a packet that has a MAC header. */
export const frameOfPacket = (packet: Packet, mac: MacHeader): Uint8Array => buildFrame(mac, packet.bytes)
