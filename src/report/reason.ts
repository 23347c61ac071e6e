import { printIfName } from '../address/ifname.js'
import { bitsOf, type Ip, printIp } from '../address/ip.js'
import { ADDRESS_TYPE, type Field, type FieldValue, fieldSpec, printField } from '../packet/fields.js'
import { printAnswer, probeLabel } from '../packet/probe.js'
import type { RuleVisit } from '../path/trail.js'
import type { Range, Ranges, Value } from '../rules/value.js'

export type Reason = NonNullable<RuleVisit['because']>

/** Why a rule did or did not match, in words: what was looked at, what the rule wants, what the packet has. */
export interface Explanation {
  readonly field: string | undefined
  readonly wanted: string | undefined
  readonly seen: string | undefined
  /** `destination port 5432 ≠ 8080` */
  readonly sentence: string
}

/** What the trail knows besides: a masked comparison sees only its own bits. */
export interface Surroundings {
  /** The connection's state at this hook. */
  readonly state?: string | undefined
}

export function explain(reason: Reason, matched: boolean, around: Surroundings = {}): Explanation {
  const { value, seen, wanted, inverted, text } = reason
  if (value === undefined) return { field: undefined, wanted: undefined, seen: undefined, sentence: text ?? '' }
  const field = label(value)
  if (wanted === 'readable')
    return { field, wanted: 'readable', seen: undefined, sentence: `the packet ends before its ${field}` }
  if (wanted === undefined || text !== undefined)
    return {
      field,
      wanted: undefined,
      seen: seen === undefined ? undefined : print(value, seen),
      sentence: `${field}: ${text ?? 'not there'}`,
    }
  const bits = anyBitOf(value, wanted)
  if (bits) return explainBits(field, bits, reason, matched, around)
  const ranges = printRanges(value, wanted)
  const negation = inverted ? '!' : ''
  if (seen === undefined)
    return { field, wanted: negation + ranges, seen: undefined, sentence: `the packet has no ${field}` }
  const shown = print(value, seen)
  return {
    field,
    wanted: negation + ranges,
    seen: shown,
    sentence: sentence(field, shown, ranges, isSingle(wanted), matched !== inverted, inverted),
  }
}

/** `within`: the value lies in the ranges, whatever the rule makes of it. */
function sentence(
  field: string,
  seen: string,
  ranges: string,
  single: boolean,
  within: boolean,
  inverted: boolean,
): string {
  const excludes = inverted && within ? ', which ! excludes' : ''
  if (single)
    return seen === ranges && within
      ? `${field} is ${seen}${excludes}`
      : `${field} ${seen} ${within ? '=' : '≠'} ${ranges}${excludes}`
  return `${field} ${seen} is ${within ? 'in' : 'not in'} ${ranges}${excludes}`
}

const isSingle = (ranges: Ranges): boolean => ranges.length === 1 && ranges[0]![0] === ranges[0]![1]

/** The mask of a comparison that asks whether any of its bits is set. */
function anyBitOf(value: Value, wanted: Ranges): { of: Value; mask: FieldValue } | undefined {
  if (typeof value === 'string' || value.from !== 'masked' || wanted.length !== 1) return undefined
  const [from, to] = wanted[0]!
  return from === 1 && to !== from && to >= value.mask ? value : undefined
}

function explainBits(
  field: string,
  bits: { readonly of: Value; readonly mask: FieldValue },
  { seen, inverted }: Reason,
  matched: boolean,
  { state }: Surroundings,
): Explanation {
  const wanted = print(bits.of, bits.mask)
  const name = label(bits.of)
  const within = matched !== inverted
  const known = bits.of === 'ct.state' ? state : undefined
  const shown = known ?? (seen === undefined ? undefined : print(bits.of, seen))
  const has = known === undefined ? name : `${name} ${known}`
  const text = within
    ? `${has} is one of ${wanted}${inverted ? ', which ! excludes' : ''}`
    : `${has} is none of ${wanted}`
  return {
    field: known === undefined ? field : name,
    wanted: `${inverted ? '!' : ''}${wanted}`,
    seen: shown,
    sentence: seen === undefined ? `the packet has no ${name}` : text,
  }
}

/** What people call a value: `destination port`, `mark & 0x4000`, `type of destination address`. */
export function label(value: Value): string {
  if (typeof value === 'string') return fieldSpec(value).label
  switch (value.from) {
    case 'constant':
      return `${value.value}`
    case 'masked':
      return `${label(value.of)} & ${printMask(value.of, value.mask)}`
    case 'shifted':
      return value.of === 'ip.tos' && value.by === 2 ? 'DSCP' : `${label(value.of)} >> ${value.by}`
    case 'probe':
      return probeLabel(value.probe)
    case 'hash':
      return `hash of ${label(value.of)}`
    case 'reverse-path':
      return 'way back to the source'
    case 'socket':
      return 'socket of this host'
    case 'fib': {
      const over = value.over === 'any' ? '' : ` on the ${value.over === 'iif' ? 'in' : 'out'} interface`
      return `type of ${value.of === 'saddr' ? 'source' : 'destination'} address${over}`
    }
  }
}

const isAddress = (field: Field): boolean => /addr6?$/.test(field) && !field.startsWith('ether')
const isInterface = (field: Field): boolean => field.endsWith('ifname')

function printMask(of: Value, mask: FieldValue): string {
  return typeof of === 'string' && (isAddress(of) || of === 'tcp.flags')
    ? printField(of, mask)
    : `0x${mask.toString(16)}`
}

const TYPE_NAMES = new Map<number, string>(Object.entries(ADDRESS_TYPE).map(([name, number]) => [number, name]))

/** One value as people write it. */
export function print(value: Value, seen: FieldValue): string {
  if (typeof value === 'string') return printField(value, seen)
  switch (value.from) {
    case 'constant':
      return `${seen}`
    case 'masked':
      return print(value.of, seen)
    case 'shifted':
      return `0x${seen.toString(16)}`
    case 'probe':
      return printAnswer(value.probe, seen)
    case 'hash':
      return `${seen}`
    case 'reverse-path':
    case 'socket':
      return seen === 1 ? 'there' : 'not there'
    case 'fib':
      return TYPE_NAMES.get(Number(seen)) ?? `${seen}`
  }
}

/** `8080`, `1000-2000`, `{80, 443}`, `10.0.0.0/8`, `eth+`. */
export function printRanges(value: Value, ranges: Ranges): string {
  const shown = ranges.map((range) => printRange(value, range))
  if (shown.length === 1) return shown[0]!
  return shown.length === 0 ? 'nothing' : `{${shown.join(', ')}}`
}

function printRange(value: Value, [from, to]: Range): string {
  if (from === to) return print(value, from)
  const field = fieldUnder(value)
  if (field && isAddress(field)) {
    const length = prefixLength(from, to, bitsOf(typeof from === 'number' ? 4 : 6))
    if (length !== undefined) return `${printIp(from as Ip)}/${length}`
  }
  if (field && isInterface(field) && prefixLength(from, to, 128) !== undefined) return `${printIfName(BigInt(from))}+`
  return `${print(value, from)}-${print(value, to)}`
}

function fieldUnder(value: Value): Field | undefined {
  if (typeof value === 'string') return value
  return value.from === 'masked' ? fieldUnder(value.of) : undefined
}

/** The interval as a prefix, where it is one. */
function prefixLength(from: FieldValue, to: FieldValue, bits: number): number | undefined {
  const size = BigInt(to) - BigInt(from) + 1n
  const host = size.toString(2).length - 1
  if (size !== 1n << BigInt(host) || BigInt(from) % size !== 0n) return undefined
  return bits - host
}
