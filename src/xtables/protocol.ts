import { PROTOCOLS } from '../packet/fields.js'
import { protocolNumber } from '../packet/protocol-names.js'

/** `-p NAME|NUMBER`, `all` as 0. `undefined` where nobody knows it. */
export function parseProtocol(word: string): number | undefined {
  const lower = word.toLowerCase()
  if (lower === 'all') return 0
  if (lower === 'ipv6-icmp' || lower === 'icmpv6') return 58
  return protocolNumber(lower)
}

/** As iptables-save prints it: the name in /etc/protocols, or the number. */
export const printProtocol = (protocol: number): string => PROTOCOLS[protocol] ?? `${protocol}`
