import type { Family } from '../../address/ip.js'
import { type Mac, parseMac, printMac } from '../../address/mac.js'
import type { Field } from '../../packet/fields.js'
import { type Condition, equals, inRanges, masked, type Value } from '../../rules/condition.js'
import { addressIn } from '../address-condition.js'
import { type AddressMask, parseAddressMask, printAddressMask, showIp } from '../address-mask.js'
import { quote, unsigned, WordError } from '../codec.js'

/** What a frame can say about an option: a condition; undefined where that is not modelled. */
export type Lowered = Condition | undefined

/** What a rule is asked of: a packet of IP in its frame, any other frame (ARP among them), or one with a tag of 802.1Q. */
export type FrameKind = Family | 'other' | 'tagged'

/** An option of a link-layer rule: how its word is read, printed, and what it asks of an IP packet that a bridge sees. */
export interface LinkOption<T = unknown> {
  readonly flag: string
  readonly aliases?: readonly string[]
  /** Takes no word. */
  readonly bare?: boolean
  /** `!` may be said. */
  readonly invertible?: boolean
  parse(word: string): T
  print(value: T): string
  lower?(value: T, kind: FrameKind): Lowered
}

// biome-ignore lint/suspicious/noExplicitAny: the tables hold options of every type
export type AnyLinkOption = LinkOption<any>

export const NEVER: Condition = { is: 'any', of: [] }

export interface MacMask {
  readonly mac: Mac
  readonly mask: Mac
}

const ALL: Mac = 0xffffffffffff
const GROUP: Mac = 0x010000000000

/** Names of ebtables(8). */
const MACS: Readonly<Record<string, MacMask>> = {
  Unicast: { mac: 0, mask: GROUP },
  Multicast: { mac: GROUP, mask: GROUP },
  Broadcast: { mac: ALL, mask: ALL },
  BGA: { mac: 0x0180c2000000, mask: ALL },
}

/** Bits of 48: the operators of JavaScript take 32. */
export const and48 = (a: Mac, b: Mac): Mac => Number(BigInt(a) & BigInt(b))

export function parseMacMask(word: string): MacMask {
  const named = Object.entries(MACS).find(([name]) => name.toLowerCase() === word.toLowerCase())?.[1]
  if (named) return named
  const [address = '', mask, ...more] = word.split('/')
  const [mac, bits] = [parseMac(address), mask === undefined ? ALL : parseMac(mask)]
  if (mac === undefined || bits === undefined || more.length > 0) throw new WordError(`bad MAC address "${word}"`)
  return { mac: and48(mac, bits), mask: bits }
}

const plainMac = ({ mac, mask }: MacMask): string =>
  mask === ALL ? printMac(mac) : `${printMac(mac)}/${printMac(mask)}`

const namedMac = (value: MacMask): string =>
  Object.keys(MACS).find((name) => MACS[name]!.mac === value.mac && MACS[name]!.mask === value.mask) ?? plainMac(value)

export const lowerMac =
  (value: Value) =>
  ({ mac, mask }: MacMask): Condition =>
    equals(mask === ALL ? value : masked(value, mask), mac)

type Given = Pick<LinkOption, 'flag' | 'aliases' | 'invertible'>

export const macOption = (given: Given, named: boolean, field: Field | undefined): LinkOption<MacMask> => ({
  invertible: true,
  ...given,
  parse: parseMacMask,
  print: named ? namedMac : plainMac,
  ...(field ? { lower: lowerMac(field) } : {}),
})

export const addressOption = (given: Given, family: Family, field: Field | undefined): LinkOption<AddressMask> => ({
  invertible: true,
  ...given,
  parse(word) {
    const parsed = parseAddressMask(word)
    if (!parsed || (typeof parsed.ip === 'number') !== (family === 4))
      throw new WordError(`Problem with the specified IP address "${word}"`)
    return parsed
  },
  print: (value) => (value.length === (family === 4 ? 32 : 128) ? showIp(value.ip) : printAddressMask(value)),
  ...(field ? { lower: (value: AddressMask, of: FrameKind) => (of === family ? addressIn(field, value) : NEVER) } : {}),
})

export const numberOption = (
  given: Given,
  max: number,
  print: (value: number) => string,
  lower?: (value: number, family: FrameKind) => Lowered,
): LinkOption<number> => ({
  invertible: true,
  ...given,
  parse(word) {
    const value = unsigned(word)
    if (value === undefined || value > max) throw new WordError(`bad number "${word}": 0 to ${max}`)
    return value
  },
  print,
  ...(lower ? { lower } : {}),
})

/** `N` or `FROM:TO`. */
export const rangeOption = (
  given: Given,
  max: number,
  word: (text: string) => number | undefined,
  lower?: (range: readonly [number, number], family: FrameKind) => Lowered,
): LinkOption<readonly [number, number]> => ({
  invertible: true,
  ...given,
  parse(text) {
    const [low = '', high, ...more] = text.split(':')
    const from = low === '' ? 0 : word(low)
    const to = high === undefined ? from : high === '' ? max : word(high)
    if (from === undefined || to === undefined || more.length > 0 || to > max || from > to)
      throw new WordError(`bad range "${text}"`)
    return [from, to]
  },
  print: ([from, to]) => (from === to ? `${from}` : `${from}:${to}`),
  ...(lower ? { lower } : {}),
})

/** One of some names, each for a number; others are numbers as well where `print` has a form for them. */
export const namedOption = (
  given: Given,
  names: Readonly<Record<string, number>>,
  print: ((value: number) => string) | undefined,
  lower?: (value: number, family: FrameKind) => Lowered,
): LinkOption<number> => ({
  invertible: true,
  ...given,
  parse(word) {
    const named = Object.entries(names).find(([name]) => name.toLowerCase() === word.toLowerCase())?.[1]
    const value = named ?? (print ? unsigned(word) : undefined)
    if (value === undefined) throw new WordError(`"${word}" is not known to ${given.flag}`)
    return value
  },
  print: (value) => Object.keys(names).find((name) => names[name] === value) ?? print?.(value) ?? `${value}`,
  ...(lower ? { lower } : {}),
})

export const textOption = (given: Given, most: number): LinkOption<string> => ({
  ...given,
  parse(word) {
    if (word.length > most) throw new WordError(`at most ${most} characters`)
    return word
  },
  print: (word) => (/^"/.test(quote(word)) ? quote(word) : `"${word}"`),
})

export const bareOption = (given: Given): LinkOption<true> => ({
  ...given,
  bare: true,
  parse: () => true,
  print: () => '',
})

/** A word that is kept as it is. */
export const wordOption = (given: Given): LinkOption<string> => ({
  invertible: true,
  ...given,
  parse: (word) => word,
  print: (word) => word,
})

export const inField = (field: Field, [from, to]: readonly [number, number]): Condition => inRanges(field, [[from, to]])
