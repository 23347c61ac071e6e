import type { Field, FieldValue } from '../packet/fields.js'
import type { Chooser, Tree } from '../path/choices.js'
import type { Effect } from '../rules/effect.js'
import { evaluate } from '../rules/interpret.js'
import type { Chain, Rule, Step, Table } from '../rules/program.js'
import { type RuleHost, traverse, type Verdict } from '../rules/traverse.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import type { Space } from '../sets/space.js'
import { addressField, fieldsOf, memberOutcome, pick, type RandomPacket, randomCondition } from './random-conditions.js'

/** The base chain, and those behind it; each may call the ones after it. */
export const CHAINS = ['BASE', 'ONE', 'TWO', 'THREE'] as const

const textOf = (steps: readonly Step[]): string => {
  const called = steps.flatMap((step) =>
    'do' in step && (step.do.do === 'jump' || step.do.do === 'goto') ? [step.do.chain] : [],
  )
  return `${JSON.stringify(steps, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}${called.map((name) => ` -j ${name}`).join('')}`
}

export function randomRule(random: () => number, packets: readonly RandomPacket[], later: readonly string[]): Rule {
  const conditions = Array.from(
    { length: Math.floor(random() * 3) },
    (): Step => ({ if: randomCondition(random, packets, 1) }),
  )
  const effects = randomEffects(random, later).map((effect): Step => ({ do: effect }))
  const late: readonly Step[] = random() < 0.1 ? [{ if: randomCondition(random, packets, 1) }] : []
  const steps = [...conditions, { count: 'rule' } as const, ...late, ...effects]
  return { steps, text: textOf(steps), comment: undefined, source: undefined, counters: undefined }
}

export function randomEffects(random: () => number, later: readonly string[]): readonly Effect[] {
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

/** A table with one base chain, and three that it may call. Rules have their steps as their texts. */
export function randomTable(random: () => number, packets: readonly RandomPacket[]): { table: Table; base: Chain } {
  const names = CHAINS
  const chains = new Map<string, Chain>()
  for (const [i, name] of names.entries()) {
    const rules = Array.from({ length: Math.floor(random() * 5) + (i === 0 ? 2 : 0) }, () =>
      randomRule(random, packets, names.slice(i + 1)),
    )
    const policy = pick(random, ['accept', 'drop'] as const)
    const base =
      i === 0 ? ({ hook: 'input', priority: 0, type: 'filter', policy, counters: undefined } as const) : undefined
    chains.set(name, { name, rules, base })
  }
  const table: Table = { name: 'filter', family: packets[0]!.family, backend: 'nft', chains, needsConntrack: true }
  return { table, base: chains.get('BASE')! }
}

/** How a walk of one packet ended. */
export interface Ended {
  readonly verdict: Verdict
  readonly at: RandomPacket
  readonly counted: readonly (readonly [Rule, RandomPacket])[]
  /** Effects besides verdicts and writes. */
  readonly did: readonly Effect[]
}

const UNMOVED: Readonly<Record<string, readonly ('accept' | 'drop' | 'next')[]>> = {
  queue: ['accept', 'drop'],
  unknown: ['next', 'accept', 'drop'],
}

/** One packet through the table as the walker does it. */
export function concrete(table: Table, base: Chain, packet: RandomPacket, chooser: Chooser): Ended {
  const at = packet.clone()
  const counted: [Rule, RandomPacket][] = []
  const did: Effect[] = []
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
      did.push(effect)
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
  return { verdict, at, counted, did }
}

/** All ends of all choices; undefined: there were too many. */
export function leaves<T>(tree: Tree<T>): readonly T[] | undefined {
  if (tree.is === 'leaf') return [tree.result]
  if (tree.is === 'cut') return undefined
  const ways = tree.ways.map(leaves)
  return ways.every((way) => way !== undefined) ? ways.flat() : undefined
}

/** The set with this packet alone. */
export function single(space: Space, packet: RandomPacket): Node {
  const values = space.packet(packet, fieldsOf(space.family))!
  let node: Node = FULL
  for (let level = values.length - 1; level >= 0; level--)
    node = values[level] === 1 ? space.bdd.node(level, EMPTY, node) : space.bdd.node(level, node, EMPTY)
  return node
}

/** What a host would answer, and who is in its sets: something that packets tell. */
export function surroundings(space: Space, family: 4 | 6) {
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
