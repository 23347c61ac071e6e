import { ifName, ifNamesFrom } from '../address/ifname.js'
import { CT_STATE, FIELDS, type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import { Packet } from '../packet/packet.js'
import { type Probe, runProbe } from '../packet/probe.js'
import { writeField } from '../packet/rewrite.js'
import type { Condition, Outcome } from '../rules/condition.js'
import { type FibValue, type Judgement, type Reading, type Subject, UNKNOWN } from '../rules/interpret.js'
import type { Range, Ranges, Value } from '../rules/value.js'

/** 0 ≤ x < 1. */
export type Random = () => number

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!
const chance = (random: Random, probability: number): boolean => random() < probability
const upTo = (random: Random, last: number): number => Math.floor(random() * (last + 1))

const NAMES = ['', 'eth0', 'eth1', 'eth10', 'wan', 'lo', 'docker0', 'veth1a2b']
const FIELDS_OF_CONNECTIONS = (Object.keys(FIELDS) as Field[]).filter(
  (name) => name.startsWith('ct.') && name !== 'ct.state',
)
const METADATA = (Object.keys(FIELDS) as Field[]).filter((name) => !fieldSpec(name).read)

/** A packet of random bytes that are often sensible and sometimes end too soon, with random metadata that could occur together. */
export class RandomPacket implements Subject {
  readonly family: 4 | 6
  readonly packet: Packet
  readonly metadata = new Map<Field, FieldValue>()
  /** What the next lots and limits say. */
  draws: boolean[] = []

  constructor(random: Random, family: 4 | 6) {
    this.family = family
    this.packet = new Packet(randomBytes(random, family), mac(random))
    for (const field of METADATA) this.metadata.set(field, randomValue(random, field))
    this.#consistent(random)
  }

  #consistent(random: Random): void {
    const state = pick(random, Object.values(CT_STATE))
    this.metadata.set('ct.state', state)
    if (state === CT_STATE.NEW) this.metadata.set('ct.direction', 0)
    const untracked = state === CT_STATE.INVALID || state === CT_STATE.UNTRACKED
    for (const field of FIELDS_OF_CONNECTIONS)
      if (untracked || otherFamily(field, this.family)) this.metadata.delete(field)
    if (chance(random, 0.5)) for (const field of ['socket.uid', 'socket.gid'] as const) this.metadata.delete(field)
    else this.metadata.set('socket.exists', 1)
    for (const field of ['meta.physiifname', 'meta.physoifname', 'meta.iifgroup', 'meta.oifgroup'] as const)
      if (chance(random, 0.5)) this.metadata.delete(field)
  }

  /** What a rule writes. */
  write(field: Field, value: FieldValue): void {
    if (!fieldSpec(field).read) this.metadata.set(field, value)
    else writeField(this.packet, field, value)
  }

  /** The same packet once more, to be changed. */
  clone(): RandomPacket {
    const metadata = new Map(this.metadata)
    return Object.assign(Object.create(RandomPacket.prototype), this, { packet: this.packet.clone(), metadata })
  }

  read(field: Field): Reading {
    const read = fieldSpec(field).read
    return read ? read(this.packet) : this.metadata.get(field)
  }

  fib({ of }: FibValue): Reading {
    return fibType(this.read(addressField(of, this.family)))
  }

  member(set: string, key: readonly FieldValue[]): Judgement {
    return { outcome: memberOutcome(set, key[0]!) }
  }

  host(): Reading {
    return UNKNOWN
  }

  probe(probe: Probe): Reading {
    return runProbe(probe, this.packet)
  }

  chance(weight: number): boolean {
    if (weight <= 0 || weight >= 2 ** 31) return weight > 0
    return this.draws.shift() ?? false
  }

  advance(): { readonly outcome: Outcome; readonly text: string } {
    return { outcome: this.draws.shift() ? 'yes' : 'no', text: '' }
  }
}

const otherFamily = (field: Field, family: 4 | 6): boolean =>
  family === 4 ? field.endsWith('addr6') : /^ct\..*addr$/.test(field)

export const addressField = (of: 'saddr' | 'daddr', family: 4 | 6): Field => (family === 4 ? `ip.${of}` : `ip6.${of}`)

/** A stand-in for the FIB: local addresses end in an even bit, multiples of four are not known. */
export const fibType = (address: Reading): number => (BigInt(address as FieldValue) % 2n === 0n ? 2 : 1)

/** A stand-in for sets: `small` holds what is below 2^15, `odd` what is odd; `missing` is not known. */
export function memberOutcome(set: string, value: FieldValue): Outcome {
  if (set === 'missing') return 'unknown'
  return (set === 'small' ? BigInt(value) < 32768n : BigInt(value) % 2n === 1n) ? 'yes' : 'no'
}

const mac = (random: Random) =>
  chance(random, 0.7)
    ? { source: 0x020000000000 + upTo(random, 3), destination: 0x020000000000 + upTo(random, 3), ethertype: 0x0800 }
    : undefined

/** Few different values, so that conditions meet them. */
function randomValue(random: Random, field: Field): FieldValue {
  if (/ifname$/.test(field)) return ifName(pick(random, NAMES))
  const { bits } = fieldSpec(field)
  const small = pick(random, [0, 1, 2, 3, 4, 8, 64, 0x4000, 0xffff])
  const value = chance(random, 0.8) ? small % 2 ** Math.min(bits, 40) : Math.floor(random() * 2 ** Math.min(bits, 48))
  return bits > 48 ? (BigInt(value) << BigInt(upTo(random, 80))) + BigInt(upTo(random, 3)) : value
}

const PROTOCOLS = [1, 6, 6, 6, 17, 17, 33, 47, 50, 51, 58, 132, 255]

function randomBytes(random: Random, family: 4 | 6): Uint8Array {
  const header = family === 4 ? 20 : 40
  const bytes = new Uint8Array(header + 24)
  for (let i = 0; i < bytes.length; i++) bytes[i] = chance(random, 0.5) ? upTo(random, 3) : upTo(random, 255)
  if (family === 4) {
    bytes[0] = 0x45
    bytes[9] = pick(random, PROTOCOLS)
    if (chance(random, 0.7)) bytes[6] = bytes[7] = 0
  } else {
    bytes[0] = 0x60
    bytes[6] = pick(random, [...PROTOCOLS, 0, 43, 44, 60])
  }
  if (chance(random, 0.5)) bytes[header + 12] = 0x50
  return chance(random, 0.3) ? bytes.slice(0, header + upTo(random, 24)) : bytes
}

/** A tree of conditions about values that these packets have, or nearly have. */
export function randomCondition(random: Random, packets: readonly RandomPacket[], depth = 3): Condition {
  const again = () => randomCondition(random, packets, depth - 1)
  if (depth > 0 && chance(random, 0.6)) {
    const kind = random()
    if (kind < 0.2) return { is: 'not', of: again() }
    if (kind < 0.27) return { is: 'drop-if', of: again() }
    return { is: kind < 0.65 ? 'all' : 'any', of: Array.from({ length: upTo(random, 3) }, again) }
  }
  const kind = random()
  if (kind < 0.08) return { is: 'readable', field: pick(random, fieldsOf(packets[0]!.family)) }
  if (kind < 0.13) return { is: 'chance', weight: pick(random, [0, 2 ** 30, 2 ** 31]) }
  if (kind < 0.17) return { is: 'stateful', machine: { kind: 'nth', every: 2, packet: 0 } }
  if (kind < 0.21) return { is: 'unknown', text: '-m something', needs: 'not known' }
  if (kind < 0.26) {
    const key = pick(random, ['th.dport', 'meta.mark', 'meta.l4proto', 'ct.mark'] as const)
    return { is: 'member', set: pick(random, ['small', 'odd', 'missing']), key: [key] }
  }
  return comparison(random, pick(random, packets))
}

const FIELD_NAMES = Object.keys(FIELDS) as Field[]
const OF_FAMILY = {
  4: FIELD_NAMES.filter((field) => !field.startsWith('ip6.')),
  6: FIELD_NAMES.filter((field) => !field.startsWith('ip.') || field === 'ip.tos' || field === 'ip.ttl'),
} as const

/** What rules of a family may ask for. */
export const fieldsOf = (family: 4 | 6): readonly Field[] => OF_FAMILY[family]
const isName = (field: Field): boolean => /ifname$/.test(field)

function comparison(random: Random, near: RandomPacket): Condition {
  if (chance(random, 0.05)) {
    const value: Value = { from: 'fib', what: 'type', of: pick(random, ['saddr', 'daddr'] as const), over: 'any' }
    return { is: 'in', value, ranges: [[1, 1]] }
  }
  if (chance(random, 0.12)) {
    const value = pick(random, ['meta.iifname', 'meta.oifname', 'meta.physiifname', 'meta.physoifname'] as const)
    return { is: 'in', value, ranges: [nameRange(pick(random, NAME_PATTERNS))] }
  }
  const field = pick(
    random,
    fieldsOf(near.family).filter((one) => !isName(one)),
  )
  const seen = near.read(field)
  const value = typeof seen === 'number' || typeof seen === 'bigint' ? seen : randomValue(random, field)
  const computed = random()
  if (computed < 0.2) {
    const mask =
      typeof value === 'bigint' ? (1n << BigInt(upTo(random, 127))) - 2n : pick(random, [0xf0, 1, 0xfff0, 0, 0x17])
    return {
      is: 'in',
      value: { from: 'masked', of: field, mask: clampMask(mask) },
      ranges: around(random, and(value, mask)),
    }
  }
  if (computed < 0.27)
    return { is: 'in', value: { from: 'shifted', of: field, by: 2 }, ranges: around(random, shift(value)) }
  return { is: 'in', value: field, ranges: around(random, value) }
}

const clampMask = (mask: FieldValue): FieldValue => (mask < 0 ? 0n : mask)
const and = (value: FieldValue, mask: FieldValue): FieldValue =>
  typeof value === 'bigint' ? value & BigInt(clampMask(mask)) : Number(BigInt(value) & BigInt(clampMask(mask)))
const shift = (value: FieldValue): FieldValue => (typeof value === 'bigint' ? value >> 2n : Math.floor(value / 4))

const NAME_PATTERNS = ['eth+', 'eth0', 'eth1+', 'lo', 'docker0', 'veth+', 'nosuch', '']
const nameRange = (name: string): Range =>
  name.endsWith('+') ? ifNamesFrom(name.slice(0, -1)) : [ifName(name), ifName(name)]
/** Every range of interface names that a random condition may hold. */
export const NAME_RANGES: readonly Ranges[] = NAME_PATTERNS.map((name) => [nameRange(name)])

function around(random: Random, value: FieldValue): Ranges {
  const plus = (by: number): FieldValue => (typeof value === 'bigint' ? value + BigInt(by) : value + by)
  const kind = random()
  if (kind < 0.5) return [[value, value]]
  if (kind < 0.75) return [[value, plus(upTo(random, 1000))]]
  const below = value > 2 ? plus(-2) : value
  return [
    [below, below],
    [plus(1), plus(5)],
  ]
}
