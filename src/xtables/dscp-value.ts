import { type Codec, number, WordError } from './codec.js'

/** Class selectors, assured and expedited forwarding (RFC 2474, 2597, 3246), as extensions/dscp_helper.c names them. */
const CLASSES: Readonly<Record<string, number>> = {
  CS0: 0, CS1: 8, CS2: 16, CS3: 24, CS4: 32, CS5: 40, CS6: 48, CS7: 56, BE: 0, EF: 46,
  AF11: 10, AF12: 12, AF13: 14, AF21: 18, AF22: 20, AF23: 22, AF31: 26, AF32: 28, AF33: 30, AF41: 34, AF42: 36, AF43: 38,
} // biome-ignore format: a table

const print = (value: number) => `0x${value.toString(16).padStart(2, '0')}`

export const dscpNumber: Codec<number> = {
  words: 1,
  metavar: 'value',
  parse: (word) => number(word, 63, 'DSCP'),
  print,
}

export const dscpClass: Codec<number> = {
  words: 1,
  metavar: 'class',
  parse(word) {
    const value = CLASSES[word.toUpperCase()]
    if (value === undefined) throw new WordError(`unknown DSCP class "${word}"`)
    return value
  },
  print,
}
