import { printIfName } from '../address/ifname.js'
import type { Ip } from '../address/ip.js'
import { printIp } from '../address/ip.js'
import { printMac } from '../address/mac.js'
import { ipsetPorts } from './ipset-port.js'
import { readMss } from './mss-option.js'
import { type Packet, u8, u16, u32, u128 } from './packet.js'

/** A field's value, host byte order: a number up to 48 bits, a bigint beyond (IPv6 addresses, interface names). */
export type FieldValue = number | bigint

export interface FieldSpec {
  readonly bits: number
  /** Reads it from the packet's bytes, `undefined` where the packet ends before it. Absent: metadata that the path fills in. */
  readonly read?: (packet: Packet) => FieldValue | undefined
  /** What people call it: `destination port`. */
  readonly label: string
  readonly print?: (value: FieldValue) => string
}

const hex = (value: FieldValue) => `0x${value.toString(16)}`
const address = (value: FieldValue) => printIp(value as Ip)
const ifname = (value: FieldValue) => printIfName(BigInt(value))
const mac = (value: FieldValue) => printMac(Number(value))
const names =
  (table: Readonly<Record<number, string>>) =>
  (value: FieldValue): string =>
    table[Number(value)] ?? `${value}`
const flags =
  (table: readonly string[]) =>
  (value: FieldValue): string =>
    table.filter((_, bit) => (Number(value) >> bit) & 1).join(',') || 'none'

/** /etc/protocols, the names that iptables prints. */
export const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp', 2: 'igmp', 4: 'ipencap', 6: 'tcp', 17: 'udp', 33: 'dccp', 41: 'ipv6', 46: 'rsvp', 47: 'gre', 50: 'esp', 51: 'ah',
  58: 'ipv6-icmp', 89: 'ospf', 94: 'ipip', 103: 'pim', 108: 'ipcomp', 112: 'vrrp', 132: 'sctp', 135: 'mobility-header', 136: 'udplite', 255: 'raw',
} // biome-ignore format: a table

/** One bit per connection state as rules ask for it (XT_CONNTRACK_STATE_BIT; ctinfo of enum ip_conntrack_info). */
export const CT_STATE = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8, UNTRACKED: 64 } as const
/** Connection status bits (enum ip_conntrack_status, IPS_*). */
export const CT_STATUS = {
  EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8, SRC_NAT: 16, DST_NAT: 32, SEQ_ADJUST: 64, SRC_NAT_DONE: 128,
  DST_NAT_DONE: 256, DYING: 512, FIXED_TIMEOUT: 1024, TEMPLATE: 2048, UNTRACKED: 4096, HELPER: 8192,
} as const // biome-ignore format: a table

export const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const

/** Address types as the FIB gives them (RTN_* of <linux/rtnetlink.h>). */
export const ADDRESS_TYPE = {
  UNSPEC: 0, UNICAST: 1, LOCAL: 2, BROADCAST: 3, ANYCAST: 4, MULTICAST: 5, BLACKHOLE: 6, UNREACHABLE: 7, PROHIBIT: 8, THROW: 9, NAT: 10, XRESOLVE: 11,
} as const // biome-ignore format: a table

const th = (packet: Packet) => packet.transport.offset
/** The transport header's bytes exist only in a whole packet or a first fragment: a later fragment has payload there, and the caller asks for `frag.offset` first. */
const at16 = (offset: number) => (packet: Packet) => u16(packet.bytes, th(packet) + offset)
const at8 = (offset: number) => (packet: Packet) => u8(packet.bytes, th(packet) + offset)
const at32 = (offset: number) => (packet: Packet) => u32(packet.bytes, th(packet) + offset)

const ROUTING_HEADER = 43
const EXTENSION_HEADERS: ReadonlySet<number> = new Set([0, ROUTING_HEADER, 60])

/** Where the routing header stands (RFC 8200 section 4.4); none behind a fragment or authentication header is looked for. */
function routingHeader(packet: Packet): number | undefined {
  if (packet.family !== 6) return undefined
  let next = u8(packet.bytes, 6)
  let at = 40
  while (next !== undefined && EXTENSION_HEADERS.has(next)) {
    if (next === ROUTING_HEADER) return at
    next = u8(packet.bytes, at)
    at += ((u8(packet.bytes, at + 1) ?? 0) + 1) * 8
  }
  return undefined
}

function routingField(packet: Packet, offset: number): number | undefined {
  const at = routingHeader(packet)
  return at === undefined ? undefined : u8(packet.bytes, at + offset)
}

const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60])
const NO_NEXT_HEADER = 59
const FRAGMENT_HEADER = 44
const AUTHENTICATION = 51

/** net/ipv6/exthdrs_core.c: ipv6_find_hdr without a target: does it find where the extension headers end? */
function chainIsWhole(packet: Packet): boolean {
  if (packet.family !== 6) return false
  let next = u8(packet.bytes, 6) ?? NO_NEXT_HEADER
  let at = 40
  while (EXTENSIONS.has(next)) {
    const following = u8(packet.bytes, at)
    const length = u8(packet.bytes, at + 1)
    if (following === undefined || length === undefined) return false
    if (next === 43 && u8(packet.bytes, at + 3) === undefined) return false
    if (next === 44) {
      const fragment = u16(packet.bytes, at + 2)
      if (fragment === undefined) return false
      if (fragment >> 3 !== 0) return !EXTENSIONS.has(following)
      at += 8
    } else at += next === 51 ? (length + 2) * 4 : (length + 1) * 8
    next = following
  }
  return true
}

/** Where nft ends its search for the transport header (nft_set_pktinfo_ipv6: ipv6_find_hdr without a target, with IP6_FH_F_AUTH). */
function hasAuthentication(packet: Packet): 0 | 1 | undefined {
  if (packet.family !== 6) return undefined
  let next = u8(packet.bytes, 6) ?? NO_NEXT_HEADER
  let at = 40
  while (EXTENSIONS.has(next)) {
    const following = u8(packet.bytes, at)
    const length = u8(packet.bytes, at + 1)
    if (following === undefined || length === undefined) return undefined
    if (next === AUTHENTICATION) return 1
    if (next === FRAGMENT_HEADER && (u16(packet.bytes, at + 2) ?? 0) >> 3 !== 0) break
    at += next === FRAGMENT_HEADER ? 8 : (length + 1) * 8
    next = following
  }
  return chainIsWhole(packet) ? 0 : undefined
}

/** Every value that a rule can look at. Readers for the interpreter, widths for the packet sets, printers for reasons: all from here. */
export const FIELDS = {
  // IPv4 header, RFC 791
  'ip.version': { bits: 4, label: 'IP version', read: (p) => p.bytes[0]! >> 4 },
  'ip.hdrlength': { bits: 4, label: 'IP header length', read: (p) => p.bytes[0]! & 15 },
  'ip.tos': { bits: 8, label: 'TOS', read: (p) => (p.family === 4 ? u8(p.bytes, 1) : ((u16(p.bytes, 0) ?? 0) >> 4) & 255), print: hex },
  'ip.length': { bits: 16, label: 'IP total length', read: (p) => u16(p.bytes, 2) },
  'ip.id': { bits: 16, label: 'IP id', read: (p) => u16(p.bytes, 4) },
  'ip.flags': { bits: 3, label: 'IP flags', read: (p) => (p.bytes[6] ?? 0) >> 5 },
  'ip.ttl': { bits: 8, label: 'TTL', read: (p) => u8(p.bytes, p.family === 4 ? 8 : 7) },
  'ip.protocol': { bits: 8, label: 'protocol', read: (p) => u8(p.bytes, 9), print: names(PROTOCOLS) },
  'ip.saddr': { bits: 32, label: 'source address', read: (p) => u32(p.bytes, 12), print: address },
  'ip.daddr': { bits: 32, label: 'destination address', read: (p) => u32(p.bytes, 16), print: address },
  // IPv6 header, RFC 8200
  'ip6.saddr': { bits: 128, label: 'source address', read: (p) => u128(p.bytes, 8), print: address },
  'ip6.daddr': { bits: 128, label: 'destination address', read: (p) => u128(p.bytes, 24), print: address },
  'ip6.nexthdr': { bits: 8, label: 'next header', read: (p) => u8(p.bytes, 6), print: names(PROTOCOLS) },
  /** 1; not readable where the chain of extension headers cannot be followed to its end (ipv6_find_hdr). */
  'ip6.chain': { bits: 1, label: 'IPv6 extension headers', read: (p) => (chainIsWhole(p) ? 1 : undefined) },
  /** 1 where an authentication header is among them; not readable where they cannot be followed as far as that, or to their end. */
  'ip6.ah': { bits: 1, label: 'authentication header', read: hasAuthentication },
  'ip6.length': { bits: 16, label: 'IPv6 payload length', read: (p) => u16(p.bytes, 4) },
  'ip6.flowlabel': { bits: 20, label: 'flow label', read: (p) => (u32(p.bytes, 0) ?? 0) & 0xfffff },
  /** 1 where there is a routing header (type 43). */
  'ip6.routing': { bits: 1, label: 'routing header', read: (p) => (routingHeader(p) === undefined ? 0 : 1) },
  'ip6.routing.type': { bits: 8, label: 'routing type', read: (p) => routingField(p, 2) },
  'ip6.routing.left': { bits: 8, label: 'segments left', read: (p) => routingField(p, 3) },
  // either family
  'frag.offset': { bits: 13, label: 'fragment offset', read: (p) => p.transport.fragmentOffset },
  'frag.more': { bits: 1, label: 'more fragments', read: (p) => (p.transport.moreFragments ? 1 : 0) },
  'meta.l4proto': { bits: 8, label: 'protocol', read: (p) => p.transport.protocol, print: names(PROTOCOLS) },
  'meta.length': { bits: 16, label: 'packet length', read: (p) => p.bytes.length },
  // transport: RFC 9293, 768, 792, 4443
  'th.sport': { bits: 16, label: 'source port', read: at16(0) },
  'th.dport': { bits: 16, label: 'destination port', read: at16(2) },
  'tcp.sequence': { bits: 32, label: 'TCP sequence', read: at32(4) },
  'tcp.acknowledgement': { bits: 32, label: 'TCP acknowledgement', read: at32(8) },
  'tcp.doff': { bits: 4, label: 'TCP data offset', read: (p) => { const b = u8(p.bytes, th(p) + 12); return b === undefined ? b : b >> 4 } },
  'tcp.flags': { bits: 8, label: 'TCP flags', read: at8(13), print: flags(TCP_FLAGS) },
  'tcp.window': { bits: 16, label: 'TCP window', read: at16(14) },
  /** The last two bytes of the fixed header: readable exactly where all 20 bytes are. */
  'tcp.urgent': { bits: 16, label: 'TCP header', read: at16(18) },
  /** The MSS option's value; not readable where there is no such option. */
  'tcp.mss': { bits: 16, label: 'TCP MSS', read: (p) => readMss(p) },
  /** Readable exactly where the header is with all its options, and its length makes sense. */
  'tcp.header': { bits: 1, label: 'TCP header with options', read: (p) => { const b = u8(p.bytes, th(p) + 12); const l = b === undefined ? 0 : (b >> 4) * 4; return l >= 20 && th(p) + l <= p.bytes.length ? 1 : undefined } },
  'udp.length': { bits: 16, label: 'UDP length', read: at16(4) },
  /** The last two bytes of the header: readable exactly where all 8 bytes are. */
  'udp.checksum': { bits: 16, label: 'UDP header', read: at16(6) },
  /** Readable exactly where all 12 bytes of the header are. */
  'sctp.checksum': { bits: 32, label: 'SCTP header', read: at32(8) },
  /** The byte that holds the packet type: reserved 3 bits, type 4, extended sequence 1 (RFC 4340 section 5.1). */
  'dccp.type': { bits: 8, label: 'DCCP type', read: at8(8) },
  /** Readable exactly where the 12 bytes of the generic header are. */
  'dccp.sequence': { bits: 16, label: 'DCCP header', read: at16(10) },
  'esp.spi': { bits: 32, label: 'ESP SPI', read: at32(0) },
  /** Readable exactly where the header is. */
  'esp.sequence': { bits: 32, label: 'ESP header', read: at32(4) },
  'ah.spi': { bits: 32, label: 'AH SPI', read: at32(4) },
  /** Readable exactly where the fixed header is. */
  'ah.sequence': { bits: 32, label: 'AH header', read: at32(8) },
  /** Compression parameter index (RFC 3173 section 3.3): the last two bytes of the header. */
  'ipcomp.cpi': { bits: 16, label: 'IPComp CPI', read: at16(2) },
  /** Mobility header (RFC 6275 section 6.1): what follows it, its type; readable exactly where the first six bytes are. */
  'mh.next': { bits: 8, label: 'header behind the mobility header', read: at8(0) },
  'mh.type': { bits: 8, label: 'MH type', read: at8(2) },
  'mh.checksum': { bits: 16, label: 'mobility header', read: at16(4) },
  'icmp.type': { bits: 8, label: 'ICMP type', read: at8(0) },
  'icmp.code': { bits: 8, label: 'ICMP code', read: at8(1) },
  /** Readable exactly where the first four bytes are. */
  'icmp.checksum': { bits: 16, label: 'ICMP header', read: at16(2) },
  /** Of echo, timestamp and address-mask messages. */
  'icmp.id': { bits: 16, label: 'ICMP id', read: at16(4) },
  'icmp.sequence': { bits: 16, label: 'ICMP sequence', read: at16(6) },
  // as ipset takes them; see ipset-port.ts
  'ipset.protocol': { bits: 8, label: 'protocol', read: (p) => ipsetPorts(p)?.protocol, print: names(PROTOCOLS) },
  'ipset.sport': { bits: 16, label: 'source port', read: (p) => ipsetPorts(p)?.sport },
  'ipset.dport': { bits: 16, label: 'destination port', read: (p) => ipsetPorts(p)?.dport },
  // link layer
  'ether.saddr': { bits: 48, label: 'source MAC', read: (p) => p.mac?.source, print: mac },
  'ether.daddr': { bits: 48, label: 'destination MAC', read: (p) => p.mac?.destination, print: mac },
  'ether.type': { bits: 16, label: 'ether type', read: (p) => p.mac?.ethertype, print: hex },
  // the first tag of a frame (802.1Q), filled in by the path; absent where there is none
  'vlan.tpid': { bits: 16, label: 'tag protocol', print: hex },
  'vlan.id': { bits: 12, label: 'VLAN' },
  'vlan.priority': { bits: 3, label: 'VLAN priority' },
  /** The ether type of what follows the first tag. */
  'vlan.encap': { bits: 16, label: 'ether type behind the tag', print: hex },
  // metadata: filled in by the path
  'meta.mark': { bits: 32, label: 'mark', print: hex },
  'meta.iifname': { bits: 128, label: 'in interface', print: ifname },
  'meta.oifname': { bits: 128, label: 'out interface', print: ifname },
  'meta.physiifname': { bits: 128, label: 'bridge port in', print: ifname },
  'meta.physoifname': { bits: 128, label: 'bridge port out', print: ifname },
  /** 1 where the packet is bridged and will leave through a bridge port (nf_bridge_info physoutdev known). */
  'meta.bridged': { bits: 1, label: 'bridged' },
  'meta.pkttype': { bits: 3, label: 'packet type', print: names({ 0: 'unicast', 1: 'broadcast', 2: 'multicast', 3: 'otherhost', 4: 'outgoing', 5: 'loopback' }) },
  'meta.priority': { bits: 32, label: 'priority', print: hex },
  'meta.realm': { bits: 32, label: 'routing realm', print: hex },
  'meta.cpu': { bits: 16, label: 'CPU' },
  'meta.iifgroup': { bits: 32, label: 'in interface group' },
  'meta.oifgroup': { bits: 32, label: 'out interface group' },
  /** Seconds since the epoch, UTC. */
  'meta.time': { bits: 40, label: 'time' },
  /** Seconds since midnight, UTC. */
  'meta.daytime': { bits: 17, label: 'time of day' },
  /** 1 (Monday) to 7, UTC. */
  'meta.weekday': { bits: 3, label: 'day of the week', print: names({ 1: 'Mon', 2: 'Tue', 3: 'Wed', 4: 'Thu', 5: 'Fri', 6: 'Sat', 7: 'Sun' }) },
  /** 1 to 31, UTC. */
  'meta.monthday': { bits: 5, label: 'day of the month' },
  /** 1 where the packet was transformed by IPsec on its way in, or will be on its way out. */
  'meta.ipsec.in': { bits: 1, label: 'IPsec behind it' },
  'meta.ipsec.out': { bits: 1, label: 'IPsec before it' },
  'socket.uid': { bits: 32, label: 'sender uid' },
  'socket.gid': { bits: 32, label: 'sender gid' },
  /** 1 where the packet has a full local socket, else 0 (forwarded packets, the kernel's own replies). */
  'socket.exists': { bits: 1, label: 'local socket' },
  'ct.state': { bits: 7, label: 'connection state', print: (v) => Object.entries(CT_STATE).filter(([, bit]) => Number(v) & bit).map(([name]) => name).join(',') || 'none' },
  'ct.status': { bits: 14, label: 'connection status', print: (v) => Object.entries(CT_STATUS).filter(([, bit]) => Number(v) & bit).map(([name]) => name).join(',') || 'none' },
  /** 0 original, 1 reply. The ct fields are absent where the packet has no connection (INVALID, UNTRACKED). */
  'ct.direction': { bits: 1, label: 'direction', print: names({ 0: 'ORIGINAL', 1: 'REPLY' }) },
  'ct.mark': { bits: 32, label: 'connection mark', print: hex },
  'ct.protocol': { bits: 8, label: 'connection protocol', print: names(PROTOCOLS) },
  'ct.original.saddr': { bits: 32, label: 'original source', print: address },
  'ct.original.daddr': { bits: 32, label: 'original destination', print: address },
  'ct.original.saddr6': { bits: 128, label: 'original source', print: address },
  'ct.original.daddr6': { bits: 128, label: 'original destination', print: address },
  'ct.original.sport': { bits: 16, label: 'original source port' },
  'ct.original.dport': { bits: 16, label: 'original destination port' },
  'ct.reply.saddr': { bits: 32, label: 'reply source', print: address },
  'ct.reply.daddr': { bits: 32, label: 'reply destination', print: address },
  'ct.reply.saddr6': { bits: 128, label: 'reply source', print: address },
  'ct.reply.daddr6': { bits: 128, label: 'reply destination', print: address },
  'ct.reply.sport': { bits: 16, label: 'reply source port' },
  'ct.reply.dport': { bits: 16, label: 'reply destination port' },
  /** What the connection has carried, this packet included; `total`: both directions; `average`: bytes for each packet, rounded down. */
  'ct.original.packets': { bits: 48, label: 'packets of the original direction' },
  'ct.reply.packets': { bits: 48, label: 'packets of the reply direction' },
  'ct.total.packets': { bits: 48, label: 'packets of the connection' },
  'ct.original.bytes': { bits: 48, label: 'bytes of the original direction' },
  'ct.reply.bytes': { bits: 48, label: 'bytes of the reply direction' },
  'ct.total.bytes': { bits: 48, label: 'bytes of the connection' },
  'ct.original.average': { bits: 48, label: 'bytes per packet of the original direction' },
  'ct.reply.average': { bits: 48, label: 'bytes per packet of the reply direction' },
  'ct.total.average': { bits: 48, label: 'bytes per packet of the connection' },
  /** Seconds until the connection expires. */
  'ct.expires': { bits: 32, label: 'connection expiry' },
  /** The helper that has announced this connection (its master's), as an interface name is written; absent where none has. */
  'ct.helper': { bits: 128, label: 'helper', print: ifname },
  'ct.zone': { bits: 16, label: 'connection zone' },
} as const satisfies Record<string, FieldSpec> // biome-ignore format: a table

export type Field = keyof typeof FIELDS

export const fieldSpec = (field: Field): FieldSpec => FIELDS[field]
export const printField = (field: Field, value: FieldValue): string => fieldSpec(field).print?.(value) ?? `${value}`
