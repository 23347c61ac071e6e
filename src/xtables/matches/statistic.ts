import { invertedIf } from '../../rules/condition.js'
import { type Codec, integer, keyword, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** The kernel keeps 31 bits: lround(0x80000000 * probability). */
const ONE = 2 ** 31

const probability: Codec<number> = {
  words: 1,
  metavar: 'p',
  parse(word) {
    const value = Number(word)
    if (word.trim() === '' || !(value >= 0 && value <= 1))
      throw new WordError(`bad probability "${word}": between 0 and 1`)
    return Math.round(value * ONE)
  },
  print: (weight) => (weight / ONE).toFixed(11),
}

export const statistic = defineMatch({
  name: 'statistic',
  families: [4, 6],
  required: ['mode'],
  options: {
    mode: { flag: '--mode', value: keyword('mode', ['random', 'nth']), doc: 'by lot, or by counting' },
    probability: { flag: '--probability', invertible: true, value: probability, doc: 'how likely it matches' },
    every: { flag: '--every', invertible: true, value: integer(0x7fffffff, 'number', 1), doc: 'one packet in so many' },
    packet: { flag: '--packet', value: integer(0x7ffffffe), doc: 'how many to let pass before the first; 0' },
  },
  listed: [
    [
      /statistic mode random( !)? probability (\S+)/y,
      (_, not, value) => `--mode random ${not ? '! ' : ''}--probability ${value}`,
    ],
    [
      /statistic mode nth( !)? every (\d+)(?: packet (\d+))?/y,
      (_, not, every, packet) => `--mode nth ${not ? '! ' : ''}--every ${every} --packet ${packet ?? 0}`,
    ],
  ],
  doc: { summary: 'Matches by lot, or every n-th packet.', kernel: 'net/netfilter/xt_statistic.c: statistic_mt' },
  check({ mode, probability, every, packet }) {
    const random = mode!.value === 'random'
    if (random && !probability) return '--mode random needs --probability'
    if (!random && (!every || !packet)) return '--mode nth needs --every and --packet'
    if (random ? every || packet : probability) return 'an option of the other mode'
    return packet && packet.value >= every!.value ? '--packet must be less than --every' : undefined
  },
  print({ mode, probability: given, every, packet }) {
    const not = (option: { inverted: boolean }) => (option.inverted ? '! ' : '')
    if (mode!.value === 'random') return `--mode random ${not(given!)}--probability ${probability.print(given!.value)}`
    return `--mode nth ${not(every!)}--every ${every!.value} --packet ${packet!.value}`
  },
  list({ mode, probability: given, every, packet }) {
    if (mode!.value === 'random')
      return ` statistic mode random${given!.inverted ? ' !' : ''} probability ${probability.print(given!.value)}`
    return ` statistic mode nth${every!.inverted ? ' !' : ''} every ${every!.value}${packet!.value ? ` packet ${packet!.value}` : ''}`
  },
  lower({ mode, probability, every, packet }) {
    if (mode!.value === 'random') return invertedIf(probability!.inverted, { is: 'chance', weight: probability!.value })
    return invertedIf(every!.inverted, {
      is: 'stateful',
      machine: { kind: 'nth', every: every!.value, packet: packet?.value ?? 0 },
    })
  },
})
