import { parseMac, printMac } from '../../address/mac.js'
import { all, equals, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** What published rules have in place of an address. */
const BLACKED_OUT = /^(X{1,2}:){5}X{1,2}$/i

/** An address that is blacked out stays a word. */
const address: Codec<number | string> = {
  words: 1,
  metavar: 'xx:xx:xx:xx:xx:xx',
  parse(word) {
    if (BLACKED_OUT.test(word)) return word
    const mac = word.includes('-') ? undefined : parseMac(word)
    if (mac === undefined) throw new WordError(`bad MAC address "${word}"`)
    return mac
  },
  print: (mac) => (typeof mac === 'string' ? mac : printMac(mac)),
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
    notes: [
      'A packet that came in over something else than Ethernet never matches, inverted or not.',
      'With an address that somebody blacked out, `XX:XX:XX:XX:XX:XX`, a rule is undecided.',
    ],
    kernel: 'net/netfilter/xt_mac.c: mac_mt',
  },
  list: ({ source }) => ` MAC ${source!.inverted ? '! ' : ''}${address.print(source!.value)}`,
  lower: ({ source }) =>
    all(
      inRanges('ether.saddr', [[0, 2 ** 48 - 1]]),
      typeof source!.value === 'string'
        ? { is: 'unknown', text: `--mac-source ${source!.value}`, needs: 'the address is blacked out' }
        : invertedIf(source!.inverted, equals('ether.saddr', source!.value)),
    ),
})
