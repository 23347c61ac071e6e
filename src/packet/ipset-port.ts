import { type Packet, u8, u16 } from './packet.js'

export interface ProtocolAndPorts {
  readonly protocol: number
  readonly sport: number
  readonly dport: number
}

/** Bytes that the header must have: struct tcphdr, sctphdr, udphdr, icmphdr, icmp6hdr. */
const HEADER: ReadonlyMap<number, number> = new Map([
  [6, 20],
  [132, 12],
  [17, 8],
  [136, 8],
  [1, 8],
  [58, 8],
])
const ICMP: ReadonlySet<number> = new Set([1, 58])
/** Without a port in later fragments; of other protocols a fragment is like a whole packet. */
const NOT_LATER: ReadonlySet<number> = new Set([6, 132, 17, 136, 1])
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 59, 60])
const [FRAGMENT, AUTH, NONE] = [44, 51, 59] as const

/**
 * Protocol and ports as ipset takes them from a packet (net/netfilter/ipset/ip_set_getport.c): an ICMP message has `type << 8 | code`, whatever the
 * direction; protocols without ports have 0. Undefined: nothing can be looked up, the header is cut off or in another fragment.
 */
export function ipsetPorts(packet: Packet): ProtocolAndPorts | undefined {
  const { bytes } = packet
  if (packet.family === 6) {
    const found = skipExtensions(bytes)
    return found && portsAt(bytes, found.protocol, found.offset)
  }
  const protocol = u8(bytes, 9) ?? 0
  if (protocol === 0) return undefined
  if ((u16(bytes, 6) ?? 0) & 0x1fff) return NOT_LATER.has(protocol) ? undefined : { protocol, sport: 0, dport: 0 }
  return portsAt(bytes, protocol, (bytes[0]! & 15) * 4)
}

function portsAt(bytes: Uint8Array, protocol: number, offset: number): ProtocolAndPorts | undefined {
  const length = HEADER.get(protocol)
  if (length === undefined) return { protocol, sport: 0, dport: 0 }
  if (offset + length > bytes.length) return undefined
  const [first, second] = [u16(bytes, offset)!, u16(bytes, offset + 2)!]
  return ICMP.has(protocol) ? { protocol, sport: first, dport: first } : { protocol, sport: first, dport: second }
}

/** net/ipv6/exthdrs_core.c: ipv6_skip_exthdr; later fragments are nothing to ipset. */
function skipExtensions(bytes: Uint8Array): { readonly protocol: number; readonly offset: number } | undefined {
  let protocol = u8(bytes, 6) ?? NONE
  let offset = 40
  while (EXTENSIONS.has(protocol)) {
    const [next, length] = [u8(bytes, offset), u8(bytes, offset + 1)]
    if (protocol === NONE || next === undefined || length === undefined) return undefined
    if (protocol === FRAGMENT) {
      const fragment = u16(bytes, offset + 2)
      if (fragment === undefined || fragment >> 3 !== 0) return undefined
      offset += 8
    } else offset += protocol === AUTH ? (length + 2) * 4 : (length + 1) * 8
    protocol = next
  }
  return { protocol, offset }
}
