import { type Ip, printIp } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import type { Prefix } from '../address/prefix.js'
import type { Entry } from '../conntrack/entry.js'
import type { ListedExpectation } from '../conntrack/expectation.js'
import type { Route, RoutingRule } from '../routing/types.js'
import type { Table } from '../rules/program.js'
import type { NamedSets } from '../rules/store.js'
import type { Device } from './device.js'
import type { Xfrm } from './xfrm.js'

/**
 * What is known of hosts before a packet is walked: immutable, built by a front end (snapshot), read by every walker.
 * `undefined` for a part means that the input did not have it: whoever uses it must say what it assumed instead.
 */
export interface Hosts {
  readonly namespaces: readonly Namespace[]
  /** What is joined to what, by the state itself. */
  readonly wires: readonly Wire[]
  /** Things taken for granted while reading, for people. */
  readonly assumptions: readonly string[]
}

export interface Place {
  readonly host: string
  /** Empty for the host's own namespace. */
  readonly namespace: string
}

/** `node1`, `node1/web`. */
export const placeName = ({ host, namespace }: Place): string => (namespace === '' ? host : `${host}/${namespace}`)

export interface Namespace extends Place {
  readonly links: readonly Link[]
  /** IPv4 policy rules by priority; undefined: none given, the kernel's three are assumed. */
  readonly rules4: readonly RoutingRule[]
  readonly rules6: readonly RoutingRule[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly Neighbour[]
  readonly fdb: readonly FdbEntry[]
  /** `net.ipv4.ip_forward` → `1`; keys with dots, interface names that contain dots with slashes as sysctl(8) prints them. Undefined: no sysctl file. */
  readonly sysctls: ReadonlyMap<string, string> | undefined
  /** Connections that exist; undefined: unknown (taken as none, and said). */
  readonly connections: readonly Entry[] | undefined
  /** What helpers of those connections expect; left out: no such listing. */
  readonly expectations?: readonly ListedExpectation[]
  readonly sockets: readonly Socket[] | undefined
  /** Undefined: no `ip xfrm policy`. */
  readonly xfrm?: Xfrm | undefined
  /** Named sets (ipset); undefined: no such listing. */
  readonly sets?: NamedSets | undefined
  /** In the order in which the kernel would have registered them. */
  readonly tables: readonly Table[]
  /** Those of ebtables, once for each family of the packets that a bridge sees. */
  readonly bridgeTables?: readonly Table[]
  /** Those of ebtables as frames meet them that hold no IP (ARP among them), and those with a tag of 802.1Q. */
  readonly frameTables?: { readonly other: readonly Table[]; readonly tagged: readonly Table[] }
  /** VLANs of bridges and their ports, by device; undefined: no `bridge vlan` listing. */
  readonly bridgeVlans?: ReadonlyMap<string, readonly PortVlan[]> | undefined
  /** Those of arptables: no packet of IP meets them. */
  readonly arpTables?: readonly Table[]
  /** What stands on a packet's way there and is not evaluated (native nft chains, legacy tables that the snapshot lacks). */
  readonly unmodelled?: readonly Unmodelled[]
  /** Which rule families were given at all: iptables-save present, ip6tables-save present. */
  readonly known: {
    readonly rules4: boolean
    readonly rules6: boolean
    readonly routes4: boolean
    readonly routes6: boolean
    readonly neighbours: boolean
  }
}

export interface Unmodelled {
  /** As nft names it: `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`. */
  readonly family: string
  /** `input`, `ingress`, …; undefined: any hook. */
  readonly hook: string | undefined
  /** Where on its hook it stands; 0 where nothing tells. */
  readonly priority?: number
  /** For people: `nft chain inet filter input (priority filter, 12 rules)`. */
  readonly text: string
}

export type LinkKind =
  | 'loopback'
  | 'ether'
  | 'veth'
  | 'bridge'
  | 'vxlan'
  | 'tun'
  | 'wireguard'
  | 'vlan'
  | 'dummy'
  | 'bond'
  | 'macvlan'
  | 'ipvlan'
  | 'vrf'
  | 'tunnel'
  | 'other'

export interface Link {
  readonly name: string
  readonly index: number
  readonly kind: LinkKind
  /** As `ip -d link` names it, for messages. */
  readonly kindText: string
  readonly mac: Mac | undefined
  readonly mtu: number
  readonly up: boolean
  readonly carrier: boolean
  readonly arp: boolean
  readonly addresses: readonly Address[]
  /** The bridge (or bond, VRF) that it is a port of. */
  readonly master: string | undefined
  readonly port: BridgePort | undefined
  readonly bridge: Bridge | undefined
  readonly vxlan: Vxlan | undefined
  /** What else is known of a device that stands on others. Left out: nothing was printed. */
  readonly device?: Device | undefined
  /** Of a bond's port: is it the one in use (`state ACTIVE`)? Left out: not told. */
  readonly active?: boolean | undefined
  /** ifindex of the other end (veth) or the lower device, and the netnsid it lies in. */
  readonly peerIndex: number | undefined
  readonly peerNetnsId: number | undefined
  readonly group: number
}

export interface Address {
  readonly prefix: Prefix
  /** The far end's address on point-to-point links. */
  readonly peer: Prefix | undefined
  readonly broadcast: Ip | undefined
  readonly scope: 'global' | 'site' | 'link' | 'host'
  readonly secondary: boolean
  /** IPv6: tentative, dadfailed. */
  readonly usable: boolean
  readonly deprecated: boolean
}

export interface BridgePort {
  readonly hairpin: boolean
  readonly isolated: boolean
  readonly state: 'disabled' | 'listening' | 'learning' | 'forwarding' | 'blocking'
  readonly flood: boolean
  readonly learning: boolean
  /** Frames to groups, and to all, that came from another port. Left out: they leave. */
  readonly mcastFlood?: boolean
  readonly bcastFlood?: boolean
  /** Bit n: what is for 01:80:c2:00:00:0n is passed on. Left out: nothing. */
  readonly groupForward?: number
  /** What is on there and not followed: `locked`, `neigh_suppress`, … */
  readonly odd?: string
}

/** A VLAN that a bridge port, or a bridge, is in. */
export interface PortVlan {
  readonly id: number
  /** Frames without a tag belong to it. */
  readonly pvid: boolean
  /** Its frames leave without a tag. */
  readonly untagged: boolean
}

export interface Bridge {
  readonly vlanFiltering: boolean
  /** The protocol of its tags; left out: 0x8100. */
  readonly vlanProtocol?: number
  /** It speaks the spanning tree protocol. */
  readonly stp?: boolean
  /** Bit n: what is for 01:80:c2:00:00:0n is passed on. Left out: nothing. */
  readonly groupForward?: number
  /** Senders of what is for one link alone are not learned. */
  readonly noLinkLocalLearn?: boolean
  /** The bridge's own nf_call_iptables and its like, on top of the sysctls. */
  readonly callIptables: boolean
  readonly callIp6tables: boolean
  readonly callArptables: boolean
}

export interface Vxlan {
  readonly vni: number
  readonly local: Ip | undefined
  readonly remote: Ip | undefined
  readonly group: Ip | undefined
  readonly dev: string | undefined
  readonly port: number
  readonly ttl: number
  readonly learning: boolean
  /** Of IPv4 outer packets the UDP checksum is left out (noudpcsum). */
  readonly noChecksum?: boolean
  /** The outer source ports, from the first to below the second (srcport). Left out: those of local senders. */
  readonly ports?: readonly [number, number]
}

export interface Neighbour {
  readonly ip: Ip
  readonly dev: string
  readonly mac: Mac | undefined
  /** FAILED, INCOMPLETE: nobody answered. */
  readonly state: string
}

export interface FdbEntry {
  readonly mac: Mac
  readonly dev: string
  /** The bridge that this entry belongs to (`master BR`), undefined for `self` entries. */
  readonly master: string | undefined
  /** VXLAN: the remote VTEP. */
  readonly remote: Ip | undefined
  /** The device's own address (`permanent` on a bridge port or the bridge). */
  readonly local: boolean
  /** The VLAN that it is for, where the bridge filters. */
  readonly vlan?: number
  /** VXLAN: what is learned does not change it. */
  readonly permanent?: boolean
}

export interface Socket {
  readonly protocol: 'tcp' | 'udp' | 'udplite' | 'sctp' | 'dccp' | 'raw'
  /** `listen` for TCP LISTEN and unconnected UDP. */
  readonly state: 'listen' | 'connected'
  /** Undefined: any. A socket bound to [::] takes IPv4 too unless `v6only`. */
  readonly local: Ip | undefined
  readonly family: 4 | 6 | 'both'
  readonly port: number
  readonly remote: Ip | undefined
  readonly remotePort: number | undefined
  readonly dev: string | undefined
  readonly process: string | undefined
}

export const socketName = ({ protocol, local, port, process }: Socket): string => {
  const address = local === undefined ? '*' : printIp(local)
  return `${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}${process ? ` (${process})` : ''}`
}

/** One end of a wire. */
export interface Port extends Place {
  readonly link: string
}

/** Interfaces that hear each other: two ends of a veth pair, or all that share a segment outside (a LAN). */
export interface Wire {
  readonly kind: 'veth' | 'segment'
  readonly ends: readonly Port[]
  /** Why they are taken as joined: `veth peers (ifindex 6, netnsid 2)`, `share 192.168.50.0/24`. */
  readonly because: string
}
