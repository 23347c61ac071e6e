import { BROKEN, type ExtensionHeader, type HeaderOption, type Probe, THERE } from '../packet/probe.js'
import { type Condition, dropIf, equals, probed } from '../rules/condition.js'
import type { Value } from '../rules/value.js'
import { type Codec, WordError } from './codec.js'

/** IP6T_OPTS_OPTSNR. */
const MOST = 16

/** As strtoul(3) with base 0 reads it, of which eight bits are kept. */
function byte(word: string): number {
  const found = /^\s*([+-]?)(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.exec(word)
  if (!found) throw new WordError(`"${word}" is no number`)
  const digits = found[2]!
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return Number(BigInt.asUintN(8, found[1] === '-' ? -value : value))
}

/** `TYPE[:LENGTH],…` of hop-by-hop and destination options (libip6t_hbh.c: parse_options). Length 255 is any. */
export const headerOptionList: Codec<readonly HeaderOption[]> = {
  words: 1,
  metavar: 'type[:length],...',
  parse(word) {
    const items = word.split(',')
    if (items.length > MOST) throw new WordError(`at most ${MOST} options`)
    return items.map((item, i) => {
      const colon = item.indexOf(':')
      if (colon >= 0 && i === MOST - 1) throw new WordError(`the ${MOST}th option has no length`)
      const type = byte(colon < 0 ? item : item.slice(0, colon))
      if (colon < 0) return { type, length: undefined }
      if (type === 0) throw new WordError('Pad1 has no length')
      const length = byte(item.slice(colon + 1))
      return { type, length: length === 255 ? undefined : length }
    })
  },
  print: (all) => all.map(({ type, length }) => (length === undefined ? `${type}` : `${type}:${length}`)).join(','),
}

/** The header is there and can be read, with `length` bytes; where the way to it cannot be followed, the kernel drops the packet. */
export function headerIsThere(header: ExtensionHeader, length: number, whole = false): readonly Condition[] {
  const state = probed({ find: 'extension-header', header, length, whole } satisfies Probe)
  return [dropIf(equals(state, BROKEN)), equals(state, THERE)]
}

export const headerField = (header: ExtensionHeader, at: number, bytes: 1 | 2 | 4 = 1): Value =>
  probed({ find: 'extension-field', header, at, bytes })

/** Where its length in bytes, counted by eight in the header itself, is this. */
export function lengthIs(header: ExtensionHeader, bytes: number): Condition {
  const units = bytes / 8 - 1
  return Number.isInteger(units) && units >= 0 && units <= 255
    ? equals(headerField(header, 1), units)
    : { is: 'any', of: [] }
}
