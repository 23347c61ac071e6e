import { expect, test } from 'vitest'
import type { Condition, Outcome } from '../rules/condition.js'
import { interpret } from '../rules/interpret.js'
import {
  addressField,
  fieldsOf,
  memberOutcome,
  NAME_RANGES,
  pick,
  RandomPacket,
  randomCondition,
} from '../testing/random-conditions.js'
import { EMPTY, type Node } from './bdd.js'
import { Conditions } from './conditions.js'
import { Names } from './names.js'
import { Space } from './space.js'

/** How many packets are looked up in sets: `PACKETWALK_CHECKS=1000000 npx vitest run src/sets/agreement.test.ts`, and PACKETWALK_SEED for others. */
const CHECKS = Number(process.env['PACKETWALK_CHECKS'] ?? 60_000)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function surroundings(space: Space, family: 4 | 6) {
  const { bdd } = space
  const bit = (field: Parameters<Space['levelsOf']>[0], value: boolean) =>
    bdd.literal(space.levelsOf(field).at(-1)!, value)
  return {
    fib: ({ of }: { readonly of: 'saddr' | 'daddr' }) => {
      const field = addressField(of, family)
      return [
        { value: 2, packets: bit(field, false) },
        { value: 1, packets: bit(field, true) },
      ]
    },
    member(set: string, [field]: readonly unknown[]) {
      const of = field as Parameters<Space['levelsOf']>[0]
      if (memberOutcome(set, 0) === 'unknown') return { yes: 0, unknown: 1 }
      return {
        yes: set === 'small' ? space.in(of, [[0, 32767]]) : bdd.and(space.present(of), bit(of, true)),
        unknown: 0,
      }
    },
  }
}

function lots(condition: Condition): number {
  switch (condition.is) {
    case 'chance':
      return condition.weight <= 0 || condition.weight >= 2 ** 31 ? 0 : 1
    case 'stateful':
      return 1
    case 'not':
    case 'drop-if':
      return lots(condition.of)
    case 'all':
    case 'any':
      return condition.of.reduce((sum, part) => sum + lots(part), 0)
    default:
      return 0
  }
}

/** Every outcome that some draw of lots leads to. */
function outcomes(condition: Condition, packet: RandomPacket, count: number): Set<Outcome | 'mayDrop'> {
  const found = new Set<Outcome | 'mayDrop'>()
  for (let draw = 0; draw < 2 ** count; draw++) {
    packet.draws = Array.from({ length: count }, (_, i) => ((draw >> i) & 1) === 1)
    const { outcome, mayDrop } = interpret(condition, packet)
    found.add(outcome)
    if (mayDrop) found.add('mayDrop')
  }
  return found
}

test(`the sets of a condition hold a packet exactly when the interpreter says so (${CHECKS} checks, seed ${SEED})`, {
  timeout: 3_600_000,
}, () => {
  const random = seeded(SEED)
  const seen: Record<Outcome | 'mayDrop', number> = { yes: 0, no: 0, drop: 0, unknown: 0, mayDrop: 0 }
  let drawn = 0
  for (let checks = 0, round = 0; checks < CHECKS; round++) {
    const family = round % 2 === 0 ? 4 : 6
    const space = new Space({ family, names: new Names(NAME_RANGES, ['eth0', 'eth1']) })
    const conditions = new Conditions(space, surroundings(space, family))
    const packets = Array.from({ length: 25 }, () => new RandomPacket(random, family))
    const values = packets.map((packet) => space.packet(packet, fieldsOf(family))!)
    for (const [i, own] of values.entries())
      expect(space.bdd.contains(space.valid, own), JSON.stringify([...packets[i]!.packet.bytes])).toBe(true)
    for (let n = 0; n < 40; n++) {
      const condition = randomCondition(random, [pick(random, packets), pick(random, packets)])
      const count = lots(condition)
      if (count > 5) continue
      const parts = conditions.parts(condition)
      if (count === 0) expectDisjoint(space, [parts.yes, parts.no, parts.drop, parts.unknown])
      for (const [i, packet] of packets.entries()) {
        const found = outcomes(condition, packet, count)
        for (const outcome of ['yes', 'no', 'drop', 'unknown', 'mayDrop'] as const)
          if (space.bdd.contains(parts[outcome] ?? EMPTY, values[i]!) !== found.has(outcome))
            throw new Error(`round ${round}: ${outcome} of ${show(condition)}\nfor ${[...packet.packet.bytes]}`)
        for (const outcome of found) seen[outcome]++
        if (count > 0) drawn++
        checks++
      }
    }
  }
  // the random trees reach every outcome
  for (const [outcome, times] of Object.entries(seen)) expect(times, outcome).toBeGreaterThan(CHECKS / 400)
  expect(drawn).toBeGreaterThan(CHECKS / 50)
})

function expectDisjoint(space: Space, parts: readonly Node[]): void {
  const { bdd } = space
  let all = 0
  for (const part of parts) {
    expect(bdd.meets(all, part)).toBe(false)
    all = bdd.or(all, part)
  }
  expect(all).toBe(1)
}

const show = (condition: Condition): string =>
  JSON.stringify(condition, (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value))
