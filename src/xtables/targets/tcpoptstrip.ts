import { type Codec, unsigned, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** tcp_optionmap of extensions/libxt_TCPOPTSTRIP.c. */
const NAMES: Readonly<Record<string, number>> = {
  wscale: 3, mss: 2, 'sack-permitted': 4, sack: 5, timestamp: 8, md5: 19,
} // biome-ignore format: a table

/** End of options and NOP are no options to strip. */
const FIRST = 2

const kinds: Codec<readonly number[]> = {
  words: 1,
  metavar: 'kind[,kind...]',
  parse(word) {
    const found = new Set<number>()
    for (const item of word.split(',')) {
      const kind = NAMES[item] ?? unsigned(item)
      if (kind === undefined || kind > 255) throw new WordError(`Bad TCP option value "${item}"`)
      if (kind < FIRST) throw new WordError('Option value may not be 0 or 1')
      if (found.has(kind)) throw new WordError(`Option "${item}" already specified`)
      found.add(kind)
    }
    return [...found].sort((a, b) => a - b)
  },
  print: (list) => list.join(','),
}

export const tcpoptstrip = defineTarget({
  name: 'TCPOPTSTRIP',
  families: [4, 6],
  tables: ['mangle'],
  protocols: [6],
  options: { kinds: { flag: '--strip-options', value: kinds, doc: 'kinds of options, as numbers or names' } },
  doc: {
    summary: 'Overwrites TCP options with NOPs. The packet goes on.',
    kernel: 'net/netfilter/xt_TCPOPTSTRIP.c: tcpoptstrip_mangle_packet',
  },
  list: (given, { numeric }) => {
    if (!given.kinds) return ''
    const nameOf = (kind: number) => Object.keys(NAMES).find((name) => NAMES[name] === kind)
    const shown = given.kinds.value.map((kind) => (numeric ? undefined : nameOf(kind)) ?? kind)
    return ` TCPOPTSTRIP options ${shown.join(',')}`
  },
  lower: (given) => [{ do: 'strip-options', kinds: given.kinds?.value ?? [] }],
})
