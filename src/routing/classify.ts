import type { Ip } from '../address/ip.js'

/** include/linux/in.h and net/ipv6/addrconf_core.c: what an address is by its bits. */
export const isMulticast = (ip: Ip): boolean => (typeof ip === 'number' ? ip >>> 28 === 14 : ip >> 120n === 0xffn)
export const isLimitedBroadcast = (ip: Ip): boolean => ip === 0xffffffff
/** 0.0.0.0 alone, since Linux 5.3 (ipv4_is_zeronet). */
export const isZero = (ip: Ip): boolean => ip === 0 || ip === 0n
export const isLoopback = (ip: Ip): boolean => (typeof ip === 'number' ? ip >>> 24 === 127 : ip === 1n)
/** 224.0.0.0/24. */
export const isLocalMulticast = (ip: Ip): boolean => typeof ip === 'number' && ip >>> 8 === 0xe00000
export const isLinkLocal6 = (ip: Ip): boolean => typeof ip === 'bigint' && ip >> 118n === 0x3fan

/** Where an IPv6 address of less than global scope means something (ipv6_addr_scope). */
export function narrowScope6(ip: bigint): 'interface' | 'link' | 'site' | undefined {
  if (ip === 1n) return 'interface'
  const scope = isMulticast(ip) ? (ip >> 112n) & 15n : ip >> 118n
  const [link, site] = isMulticast(ip) ? [2n, 5n] : [0x3fan, 0x3fbn]
  return scope === link ? 'link' : scope === site ? 'site' : isMulticast(ip) && scope === 1n ? 'interface' : undefined
}
