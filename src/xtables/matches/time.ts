import { all, any, type Condition, inRanges } from '../../rules/condition.js'
import { type Codec, flag, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
/** XT_TIME_MAX_DAYTIME, and the last second that libxt_time.c takes for "for ever" (INT_MAX). */
const LAST_SECOND = 86_399
const FOREVER = 0x7fffffff

const two = (value: number) => `${value}`.padStart(2, '0')

/** `hh:mm[:ss]`, seconds since midnight. */
const daytime: Codec<number> = {
  words: 1,
  metavar: 'hh:mm[:ss]',
  parse(word) {
    const found = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$/.exec(word)
    const [hour, minute, second] = [Number(found?.[1]), Number(found?.[2]), Number(found?.[3] ?? 0)]
    if (!found || hour > 23 || minute > 59 || second > 59) throw new WordError(`bad time of day "${word}": hh:mm[:ss]`)
    return hour * 3600 + minute * 60 + second
  },
  print: (value) => `${two(Math.floor(value / 3600))}:${two(Math.floor(value / 60) % 60)}:${two(value % 60)}`,
}

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`, seconds since the epoch, as if it were UTC. */
const date: Codec<number> = {
  words: 1,
  metavar: 'YYYY[-MM[-DD[Thh[:mm[:ss]]]]]',
  parse(word) {
    const found = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?)?)?$/.exec(word)
    const part = (i: number, or: number) => Number(found?.[i] ?? or)
    const [year, month, day, hour, minute, second] = [
      part(1, 0),
      part(2, 1),
      part(3, 1),
      part(4, 0),
      part(5, 0),
      part(6, 0),
    ]
    const fits = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 59
    if (!found || year < 1970 || year > 2038 || !fits) throw new WordError(`bad date "${word}": YYYY-MM-DDThh:mm:ss`)
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000
  },
  print: (value) => new Date(value * 1000).toISOString().slice(0, 19),
}

/** Days as bits, 1 to 7 from Monday on: by name (two letters are enough) or number. */
const weekdays: Codec<number> = {
  words: 1,
  metavar: 'day[,day...]',
  parse: (word) =>
    word.split(',').reduce((bits, name) => {
      const named =
        DAYS.findIndex((day) => name.length >= 2 && day.toLowerCase().startsWith(name.toLowerCase().slice(0, 3))) + 1
      const day = /^\d$/.test(name) ? Number(name) : named
      if (day < 1 || day > 7) throw new WordError(`bad day of the week "${name}"`)
      return bits | (1 << day)
    }, 0),
  print: (bits) => DAYS.filter((_, i) => bits & (1 << (i + 1))).join(','),
}

/** Days as bits, 1 to 31. */
const monthdays: Codec<number> = {
  words: 1,
  metavar: 'day[,day...]',
  parse: (word) =>
    word.split(',').reduce((bits, name) => {
      if (!/^\d{1,2}$/.test(name) || Number(name) < 1 || Number(name) > 31)
        throw new WordError(`bad day of the month "${name}"`)
      return (bits | (1 << Number(name))) >>> 0
    }, 0),
  print: (bits) => bitsOf(bits, 31).join(','),
}

const bitsOf = (bits: number, last: number): readonly number[] =>
  Array.from({ length: last }, (_, i) => i + 1).filter((day) => (bits >>> day) & 1)

const ALL_WEEK = 0xfe
const ALL_MONTH = 0xfffffffe

const bitsGiven = (given: { readonly value: number; readonly inverted: boolean } | undefined, every: number): number =>
  given === undefined ? every : ((given.inverted ? ~given.value : given.value) & every) >>> 0

const isDay = (field: 'meta.weekday' | 'meta.monthday', days: readonly number[]): Condition =>
  inRanges(
    field,
    days.map((day) => [day, day] as const),
  )

/** libxt_time.c: 11st, 12nd and 13rd as well. */
const ordinal = (day: number): string => `${day}${['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'}`

export const time = defineMatch({
  name: 'time',
  families: [4, 6],
  options: {
    timestart: { flag: '--timestart', value: daytime, doc: 'from this time of day' },
    timestop: {
      flag: '--timestop',
      value: daytime,
      doc: 'to this time of day, that second included; earlier than the start: over midnight',
    },
    monthdays: {
      flag: '--monthdays',
      aliases: ['--monthday' as '--monthdays'],
      invertible: true,
      value: monthdays,
      doc: 'on these days of the month',
    },
    weekdays: {
      flag: '--weekdays',
      aliases: ['--days' as '--weekdays'],
      invertible: true,
      value: weekdays,
      doc: 'on these days of the week',
    },
    datestart: { flag: '--datestart', value: date, doc: 'from this moment' },
    datestop: { flag: '--datestop', value: date, doc: 'to this moment' },
    kerneltz: { flag: '--kerneltz', value: flag, doc: 'by the kernel’s time zone instead of UTC' },
    contiguous: { flag: '--contiguous', value: flag, doc: 'a time over midnight belongs to the day on which it began' },
    utc: { flag: '--utc', value: flag, doc: 'UTC (that is the default)' },
    localtz: { flag: '--localtz', value: flag, doc: 'as --kerneltz' },
  },
  doc: {
    summary: 'Matches the time at which the packet passes, in UTC.',
    notes: [
      'The clock is that of the question, not of this machine.',
      'The kernel’s time zone is not part of a snapshot: --kerneltz is undecided.',
    ],
    kernel: 'net/netfilter/xt_time.c: time_mt',
  },
  check({ timestart, timestop, contiguous, utc, kerneltz, localtz }) {
    if (utc && (kerneltz || localtz)) return '--utc excludes --kerneltz'
    const rising = (timestart?.value ?? 0) < (timestop?.value ?? LAST_SECOND)
    return contiguous && rising ? '--contiguous needs a time that goes over midnight' : undefined
  },
  print(given) {
    const { timestart, timestop, datestart, datestop } = given
    const words: string[] = []
    if ((timestart && timestart.value !== 0) || (timestop && timestop.value !== LAST_SECOND))
      words.push(
        `--timestart ${daytime.print(timestart?.value ?? 0)} --timestop ${daytime.print(timestop?.value ?? LAST_SECOND)}`,
      )
    const month = bitsGiven(given.monthdays, ALL_MONTH)
    if (month !== ALL_MONTH) words.push(`--monthdays ${monthdays.print(month)}`)
    const week = bitsGiven(given.weekdays, ALL_WEEK)
    if (week !== ALL_WEEK) words.push(`--weekdays ${weekdays.print(week)}`)
    if (datestart && datestart.value !== 0) words.push(`--datestart ${date.print(datestart.value)}`)
    words.push(`--datestop ${date.print(datestop?.value ?? FOREVER)}`)
    if (given.kerneltz || given.localtz) words.push('--kerneltz')
    if (given.contiguous) words.push('--contiguous')
    return words.join(' ')
  },
  list(given) {
    const { timestart, timestop, datestart, datestop, contiguous } = given
    const words = [' TIME']
    const [from, to] = [timestart?.value ?? 0, timestop?.value ?? LAST_SECOND]
    if (from !== 0 || to !== LAST_SECOND) words.push(`from ${daytime.print(from)} to ${daytime.print(to)}`)
    const week = bitsGiven(given.weekdays, ALL_WEEK)
    if (week !== ALL_WEEK) words.push(`on ${weekdays.print(week)}`)
    const month = bitsGiven(given.monthdays, ALL_MONTH)
    if (month !== ALL_MONTH) words.push(`on ${bitsOf(month, 31).map(ordinal).join(',')}`)
    const moment = (value: number) => date.print(value).replace('T', ' ')
    if (datestart && datestart.value !== 0) words.push(`starting from ${moment(datestart.value)}`)
    if (datestop && datestop.value !== FOREVER) words.push(`until date ${moment(datestop.value)}`)
    if (!given.kerneltz && !given.localtz) words.push('UTC')
    if (contiguous) words.push('contiguous')
    return words.join(' ')
  },
  lower(given): Condition {
    if (given.kerneltz || given.localtz)
      return { is: 'unknown', text: '-m time --kerneltz', needs: 'the kernel’s time zone is not known' }
    const [start, stop] = [given.timestart?.value ?? 0, given.timestop?.value ?? LAST_SECOND]
    const [week, month] = [bitsGiven(given.weekdays, ALL_WEEK), bitsGiven(given.monthdays, ALL_MONTH)]
    const parts: Condition[] = [
      inRanges('meta.time', [[given.datestart?.value ?? 0, given.datestop?.value ?? FOREVER]]),
    ]
    if (start < stop) parts.push(inRanges('meta.daytime', [[start, stop]]))
    else if (start > stop + 1)
      parts.push(
        inRanges('meta.daytime', [
          [0, stop],
          [start, LAST_SECOND],
        ]),
      )
    const days = (shift: number): Condition => {
      const within = bitsOf(week, 7).map((day) => ((day - 1 + shift) % 7) + 1)
      const conditions: Condition[] = week === ALL_WEEK ? [] : [isDay('meta.weekday', within)]
      if (month === ALL_MONTH) return all(...conditions)
      if (shift === 0) return all(...conditions, isDay('meta.monthday', bitsOf(month, 31)))
      return {
        is: 'unknown',
        text: '--contiguous --monthdays',
        needs: 'the day of the month before this one is not looked at',
      }
    }
    if (!given.contiguous) parts.push(days(0))
    // up to the end of the span it is still the day before
    else
      parts.push(
        any(
          all(inRanges('meta.daytime', [[0, stop]]), days(1)),
          all(inRanges('meta.daytime', [[stop + 1, LAST_SECOND]]), days(0)),
        ),
      )
    return all(...parts)
  },
})
