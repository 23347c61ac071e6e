import { type Ip, inetNtop } from '../address/ip.js'
import { protocolName } from '../address/protocols.js'
import { icmp6Name, icmpName } from './icmp.js'

/** As getnameinfo(3) writes an address, with its length where it is not a host's. */
export const printAddress = (ip: Ip, length?: number): string =>
  length === undefined || length === (typeof ip === 'number' ? 32 : 128) ? inetNtop(ip) : `${inetNtop(ip)}/${length}`

/** `tcp:80`, `icmp:echo-request`, `gre:0`. */
export function printPort(protocol: number, port: number): string {
  const name = protocolName(protocol) ?? `${protocol}`
  if (protocol === 1) return `${name}:${icmpName(port) ?? `${port >> 8}/${port & 255}`}`
  if (protocol === 58) return `${name}:${icmp6Name(port) ?? `${port >> 8}/${port & 255}`}`
  return `${name}:${port}`
}

export const printEther = (mac: number): string =>
  mac
    .toString(16)
    .padStart(12, '0')
    .toUpperCase()
    .replace(/..(?!$)/g, '$&:')

export const hex8 = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`
