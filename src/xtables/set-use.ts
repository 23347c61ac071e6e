import { type Codec, WordError } from './codec.js'

/** A set, and for each of its dimensions which end of the packet counts. */
export interface SetUse {
  readonly set: string
  readonly directions: readonly ('src' | 'dst')[]
}

/** IPSET_MAXNAMELEN and IPSET_DIM_MAX of <linux/netfilter/ipset/ip_set.h>. */
const LONGEST = 31
const DIMENSIONS = 6

/** `SETNAME src|dst[,src|dst...]`. */
export const setUse: Codec<SetUse> = {
  words: 2,
  metavar: 'set src|dst[,…]',
  parse(text) {
    const [set = '', words = ''] = text.split(' ')
    if (set.length > LONGEST) throw new WordError(`set name "${set}" is longer than ${LONGEST} characters`)
    const directions = words.split(',').map((word) => {
      if (word !== 'src' && word !== 'dst') throw new WordError(`bad direction "${word}": src or dst`)
      return word
    })
    if (directions.length > DIMENSIONS) throw new WordError(`at most ${DIMENSIONS} directions`)
    return { set, directions }
  },
  print: ({ set, directions }) => `${set} ${directions.join(',')}`,
}
