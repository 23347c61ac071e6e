import { expect, test } from 'vitest'
import type { Field, FieldValue } from '../packet/fields.js'
import { type Chooser, explore, seededRandom, type Tree } from '../path/choices.js'
import type { Effect } from '../rules/effect.js'
import { evaluate } from '../rules/interpret.js'
import type { Chain, Rule, Step, Table } from '../rules/program.js'
import { type RuleHost, traverse, type Verdict } from '../rules/traverse.js'
import {
  addressField,
  fieldsOf,
  memberOutcome,
  NAME_RANGES,
  pick,
  RandomPacket,
  randomCondition,
} from '../testing/random-conditions.js'
import { EVERYTHING_ACCEPTED, EVERYTHING_DROPPED, mayReach } from './backward.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { chainFlow } from './chains.js'
import { Conditions } from './conditions.js'
import { Names } from './names.js'
import { Space } from './space.js'

const CASES = Number(process.env['PACKETWALK_CASES'] ?? 120)
const CHECKS = Number(process.env['PACKETWALK_CHECKS'] ?? 2_000)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

function randomEffects(random: () => number, later: readonly string[]): readonly Effect[] {
  const constant = (value: FieldValue) => ({ from: 'constant', value }) as const
  const verdict = (): Effect => ({ do: pick(random, ['accept', 'drop', 'return'] as const) })
  const kinds: readonly (() => readonly Effect[])[] = [
    () => [verdict()],
    () => [verdict()],
    () => [{ do: 'log', prefix: '' }],
    () => [],
    () => [{ do: 'set', field: 'meta.mark', keep: pick(random, [0, 0xffffbfff, 0xffffffff]), xor: constant(pick(random, [0, 0x4000, 1, 3])) }],
    () => [{ do: 'set', field: 'ct.mark', keep: pick(random, [0, 0xff]), xor: pick(random, ['meta.mark', { from: 'masked', of: 'meta.mark', mask: 0xf0ff }] as const) }],
    () => [{ do: 'set', field: 'meta.mark', keep: pick(random, [0, 0xffffff00]), xor: { from: 'masked', of: 'ct.mark', mask: 0xff } }, verdict()],
    () => [{ do: 'add', field: 'ip.ttl', by: pick(random, [-1, 3, -300]) }],
    () => [{ do: 'queue', number: 0, bypass: pick(random, [true, false]) }],
    () => [{ do: 'unknown', text: '-j SOMETHING', needs: 'not known' }],
    () => [{ do: 'reject', with: { send: 'tcp-reset' } }],
    ...later.flatMap((chain) => [() => [{ do: 'jump', chain } as const], () => [{ do: pick(random, ['jump', 'goto'] as const), chain }]]),
  ] // biome-ignore format: a table
  return pick(random, kinds)()
}

function randomTable(random: () => number, packets: readonly RandomPacket[]): { table: Table; base: Chain } {
  const names = ['BASE', 'ONE', 'TWO', 'THREE']
  const chains = new Map<string, Chain>()
  for (const [i, name] of names.entries()) {
    const rules = Array.from({ length: Math.floor(random() * 5) + (i === 0 ? 2 : 0) }, (): Rule => {
      const conditions = Array.from(
        { length: Math.floor(random() * 3) },
        (): Step => ({ if: randomCondition(random, packets, 1) }),
      )
      const effects = randomEffects(random, names.slice(i + 1)).map((effect): Step => ({ do: effect }))
      const late: readonly Step[] = random() < 0.1 ? [{ if: randomCondition(random, packets, 1) }] : []
      const steps = [...conditions, { count: 'rule' } as const, ...late, ...effects]
      return { steps, text: '', comment: undefined, source: undefined, counters: undefined }
    })
    const policy = pick(random, ['accept', 'drop'] as const)
    const base =
      i === 0 ? ({ hook: 'input', priority: 0, type: 'filter', policy, counters: undefined } as const) : undefined
    chains.set(name, { name, rules, base })
  }
  const table: Table = { name: 'filter', family: packets[0]!.family, backend: 'nft', chains, needsConntrack: true }
  return { table, base: chains.get('BASE')! }
}

interface Ended {
  readonly verdict: Verdict
  readonly at: RandomPacket
  readonly counted: readonly (readonly [Rule, RandomPacket])[]
}

const UNMOVED: Readonly<Record<string, readonly ('accept' | 'drop' | 'next')[]>> = {
  queue: ['accept', 'drop'],
  unknown: ['next', 'accept', 'drop'],
}

/** One packet through the table as the walker does it. */
function concrete(table: Table, base: Chain, packet: RandomPacket, chooser: Chooser): Ended {
  const at = packet.clone()
  const counted: [Rule, RandomPacket][] = []
  const either = (): boolean => chooser.choose({ kind: 'lot', weights: [0.5, 0.5], about: '' }) === 1
  at.chance = (weight) => (weight <= 0 || weight >= 2 ** 31 ? weight > 0 : either())
  at.advance = () => ({ outcome: either() ? 'yes' : 'no', text: '' })
  const host: RuleHost = {
    subject: at,
    count: (rule) => counted.push([rule, at.clone()]),
    record: () => {},
    suppose: (_rule, _because, _at, ways) =>
      ways[chooser.choose({ kind: 'lot', weights: ways.map(() => 1 / ways.length), about: '' })]!,
    perform(effect) {
      if (effect.do === 'set') {
        const [old, change] = [at.read(effect.field), evaluate(effect.xor, at)]
        if (typeof old === 'number' && typeof change === 'number')
          at.write(effect.field, ((old & Number(effect.keep)) ^ change) >>> 0)
      }
      if (effect.do === 'add')
        at.write(effect.field, Math.max(0, Math.min(255, Number(at.read(effect.field)) + effect.by)))
      const ways = effect.do === 'queue' && effect.bypass ? (['accept', 'drop', 'next'] as const) : UNMOVED[effect.do]
      const verdict = ways?.[chooser.choose({ kind: 'unknown', weights: ways.map(() => 1), about: '' })]
      return { did: '', verdict: verdict ?? (effect.do === 'reject' ? 'drop' : 'next') }
    },
  }
  const { verdict } = traverse(table, base, host)
  return { verdict, at, counted }
}

function leaves<T>(tree: Tree<T>): readonly T[] | undefined {
  if (tree.is === 'leaf') return [tree.result]
  if (tree.is === 'cut') return undefined
  const ways = tree.ways.map(leaves)
  return ways.every((way) => way !== undefined) ? ways.flat() : undefined
}

/** The set with this packet alone. */
function single(space: Space, packet: RandomPacket): Node {
  const values = space.packet(packet, fieldsOf(space.family))!
  let node: Node = FULL
  for (let level = values.length - 1; level >= 0; level--)
    node = values[level] === 1 ? space.bdd.node(level, EMPTY, node) : space.bdd.node(level, node, EMPTY)
  return node
}

function surroundings(space: Space, family: 4 | 6) {
  const bit = (field: Field, value: boolean) => space.bdd.literal(space.levelsOf(field).at(-1)!, value)
  return {
    fib: ({ of }: { readonly of: 'saddr' | 'daddr' }) =>
      [1, 2].map((value) => ({ value, packets: bit(addressField(of, family), value === 1) })),
    member(set: string, [field]: readonly unknown[]) {
      const of = field as Field
      if (memberOutcome(set, 0) === 'unknown') return { yes: EMPTY, unknown: FULL }
      return { yes: set === 'small' ? space.in(of, [[0, 32767]]) : bit(of, true), unknown: EMPTY }
    },
  }
}

test(`a chain leaves exactly the packets that one packet after the other leaves (${CASES} rulesets, seed ${SEED})`, {
  timeout: 3_600_000,
}, () => {
  const random = seededRandom(SEED)
  let [compared, forked, rewritten] = [0, 0, 0]
  for (let n = 0; n < CASES; n++) {
    const family = n % 2 === 0 ? 4 : 6
    const packets = Array.from({ length: 4 }, () => new RandomPacket(random, family))
    const { table, base } = randomTable(random, packets)
    const space = new Space({ family, names: new Names(NAME_RANGES, ['eth0', 'eth1']) })
    const conditions = new Conditions(space, surroundings(space, family))
    for (const packet of packets) {
      const ends = leaves(explore((chooser) => concrete(table, base, packet, chooser), 200))
      if (!ends) continue
      const flow = chainFlow(conditions, table, base, single(space, packet))
      const ofVerdict = (wanted: Verdict) =>
        space.union(ends.filter(({ verdict }) => verdict === wanted).map(({ at }) => single(space, at)))
      expect(flow.accepted, `accepted, case ${n}`).toBe(ofVerdict('accept'))
      expect(flow.dropped, `dropped, case ${n}`).toBe(ofVerdict('drop'))
      // and the other way round: a packet may be accepted exactly when some walk accepts it
      const own = space.packet(packet, fieldsOf(family))!
      for (const [goal, verdict] of [
        [EVERYTHING_ACCEPTED, 'accept'],
        [EVERYTHING_DROPPED, 'drop'],
      ] as const) {
        const may = mayReach(conditions, table, base, goal)
        expect(space.bdd.contains(may, own), `may ${verdict}, case ${n}`).toBe(
          ends.some((end) => end.verdict === verdict),
        )
      }
      // a packet reaches what it has become, and nothing that no walk makes of it
      const [end] = ends
      if (end) {
        const became = single(space, end.at)
        const goal =
          end.verdict === 'accept' ? { accepted: became, dropped: EMPTY } : { accepted: EMPTY, dropped: became }
        const other =
          end.verdict === 'accept'
            ? { accepted: space.bdd.not(ofVerdict('accept')), dropped: EMPTY }
            : { accepted: EMPTY, dropped: space.bdd.not(ofVerdict('drop')) }
        expect(space.bdd.contains(mayReach(conditions, table, base, goal), own), `reaches, case ${n}`).toBe(true)
        expect(
          space.bdd.contains(mayReach(conditions, table, base, other), own),
          `reaches nothing else, case ${n}`,
        ).toBe(false)
      }
      const counted = new Map<Rule, Node>()
      for (const [rule, at] of ends.flatMap((end) => end.counted))
        counted.set(rule, space.bdd.or(counted.get(rule) ?? EMPTY, single(space, at)))
      for (const chain of table.chains.values())
        for (const rule of chain.rules)
          expect(flow.rules.get(rule)?.matched ?? EMPTY, `matched, case ${n}`).toBe(counted.get(rule) ?? EMPTY)
      compared++
      if (ends.length > 1) forked++
      if (ends.some(({ at }) => single(space, at) !== single(space, packet))) rewritten++
    }
  }
  expect(compared).toBeGreaterThan(CASES * 3)
  expect(forked).toBeGreaterThan(CASES / 4)
  expect(rewritten).toBeGreaterThan(CASES / 4)
})

test(`a packet may be accepted, or dropped, exactly when some walk of it ends so (${CHECKS} packets, seed ${SEED})`, {
  timeout: 3_600_000,
}, () => {
  const random = seededRandom(SEED + 1)
  const ended = { accept: 0, drop: 0 }
  for (let checks = 0, n = 0; checks < CHECKS; n++) {
    const family = n % 2 === 0 ? 4 : 6
    const packets = Array.from({ length: 50 }, () => new RandomPacket(random, family))
    const { table, base } = randomTable(random, packets.slice(0, 8))
    const space = new Space({ family, names: new Names(NAME_RANGES, ['eth0', 'eth1']) })
    const conditions = new Conditions(space, surroundings(space, family))
    const may = {
      accept: mayReach(conditions, table, base, EVERYTHING_ACCEPTED),
      drop: mayReach(conditions, table, base, EVERYTHING_DROPPED),
    }
    for (const packet of packets) {
      const ends = leaves(explore((chooser) => concrete(table, base, packet, chooser), 200))
      if (!ends) continue
      const own = space.packet(packet, fieldsOf(family))!
      for (const verdict of ['accept', 'drop'] as const) {
        const does = ends.some((end) => end.verdict === verdict)
        if (space.bdd.contains(may[verdict], own) !== does)
          throw new Error(`case ${n}: ${verdict} of ${[...packet.packet.bytes]}`)
        if (does) ended[verdict]++
      }
      checks++
    }
  }
  expect(ended.accept).toBeGreaterThan(CHECKS / 10)
  expect(ended.drop).toBeGreaterThan(CHECKS / 10)
})
