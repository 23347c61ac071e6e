import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** SECMARK_SECCTX_MAX with its final NUL. */
const LONGEST = 255

const context: Codec<string> = {
  words: 1,
  metavar: 'context',
  parse(word) {
    if (word.length > LONGEST) throw new WordError(`the context is too long: at most ${LONGEST} characters`)
    return word
  },
  print: (word) => word,
}

export const secmark = defineTarget({
  name: 'SECMARK',
  families: [4, 6],
  tables: ['mangle', 'security'],
  required: ['context'],
  options: { context: { flag: '--selctx', value: context, doc: 'the context of SELinux' } },
  doc: {
    summary: 'Gives the packet a security mark, which SELinux may ask for. The packet goes on.',
    notes: ['What SELinux makes of the mark is not in a snapshot.'],
    kernel: 'net/netfilter/xt_SECMARK.c: secmark_tg',
  },
  list: ({ context: given }) => ` SECMARK selctx ${given!.value}`,
  lower: ({ context: given }) => [{ do: 'log', prefix: '', what: `SECMARK ${given!.value}` }],
})
