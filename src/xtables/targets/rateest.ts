import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** IFNAMSIZ with its final NUL. */
const LONGEST = 15
const SECOND = 1_000_000
/** Shortest interval; each next one is twice as long (struct xt_rateest_target_info: interval -2 to 3). */
const QUARTER = SECOND / 4
const INTERVALS = 6
const EWMA_LOGS = 32

/** Microseconds; a bare number is microseconds too (get_time of libxt_RATEEST.c). */
const time: Codec<number> = {
  words: 1,
  metavar: 'time',
  parse(word) {
    const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(s|sec|secs|ms|msec|msecs|us|usec|usecs)?$/i.exec(word)
    if (!found) throw new WordError(`bad time "${word}": a number with s, ms or us`)
    const unit = found[2]?.toLowerCase()[0]
    const micros = Math.trunc(Number(found[1]) * (unit === 's' ? SECOND : unit === 'm' ? 1000 : 1))
    return Number.isFinite(micros) ? Number(BigInt.asUintN(32, BigInt(micros))) : 0xffffffff
  },
  print: show,
}

/** print_time of libxt_RATEEST.c. */
function show(micros: number): string {
  if (micros >= SECOND) return `${(micros / SECOND).toFixed(1)}s`
  return micros >= 1000 ? `${(micros / 1000).toFixed(1)}ms` : `${micros}us`
}

/** The interval that holds this many microseconds, by its number; undefined: there is none so long. */
function intervalOf(micros: number): number | undefined {
  for (let n = 0; n < INTERVALS; n++) if (micros <= QUARTER * 2 ** n) return n
  return undefined
}

/** The logarithm of how slowly the average follows (RATEEST_final_check); undefined: out of range. */
function ewmaLog(micros: number, interval: number): number | undefined {
  let log = 1
  while (log < EWMA_LOGS && interval / -Math.log(1 - 1 / 2 ** log) <= micros) log++
  return log === 1 || log === EWMA_LOGS ? undefined : log - 1
}

export const rateest = defineTarget({
  name: 'RATEEST',
  families: [4, 6],
  required: ['name', 'interval', 'ewma'],
  options: {
    name: {
      flag: '--rateest-name',
      value: { words: 1, metavar: 'name', parse: (word) => word.slice(0, LONGEST), print: (word) => word },
      doc: 'the estimator, shared by the rules that name it',
    },
    interval: { flag: '--rateest-interval', value: time, doc: 'how often it measures: 250 ms to 8 s' },
    ewma: { flag: '--rateest-ewmalog', value: time, doc: 'how long the past counts' },
  },
  doc: {
    summary: 'Counts the packet for an estimator of rates, which -m rateest asks. The packet goes on.',
    notes: ['What an estimator has seen is not in a snapshot.'],
    kernel: 'net/netfilter/xt_RATEEST.c: xt_rateest_tg',
  },
  check({ interval, ewma }) {
    if (intervalOf(interval!.value) === undefined) return 'RATEEST: interval value is too large'
    return ewmaLog(ewma!.value, interval!.value) === undefined ? 'RATEEST: ewmalog value is out of range' : undefined
  },
  print: (given) => {
    const { interval, ewma } = kept(given)
    return `--rateest-name ${given.name!.value} --rateest-interval ${show(interval)} --rateest-ewmalog ${show(ewma)}`
  },
  list: (given) => {
    const { interval, ewma } = kept(given)
    return ` name ${given.name!.value} interval ${show(interval)} ewmalog ${show(ewma)}`
  },
  lower: ({ name }) => [{ do: 'log', prefix: '', what: `RATEEST ${name!.value}: counted` }],
})

/** What is left of both times once the kernel has them as numbers of bits. */
function kept(given: { readonly interval?: { readonly value: number }; readonly ewma?: { readonly value: number } }): {
  readonly interval: number
  readonly ewma: number
} {
  const interval = QUARTER * 2 ** intervalOf(given.interval!.value)!
  return { interval, ewma: (interval * 2 ** ewmaLog(given.ewma!.value, given.interval!.value)!) % 2 ** 32 }
}
