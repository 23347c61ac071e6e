import type { Ip } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'

/** What `ip -d link` says of a device that stands on others, or that wraps packets; the kind of all others says enough. */
export type Device =
  /** `tpid`: 0x8100, or 0x88a8 for a service tag. */
  | { readonly is: 'vlan'; readonly id: number; readonly tpid: number }
  /** `active`: the port that active-backup sends by, where it was printed. */
  | { readonly is: 'bond'; readonly mode: string; readonly active: string | undefined }
  /** `private`, `vepa`, `bridge`, `passthru`, `source`; ipvlan: `l2`, `l3`, `l3s`. */
  | { readonly is: 'macvlan' | 'ipvlan'; readonly mode: string }
  | IpTunnel
  | WireGuard
  /** A VRF: the table of its ports. */
  | { readonly is: 'vrf'; readonly table: string }

/** GRE, IPIP, SIT and their like: the packet, or with `gretap` its frame, is the payload of another IP packet. */
export interface IpTunnel {
  readonly is: 'tunnel'
  /** As `ip link` calls it: `gre`, `gretap`, `ipip`, `sit`, `ip6tnl`, `ip6gre`. */
  readonly kind: string
  /** Undefined: any. */
  readonly local: Ip | undefined
  readonly remote: Ip | undefined
  readonly dev: string | undefined
  /** 0: that of the inner packet. */
  readonly ttl: number
  /** Undefined: that of the inner packet. */
  readonly tos: number | undefined
  /** The outer packet has DF set (pmtudisc). */
  readonly df: boolean
  readonly inputKey: number | undefined
  readonly outputKey: number | undefined
  /** Sequence numbers, checksums, a mode of its own (external): what is not walked, by name. */
  readonly other: string | undefined
}

/** What `wg show` says of a device. */
export interface WireGuard {
  readonly is: 'wireguard'
  readonly publicKey: string | undefined
  readonly port: number | undefined
  readonly fwmark: number
  readonly peers: readonly WireGuardPeer[]
}

export interface WireGuardPeer {
  readonly publicKey: string
  readonly endpoint: { readonly ip: Ip; readonly port: number } | undefined
  readonly allowed: readonly Prefix[]
}
