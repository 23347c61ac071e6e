import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const half = (value: number) => value.toString(16).padStart(4, '0')

/** `MAJOR:MINOR` in hex: the upper and the lower 16 bits of the priority. */
const handle: Codec<number> = {
  words: 1,
  metavar: 'major:minor',
  parse(word) {
    const found = /^([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(word)
    if (!found) throw new WordError(`bad class "${word}": major:minor in hex`)
    return Number.parseInt(found[1]!, 16) * 0x10000 + Number.parseInt(found[2]!, 16)
  },
  print: (value) => `${half(value >>> 16)}:${half(value & 0xffff)}`,
}

export const classify = defineTarget({
  name: 'CLASSIFY',
  families: [4, 6],
  chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
  required: ['class'],
  options: { class: { flag: '--set-class', value: handle, doc: 'the class of the queueing discipline' } },
  doc: {
    summary: 'Sets the priority by which tc sorts the packet into a class.',
    kernel: 'net/netfilter/xt_CLASSIFY.c: classify_tg',
  },
  list: (given) =>
    ` CLASSIFY set ${(given.class!.value >>> 16).toString(16)}:${(given.class!.value & 0xffff).toString(16)}`,
  lower: (given) => [
    { do: 'set', field: 'meta.priority', keep: 0, xor: { from: 'constant', value: given.class!.value } },
  ],
})
