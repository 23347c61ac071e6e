import type { Family, Ip } from '../address/ip.js'

/**
 * One direction of a connection (struct nf_conntrack_tuple). `sport` and `dport` are the kernel's src.u.all and dst.u.all, host byte order:
 * ports for TCP, UDP, UDP-Lite, SCTP, DCCP; for ICMP and ICMPv6 the id, and type * 256 + code; keys for GRE; 0 for the rest.
 */
export interface Tuple {
  readonly family: Family
  readonly protocol: number
  readonly src: Ip
  readonly dst: Ip
  readonly sport: number
  readonly dport: number
}

export type Direction = 'original' | 'reply'
export const opposite = (direction: Direction): Direction => (direction === 'original' ? 'reply' : 'original')

/** A map key: equal exactly for equal tuples. */
export const tupleKey = (t: Tuple): string => `${t.protocol} ${t.src} ${t.sport} ${t.dst} ${t.dport}`
