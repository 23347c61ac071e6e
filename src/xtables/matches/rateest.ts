import { type Codec, flag, unsigned, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

/** IFNAMSIZ with its NUL: what is longer is cut. */
const name: Codec<string> = { words: 1, metavar: 'name', parse: (word) => word.slice(0, 15), print: (word) => word }

/** Bits a second in one unit (libxt_rateest.c: suffixes). */
const UNITS: Readonly<Record<string, number>> = {
  bit: 1, kibit: 1024, kbit: 1000, mibit: 1024 ** 2, mbit: 1e6, gibit: 1024 ** 3, gbit: 1e9, tibit: 1024 ** 4, tbit: 1e12,
  bps: 8, kibps: 8 * 1024, kbps: 8000, mibps: 8 * 1024 ** 2, mbps: 8e6, gibps: 8 * 1024 ** 3, gbps: 8e9, tibps: 8 * 1024 ** 4, tbps: 8e12,
} // biome-ignore format: a table

/** Bytes a second; without a unit the number is one of bits. Left out: 0. */
const rate: Codec<number> = {
  words: 1,
  optional: true,
  metavar: 'rate',
  parse(word) {
    if (word === '') return 0
    const found = /^\s*(\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)$/i.exec(word)
    const unit = found?.[2] === '' ? 1 : UNITS[found?.[2]?.toLowerCase() ?? '']
    if (!found || unit === undefined) throw new WordError(`bad rate "${word}"`)
    return Math.floor((Number(found[1]) * unit) / 8) % 2 ** 32
  },
  print(bytes) {
    const bits = bytes * 8
    if (bits >= 1e9) return `${toEven(bits / 1e6)}Mbit`
    return bits >= 1e6 ? `${toEven(bits / 1000)}Kbit` : `${bits}bit`
  },
}

/** printf's %.0f: halves go to the even number. */
function toEven(value: number): number {
  const whole = Math.floor(value)
  const rest = value - whole
  return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole
}

const packets: Codec<number> = {
  words: 1,
  optional: true,
  metavar: 'packets',
  parse(word) {
    const value = word === '' ? 0 : unsigned(word)
    if (value === undefined || value > 0xffffffff) throw new WordError(`bad number of packets "${word}"`)
    return value
  },
  print: String,
}

export const rateest = defineMatch({
  name: 'rateest',
  families: [4, 6],
  required: ['one'],
  options: {
    delta: { flag: '--rateest-delta', value: flag, doc: 'the difference to the given rates is compared' },
    one: { flag: '--rateest1', aliases: ['--rateest'], value: name, doc: 'the estimator (target RATEEST)' },
    two: { flag: '--rateest2', value: name, doc: 'the estimator that it is compared with' },
    lt: { flag: '--rateest-lt', invertible: true, value: flag, doc: 'it is less' },
    gt: { flag: '--rateest-gt', invertible: true, value: flag, doc: 'it is greater' },
    eq: { flag: '--rateest-eq', invertible: true, value: flag, doc: 'it is the same' },
    bps1: { flag: '--rateest-bps1', value: rate, doc: 'bits a second of the first' },
    bps2: { flag: '--rateest-bps2', aliases: ['--rateest-bps'], value: rate, doc: 'bits a second' },
    pps1: { flag: '--rateest-pps1', value: packets, doc: 'packets a second of the first' },
    pps2: { flag: '--rateest-pps2', aliases: ['--rateest-pps'], value: packets, doc: 'packets a second' },
  },
  doc: {
    summary: 'Compares rates that the target RATEEST measures.',
    notes: ['The rates are not in a snapshot: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_rateest.c: xt_rateest_mt',
  },
  check: ({ lt, gt, eq }) => (lt || gt || eq ? undefined : 'one of --rateest-lt, -gt, -eq is needed'),
  print(options) {
    const { delta, one, two, lt, gt, eq, bps1, bps2, pps1, pps2 } = options
    // the last of them counts, and any ! among them
    const mode = Object.keys(options)
      .filter((key) => ['lt', 'gt', 'eq'].includes(key))
      .at(-1)
    const comparison = `${[lt, gt, eq].some((given) => given?.inverted) ? '! ' : ''}--rateest-${mode}`
    const words = delta ? ['--rateest-delta'] : []
    words.push(`--rateest${two ? '1' : ''} ${one!.value}`)
    const rates = (unit: 'bps' | 'pps', first: Given<number> | undefined, second: Given<number> | undefined) => {
      const { print } = unit === 'bps' ? rate : packets
      if (!first && !second) return
      if (delta) words.push(`--rateest-${unit}1 ${print(first?.value ?? 0)}`, comparison, `--rateest-${unit}2`)
      else words.push(comparison, `--rateest-${unit}`)
      if (delta || !two) words.push(print(second?.value ?? 0))
    }
    rates('bps', bps1, bps2)
    rates('pps', pps1, pps2)
    if (two) words.push(`--rateest2 ${two.value}`)
    return words.join(' ')
  },
  list(options, { numeric }) {
    const { delta, one, two, lt, gt, eq, bps1, bps2, pps1, pps2 } = options
    const mode = Object.keys(options)
      .filter((key) => ['lt', 'gt', 'eq'].includes(key))
      .at(-1)
    const comparison = `${[lt, gt, eq].some((given) => given?.inverted) ? ' !' : ''} ${mode}`
    const bits = (given: Given<number> | undefined) =>
      ` ${numeric ? (given?.value ?? 0) : rate.print(given?.value ?? 0)}`
    const count = (given: Given<number> | undefined) => ` ${given?.value ?? 0}`
    const [bps, pps] = [bps1 || bps2, pps1 || pps2]
    let text = ` rateest match ${one!.value}${delta ? ' delta' : ''}`
    if (bps) text += ` bps${delta ? bits(bps1) : ''}${two ? '' : bits(bps2) + comparison}`
    if (pps) text += ` pps${delta ? count(pps1) : ''}${two ? '' : comparison + count(pps2)}`
    if (!two) return text
    text += `${comparison} ${two.value}`
    if (bps) text += ` bps${delta ? bits(bps2) : ''}`
    return pps ? `${text} pps${delta ? count(pps2) : ''}` : text
  },
  lower: ({ one }) => ({
    is: 'unknown',
    text: `--rateest ${one!.value}`,
    needs: 'the rates that RATEEST has measured are not known',
  }),
})
