import { PROTOCOL } from '../packet/checksum.js'
import { CT_STATE, CT_STATUS, type Field, type FieldValue } from '../packet/fields.js'
import { hasPorts } from '../packet/headers.js'
import { type Namespace, placeName } from '../path/world.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { substituted } from '../sets/before-effects.js'
import { blocksOf } from '../sets/blocks.js'
import { masked, type Space } from '../sets/space.js'
import type { Transform, Write } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'
import type { Site } from './walk-ground.js'
import { imageOf } from './walk-image.js'
import { assign, writing } from './walk-nat.js'

type Manip = 'src' | 'dst'

/** What goes back over a connection: packets of the other side, or errors about its packets. */
export type Backward = 'replies' | 'errors'

/** A rule's NAT, seen from the way back: packets with these headers get what was there before. */
interface Undone {
  readonly manip: Manip
  readonly headers: Node
  readonly writes: readonly Write[]
}

/** What connection tracking of one namespace knows of the connections. Headers are those of what comes back. */
interface Known {
  confirmed: Node
  readonly undone: Undone[]
  /** Headers of connections without this manip, as they are where it would be undone. */
  readonly plain: Record<Manip, Node>
}

/** So many values are gone through one by one; with more, any counts as possible. */
const MOST_VALUES = 64

/**
 * Connections that could exist: a walk of first packets writes down which namespaces track them and what NAT does, and a walk of what comes back reads it.
 * Connections are not told apart where replies to them look alike: then each is possible.
 */
export class Connections {
  /** Undefined while first packets walk. */
  back: Backward | undefined
  readonly #places = new Map<string, Known>()

  #of(place: Namespace): Known {
    const name = placeName(place)
    let known = this.#places.get(name)
    if (!known) {
      known = { confirmed: EMPTY, undone: [], plain: { src: EMPTY, dst: EMPTY } }
      this.#places.set(name, known)
    }
    return known
  }

  /** First packets that leave a namespace or are taken in there (nf_conntrack_confirm). */
  confirm({ math, scope }: Site, place: Namespace, ways: readonly Way[]): void {
    const { space } = scope
    const known = this.#of(place)
    const first = math.into(ways, space.equals('ct.state', CT_STATE.NEW))
    known.confirmed = space.bdd.or(known.confirmed, reversedOf(math, first))
    known.plain.src = space.bdd.or(known.plain.src, reversedOf(math, math.into(first, without(space, 'src'))))
  }

  /** First packets, where their sources may be changed next. */
  beforeSource({ math, scope }: Site, place: Namespace, ways: readonly Way[]): void {
    const known = this.#of(place)
    known.plain.dst = scope.space.bdd.or(
      known.plain.dst,
      reversedOf(math, math.into(ways, without(scope.space, 'dst'))),
    )
  }

  /** First packets that a rule has changed. */
  translated(
    { math, scope }: Site,
    place: Namespace,
    manip: Manip,
    before: readonly Way[],
    after: readonly Way[],
  ): void {
    const { space } = scope
    const known = this.#of(place)
    for (const was of before)
      for (const is of after) {
        const packets = space.bdd.and(was.packets, is.packets)
        if (packets === EMPTY) continue
        for (const one of choicesBefore(math, manip, { ...was, packets }, is.transform))
          known.undone.push({ manip, headers: reversedOf(math, [{ ...is, packets: one.packets }]), writes: one.writes })
      }
  }

  /** Of what answers packets that ended in a namespace, what its connection tracking knows, if it has any: others began no connection. */
  answering({ scope, first }: Site, place: Namespace, headers: Node): Node {
    return first.length === 0 ? headers : scope.space.bdd.and(headers, this.#of(place).confirmed)
  }

  /** Packets that belong to one of the connections in this namespace. */
  belonging({ scope }: Site, place: Namespace): Node {
    return this.#seen(scope.space, this.#of(place).confirmed)
  }

  /** What NAT makes of packets of connections on a hook that has this manip (nf_nat_packet): it undoes the other one. */
  undo(
    { math, scope }: Site,
    place: Namespace,
    manip: Manip,
    ways: readonly Way[],
  ): { readonly changed: readonly Way[]; readonly same: readonly Way[] } {
    const { space } = scope
    const { bdd } = space
    const opposite = manip === 'src' ? 'dst' : 'src'
    const { undone, plain } = this.#of(place)
    let changed: readonly Way[] = []
    let others: Node = FULL
    for (const one of undone) {
      if (one.manip !== opposite) continue
      const headers = this.#seen(space, one.headers)
      const writes = this.back === 'errors' ? one.writes.filter((write) => !isPort(write)) : one.writes
      changed = math.union(changed, writing(math, math.into(ways, headers), writes))
      others = bdd.minus(others, headers)
    }
    return { changed, same: math.into(ways, bdd.or(others, this.#seen(space, plain[opposite]))) }
  }

  #seen(space: Space, headers: Node): Node {
    return this.back === 'errors' ? errorsAbout(space, headers, ['dst']) : headers
  }
}

const isPort = (write: Write): boolean =>
  write.do === 'forget'
    ? write.fields.some((field) => field.startsWith('th.'))
    : write.do !== 'notrack' && write.field.startsWith('th.')

const BIT = { src: CT_STATUS.SRC_NAT, dst: CT_STATUS.DST_NAT } as const

const without = (space: Space, manip: Manip): Node =>
  space.bitsIn(masked(space.bitsOf('ct.status'), BIT[manip]), [[0, 0]])

const addressesOf = ({ family }: Space): Record<Manip, Field> =>
  family === 4 ? { src: 'ip.saddr', dst: 'ip.daddr' } : { src: 'ip6.saddr', dst: 'ip6.daddr' }

/** What packets of these ways are answered with: their headers the other way round, ICMP queries as their answers (nf_ct_invert_tuple). */
export function reversedOf(math: WayMath, ways: readonly Way[]): Node {
  const { space } = math
  const { bdd } = space
  const { src, dst } = addressesOf(space)
  const seen = space.union(
    ways.map((way) => imageOf(math, way, ['meta.l4proto', src, dst, 'th.sport', 'th.dport', 'icmp.id'])),
  )
  if (seen === EMPTY) return EMPTY
  const icmp = icmpOf(space)
  const ported = space.union(BYTES.filter(hasPorts).map((protocol) => space.equals('meta.l4proto', protocol)))
  const turned = (set: Node, ...pairs: readonly (readonly [Field, Field])[]) => {
    const bits = new Map<number, Node>()
    for (const [one, other] of pairs) {
      const [a, b] = [space.levelsOf(one), space.levelsOf(other)]
      for (const [i, level] of a.entries())
        bits.set(level, bdd.literal(b[i]!, true)).set(b[i]!, bdd.literal(level, true))
    }
    return substituted(space, set, bits)
  }
  const queries = QUERIES[space.family].map(([query, answer]) => {
    const asked = bdd.and(bdd.and(seen, icmp), bdd.and(space.equals('icmp.type', query), space.equals('icmp.code', 0)))
    return turned(space.assigned(asked, 'icmp.type', answer), [src, dst])
  })
  return space.union([
    turned(bdd.and(seen, ported), [src, dst], ['th.sport', 'th.dport']),
    turned(space.project(bdd.minus(bdd.minus(seen, ported), icmp), ['meta.l4proto', src, dst]), [src, dst]),
    ...queries,
  ])
}

const BYTES: readonly number[] = Array.from({ length: 256 }, (_, i) => i)

/** nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c: invmap. */
const QUERIES: Readonly<Record<4 | 6, readonly (readonly [query: number, answer: number])[]>> = {
  4: [[8, 0], [13, 14], [15, 16], [17, 18]],
  6: [[128, 129]],
} // biome-ignore format: a table

export const icmpOf = (space: Space): Node =>
  space.equals('meta.l4proto', space.family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6)

/** What begins a connection of ICMP. */
export const queriesOf = (space: Space): Node =>
  space.union(QUERIES[space.family].map(([type]) => space.bdd.and(icmpOf(space), space.equals('icmp.type', type))))

/** What ICMP says about packets that cannot go on: destination unreachable, time exceeded, parameter problem; of IPv6, too big. */
const ERRORS: Readonly<Record<4 | 6, readonly number[]>> = { 4: [3, 11, 12], 6: [1, 2, 3, 4] }

/** Errors with these ends in common with replies. */
export function errorsAbout(space: Space, replies: Node, ends: readonly Manip[]): Node {
  if (replies === EMPTY) return EMPTY
  const icmp = icmpOf(space)
  const types = space.union(ERRORS[space.family].map((type) => space.equals('icmp.type', type)))
  const kept = space.project(
    replies,
    ends.map((end) => addressesOf(space)[end]),
  )
  return space.bdd.and(kept, space.bdd.and(icmp, types))
}

/** What has to be written to what comes back so that it has the address and the port from before a manip. */
function choicesBefore(
  math: WayMath,
  manip: Manip,
  was: Way,
  is: Transform,
): readonly { readonly packets: Node; readonly writes: readonly Write[] }[] {
  const { space } = math
  const address = addressesOf(space)
  const pairs: readonly (readonly [from: Field, to: Field])[] =
    manip === 'src'
      ? [
          [address.src, address.dst],
          ['th.sport', 'th.dport'],
        ]
      : [
          [address.dst, address.src],
          ['th.dport', 'th.sport'],
        ]
  let choices: readonly { readonly packets: Node; readonly writes: readonly Write[] }[] = [
    { packets: was.packets, writes: [] },
  ]
  for (const [from, to] of pairs) {
    if (lastOf(was.transform, from) === lastOf(is, from)) continue
    choices = choices.flatMap(({ packets, writes }) => {
      const values = valuesOf(space, imageOf(math, { ...was, packets }, [from]), from)
      if (!values) return [{ packets, writes: [...writes, { do: 'forget', fields: [to] }] }]
      return values.flatMap((value) => {
        const own = math.into([{ ...was, packets }], space.equals(from, value))
        return own.length === 0
          ? []
          : [{ packets: space.union(own.map((way) => way.packets)), writes: [...writes, assign(to, value)] }]
      })
    })
  }
  return choices
}

const lastOf = ({ writes }: Transform, field: Field): string => {
  const last = writes.findLast((write) =>
    write.do === 'forget' ? write.fields.includes(field) : write.do !== 'notrack' && write.field === field,
  )
  return JSON.stringify(last, (_, value) => (typeof value === 'bigint' ? `${value}` : value)) ?? ''
}

/** The values of a field in a set, if they are few. */
function valuesOf(space: Space, set: Node, field: Field): readonly FieldValue[] | undefined {
  const ranges = blocksOf(space, set, [field], 1).blocks[0]?.get(field)
  if (!ranges) return undefined
  const found: FieldValue[] = []
  for (const [from, to] of ranges)
    for (let value = BigInt(from); value <= BigInt(to); value++) {
      if (found.length === MOST_VALUES) return undefined
      found.push(space.family === 6 && field.startsWith('ip6.') ? value : Number(value))
    }
  return found
}
