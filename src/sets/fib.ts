import { ifName } from '../address/ifname.js'
import { bitsOf, type Ip } from '../address/ip.js'
import { firstOf, lastOf, type Prefix, parsePrefix } from '../address/prefix.js'
import { ADDRESS_TYPE, type Field, type FieldValue } from '../packet/fields.js'
import { addressType } from '../path/addresses.js'
import type { Namespace } from '../path/world.js'
import { isLoopback } from '../routing/classify.js'
import { Fib } from '../routing/fib.js'
import type { FibValue } from '../rules/interpret.js'
import type { Range } from '../rules/value.js'
import { EMPTY, type Node } from './bdd.js'
import type { Surroundings } from './conditions.js'
import type { Space } from './space.js'

/** Prefixes that mean something by themselves (src/routing/classify.ts). */
const SPECIAL: Readonly<Record<4 | 6, readonly Prefix[]>> = {
  4: ['0.0.0.0/32', '127.0.0.0/8', '224.0.0.0/4', '224.0.0.0/24', '255.255.255.255/32'].map((text) => parsePrefix(text)!),
  6: ['::/128', '::1/128', 'fe80::/10', 'ff00::/8'].map((text) => parsePrefix(text)!),
} // biome-ignore format: a table

const next = (ip: Ip): Ip => (typeof ip === 'number' ? ip + 1 : ip + 1n)

/** The intervals of addresses that no prefix among these cuts in two, ascending. A function of an address that only asks for prefixes is constant in each. */
export function intervalsOf(family: 4 | 6, prefixes: Iterable<Prefix>): readonly (readonly [Ip, Ip])[] {
  const last: Ip = family === 4 ? 0xffffffff : (1n << 128n) - 1n
  const starts = new Set<Ip>([family === 4 ? 0 : 0n])
  for (const prefix of [...prefixes, ...SPECIAL[family]]) {
    if ((typeof prefix.ip === 'number' ? 4 : 6) !== family) continue
    starts.add(firstOf(prefix))
    const end = lastOf(prefix)
    if (end < last) starts.add(next(end))
  }
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1))
  const before = (ip: Ip): Ip => (typeof ip === 'number' ? ip - 1 : ip - 1n)
  return sorted.map((start, i) => [start, i + 1 < sorted.length ? before(sorted[i + 1]!) : last])
}

/** What the FIB of a namespace says about addresses, for all packets of a space: it is asked once for each interval of addresses. */
export function fibSurroundings(
  space: Space,
  namespace: Pick<Namespace, 'rules4' | 'rules6' | 'routes' | 'links'>,
): Required<Pick<Surroundings, 'fib'>> {
  const { family, bdd } = space
  const fib = new Fib(family, family === 4 ? namespace.rules4 : namespace.rules6, namespace.routes)
  const own = namespace.routes
    .map(({ destination }) => destination)
    .filter(({ ip }) => bitsOf(family) === (typeof ip === 'number' ? 32 : 128))
  const intervals = intervalsOf(family, own)
  // neither addresses nor routes were given: what an address is then is known of those that are it by their bits
  const blind = own.length === 0 && namespace.links.length === 0
  const typeOf = (ip: Ip, dev: string | undefined): FieldValue | undefined => {
    const type = addressType(fib, ip, dev)
    if (!blind || type === ADDRESS_TYPE.MULTICAST || type === ADDRESS_TYPE.BROADCAST) return type
    return isLoopback(ip) && dev === undefined ? ADDRESS_TYPE.LOCAL : undefined
  }
  const over = (field: Field, dev: string | undefined): ReadonlyMap<FieldValue, Node> => {
    const found = new Map<FieldValue, Range[]>()
    for (const [from, to] of intervals) {
      const type = typeOf(from, dev)
      if (type === undefined) continue
      const list = found.get(type)
      if (list) list.push([from, to])
      else found.set(type, [[from, to]])
    }
    return new Map([...found].map(([type, ranges]) => [type, space.in(field, ranges)]))
  }
  const known = new Map<string, readonly { readonly value: FieldValue; readonly packets: Node }[]>()
  return {
    fib(question: FibValue) {
      const key = `${question.of} ${question.over}`
      let answer = known.get(key)
      if (!answer) {
        const field: Field = family === 4 ? `ip.${question.of}` : `ip6.${question.of}`
        answer = question.over === 'any' ? listed(over(field, undefined)) : byDevice(field, question.over)
        known.set(key, answer)
      }
      return answer
    },
  }

  function byDevice(field: Field, which: 'iif' | 'oif') {
    const name: Field = which === 'iif' ? 'meta.iifname' : 'meta.oifname'
    const found = new Map<FieldValue, Node>()
    let others: Node = space.valid
    const add = (packets: Node, types: ReadonlyMap<FieldValue, Node>) => {
      for (const [type, of] of types) found.set(type, bdd.or(found.get(type) ?? EMPTY, bdd.and(packets, of)))
    }
    for (const { name: dev } of namespace.links) {
      const own = space.equals(name, ifName(dev))
      others = bdd.minus(others, own)
      add(own, over(field, dev))
    }
    // no interface at all asks over all of them; one that does not exist has no route
    const none = space.equals(name, ifName(''))
    add(bdd.and(others, none), over(field, undefined))
    add(bdd.minus(others, none), over(field, ''))
    return listed(found)
  }
}

const listed = (types: ReadonlyMap<FieldValue, Node>) => [...types].map(([value, packets]) => ({ value, packets }))
