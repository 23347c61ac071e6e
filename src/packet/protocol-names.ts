import { PROTOCOLS } from './fields.js'

const ALIASES: Readonly<Record<string, number>> = {
  icmp6: 58, icmpv6: 58, tcp4: 6, tcp6: 6, udp4: 17, udp6: 17, ipip: 4, ip6: 41, 'udp-lite': 136, ping: 1, ping6: 58, hopopt: 0,
} // biome-ignore format: a table

const BY_NAME: ReadonlyMap<string, number> = new Map([
  ...Object.entries(PROTOCOLS).map(([number, name]) => [name, Number(number)] as const),
  ...Object.entries(ALIASES),
])

/** The number of an IP protocol by any of its names, or by its number. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined
  return BY_NAME.get(text.toLowerCase())
}

export const protocolNames = (): Iterable<string> => BY_NAME.keys()
