import { type Codec, flag, unsigned, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** XT_CONNLABEL_MAXBIT. */
const LAST = 127

/** By number; names stand in /etc/xtables/connlabel.conf, which is not in a snapshot: they are kept. */
const label: Codec<number | string> = {
  words: 1,
  metavar: 'label',
  parse(word) {
    const bit = unsigned(word)
    if (word === '' || word.startsWith('-')) throw new WordError(`bad label "${word}"`)
    if (bit !== undefined && bit > LAST) throw new WordError(`bad label "${word}": 0 to ${LAST}`)
    return bit ?? word
  },
  print: (value) => `"${value}"`,
}

export const connlabel = defineMatch({
  name: 'connlabel',
  families: [4, 6],
  tracks: true,
  required: ['label'],
  options: {
    label: { flag: '--label', invertible: true, value: label, doc: 'the connection has this label' },
    set: { flag: '--set', value: flag, doc: 'gives it the label' },
  },
  listed: [
    [
      /connlabel( !)? (?:'([^']*)'|(\d+))( set)?/y,
      (_, not, name, bit, set) => `${not ? '! ' : ''}--label "${name ?? bit}"${set ? ' --set' : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches the labels of a connection.',
    notes: [
      'Labels of connections that were there before are not known.',
      'What a name stands for is in /etc/xtables/connlabel.conf and is not known: a rule with one is undecided.',
    ],
    kernel: 'net/netfilter/xt_connlabel.c: connlabel_mt',
  },
  list: ({ label, set }) => ` connlabel${label!.inverted ? ' !' : ''} ${label!.value}${set ? ' set' : ''}`,
  lower: ({ label, set }) =>
    typeof label!.value === 'string'
      ? { is: 'unknown', text: `--label ${label!.value}`, needs: 'which label this is stands in connlabel.conf' }
      : {
          is: 'stateful',
          machine: { kind: 'label', bit: label!.value, set: set !== undefined, inverted: label!.inverted },
        },
})
