import { parseMac, printMac } from '../../address/mac.js'
import { all, equals, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

const address: Codec<number> = {
  words: 1,
  metavar: 'xx:xx:xx:xx:xx:xx',
  parse(word) {
    const mac = word.includes('-') ? undefined : parseMac(word)
    if (mac === undefined) throw new WordError(`bad MAC address "${word}"`)
    return mac
  },
  print: printMac,
}

export const mac = defineMatch({
  name: 'mac',
  families: [4, 6],
  required: ['source'],
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: {
    source: { flag: '--mac-source', invertible: true, value: address, doc: 'the source of the Ethernet frame' },
  },
  listed: [[/MAC\s*(! ?)?([\da-f]{2}(?::[\da-f]{2}){5})/iy, (_, not, mac) => `${not ? '! ' : ''}--mac-source ${mac}`]],
  doc: {
    summary: 'Matches the source MAC address.',
    notes: ['A packet that came in over something else than Ethernet never matches, inverted or not.'],
    kernel: 'net/netfilter/xt_mac.c: mac_mt',
  },
  list: ({ source }) => ` MAC ${source!.inverted ? '! ' : ''}${printMac(source!.value)}`,
  lower: ({ source }) =>
    all(
      inRanges('ether.saddr', [[0, 2 ** 48 - 1]]),
      invertedIf(source!.inverted, equals('ether.saddr', source!.value)),
    ),
})
