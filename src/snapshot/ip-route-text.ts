import type { Item } from './item.js'
import type { Position } from './problem.js'
import { Builder, linesOf, Words } from './words.js'

const TYPES = new Set([
  'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable', 'prohibit', 'throw', 'nat', 'xresolve',
]) // biome-ignore format: a table

/** Words with a value → their key in the JSON of `ip -j route`. */
const VALUES: Readonly<Record<string, string>> = {
  via: 'gateway', dev: 'dev', table: 'table', proto: 'protocol', scope: 'scope', src: 'prefsrc', metric: 'metric', tos: 'tos', dsfield: 'tos',
  nhid: 'nhid', pref: 'pref', from: 'from', weight: 'weight',
} // biome-ignore format: a table

/** Metrics of a route (RTAX_*); `lock` may stand before the value. */
const METRICS = new Set([
  'mtu', 'window', 'rtt', 'rttvar', 'ssthresh', 'cwnd', 'advmss', 'reordering', 'hoplimit', 'initcwnd', 'features', 'rto_min', 'initrwnd', 'quickack',
  'congctl', 'fastopen_no_cookie',
]) // biome-ignore format: a table

/** Words with a value that says nothing about where packets go. */
const OTHERS = new Set([
  'expires',
  'error',
  'age',
  'used',
  'users',
  'ttl-propagate',
  'iif',
  'mark',
  'uid',
  'lastuse',
  'rtt_var',
])

const FLAGS = new Set([
  'dead', 'onlink', 'pervasive', 'offload', 'trap', 'notify', 'linkdown', 'unresolved', 'rt_offload', 'rt_trap', 'rt_offload_failed', 'offload_failed',
  'redirected', 'cache',
]) // biome-ignore format: a table

type Draft = Record<string, unknown>

/** The lines of `ip route show` as the objects of `ip -j route show`. */
export function routeObjects(text: string): readonly Item[] {
  const builder = new Builder()
  const routes: Draft[] = []
  for (const line of linesOf(text)) {
    const words = new Words(line)
    const last = routes.at(-1)
    // `nexthop …` below its route; nh_info repeats what the route has
    if (!/^\s/.test(line.text) || !last) routes.push(readRoute(words, builder))
    else if (words.peek() !== 'nh_info') readWords(words, last, builder)
  }
  return builder.items(routes)
}

function readRoute(words: Words, builder: Builder): Draft {
  const route = withFlags(builder, words.position)
  if (TYPES.has(words.peek() ?? '')) set(builder, route, 'type', words, 'the type')
  set(builder, route, 'dst', words, 'the destination')
  if (!/^(default|all|[\d.]+(\/\d+)?|[\da-f:.]*:[\da-f:.]*(\/\d+)?)$/i.test(`${route['dst']}`))
    words.fail(`"${route['dst']}" is no destination of a route`, builder.of(route, 'dst'))
  readWords(words, route, builder)
  return route
}

function withFlags(builder: Builder, position: Position): Draft {
  const made = builder.object(position)
  builder.set(made, 'flags', [], position)
  return made
}

function set(builder: Builder, object: Draft, key: string, words: Words, after: string): void {
  const { position } = words
  builder.set(object, key, words.next(after), position)
}

function readWords(words: Words, route: Draft, builder: Builder): void {
  let into = route
  while (!words.done) {
    const { position } = words
    const word = words.next('the route')
    if (word === 'nexthop') {
      into = withFlags(builder, position)
      builder.append(route, 'nexthops', into)
    } else if (word === 'via' && (words.peek() === 'inet6' || words.peek() === 'inet')) {
      const via = builder.object(words.position)
      set(builder, via, 'family', words, 'via')
      set(builder, via, 'host', words, 'via inet6')
      builder.set(into, 'via', via, position)
    } else if (word in VALUES) set(builder, into, VALUES[word]!, words, word)
    else if (METRICS.has(word)) readMetric(word, words, route, builder)
    else if (word === 'realm' || word === 'realms') readRealm(words, route, builder)
    else if (word === 'encap') readEncap(words, into, builder)
    else if (FLAGS.has(word.replace(/[<>,]/g, ''))) (into['flags'] as string[]).push(word)
    else if (OTHERS.has(word)) words.next(word)
    else words.fail(`"${word}" is no word of a route`, position)
  }
}

function readMetric(word: string, words: Words, route: Draft, builder: Builder): void {
  words.take('lock')
  if (!route['metrics']) builder.append(route, 'metrics', builder.object(words.position))
  const [metrics] = route['metrics'] as [Draft]
  const { position } = words
  const value = words.next(word)
  builder.set(metrics, word, /^\d+$/.test(value) ? Number(value) : value, position)
}

function readRealm(words: Words, route: Draft, builder: Builder): void {
  const flow = builder.object(words.position)
  const { position } = words
  const [from, to] = words.next('realm').split('/')
  if (to !== undefined) builder.set(flow, 'from', from, position)
  builder.set(flow, 'to', to ?? from, position)
  route['flow'] = flow
}

/** Its words are many and its own: up to the next that every route has. */
function readEncap(words: Words, into: Draft, builder: Builder): void {
  const { position } = words
  const said: string[] = []
  while (!words.done && !['via', 'dev', 'nexthop', 'proto', 'table', 'scope', 'metric'].includes(words.peek()!))
    said.push(words.next('encap'))
  builder.set(into, 'encap', said.join(' '), position)
}
