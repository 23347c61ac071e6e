import { type Codec, unsigned, WordError } from './codec.js'

/** TOS with the bits of it that count. */
export interface TosMask {
  readonly value: number
  readonly mask: number
}

/** RFC 1349's names stand for the four TOS bits and the two below them (extensions/tos_values.c: TOS_values, mask 0x3f). */
const NAMES: Readonly<Record<string, number>> = {
  'minimize-delay': 0x10,
  'maximize-throughput': 0x08,
  'maximize-reliability': 0x04,
  'minimize-cost': 0x02,
  'normal-service': 0x00,
}

const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`

/** `VALUE[/MASK]` or a name; always printed with its mask. */
export const tosMask: Codec<TosMask> = {
  words: 1,
  metavar: 'value[/mask]',
  parse(word) {
    const named = NAMES[word.toLowerCase()]
    if (named !== undefined) return { value: named, mask: 0x3f }
    const [value = '', mask, ...more] = word.split('/')
    const read = [unsigned(value), mask === undefined ? 0xff : unsigned(mask)]
    if (more.length > 0 || read.some((one) => one === undefined || one > 0xff)) throw new WordError(`bad TOS "${word}"`)
    return { value: read[0]!, mask: read[1]! }
  },
  print: ({ value, mask }) => `${hex(value)}/${hex(mask)}`,
}

/** The name of RFC 1349, as a listing without -n shows it. */
export const tosName = ({ value, mask }: TosMask): string | undefined =>
  mask === 0x3f
    ? Object.entries(NAMES)
        .find(([, bits]) => bits === value)?.[0]
        .replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
    : undefined
