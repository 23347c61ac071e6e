import { protocolByName, protocolName } from '../address/protocols.js'
import { unsigned } from './codec.js'

/** `-p NAME|NUMBER`, the number in hex and octal as well, `all` as 0. `undefined` where nobody knows it. */
export function parseProtocol(word: string): number | undefined {
  const number = unsigned(word)
  if (number !== undefined) return number <= 255 ? number : undefined
  const name = word.toLowerCase()
  return name === 'all' ? 0 : protocolByName(name)
}

/** As iptables-save prints it: the name in /etc/protocols, or the number. */
export const printProtocol = (protocol: number): string => protocolName(protocol) ?? `${protocol}`
