import type { Ip } from '../address/ip.js'
import { invertMask, lengthOfMask, type Prefix } from '../address/prefix.js'
import { CT_STATUS, type Field, type FieldValue } from '../packet/fields.js'
import { hasPorts } from '../packet/headers.js'
import { narrowScope6 } from '../routing/classify.js'
import type { Interfaces } from '../routing/interfaces.js'
import { selectAddress4, selectAddress6 } from '../routing/source.js'
import type { NatRange } from '../rules/effect.js'
import type { Hook } from '../rules/program.js'
import type { Range } from '../rules/value.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { intervalsOf } from '../sets/fib.js'
import type { Space } from '../sets/space.js'
import type { Write } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'
import type { Group } from './walk-group.js'
import { prefixRange } from './walk-routes.js'
import type { Nat } from './walk-translations.js'

/** Every address or port of a longer range is not followed by itself: any counts as possible. */
const MOST_CHOICES = 64

/** What a manip makes of packets: those that it changes, those that already are what it would make of them, those that it drops. */
export interface Manipulated {
  readonly changed: readonly Way[]
  readonly same: readonly Way[]
  readonly dropped: readonly Way[]
}

/** A rule's NAT for first packets of connections. The kernel's own choices (several addresses, ports of a range) are each possible. */
export function manipulate(
  math: WayMath,
  group: Group,
  hook: Hook,
  { effect, ways }: { readonly effect: Nat; readonly ways: readonly Way[] },
  interfaces: Interfaces,
): Manipulated {
  return translatedTo(math, hook, { effect, ways }, rangesOf(math.space, group, hook, effect, interfaces))
}

/** The same, to ranges that are known. No range: dropped. */
export function translatedTo(
  math: WayMath,
  hook: Hook,
  { effect, ways }: { readonly effect: Nat; readonly ways: readonly Way[] },
  ranges: readonly { readonly packets: Node; readonly range: NatRange | undefined }[],
): Manipulated {
  const manip = effect.manip === 'hook' ? (hook === 'prerouting' || hook === 'output' ? 'dst' : 'src') : effect.manip
  const result = { changed: [] as readonly Way[], same: [] as readonly Way[], dropped: [] as readonly Way[] }
  for (const { packets, range } of ranges) {
    const here = math.into(ways, packets)
    if (!range) {
      result.dropped = math.union(result.dropped, here)
      continue
    }
    for (const choice of choicesOf(math.space, range, manip)) {
      const mine = math.into(here, choice.packets)
      result.same = math.union(result.same, math.into(mine, choice.stays))
      const moved = math.into(mine, math.space.bdd.not(choice.stays))
      const status = { do: 'set', field: 'ct.status', keep: 0x3fff & ~BIT[manip], xor: constant(BIT[manip]) } as const
      result.changed = math.union(result.changed, writing(math, moved, [...choice.writes, status]))
    }
  }
  return result
}

const BIT = { src: CT_STATUS.SRC_NAT, dst: CT_STATUS.DST_NAT } as const
const constant = (value: FieldValue) => ({ from: 'constant', value }) as const

/** Ways, with more written behind them. */
export function writing(math: WayMath, ways: readonly Way[], writes: readonly Write[]): readonly Way[] {
  return writes.reduce((all, write) => math.written(all, write), ways)
}

export const assign = (field: Field, value: FieldValue): Write => ({
  do: 'set',
  field,
  keep: 0,
  xor: constant(value),
})

interface Choice {
  readonly packets: Node
  /** Those that it would leave as they are. */
  readonly stays: Node
  readonly writes: readonly Write[]
}

/** What the kernel may make of a range (nf_nat_core.c: get_unique_tuple), where nobody else has the tuple. */
function* choicesOf(space: Space, range: NatRange, manip: 'src' | 'dst'): Generator<Choice> {
  const { bdd, family } = space
  const address: Field =
    family === 4 ? `ip.${manip === 'src' ? 'saddr' : 'daddr'}` : `ip6.${manip === 'src' ? 'saddr' : 'daddr'}`
  const port: Field = manip === 'src' ? 'th.sport' : 'th.dport'
  const ported = space.union(PORTED.map((protocol) => space.equals('meta.l4proto', protocol)))
  for (const to of addressChoices(space, range, address))
    for (const at of portChoices(space, range, port, ported, manip))
      yield {
        packets: bdd.and(to.packets, at.packets),
        stays: bdd.and(to.stays, at.stays),
        writes: [...to.writes, ...at.writes],
      }
}

const PORTED: readonly number[] = Array.from({ length: 256 }, (_, i) => i).filter(hasPorts)

function addressChoices(space: Space, { addresses, netmap }: NatRange, field: Field): readonly Choice[] {
  if (!addresses) return [{ packets: FULL, stays: FULL, writes: [] }]
  const [from, to] = addresses
  if (netmap) {
    const mask = invertMask(xorOf(from, to))
    const prefix: Prefix = { ip: from, length: lengthOfMask(mask) ?? 0 }
    const write: Write = { do: 'set', field, keep: invertMask(mask), xor: constant(andOf(from, mask)) }
    return [{ packets: FULL, stays: space.in(field, [prefixRange(prefix)]), writes: [write] }]
  }
  if (from === to) return [{ packets: FULL, stays: space.equals(field, from), writes: [assign(field, from)] }]
  const within = space.in(field, [[from, to]])
  // a source within the range stays what it is
  const stays: readonly Choice[] = field.endsWith('saddr') ? [{ packets: within, stays: FULL, writes: [] }] : []
  const others = stays.length > 0 ? space.bdd.not(within) : FULL
  const count = BigInt(to) - BigInt(from) + 1n
  if (count > MOST_CHOICES)
    return [...stays, { packets: others, stays: EMPTY, writes: [{ do: 'forget', fields: [field] }] }]
  const each = Array.from({ length: Number(count) }, (_, i): Choice => {
    const ip: Ip = typeof from === 'number' ? from + i : from + BigInt(i)
    return { packets: others, stays: space.equals(field, ip), writes: [assign(field, ip)] }
  })
  return [...stays, ...each]
}

function portChoices(
  space: Space,
  { ports, basePort, random, fullyRandom }: NatRange,
  field: Field,
  ported: Node,
  manip: 'src' | 'dst',
): readonly Choice[] {
  const { bdd } = space
  const others: Choice = { packets: bdd.not(ported), stays: FULL, writes: [] }
  const any: Write = { do: 'forget', fields: [field] }
  if (!ports) {
    if (!random && !fullyRandom) return [{ packets: FULL, stays: FULL, writes: [] }]
    return manip === 'dst'
      ? [{ packets: FULL, stays: FULL, writes: [] }]
      : [others, { packets: ported, stays: EMPTY, writes: [any] }]
  }
  const [from, to] = ports
  const within = bdd.and(ported, space.in(field, [[from, to]]))
  const outside = bdd.minus(ported, within)
  if (from === to) return [others, { packets: ported, stays: space.equals(field, from), writes: [assign(field, from)] }]
  const stays: readonly Choice[] =
    random || fullyRandom || basePort !== undefined ? [] : [{ packets: within, stays: FULL, writes: [] }]
  const rest = stays.length > 0 ? outside : ported
  if (to - from >= MOST_CHOICES) return [others, ...stays, { packets: rest, stays: EMPTY, writes: [any] }]
  const each = Array.from({ length: to - from + 1 }, (_, i): Choice => {
    const port = from + i
    return { packets: rest, stays: space.equals(field, port), writes: [assign(field, port)] }
  })
  return [others, ...stays, ...each]
}

const xorOf = (a: Ip, b: Ip): Ip =>
  typeof a === 'number' && typeof b === 'number' ? (a ^ b) >>> 0 : BigInt(a) ^ BigInt(b)
const andOf = (a: Ip, b: Ip): Ip =>
  typeof a === 'number' && typeof b === 'number' ? (a & b) >>> 0 : BigInt(a) & BigInt(b)

const LOCALHOST: Readonly<Record<4 | 6, Ip>> = { 4: 0x7f000001, 6: 1n }

const NARROW6 = [
  ['link', { ip: 0xfe80n << 112n, length: 10 }],
  ['site', { ip: 0xfec0n << 112n, length: 10 }],
  ['interface', { ip: 1n, length: 128 }],
] as const satisfies readonly (readonly [string, Prefix])[]

/** The ranges that MASQUERADE and REDIRECT find for themselves, by the packets for which they do; no range: they drop. */
function rangesOf(
  space: Space,
  { iif, oif, gateway }: Group,
  hook: Hook,
  { how, to }: Nat,
  interfaces: Interfaces,
): readonly { readonly packets: Node; readonly range: NatRange | undefined }[] {
  if (!how) return [{ packets: FULL, range: to }]
  const { family } = space
  const at = (ip: Ip | undefined) => (ip === undefined ? undefined : { ...to, addresses: [ip, ip] as const })
  if (how === 'redirect') {
    if (hook === 'output') return [{ packets: FULL, range: at(LOCALHOST[family]) }]
    const own = interfaces
      .addresses(iif ?? '')
      .filter(({ prefix }) => (typeof prefix.ip === 'number' ? 4 : 6) === family)
    if (family === 4) {
      const chosen = own.find(({ scope, secondary }) => scope !== 'host' && !secondary) ?? own[0]
      return [{ packets: FULL, range: at(chosen?.prefix.ip) }]
    }
    // nf_nat_redirect_ipv6_usable: what is sent to a link only goes to an address of that link
    const usable = own.flatMap(({ usable, prefix: { ip } }) => (usable && typeof ip === 'bigint' ? [ip] : []))
    const narrow = NARROW6.map(([scope, prefix]) => ({
      packets: space.in('ip6.daddr', [prefixRange(prefix)]),
      range: at(usable.find((ip) => narrowScope6(ip) === scope)),
    }))
    const wide = space.bdd.not(space.union(narrow.map(({ packets }) => packets)))
    return [...narrow, { packets: wide, range: at(usable[0]) }]
  }
  if (family === 4 && gateway !== undefined)
    return [{ packets: FULL, range: at(selectAddress4(interfaces, oif ?? '', gateway, 'global')) }]
  return byDestination(space, interfaces, oif ?? '').map(({ packets, source }) => ({ packets, range: at(source) }))
}

/** Which source the kernel takes on a device, by destination. */
function byDestination(space: Space, interfaces: Interfaces, dev: string) {
  const { family } = space
  const prefixes = interfaces.devices
    .flatMap((device) => interfaces.addresses(device).map(({ prefix }) => prefix))
    .filter(({ ip }) => (typeof ip === 'number' ? 4 : 6) === family)
  // IPv6 prefers the address with the longest prefix in common
  const cuts =
    family === 4
      ? prefixes
      : prefixes.flatMap(({ ip, length }) => Array.from({ length: length + 1 }, (_, i) => ({ ip, length: i })))
  const found = new Map<Ip | undefined, Range[]>()
  for (const [from, to] of intervalsOf(family, cuts)) {
    const source =
      typeof from === 'bigint' ? selectAddress6(interfaces, dev, from) : selectAddress4(interfaces, dev, from, 'global')
    const list = found.get(source)
    if (list) list.push([from, to])
    else found.set(source, [[from, to]])
  }
  const field: Field = family === 4 ? 'ip.daddr' : 'ip6.daddr'
  return [...found].map(([source, ranges]) => ({ source, packets: space.in(field, ranges) }))
}
