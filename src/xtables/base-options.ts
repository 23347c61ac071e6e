import { parseAddressMask } from './address-mask.js'
import { WordError } from './codec.js'
import { parseProtocol } from './protocol.js'

/** The options of a rule that belong to no extension (iptables/iptables.c: original_opts). */
export type Base =
  | 'source'
  | 'destination'
  | 'protocol'
  | 'in'
  | 'out'
  | 'fragment'
  | 'match'
  | 'jump'
  | 'goto'
  | 'counters'
  | 'ipv4'
  | 'ipv6'
  | 'ignored'

export const BASE: ReadonlyMap<string, Base> = new Map<string, Base>([
  ['-s', 'source'], ['--source', 'source'], ['--src', 'source'], ['-d', 'destination'], ['--destination', 'destination'], ['--dst', 'destination'],
  ['-p', 'protocol'], ['--protocol', 'protocol'], ['--proto', 'protocol'], ['-i', 'in'], ['--in-interface', 'in'], ['-o', 'out'],
  ['--out-interface', 'out'], ['-f', 'fragment'], ['--fragment', 'fragment'], ['--fragments', 'fragment'], ['-m', 'match'], ['--match', 'match'],
  ['-j', 'jump'], ['--jump', 'jump'], ['-g', 'goto'], ['--goto', 'goto'], ['-c', 'counters'], ['--set-counters', 'counters'],
  ['-4', 'ipv4'], ['--ipv4', 'ipv4'], ['-6', 'ipv6'], ['--ipv6', 'ipv6'], ['-w', 'ignored'], ['--wait', 'ignored'], ['-W', 'ignored'], ['--wait-interval', 'ignored'],
]) // biome-ignore format: a table

/** The options that end the words of an extension that we do not know. */
export const ENDS: ReadonlySet<string> = new Set([
  '-m',
  '-j',
  '-g',
  '--match',
  '--jump',
  '--goto',
  '-s',
  '-d',
  '-p',
  '-i',
  '-o',
])

export const INVERTIBLE: ReadonlySet<Base> = new Set(['source', 'destination', 'protocol', 'in', 'out', 'fragment'])

export function readProtocol(word: string): number {
  const protocol = parseProtocol(word)
  if (protocol === undefined) throw new WordError(`unknown protocol "${word}" specified`)
  return protocol
}

/** What is wrong with an address. */
export function addressProblem(word: string): string {
  const [ip = '', mask] = word.split('/')
  if (mask !== undefined && parseAddressMask(ip)) return `invalid mask \`${mask}' specified`
  return `host/network \`${word}' not found${/[g-z]/i.test(word) ? ': names are not looked up' : ''}`
}

/** What is wrong with an option's word; the real program's own sentence does not say whose it is. */
export const withOption = (message: string, option: string): string =>
  message.startsWith('invalid port/service') ? `${message} (${option})` : `${option}: ${message}`
