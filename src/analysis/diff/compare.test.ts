import { expect, test } from 'vitest'
import { explore, seededRandom } from '../../path/choices.js'
import type { Chain, Rule, Table } from '../../rules/program.js'
import { FULL, NodeLimitError } from '../../sets/bdd.js'
import { VisitLimitError } from '../../sets/chains.js'
import { Conditions } from '../../sets/conditions.js'
import { Names } from '../../sets/names.js'
import { Space } from '../../sets/space.js'
import { WayMath } from '../../sets/ways.js'
import { fieldsOf, NAME_RANGES, pick, RandomPacket } from '../../testing/random-conditions.js'
import { CHAINS, concrete, leaves, randomRule, randomTable, single, surroundings } from '../../testing/random-tables.js'
import { TableChange } from './changes.js'
import { CellLimitError, compare } from './compare.js'
import { SamePacket } from './same-packet.js'
import { passagesOf, suspectsOf } from './suspects.js'
import { fatesOf } from './through.js'

/** Packets that are looked at one by one. */
const CHECKS = Number(process.env['PACKETWALK_CHECKS'] ?? 4_000)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

/** The table with one thing changed. */
function mutated(random: () => number, table: Table, packets: readonly RandomPacket[]): Table {
  const chains = new Map(table.chains)
  const name = pick(
    random,
    CHAINS.filter((one) => one === 'BASE' || random() < 0.6),
  )
  const chain = chains.get(name)!
  const rules = [...chain.rules]
  const at = Math.floor(random() * rules.length)
  const fresh = () => randomRule(random, packets, CHAINS.slice(CHAINS.indexOf(name) + 1))
  const change = pick(random, ['replace', 'insert', 'delete', 'swap', 'effect', 'policy'] as const)
  let base = chain.base
  if (change === 'insert' || rules.length === 0) rules.splice(at, 0, fresh())
  else if (change === 'replace') rules[at] = fresh()
  else if (change === 'delete') rules.splice(at, 1)
  else if (change === 'swap') rules.splice(at, 1, ...rules.splice((at + 1) % rules.length, 1, rules[at]!))
  else if (change === 'effect') rules[at] = withStepsOf(rules[at]!, fresh())
  else if (base) base = { ...base, policy: base.policy === 'accept' ? 'drop' : 'accept' }
  chains.set(name, { ...chain, rules, base })
  return { ...table, chains }
}

/** The conditions of one rule, and what the other one does. */
function withStepsOf(one: Rule, other: Rule): Rule {
  const steps = [
    ...one.steps.filter((step) => 'if' in step || 'count' in step),
    ...other.steps.filter((step) => 'do' in step),
  ]
  return { ...other, steps, text: `${one.text} then ${other.text}` }
}

const TOLD = new Set(['queue', 'unknown', 'reject'])

/** Everything that may become of a packet, as single walks tell it. */
function endsOf(space: Space, table: Table, base: Chain, packet: RandomPacket): ReadonlySet<string> | undefined {
  const ends = leaves(explore((chooser) => concrete(table, base, packet, chooser), 200))
  return (
    ends &&
    new Set(
      ends.map(({ verdict, at, did }) =>
        [
          verdict,
          verdict === 'accept' ? single(space, at) : '',
          ...did.filter((effect) => TOLD.has(effect.do)).map((effect) => JSON.stringify(effect)),
        ].join(' '),
      ),
    )
  )
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((one) => b.has(one))

function limited<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch (error) {
    if (error instanceof NodeLimitError || error instanceof VisitLimitError || error instanceof CellLimitError)
      return undefined
    throw error
  }
}

test(`packets are told to fare differently exactly when single walks of them do (${CHECKS} packets, seed ${SEED})`, {
  timeout: 36_000_000,
}, () => {
  const random = seededRandom(SEED)
  const counts = { differs: 0, same: 0, undecided: 0, forked: 0, cases: 0, coarse: 0, tooLarge: 0 }
  for (let checks = 0, n = 0; checks < CHECKS; n++) {
    const family = n % 2 === 0 ? 4 : 6
    const packets = Array.from({ length: 40 }, () => new RandomPacket(random, family))
    const { table, base } = randomTable(random, packets.slice(0, 8))
    const other = mutated(random, table, packets.slice(0, 8))
    const now = other.chains.get('BASE')!
    const space = new Space({ family, names: new Names(NAME_RANGES, ['eth0', 'eth1']), limit: 1_000_000 })
    const around = surroundings(space, family)
    const change = new TableChange(table, other, true)
    const math = new WayMath(space)
    const passages = passagesOf(change, math, [new Conditions(space, around), new Conditions(space, around)])
    const both = { old: { table, chain: base }, now: { table: other, chain: now } }
    const same = new SamePacket(space)
    const found = limited(() => {
      const suspects = suspectsOf(space, change, both, passages)
      const olds = fatesOf(math, passages.old, both.old, suspects)
      const news = fatesOf(math, passages.now, both.now, suspects)
      return { among: suspects, ...compare(space.bdd, same, suspects, olds, news) }
    })
    // random rules may make sets that are too large to be written down
    if (!found) {
      counts.tooLarge++
      continue
    }
    const { among, cells, undecided } = found
    counts.cases++
    if (same.coarse) counts.coarse++
    for (const packet of packets) {
      const [before, after] = [endsOf(space, table, base, packet), endsOf(space, other, now, packet)]
      const own = space.packet(packet, fieldsOf(family))!
      if (!before || !after) continue
      const differs = !sameSet(before, after)
      const told = cells.some((cell) => space.bdd.contains(cell.packets, own))
      if (told !== differs && !(told && same.coarse))
        throw new Error(`case ${n}: told ${told}, but ${[...before]} and ${[...after]}, of ${[...packet.packet.bytes]}`)
      if (differs) counts.differs++
      else counts.same++
      if (space.bdd.contains(undecided, own)) counts.undecided++
      if (before.size > 1) counts.forked++
      checks++
    }
    for (const { packets: set } of cells) expect(space.bdd.minus(set, among)).toBe(space.bdd.not(FULL))
  }
  if (process.env['PACKETWALK_CHECKS']) console.log(counts)
  expect(counts.differs).toBeGreaterThan(CHECKS / 40)
  expect(counts.same).toBeGreaterThan(CHECKS / 4)
  expect(counts.tooLarge + counts.coarse).toBeLessThan(counts.cases / 5)
  expect(counts.forked).toBeGreaterThan(CHECKS / 40)
})
