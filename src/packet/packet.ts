import type { Family } from '../address/ip.js'
import type { Mac } from '../address/mac.js'

/** The link-layer header in front of a packet. `ethertype`: 0x0800, 0x86dd, 0x0806. */
export interface MacHeader {
  readonly source: Mac
  readonly destination: Mac
  readonly ethertype: number
}

/** Where the transport header lies, as the kernel finds it (IPv4: behind ihl; IPv6: ipv6_find_hdr, behind all extension headers). */
export interface Transport {
  /** IPv4 protocol field, or the last IPv6 next-header value that could be read. */
  readonly protocol: number
  /** Byte offset from the start of the network header; it may lie beyond the packet's end. */
  readonly offset: number
  /** In units of 8 bytes; 0 for whole packets and first fragments. */
  readonly fragmentOffset: number
  readonly moreFragments: boolean
}

/**
 * One packet's bytes, from the network header on, network byte order. What the bytes say may be any nonsense: reading a field
 * that lies beyond the end gives `undefined`. Whoever changes header bytes that move the transport header must call `touch`.
 */
export class Packet {
  bytes: Uint8Array
  mac: MacHeader | undefined
  #transport: Transport | undefined

  constructor(bytes: Uint8Array, mac?: MacHeader) {
    this.bytes = bytes
    this.mac = mac
  }

  /** By the version nibble. */
  get family(): Family {
    return this.bytes[0]! >> 4 === 6 ? 6 : 4
  }

  get transport(): Transport {
    this.#transport ??= this.family === 4 ? transport4(this.bytes) : transport6(this.bytes)
    return this.#transport
  }

  /** Forget what was derived from the bytes. */
  touch(): void {
    this.#transport = undefined
  }

  clone(): Packet {
    return new Packet(this.bytes.slice(), this.mac)
  }
}

export const u8 = (bytes: Uint8Array, at: number): number | undefined => bytes[at]
export const u16 = (bytes: Uint8Array, at: number): number | undefined =>
  at + 2 <= bytes.length ? (bytes[at]! << 8) | bytes[at + 1]! : undefined
export const u32 = (bytes: Uint8Array, at: number): number | undefined =>
  at + 4 <= bytes.length
    ? ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    : undefined
export function u128(bytes: Uint8Array, at: number): bigint | undefined {
  if (at + 16 > bytes.length) return undefined
  let value = 0n
  for (let i = 0; i < 16; i += 4) value = (value << 32n) | BigInt(u32(bytes, at + i)!)
  return value
}
export function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}
export function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16)
  put16(bytes, at + 2, value & 0xffff)
}
export function put128(bytes: Uint8Array, at: number, value: bigint): void {
  for (let i = 0; i < 16; i++) bytes[at + i] = Number((value >> BigInt(120 - 8 * i)) & 255n)
}

function transport4(bytes: Uint8Array): Transport {
  const frag = u16(bytes, 6) ?? 0
  return {
    protocol: bytes[9] ?? 0,
    offset: (bytes[0]! & 15) * 4,
    fragmentOffset: frag & 0x1fff,
    moreFragments: (frag & 0x2000) !== 0,
  }
}

/** Extension headers that ipv6_find_hdr steps over (net/ipv6/exthdrs_core.c: ipv6_ext_hdr). No-next-header (59) ends the walk. */
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION = 60

function transport6(bytes: Uint8Array): Transport {
  let protocol = bytes[6] ?? 59
  let offset = 40
  let fragmentOffset = 0
  let moreFragments = false
  while ([HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION].includes(protocol)) {
    const next = bytes[offset]
    const length = bytes[offset + 1]
    if (next === undefined || length === undefined) break
    if (protocol === FRAGMENT) {
      const field = u16(bytes, offset + 2)
      if (field === undefined) break
      fragmentOffset = field >> 3
      moreFragments = (field & 1) !== 0
      offset += 8
      protocol = next
      if (fragmentOffset !== 0) break // what follows is payload: no further header can be read
    } else {
      offset += protocol === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8
      protocol = next
    }
  }
  return { protocol, offset, fragmentOffset, moreFragments }
}
