import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Ip, parseIp, printIp } from '../../address/ip.js'
import type { Field } from '../../packet/fields.js'
import { parsePacketLine } from '../../packet/language.js'
import { seededRandom } from '../../path/choices.js'
import type { Hosts } from '../../path/world.js'
import { EMPTY, type Node, NodeLimitError } from '../../sets/bdd.js'
import { VisitLimitError } from '../../sets/chains.js'
import { pickOne, sampleText } from '../../sets/sample.js'
import { changeHosts } from '../../snapshot/change/index.js'
import { readFolder } from '../../snapshot/files.js'
import { addressesOf, plainSample, randomHosts, randomWords, SAMPLES, type Sample } from '../../testing/random-walks.js'
import { agreement, concretePlace, singleton, walked } from '../../testing/walk-agreement.js'
import { originName } from '../walk-begin.js'
import { CellLimitError } from './compare.js'
import { keyOfWrites } from './same-packet.js'
import { COUNTS } from './way-fates.js'
import { type Walked, walks, wayDifferences } from './ways.js'

/** Packets for each place where they set out. */
const PACKETS = Number(process.env['PACKETWALK_PACKETS'] ?? 12)
/** Random rulesets for each sample. */
const RULESETS = Number(process.env['PACKETWALK_RULESETS'] ?? 1)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

const LIMIT = 4_000_000

type Random = () => number
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** One command that changes a ruleset, or where packets are sent. */
function mutation(random: Random, hosts: Hosts, family: 4 | 6): string {
  const root = hosts.namespaces[0]!
  const [iptables, ip] = family === 4 ? ['iptables', 'ip'] : ['ip6tables', 'ip -6']
  if (random() < 0.12) {
    const routes =
      family === 4
        ? [
            'route add blackhole 198.51.100.0/24',
            'rule add fwmark 0x1 unreachable',
            'rule add from 172.17.0.2 prohibit',
            'route add unreachable 192.0.2.77',
          ]
        : [
            'route add blackhole 2001:db8:1::/48',
            'rule add fwmark 0x1 unreachable',
            'route add unreachable 2001:db8::77',
          ]
    return `${ip} ${pick(random, routes)}`
  }
  const tables = root.tables.filter((table) => table.family === family && table.backend)
  const chains = tables.flatMap((table) => [...table.chains.values()].map((chain) => ({ table, chain })))
  const full = chains.filter(({ chain }) => chain.rules.length > 0)
  const { table, chain } = pick(random, full.length > 0 ? full : chains)
  const number = 1 + Math.floor(random() * chain.rules.length)
  const on = `${iptables} -t ${table.name}`
  const kind = random()
  if (kind < 0.35 && chain.rules.length > 0) return `${on} -D ${chain.name} ${number}`
  if (kind < 0.5 && chain.base && table.name !== 'nat')
    return `${on} -P ${chain.name} ${chain.base.policy === 'drop' ? 'ACCEPT' : 'DROP'}`
  // a rule of the same chain somewhere else, or of another chain there
  const other =
    kind < 0.8
      ? chain
      : pick(
          random,
          full.filter((one) => one.table === table && !one.chain.base === !chain.base),
        ).chain
  const words = pick(random, other.rules).text.replace(/^-A \S+ ?/, '')
  return `${on} -I ${chain.name} ${number} ${words}`
}

function changed(hosts: Hosts, random: Random, family: 4 | 6): Hosts | undefined {
  const root = hosts.namespaces[0]!
  for (let n = 0; n < 20; n++) {
    const text = mutation(random, hosts, family)
    const result = changeHosts(hosts, [{ text, name: text }], () => root)
    if (result.ok) return result.hosts
  }
  return undefined
}

/** Whoever has another place, other headers, or another mark at the end fares differently. The mark of a connection is not seen there. */
const VISIBLE = (field: Field): boolean => COUNTS(field) && /addr$|port$|meta\.mark|ttl|l4proto/.test(field)

/** Both single walks of one packet, as sets of places; undefined: it is no question for sets. */
function single({ start, ground }: Walked, before: Hosts, after: Hosts, words: string) {
  const { origin } = start.now
  const parsed = parsePacketLine(`${words} ${origin.iif === undefined ? 'from' : 'in'} ${originName(origin)}`)
  if (!parsed.ok) throw new Error(`${words}: not a packet`)
  const places = (hosts: Hosts) => {
    const { packet, fates, cut } = walked(hosts, parsed.packet)
    const told = fates.map((fate) => {
      const place = concretePlace(fate)
      if (place === undefined || place.endsWith(' dropped')) return place && 'dropped'
      return `${place} mark ${fate.packet.mark} ttl ${fate.packet.ttl}`
    })
    return cut || told.includes(undefined) ? undefined : { packet, places: new Set(told) }
  }
  const [old, now] = [places(before), places(after)]
  if (!old || !now) return undefined
  const any = start.bound
    ? { ...start.now, packets: ground.space.forget(start.now.packets, [ground.addresses.src]) }
    : start.now
  const one = singleton(ground, any, now.packet)
  if (!one) return undefined
  const { values } = one
  if (start.bound) setAddress(values, ground.space.levelsOf(ground.addresses.src), parseIp(now.packet.src)!)
  if (!ground.space.bdd.contains(start.old.packets, values)) return undefined
  return { values, old: old.places, now: now.places }
}

function setAddress(values: Uint8Array, levels: readonly number[], ip: Ip) {
  for (const [i, level] of levels.entries()) values[level] = Number((BigInt(ip) >> BigInt(levels.length - 1 - i)) & 1n)
}

const sameSet = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>) => a.size === b.size && [...a].every((one) => b.has(one))

/** Some packets of a set, as they are written without the place where they set out. */
function samplesOf({ start, ground: { space } }: Walked, set: Node): readonly string[] {
  const found: string[] = []
  let left = set
  for (let n = 0; n < SAMPLES_OF_CELLS && left !== EMPTY; n++) {
    const { sample, packet } = pickOne(space, left)!
    const text = sampleText({ ...sample, iif: '', state: 'NEW', mark: 0 })
    const isChosen = start.now.origin.iif === undefined && !start.bound
    found.push(isChosen ? text.replace(/^(\S+) \S+ > /, '$1 > ') : text)
    left = space.bdd.minus(left, packet)
  }
  return found
}
const SAMPLES_OF_CELLS = 3

/** Random packets against what is told of all. */
function checked(name: Sample, before: Hosts, after: Hosts, family: 4 | 6, random: Random) {
  const counts = { differs: 0, same: 0, open: 0, outside: 0, examples: 0, without: 0 }
  const addresses = addressesOf(name, after, family)
  const only = { old: new Set<string>(), now: new Set<string>() }
  for (const one of walks(before, after, family, { limit: LIMIT, counts: VISIBLE }, only)) {
    const { start, oldGround, ground, olds, news, cells } = one
    const { bdd } = ground.space
    const samples = cells.flatMap((cell) => samplesOf(one, cell.packets))
    for (let i = 0; i < PACKETS + samples.length; i++) {
      const local = start.now.origin.iif === undefined
      const own = start.place.links
        .flatMap((link) => link.addresses.map(({ prefix }) => prefix.ip))
        .filter((ip) => (typeof ip === 'number') === (family === 4))
      const words = randomWords(random, family, addresses, local && !start.bound)
      const sent = start.bound ? randomSource(words, printIp(pick(random, own)), family) : words
      const asked = single(one, before, after, samples[i - PACKETS] ?? sent)
      if (!asked) {
        counts.outside++
        continue
      }
      const differs = !sameSet(asked.old, asked.now)
      const told = cells.some(({ packets }) => bdd.contains(packets, asked.values))
      if (differs) counts.differs++
      else counts.same++
      if (told === differs) continue
      // where the walk of sets leaves open what the other one knows, more may differ than does
      const open =
        !start.bound &&
        [
          [oldGround, start.old, olds],
          [ground, start.now, news],
        ].some(([of, beginning, fates]) => {
          const ends = (fates as typeof olds).map(({ of: end, transform, packets }) => ({
            ...end,
            ways: [{ transform, packets }],
          }))
          return (
            agreement(of as typeof ground, beginning as typeof start.now, ends, samples[i - PACKETS] ?? sent) !== 'same'
          )
        })
      if (open || unsure(one, asked)) counts.open++
      else
        throw new Error(
          `${samples[i - PACKETS] ?? sent} ${start.name}: told ${told}, but ${[...asked.old].join(' or ')} and ${[...asked.now].join(' or ')}`,
        )
    }
  }
  const { differences } = wayDifferences(before, after, family, { limit: LIMIT })
  for (const { example } of differences) {
    if (example === undefined) counts.without++
    else counts.examples++
  }
  return counts
}

/** Does the walk of sets leave more open of this packet than the other one, any address or port among it? */
function unsure(
  { ground: { space }, olds, news }: Walked,
  { values, old, now }: NonNullable<ReturnType<typeof single>>,
): boolean {
  const sides = [
    [olds, old],
    [news, now],
  ] as const
  return sides.some(([fates, places]) => {
    const own = fates.filter(({ packets }) => space.bdd.contains(packets, values))
    const isAny = own.some(
      ({ is, transform }) => is.startsWith('undecided') || transform.writes.some((write) => write.do === 'forget'),
    )
    return isAny || new Set(own.map(({ is, transform }) => `${is} ${keyOfWrites(transform)}`)).size > places.size
  })
}

const randomSource = (words: string, ip: string, family: 4 | 6): string =>
  words.replace(
    /^(\S+) (?:\S+ )?> /,
    (_, protocol) => `${protocol} ${/^icmp/.test(protocol) ? ip : `${family === 6 ? `[${ip}]` : ip}:40000`} > `,
  )

const limited = <T>(ask: () => T): T | undefined => {
  try {
    return ask()
  } catch (error) {
    if (error instanceof NodeLimitError || error instanceof VisitLimitError || error instanceof CellLimitError)
      return undefined
    throw error
  }
}

const TOTAL = { differs: 0, same: 0, open: 0, outside: 0, examples: 0, without: 0, tooLarge: 0 }

test.each(SAMPLES.flatMap((name) => Array.from({ length: RULESETS }, (_, i) => [name, SEED * 100_000 + i] as const)))(
  '%s, random rules %i and some changes: packets fare differently as told',
  async (name, seed) => {
    const random = seededRandom(seed)
    const family = random() < 0.3 ? 6 : 4
    const files = await readFolder(join(import.meta.dirname, `../../../samples/${name}`))
    const hosts =
      family === 4 && random() < 0.5 ? plainSample(name, files) : randomHosts(name, files, family, random).hosts
    let after = hosts
    for (let n = 0; n < 1 + Math.floor(random() * 3); n++) after = changed(after, random, family) ?? after
    const counts = limited(() => checked(name, hosts, after, family, random))
    if (!counts) {
      // random rules may make sets that are too large to be written down
      TOTAL.tooLarge++
      return
    }
    for (const key of Object.keys(counts) as (keyof typeof counts)[]) TOTAL[key] += counts[key]
    expect(counts.differs + counts.same).toBeGreaterThan(0)
    if (process.env['PACKETWALK_PACKETS']) console.log(JSON.stringify(TOTAL))
  },
  3_600_000,
)
