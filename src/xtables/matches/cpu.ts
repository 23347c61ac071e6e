import { equals, invertedIf } from '../../rules/condition.js'
import { integer } from '../codec.js'
import { defineMatch } from '../match.js'

export const cpu = defineMatch({
  name: 'cpu',
  families: [4, 6],
  required: ['cpu'],
  options: {
    cpu: { flag: '--cpu', invertible: true, value: integer(0xffffffff, 'CPU'), doc: 'the CPU that handles the packet' },
  },
  doc: {
    summary: 'Matches the CPU that handles the packet.',
    notes: ['Which one that is cannot be known beforehand: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_cpu.c: cpu_mt',
  },
  list: ({ cpu }) => ` cpu ${cpu!.inverted ? '! ' : ''}${cpu!.value}`,
  lower: ({ cpu }) => invertedIf(cpu!.inverted, equals('meta.cpu', cpu!.value)),
})
