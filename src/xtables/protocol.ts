import { protocolByName, protocolName } from '../address/protocols.js'

/** `-p NAME|NUMBER`, `all` as 0. `undefined` where nobody knows it. */
export function parseProtocol(word: string): number | undefined {
  if (/^\d{1,3}$/.test(word)) return Number(word) <= 255 ? Number(word) : undefined
  const name = word.toLowerCase()
  return name === 'all' ? 0 : protocolByName(name)
}

/** As iptables-save prints it: the name in /etc/protocols, or the number. */
export const printProtocol = (protocol: number): string => protocolName(protocol) ?? `${protocol}`
