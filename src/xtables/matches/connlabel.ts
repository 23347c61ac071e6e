import { type Codec, flag } from '../codec.js'
import { defineMatch } from '../match.js'

const label: Codec<string> = { words: 1, metavar: 'label', parse: (word) => word, print: (word) => `"${word}"` }

export const connlabel = defineMatch({
  name: 'connlabel',
  families: [4, 6],
  tracks: true,
  required: ['label'],
  options: {
    label: { flag: '--label', invertible: true, value: label, doc: 'the connection has this label' },
    set: { flag: '--set', value: flag, doc: 'gives it the label' },
  },
  doc: {
    summary: 'Matches the labels of a connection.',
    notes: ['Labels are not kept yet: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_connlabel.c: connlabel_mt',
  },
  lower: ({ label }) => ({
    is: 'unknown',
    text: `--label ${label!.value}`,
    needs: 'labels of connections are not kept',
  }),
})
