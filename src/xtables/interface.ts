import { ifName, ifNamesFrom } from '../address/ifname.js'
import type { Ranges } from '../rules/value.js'
import { type Codec, quote, WordError } from './codec.js'

/** IFNAMSIZ counts the final NUL. */
const LONGEST = 15

/** A name, or the beginning of one followed by `+` (xtables_parse_interface). */
export const interfaceName: Codec<string> = {
  words: 1,
  metavar: 'name[+]',
  parse(word) {
    if (word === '') throw new WordError('an interface name is empty')
    if (word.length > LONGEST)
      throw new WordError(`interface name \`${word}' must be shorter than IFNAMSIZ (${LONGEST})`)
    return word
  },
  print: (name) => (/^[^\s"'\\]+$/.test(name) ? name : quote(name)),
}

export const interfaceRanges = (name: string): Ranges =>
  name.endsWith('+') ? [ifNamesFrom(name.slice(0, -1))] : [[ifName(name), ifName(name)]]
