import type { NextHop, Route } from '../routing/types.js'
import { type Item, jsonItems } from './item.js'
import { Builder, linesOf, looksLikeJson, Words } from './words.js'

/** A nexthop object: one next hop, those of its group, or a blackhole. */
export interface NexthopObject {
  readonly id: number
  readonly hop: NextHop | undefined
  readonly group: readonly { readonly id: number; readonly weight: number }[]
  readonly blackhole: boolean
}

/** `ip nexthop show`, as JSON or text. Throws InputError. Source: iproute2 ip/ipnexthop.c: __print_nexthop_entry. */
export function readNexthops(text: string): readonly NexthopObject[] {
  return (looksLikeJson(text) ? jsonItems(text) : nexthopObjects(text)).map(toObject)
}

function toObject(item: Item): NexthopObject {
  const flags = item.texts('flags')
  const blackhole = item.value['blackhole'] !== undefined
  return {
    id: item.need('id', item.number('id')),
    hop:
      item.has('dev') && !blackhole
        ? {
            gateway: item.ip('gateway'),
            dev: item.text('dev'),
            weight: 1,
            onlink: flags.includes('onlink'),
            dead: flags.includes('dead') || flags.includes('linkdown'),
          }
        : undefined,
    group: item
      .items('group')
      .map((one) => ({ id: one.need('id', one.number('id')), weight: one.number('weight') ?? 1 })),
    blackhole,
  }
}

const VALUES: Readonly<Record<string, string>> = { id: 'id', via: 'gateway', dev: 'dev' }
/** Words with a value that says nothing about where packets go. */
const OTHERS = new Set([
  'scope',
  'proto',
  'type',
  'encap',
  'buckets',
  'idle_timer',
  'unbalanced_timer',
  'unbalanced_time',
])
const FLAGS = new Set(['onlink', 'dead', 'linkdown', 'offload', 'trap', 'fdb'])

function nexthopObjects(text: string): readonly Item[] {
  const builder = new Builder()
  return builder.items(linesOf(text).map((line) => readLine(new Words(line), builder)))
}

function readLine(words: Words, builder: Builder): Record<string, unknown> {
  const object = builder.object(words.position)
  while (!words.done) {
    const { position } = words
    const word = words.next('the nexthop')
    const at = words.position
    if (word === 'group')
      for (const member of words.next(word).split('/')) {
        const [id, weight = '1'] = member.split(',')
        const one = builder.object(at)
        builder.set(one, 'id', id, at)
        builder.set(one, 'weight', weight, at)
        builder.append(object, 'group', one)
      }
    else if (word in VALUES) builder.set(object, VALUES[word]!, words.next(word), at)
    else if (word === 'blackhole') builder.set(object, word, true, position)
    else if (FLAGS.has(word)) builder.append(object, 'flags', word)
    else if (OTHERS.has(word)) words.next(word)
    else words.fail(`"${word}" is no word of a nexthop`, position)
  }
  return object
}

/** A route that names its nexthop object and does not print what is in it (net.ipv4.nexthop_compat_mode=0); undefined where no listing has it. */
export function withNexthops(route: Route, objects: ReadonlyMap<number, NexthopObject>): Route | undefined {
  if (route.nexthopId === undefined || route.nexthops.length > 0 || route.type !== 'unicast') return route
  const object = objects.get(route.nexthopId)
  if (!object) return undefined
  if (object.blackhole) return { ...route, type: 'blackhole' }
  const nexthops = object.hop
    ? [object.hop]
    : object.group.flatMap(({ id, weight }) => {
        const hop = objects.get(id)?.hop
        return hop ? [{ ...hop, weight }] : []
      })
  return nexthops.length > 0 ? { ...route, nexthops } : undefined
}
