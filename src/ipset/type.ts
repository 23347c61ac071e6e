import { type Family, familyOf, type Ip } from '../address/ip.js'
import { and, maskOf } from '../address/prefix.js'
import type { FieldValue } from '../packet/fields.js'
import type { Value } from '../rules/value.js'
import type { Data, DataKey } from './data.js'
import type { Element } from './element.js'

export type Direction = 'src' | 'dst'
/** What is to be done with an element, by a command or by a packet. */
export type Adt = 'add' | 'del' | 'test'
type Does = 'create' | Adt

/** What a set was made with, as far as its type has it; the kernel's defaults filled in. */
export interface Header {
  readonly family: Family | undefined
  readonly netmask: number | undefined
  readonly bitmask: Ip | undefined
  readonly markmask: number | undefined
  /** bitmap types. */
  readonly first: number
  readonly last: number
  /** list:set. */
  readonly size: number
}

/** A piece of an element as people write it: `10.0.0.0/8`, `tcp:80`, `eth0`. */
export interface Part {
  readonly read: PartName
  print(element: Element): string
}

/** How lib/parse.c reads a piece; `values.ts` has them. */
export type PartName =
  | 'ip' | 'single-ip' | 'ip4-single6' | 'ip4-net6' | 'single-ip2' | 'ip4-net6-2' | 'ether' | 'mark' | 'proto-port' | 'tcp-udp-port' | 'iface'
  | 'setname' // biome-ignore format: a list

/** An option of create, add, del or test: `timeout 10`. */
export type Keyword =
  | 'family' | '-4' | '-6' | 'hashsize' | 'maxelem' | 'probes' | 'resize' | 'gc' | 'ignored-from' | 'ignored-to' | 'ignored-network' | 'size'
  | 'range' | 'netmask' | 'port-range' | 'before' | 'after' | 'from-ip' | 'to-ip' | 'network' | 'from-port' | 'to-port' | 'forceadd' | 'markmask'
  | 'nomatch' | 'wildcard' | 'timeout' | 'counters' | 'packets' | 'bytes' | 'comment' | 'adt-comment' | 'skbinfo' | 'skbmark' | 'skbprio'
  | 'skbqueue' | 'bucketsize' | 'initval' | 'bitmask' // biome-ignore format: a list

/** One type of sets, whole: what its elements are, how they are written, what the kernel makes of them and of a packet. */
export interface SetType {
  readonly name: string
  readonly aliases: readonly string[]
  readonly revision: number
  readonly kind: 'hash' | 'bitmap' | 'list'
  readonly families: 'inet' | 'both' | 'none'
  readonly parts: readonly Part[]
  /** bitmap:ip,mac: the last piece may be left out. */
  readonly lastOptional?: boolean
  readonly options: Readonly<Record<Does, readonly Keyword[]>>
  /** Beside what the options say: ranges and the like. */
  readonly allowed: Readonly<Record<Does, readonly DataKey[]>>
  readonly needed: Readonly<Record<Does, readonly DataKey[]>>
  /** Its elements may be marked nomatch. */
  readonly nomatch: boolean
  /** The elements that a command means, one after the other (its uadt function). Throws KernelError. */
  elements(header: Header, data: Data, adt: Adt): Iterable<Element>
  /** Prefix lengths of the networks of an element. */
  lengths(element: Element): readonly number[]
  masked(element: Element, lengths: readonly number[]): Element
  /** Its bytes as the kernel hashes them. */
  words(element: Element): readonly number[]
  /** hash:net,iface. */
  readonly multi?: boolean
  /** What of a packet makes an element (its kadt function): in the order in which `fromKey` takes it. */
  key(directions: readonly Direction[], family: Family): readonly Value[]
  /** `lengths`: prefix lengths to take for its networks. Undefined: no element (zero, say). */
  fromKey(header: Header, key: readonly FieldValue[], lengths: readonly number[]): Element | undefined
  print(element: Element): string
}

// -- what types are put together from

export const address = (direction: Direction | undefined, family: Family): Value =>
  family === 4
    ? direction === 'src' ? 'ip.saddr' : 'ip.daddr'
    : direction === 'src' ? 'ip6.saddr' : 'ip6.daddr' // biome-ignore format: a table

export const port = (direction: Direction | undefined): readonly Value[] => [
  'ipset.protocol',
  direction === 'src' ? 'ipset.sport' : 'ipset.dport',
]

export const mac = (direction: Direction | undefined): Value => (direction === 'src' ? 'ether.saddr' : 'ether.daddr')

/** The four (IPv6) or one (IPv4) words of an address, as a little-endian machine has its bytes. */
export function ipWords(ip: Ip): readonly number[] {
  if (typeof ip === 'number') return [swap32(ip)]
  return [96n, 64n, 32n, 0n].map((shift) => swap32(Number((ip >> shift) & 0xffffffffn)))
}

export const swap32 = (value: number): number =>
  ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)

export const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8)

/** A MAC address and two bytes of nothing. */
export function macWords(value: number): readonly number[] {
  return [swap32(Math.floor(value / 0x10000)), swap16(value & 0xffff)]
}

export const cut = <T extends Ip>(ip: T, length: number): T => and(ip, maskOf(familyOf(ip), length)) as T
export const hostLength = (family: Family | undefined): number => (family === 6 ? 128 : 32)
export const noLengths = (): readonly number[] => []
export const asIs = (element: Element): Element => element

// -- options that most types have

const EXTENSIONS: readonly Keyword[] = ['packets', 'bytes', 'adt-comment', 'skbmark', 'skbprio', 'skbqueue']
export const ADD: readonly Keyword[] = ['timeout', ...EXTENSIONS]
export const ADD_NET: readonly Keyword[] = ['timeout', 'nomatch', ...EXTENSIONS]
export const ADD_IFACE: readonly Keyword[] = ['timeout', 'nomatch', 'wildcard', ...EXTENSIONS]
export const ADD_LIST: readonly Keyword[] = ['timeout', 'before', 'after', ...EXTENSIONS]
const FAMILY: readonly Keyword[] = ['family', '-4', '-6']
const KEEPS: readonly Keyword[] = ['timeout', 'counters', 'comment', 'forceadd', 'skbinfo', 'bucketsize', 'initval']
const OLD: readonly Keyword[] = ['probes', 'resize']
const OLD_IP: readonly Keyword[] = [...OLD, 'ignored-from', 'ignored-to', 'ignored-network']

/** The options of `create` for hash types, in the order in which `ipset save` prints them. */
export const hashOptions = (more: {
  readonly first?: readonly Keyword[]
  readonly middle?: readonly Keyword[]
  readonly last?: readonly Keyword[]
  readonly old?: 'none' | 'some' | 'ip' | 'gc'
}): readonly Keyword[] => [
  ...FAMILY,
  ...(more.first ?? []),
  'hashsize',
  'maxelem',
  ...(more.middle ?? []),
  ...KEEPS,
  ...(more.last ?? []),
  ...(more.old === 'ip' ? OLD_IP : more.old === 'some' ? OLD : more.old === 'gc' ? [...OLD, 'gc' as const] : []),
]

export const MAC_OPTIONS: readonly Keyword[] = ['hashsize', 'maxelem', ...KEEPS]
export const BITMAP_KEEPS: readonly Keyword[] = ['timeout', 'counters', 'comment', 'skbinfo']

/** What most hash types are: no networks, nothing special. */
export const plain = { kind: 'hash', nomatch: false, lengths: noLengths, masked: asIs } as const
