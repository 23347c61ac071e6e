import { lastOf } from '../../address/prefix.js'
import { type AddressMask, parseAddressMask, printAddressMask } from '../address-mask.js'
import { type Codec, WordError } from '../codec.js'
import { baseChainBit } from '../tables.js'
import { defineTarget } from '../target.js'

const prefix: Codec<AddressMask> = {
  words: 1,
  metavar: 'address[/mask]',
  parse(word) {
    const parsed = parseAddressMask(word)
    if (!parsed || parsed.length < 0) throw new WordError(`bad network "${word}"`)
    return parsed
  },
  print: printAddressMask,
}

export const netmap = defineTarget({
  name: 'NETMAP',
  families: [4, 6],
  tables: ['nat'],
  chains: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  tracks: true,
  required: ['to'],
  options: { to: { flag: '--to', value: prefix, doc: 'the network; the bits behind its prefix stay as they are' } },
  doc: {
    summary:
      'Translates a whole network one to one: the destination in PREROUTING and OUTPUT, the source in POSTROUTING and INPUT.',
    kernel: 'net/netfilter/xt_NETMAP.c: netmap_tg4, netmap_tg6',
  },
  check: ({ to }, { family }) =>
    (typeof to!.value.ip === 'number') === (family === 4)
      ? undefined
      : `${printAddressMask(to!.value)} is of the other family`,
  list: ({ to }) => ` to:${printAddressMask(to!.value)}`,
  lower({ to }, { bases }) {
    const range = { addresses: [to!.value.ip, lastOf(to!.value)], netmap: true } as const
    const from = bases()
    if ((from & ~DESTINATION) === 0) return [{ do: 'nat', manip: 'dst', to: range }]
    if ((from & DESTINATION) === 0) return [{ do: 'nat', manip: 'src', to: range }]
    return [{ do: 'nat', manip: 'hook', to: range }]
  },
})

const DESTINATION = baseChainBit('PREROUTING') | baseChainBit('OUTPUT')
