import { type Ip, parseIp } from '../address/ip.js'
import { servicePort } from '../address/services.js'
import type { Ranges } from '../rules/value.js'
import { showIp } from './address-mask.js'
import { type Plain, plainPort, plainText } from './plain.js'

/** What a word got wrong; the reader of the line knows where it stands. */
export class WordError extends Error {}

/** How one option's value is read and printed. `parse(print(x))` equals `x`. */
export interface Codec<T> {
  /** How many words it takes: 0 for a flag that stands alone. */
  readonly words: 0 | 1 | 2
  readonly metavar: string
  /** It may be left out where an option or nothing follows: `parse` gets an empty text. */
  readonly optional?: boolean
  /** `text`: its words, joined by one space. Throws WordError. */
  parse(text: string): T
  print(value: T): string
  /** Tells by the looks of most words that they are right and print as they stand. */
  readonly plain?: Plain
}

const one = <T>(metavar: string, parse: (text: string) => T, print: (value: T) => string): Codec<T> => ({
  words: 1,
  metavar,
  parse,
  print,
})

export const flag: Codec<true> = { words: 0, metavar: '', parse: () => true, print: () => '' }

export const text = (limit: number): Codec<string> => ({
  ...one(
    'text',
    (word) => {
      // a UTF-16 unit makes at most three bytes of UTF-8
      if (word.length * 3 > limit && new TextEncoder().encode(word).length > limit)
        throw new WordError(`at most ${limit} characters`)
      return word
    },
    quote,
  ),
  plain: plainText(limit),
})

/** As xtables_save_string prints: bare where every character is harmless, else in quotes with `\`, `"` and `'` escaped. */
export function quote(word: string): string {
  if (/^[\w-]+$/.test(word)) return word
  return `"${word.replace(/["\\']/g, '\\$&')}"`
}

/** strtoul with base 0 (xtables_strtoui): decimal, 0x hex, 0 octal; `undefined` where it is none. */
export function unsigned(word: string): number | undefined {
  if (/^0[0-7]+$/.test(word)) return Number.parseInt(word, 8)
  return /^(0x[\da-f]+|0|[1-9]\d*)$/i.test(word) ? Number(word) : undefined
}

export function number(word: string, max: number, what = 'number', min = 0): number {
  const value = unsigned(word)
  if (value === undefined || value > max || value < min) throw new WordError(`bad ${what} "${word}": ${min} to ${max}`)
  return value
}

export const integer = (max: number, what = 'number', min = 0): Codec<number> =>
  one(what, (word) => number(word, max, what, min), String)

/** One of `words`; `anyCase`: capitals do not count (strcasecmp(3)). */
export const keyword = <const W extends string>(what: string, words: readonly W[], anyCase = false): Codec<W> =>
  one(
    what,
    (word) => {
      const same = anyCase ? (one: string) => one.toLowerCase() === word.toLowerCase() : (one: string) => one === word
      const found = words.find(same)
      if (!found) throw new WordError(`bad ${what} "${word}": one of ${words.join(', ')}`)
      return found
    },
    (word) => word,
  )

export function port(word: string): number {
  const value = unsigned(word) ?? servicePort(word)
  if (value === undefined || value > 0xffff) throw new WordError(`invalid port/service \`${word}' specified`)
  return value
}

const isPlainPort = /^[1-9]\d{0,4}$/

/** `PORT`, `FROM:TO`, `:TO`, `FROM:` (xtopt_parse_mport, XTTYPE_PORTRC). */
export const portRange: Codec<readonly [number, number]> = {
  ...one<readonly [number, number]>(
    'port[:port]',
    (word) => {
      if (isPlainPort.test(word)) {
        const value = port(word)
        return [value, value]
      }
      const [low = '', high, ...more] = word.split(':')
      if (more.length > 0) throw new WordError(`invalid port range "${word}"`)
      const from = low === '' && high !== undefined ? 0 : port(low)
      const to = high === undefined ? from : high === '' ? 0xffff : port(high)
      if (from > to) throw new WordError(`invalid port range "${word}": it falls`)
      return [from, to]
    },
    ([from, to]) => (from === to ? `${from}` : `${from}:${to}`),
  ),
  plain: plainPort,
}

/** Up to `limit` ports, separated by commas; a range `from:to` counts as two and must rise. Neither sorted nor merged. */
export const portList = (limit: number): Codec<Ranges> =>
  one(
    'port[,port:port...]',
    (word) => {
      let room = limit
      return word.split(',').map((item) => {
        const [low = '', high, ...more] = item.split(':')
        const from = port(low)
        const to = high === undefined ? from : port(high)
        if (more.length > 0 || (high !== undefined && from >= to)) throw new WordError(`invalid port range "${item}"`)
        room -= high === undefined ? 1 : 2
        if (room < 0) throw new WordError(`too many ports: at most ${limit}, a range counts as two`)
        return [from, to] as const
      })
    },
    (ranges) => ranges.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(','),
  )

/** `N`, `FROM:TO`, `:TO`, `FROM:` (XTTYPE_UINT8RC to UINT32RC). A range that falls is accepted: nothing lies in it. */
export const numberRange = (max: number): Codec<readonly [number, number]> =>
  one(
    'from[:to]',
    (word) => {
      const [low = '', high, ...more] = word.split(':')
      const from = low === '' && high !== undefined ? 0 : number(low, max)
      const to = high === undefined ? from : high === '' ? max : number(high, max)
      if (more.length > 0) throw new WordError(`bad range "${word}"`)
      return [from, to]
    },
    ([from, to]) => (from === to ? `${from}` : `${from}:${to}`),
  )

/** Of a range that may fall. */
export const rangesOf = ([from, to]: readonly [number, number]): Ranges => (from > to ? [] : [[from, to]])

export interface MarkMask {
  readonly value: number
  readonly mask: number
}

const WORD = 0xffffffff
const hex = (value: number) => `0x${value.toString(16)}`

export function markMask(word: string): MarkMask {
  const [value = '', mask, ...more] = word.split('/')
  if (more.length > 0) throw new WordError(`bad mark "${word}"`)
  return { value: number(value, WORD, 'mark'), mask: mask === undefined ? WORD : number(mask, WORD, 'mask') }
}

/** `VALUE[/MASK]`, printed without a mask of all ones (XTTYPE_MARKMASK32). */
export const mark: Codec<MarkMask> = one('value[/mask]', markMask, ({ value, mask }) =>
  mask === WORD ? hex(value) : `${hex(value)}/${hex(mask)}`,
)

/** As `mark`, the mask always printed. */
export const markWithMask: Codec<MarkMask> = one(
  'value[/mask]',
  markMask,
  ({ value, mask }) => `${hex(value)}/${hex(mask)}`,
)

export const address: Codec<Ip> = one(
  'address',
  (word) => {
    const ip = parseIp(word)
    if (ip === undefined) throw new WordError(`bad address "${word}"`)
    return ip
  },
  showIp,
)

/** Names separated by commas, read in any case, printed in the table's order. */
/** Names separated by commas, as bits. `empty`: empty names are left out, as strtok(3) does it. */
export const nameSet = (what: string, table: Readonly<Record<string, number>>, empty = false): Codec<number> =>
  one(
    what,
    (word) =>
      word.split(',').reduce((bits, name) => {
        if (name === '' && empty) return bits
        const bit = Object.entries(table).find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1]
        if (bit === undefined) throw new WordError(`bad ${what} "${name}": one of ${Object.keys(table).join(', ')}`)
        return bits | bit
      }, 0),
    (bits) =>
      Object.entries(table)
        .filter(([, bit]) => bits & bit)
        .map(([name]) => name)
        .join(','),
  )

/** Addresses separated by commas, IPv6 only. */
export const parsedAddresses = (limit: number): Codec<readonly bigint[]> =>
  one(
    'address[,address...]',
    (word) => {
      const all = word.split(',').map((part) => parseIp(part))
      if (all.length > limit) throw new WordError(`at most ${limit} addresses`)
      return all.map((ip, i) => {
        if (typeof ip !== 'bigint') throw new WordError(`bad address "${word.split(',')[i]}"`)
        return ip
      })
    },
    (all) => all.map(showIp).join(','),
  )
