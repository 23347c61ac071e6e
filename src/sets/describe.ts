import { type Ip, printIp } from '../address/ip.js'
import { firstOf, lastOf } from '../address/prefix.js'
import { CT_STATE, type Field, type FieldValue, PROTOCOLS } from '../packet/fields.js'
import type { Node } from './bdd.js'
import { type Block, blocksOf, type Values } from './blocks.js'
import type { Space } from './space.js'

export interface Described {
  /** One block each: `tcp 10.0.0.0/8 → 10.2.0.2:80,443 in eth0`. */
  readonly lines: readonly string[]
  readonly more: boolean
}

/** A set for people, as blocks without a packet in common. */
export function describe(space: Space, set: Node, fields?: readonly Field[], limit?: number, within?: Node): Described {
  const { blocks, more } = blocksOf(space, set, fields, limit, within)
  return { lines: blocks.map((block) => blockText(space, block)), more }
}

const PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])

/** A block on one line. */
export function blockText(space: Space, block: Block): string {
  const [saddr, daddr] =
    space.family === 4 ? (['ip.saddr', 'ip.daddr'] as const) : (['ip6.saddr', 'ip6.daddr'] as const)
  const protocols = block.get('meta.l4proto')
  const numbers = protocols && listed(protocols)
  const icmp = numbers?.every((one) => one === 1 || one === 58) ?? false
  const words = [
    numbers
      ? numbers.map((one) => PROTOCOLS[one] ?? `${one}`).join(',')
      : protocols
        ? valuesText(protocols, 255, (value) => PROTOCOLS[Number(value)] ?? `${value}`)
        : 'any protocol',
  ]
  const portsKnown = !numbers || numbers.some((one) => PORTS.has(one))
  const [sport, dport] = portsKnown ? [block.get('th.sport'), block.get('th.dport')] : []
  const end = (address: Values | undefined, port: Values | undefined) => {
    const host = address ? addressesText(address, space.family) : 'any'
    return port ? `${host.includes(':') ? `[${host}]` : host}:${valuesText(port, 0xffff)}` : host
  }
  words.push(end(block.get(saddr), sport), '→', end(block.get(daddr), dport))
  const type = icmp ? block.get('th.sport') : undefined
  if (type) words.push(`type ${valuesText(types(type), 255)}`)
  for (const [field, word] of [
    ['meta.iifname', 'in'],
    ['meta.oifname', 'out'],
  ] as const) {
    const names = block.get(field)
    if (names) words.push(`${word} ${namesText(space, names)}`)
  }
  const states = block.get('ct.state')
  if (states)
    words.push(
      Object.entries(CT_STATE)
        .filter(([, bit]) => holds(states, bit))
        .map(([name]) => name)
        .join(','),
    )
  const mark = block.get('meta.mark')
  if (mark) words.push(`mark ${valuesText(mark, 0xffffffff, (value) => `0x${value.toString(16)}`)}`)
  return words.join(' ')
}

const holds = (values: Values, value: number): boolean => values.some(([from, to]) => from <= value && value <= to)

/** The values one by one, where they are few. */
function listed(values: Values): readonly number[] | undefined {
  const count = values.reduce((sum, [from, to]) => sum + Number(to) - Number(from) + 1, 0)
  if (count > 6) return undefined
  return values.flatMap(([from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
  )
}

/** ICMP types, the first byte of what are ports elsewhere. */
const types = (values: Values): Values => {
  const found: [number, number][] = []
  for (const [from, to] of values) {
    const [low, high] = [Number(from) >> 8, Number(to) >> 8]
    const last = found.at(-1)
    if (last && last[1] + 1 >= low) last[1] = Math.max(last[1], high)
    else found.push([low, high])
  }
  return found
}

/** Where most values are in, those that are not. */
function complement(values: Values, last: FieldValue): Values {
  const result: [FieldValue, FieldValue][] = []
  let next = 0n
  const plain = (value: bigint): FieldValue => (typeof last === 'bigint' ? value : Number(value))
  for (const [from, to] of values) {
    if (BigInt(from) > next) result.push([plain(next), plain(BigInt(from) - 1n)])
    next = BigInt(to) + 1n
  }
  if (next <= BigInt(last)) result.push([plain(next), last])
  return result
}

const MOST_PIECES = 8

function joinedText(values: Values, last: FieldValue, one: (range: Values[number]) => string): string {
  const others = complement(values, last)
  const inverted = others.length > 0 && others.length < values.length
  const pieces = (inverted ? others : values).map(one)
  const text =
    pieces.slice(0, MOST_PIECES).join(',') + (pieces.length > MOST_PIECES ? `, … (${pieces.length} ranges)` : '')
  return inverted ? `all but ${text}` : text
}

const valuesText = (values: Values, last: FieldValue, show: (value: FieldValue) => string = String): string =>
  joinedText(values, last, ([from, to]) => (from === to ? show(from) : `${show(from)}-${show(to)}`))

/** Addresses as prefixes where they are some. */
function addressesText(values: Values, family: 4 | 6): string {
  const last: Ip = family === 4 ? 0xffffffff : (1n << 128n) - 1n
  const own = (value: FieldValue): Ip => (family === 4 ? Number(value) : BigInt(value))
  return joinedText(values, last, ([from, to]) => rangeText(own(from), own(to)))
}

/** `10.0.0.0/8`, `10.0.0.1`, or `10.0.0.1-10.0.0.9`. */
export function rangeText(from: Ip, to: Ip): string {
  const bits = typeof from === 'number' ? 32 : 128
  for (let length = bits; length >= 0; length--) {
    const prefix = { ip: from, length }
    if (firstOf(prefix) !== from) break
    if (lastOf(prefix) === to) return length === bits ? printIp(from) : `${printIp(from)}/${length}`
  }
  return `${printIp(from)}-${printIp(to)}`
}

/** Names of their own, and whether others are meant as well. */
function namesText(space: Space, values: Values): string {
  const { names } = space
  const all = listedNames(values)
  const others = listedNames(complement(values, names.count - 1)).filter((one) => one !== 0)
  const text = (numbers: readonly number[]): string => {
    const single = numbers.filter((one) => names.isSingle(one)).map((one) => names.nameOf(one) || 'no interface')
    return [...single, ...(single.length < numbers.length ? ['others'] : [])].join(',')
  }
  const inverted = others.length > 0 && others.length < all.length && others.every((one) => names.isSingle(one))
  return inverted ? `any but ${text(others)}` : text(all)
}

const listedNames = (values: Values): readonly number[] =>
  values.flatMap(([from, to]) =>
    Array.from({ length: Math.max(0, Number(to) - Number(from) + 1) }, (_, i) => Number(from) + i),
  )
