import { expect, test } from 'vitest'
import { explore, seededRandom } from '../path/choices.js'
import type { Rule } from '../rules/program.js'
import type { Verdict } from '../rules/traverse.js'
import { fieldsOf, NAME_RANGES, RandomPacket } from '../testing/random-conditions.js'
import { concrete, leaves, randomTable, single, surroundings } from '../testing/random-tables.js'
import { EVERYTHING_ACCEPTED, EVERYTHING_DROPPED, mayReach } from './backward.js'
import { EMPTY, type Node } from './bdd.js'
import { chainFlow } from './chains.js'
import { Conditions } from './conditions.js'
import { Names } from './names.js'
import { Space } from './space.js'

const CASES = Number(process.env['PACKETWALK_CASES'] ?? 120)
const CHECKS = Number(process.env['PACKETWALK_CHECKS'] ?? 2_000)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

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
