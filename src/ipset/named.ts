import { ifName, ifNamesFrom } from '../address/ifname.js'
import { bitsOf, familyOf, type Ip } from '../address/ip.js'
import { invertMask, maskOf, or } from '../address/prefix.js'
import type { FieldValue } from '../packet/fields.js'
import type { Condition } from '../rules/condition.js'
import type { Direction, KeyedUse, Look, NamedLook, NamedUse } from '../rules/set-use.js'
import type { BoundUse, ElementRanges, NamedSets, OpenSets } from '../rules/store.js'
import type { Range, Value } from '../rules/value.js'
import type { Element, Entry } from './element.js'
import { ListBody } from './list-body.js'
import { LiveSets } from './live.js'
import type { IpSet } from './set.js'
import type { Sets } from './sets.js'
import { step } from './types/bitmap.js'
import { keptOf } from './types/hash-ip.js'

/** The sets of a namespace for those who evaluate rules. Read with the clock at 0 (`restoreSets(text, { now: 0 })`). */
export class SnapshotSets implements NamedSets {
  readonly sets: Sets
  readonly #bound = new Map<string, Condition>()

  constructor(sets: Sets) {
    this.sets = sets
  }

  get listed() {
    return this.sets.listed.map(({ name, set }) => ({ name, type: set.type.name, elements: set.body.elements }))
  }

  bind(use: NamedUse, look: NamedLook): Condition {
    const known = this.#bound.get(cacheKey(use, look))
    if (known) return known
    const bound = this.#bind(use, look)
    this.#bound.set(cacheKey(use, look), bound)
    return bound
  }

  #bind(use: NamedUse, look: NamedLook): Condition {
    const set = this.sets.get(use.set)
    if (!set) return { is: 'unknown', text: `set ${use.set}`, needs: 'it is not in the snapshot' }
    const { packets, bytes, keep, returnNomatch } = look
    if (!(set.body instanceof ListBody)) {
      const own: Look = { packets, bytes, keep, returnNomatch, changes: changes(set, keep) }
      return { is: 'member', set: use.set, key: keyOf(set, use), look: own }
    }
    const keepMembers = keep || look.keepSubcounters
    const list = { name: use.set, packets, bytes, keep }
    return {
      is: 'any',
      of: set.body.held.map((name): Condition => {
        const member = this.sets.get(name)!
        const moves = changes(member, keepMembers) || changes(set, keep)
        const own: Look = { keep: keepMembers, returnNomatch, changes: moves, list }
        return { is: 'member', set: name, key: keyOf(member, use), look: own }
      }),
    }
  }

  bindUse(use: NamedUse): BoundUse {
    const set = this.sets.get(use.set)
    if (!set) return { known: false, why: `set ${use.set} is not in the snapshot` }
    if (!(set.body instanceof ListBody)) return { known: true, uses: [{ set: use.set, key: keyOf(set, use) }] }
    const uses = set.body.held.map(
      (name): KeyedUse => ({ set: name, list: use.set, key: keyOf(this.sets.get(name)!, use) }),
    )
    return { known: true, uses }
  }

  *ranges(name: string, key: readonly Value[]): Iterable<ElementRanges> {
    const set = this.sets.get(name)
    if (!set || key.length === 0) return
    const entries = [...set.entries(0)].sort(byLength(set))
    let network = ''
    let closing: ElementRanges | undefined
    for (const entry of entries) {
      const { ip, cidr } = entry.element
      if (set.type.multi && closing && `${ip}/${cidr}` !== network) yield closing
      network = `${ip}/${cidr}`
      closing = undefined
      for (const parts of rangesOf(set, entry, key)) yield { key: parts, nomatch: entry.nomatch }
      // the kernel looks no further than the first network that has the address, with whatever interface
      if (set.type.multi) closing = { key: [networkRange(ip!, cidr!), ANY_NAME], nomatch: true }
    }
    if (closing) yield closing
  }

  open(now: number): OpenSets {
    return new LiveSets(this.sets, now)
  }
}

const cacheKey = ({ set, directions, family }: NamedUse, look: NamedLook): string =>
  [
    set,
    directions.join(),
    family,
    look.keep,
    look.keepSubcounters,
    look.returnNomatch,
    text(look.packets),
    text(look.bytes),
  ].join(' ')
const text = (comparison: NamedLook['packets']): string => (comparison ? `${comparison.op}${comparison.value}` : '')

/** Would a packet that is found leave something behind? */
const changes = ({ keeps, type }: IpSet, keep: boolean): boolean =>
  (keeps.counters && !keep) || type.name === 'bitmap:ip,mac'

/** Empty: too few directions, or the other family: it never matches (ip_set_test). */
function keyOf({ type, header }: IpSet, { directions, family }: NamedUse): readonly Value[] {
  if (directions.length < type.parts.length) return []
  if (header.family !== undefined && header.family !== family) return []
  const key = type.key(directions as readonly Direction[], family)
  if (header.netmask === undefined && header.bitmask === undefined) return key
  if (type.kind === 'bitmap') return key
  const mask = keptOf(header)
  return key.map((value) =>
    typeof value === 'string' && /addr$/.test(value) && value.startsWith('ip')
      ? { from: 'masked', of: value, mask }
      : value,
  )
}

const ANY_NAME: Range = [1n, (1n << 128n) - 1n]
const networkRange = (ip: Ip, length: number): Range => [ip, or(ip, invertMask(maskOf(familyOf(ip), length)))]

const byLength =
  ({ type }: IpSet) =>
  (a: Entry, b: Entry): number => {
    const [one, other] = [type.lengths(a.element), type.lengths(b.element)]
    for (let n = 0; n < one.length; n++) if (one[n] !== other[n]) return other[n]! - one[n]!
    const [x, y] = [a.element.ip ?? 0, b.element.ip ?? 0]
    return x < y ? -1 : x > y ? 1 : 0
  }

const fieldOf = (value: Value): string =>
  typeof value === 'string' ? value : value.from === 'masked' ? fieldOf(value.of) : ''

/** The intervals of an element, one for each value of the key; two of them for a port that is TCP's and UDP's. */
function rangesOf(set: IpSet, { element }: Entry, key: readonly Value[]): readonly (readonly Range[])[] {
  if (element.physdev) return []
  let addresses = 0
  const parts = key.map((value): Range => {
    const field = fieldOf(value)
    if (/^ip6?\.[sd]addr$/.test(field)) return addressRange(set, element, addresses++)
    if (field === 'ipset.protocol') return exactly(element.protocol ?? 6)
    if (/^ipset\.[sd]port$/.test(field)) return exactly(element.port!)
    if (/^ether\./.test(field)) return element.mac === undefined ? [1, 2 ** 48 - 1] : exactly(element.mac)
    if (field === 'meta.mark') return exactly(element.mark!)
    return nameRange(element)
  })
  const protocol = key.findIndex((value) => fieldOf(value) === 'ipset.protocol')
  return element.protocol === undefined && protocol >= 0 ? [parts, parts.with(protocol, exactly(17))] : [parts]
}

const exactly = (value: FieldValue): Range => [value, value]

function addressRange({ header, type }: IpSet, { ip, cidr, ip2, cidr2 }: Element, n: number): Range {
  const [address, length] = n === 0 ? [ip!, cidr] : [ip2!, cidr2]
  if (type.kind === 'bitmap') return [address, Number(address) + step(header) - 1]
  return networkRange(address, length ?? bitsOf(familyOf(address)))
}

const nameRange = ({ iface = '', wildcard }: Element): Range => (wildcard ? ifNamesFrom(iface) : exactly(ifName(iface)))
