import type { Effect } from '../../rules/effect.js'
import type { Hook, Rule, Table } from '../../rules/program.js'
import { asked } from '../../sets/asked.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import { VisitLimitError } from '../../sets/chains.js'
import type { Conditions } from '../../sets/conditions.js'
import { type Called, NO_WAYS, type RuleWays, ruleWays, type Way, type WayMath } from '../../sets/ways.js'
import { translatedTo } from '../walk-nat.js'
import { plainText } from './changes.js'
import type { Fate } from './compare.js'
import type { BaseChain } from './pairs.js'

/** The rule that decides, with its place. */
export interface RulePlace {
  readonly rule: Rule
  readonly chain: string
  /** From 1. */
  readonly number: number
}

/** What may become of packets in a base chain. */
export interface Outcome {
  readonly verdict: 'accepted' | 'dropped' | `rejected with ${string}`
  /** What else was done to them, in order: effects that sets do not follow, as keys. */
  readonly did: string
  /** The lots, limits and unknown things that it hangs on, and how they came out. */
  readonly lots: string
  /** What was written; for packets that go no further: nothing. */
  readonly transform: Way['transform']
  readonly packets: Node
  /** Undefined: the policy. */
  readonly by: RulePlace | undefined
}

/** Packets on their way through a chain that had the same done to them and the same luck. */
interface Path {
  readonly did: string
  readonly lots: string
  readonly ways: readonly Way[]
}

/** A rule as it meets any packets. */
interface Parts {
  readonly no: Node
  readonly drop: Node
  readonly live: Node
  readonly touched: Node
  /** Packets that may match or not. */
  readonly either: Node
  /** The effects behind its conditions. */
  readonly rest: RuleWays
  readonly did: string
  /** Conditions behind these effects, with what stands behind them. */
  readonly later: Parts | undefined
  readonly isGoto: boolean
  readonly rejects: string | undefined
}

/** Chains are not worked out for what they are called with: whoever walks goes into them. */
const CALLED: Called = {
  quiet: true,
  isPlain: true,
  isExact: false,
  asked: undefined,
  mayEnd: () => false,
  returned: NO_WAYS,
  accepted: NO_WAYS,
  dropped: NO_WAYS,
}

/** Effects that are neither verdicts nor written nor of no consequence for the packet. */
const TOLD: ReadonlySet<Effect['do']> = new Set<Effect['do']>([
  'mss', 'strip-options', 'map-prefix', 'hash-mark', 'to-socket', 'answer-syn', 'duplicate', 'template', 'change-set', 'map-set',
  'unknown', 'queue', 'frame',
]) // biome-ignore format: a table

const MOST_PATHS = 4_000

const keyOf = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one === undefined ? null : one))

/** The rules of one side, as they meet packets. */
export class Passage {
  readonly #conditions: Conditions
  readonly #math: WayMath
  readonly #parts = new Map<Rule, Parts>()
  /** For a rule that the other side has as well, that side's: what was found of it there is not found again. */
  readonly #standsFor: (rule: Rule) => Rule

  readonly #other: Passage | undefined

  constructor(conditions: Conditions, math: WayMath, standsFor: (rule: Rule) => Rule, other?: Passage) {
    this.#conditions = conditions
    this.#math = math
    this.#standsFor = standsFor
    this.#other = other
  }

  /** The packets with which a rule does anything. */
  touched(rule: Rule): Node {
    const own = this.#standsFor(rule)
    return own !== rule && this.#other ? this.#other.touched(own) : asked(this.#conditions, own, 0).touched
  }

  /** Follows packets through a base chain, rule after rule: what may become of them. Throws NodeLimitError, VisitLimitError. */
  through({ table, chain }: BaseChain, packets: Node): readonly Outcome[] {
    const found: Outcome[] = []
    const hook = chain.base!.hook
    const left = this.#chain(found, hook, table, chain.name, [{ did: '', lots: '', ways: this.#math.plain(packets) }])
    const drops = chain.base!.policy === 'drop'
    for (const path of left) this.#end(found, drops ? 'dropped' : 'accepted', path, undefined)
    return found
  }

  #chain(found: Outcome[], hook: Hook, table: Table, name: string, first: readonly Path[]): readonly Path[] {
    const { bdd } = this.#math.space
    const { transforms } = this.#math
    const chain = table.chains.get(name)
    if (!chain) throw new Error(`chain ${name} of table ${table.name} does not exist`)
    let here = first
    const returned: Path[] = []
    for (const [i, rule] of chain.rules.entries()) {
      if (here.length === 0) break
      const parts = this.#partsOf(rule)
      const meets = here.some(({ ways }) =>
        ways.some(({ transform, packets }) => bdd.meets(packets, transforms.before(transform, parts.touched))),
      )
      if (!meets) continue
      const place = { rule, chain: name, number: i + 1 }
      const next: Path[] = []
      for (const path of here) this.#rule(found, hook, table, place, parts, path, next, returned)
      here = this.#joined(next)
    }
    return this.#joined([...here, ...returned])
  }

  #rule(
    found: Outcome[],
    hook: Hook,
    table: Table,
    place: RulePlace,
    { no, drop, live, either, rest, did, later, isGoto, rejects }: Parts,
    path: Path,
    next: Path[],
    returned: Path[],
  ): void {
    const math = this.#math
    const { bdd } = math.space
    const into = (set: Node) => math.into(path.ways, set)
    const lucky = (word: string) => `${path.lots}${word}${plainText(place.rule)}\n`
    next.push({ ...path, ways: into(bdd.minus(no, either)) })
    if (either !== EMPTY) next.push({ ...path, lots: lucky('-'), ways: into(bdd.and(no, either)) })
    if (drop !== EMPTY) this.#end(found, 'dropped', { ...path, ways: into(drop) }, place)
    const matched: Path[] = [{ ...path, ways: into(bdd.minus(live, either)) }]
    if (either !== EMPTY) matched.push({ ...path, lots: lucky('+'), ways: into(bdd.and(live, either)) })
    for (const one of matched) {
      if (one.ways.length === 0) continue
      const with_ = (ways: readonly Way[]): Path => ({
        did: did === '' ? one.did : `${one.did}${did}\n`,
        lots: one.lots,
        ways: math.sequence(one.ways, ways),
      })
      if (later) this.#rule(found, hook, table, place, later, with_(rest.next), next, returned)
      else next.push(with_(rest.next))
      returned.push(with_(rest.returned))
      for (const { effect, ways } of rest.nat) this.#translate(found, hook, place, with_(ways), effect)
      if (rest.nat.length === 0) this.#end(found, 'accepted', with_(rest.ownAccepted), place)
      if (!rest.nat.some(({ effect }) => effect.how))
        this.#end(found, rejects === undefined ? 'dropped' : `rejected with ${rejects}`, with_(rest.ownDropped), place)
      for (const { chain, ways } of rest.calls) {
        const inside = with_(ways)
        if (inside.ways.length === 0) continue
        const back = this.#chain(found, hook, table, chain, [inside])
        if (isGoto) returned.push(...back)
        else next.push(...back)
      }
    }
  }

  /** What NAT makes of a first packet: where rules say what, that is written; what the host chooses has a name. */
  #translate(found: Outcome[], hook: Hook, place: RulePlace, path: Path, effect: Extract<Effect, { do: 'nat' }>): void {
    if (path.ways.length === 0) return
    if (effect.how) {
      const did = `${path.did}${effect.how} ${keyOf(effect.to)}\n`
      this.#end(found, 'accepted', { ...path, did }, place)
      return
    }
    const result = translatedTo(this.#math, hook, { effect, ways: path.ways }, [{ packets: FULL, range: effect.to }])
    const { addresses, ports, random, fullyRandom, netmap } = effect.to
    const single = (range: readonly [unknown, unknown] | undefined) => !range || range[0] === range[1]
    const chosen = (netmap || single(addresses)) && single(ports) && !random && !fullyRandom
    const lots = chosen ? path.lots : `${path.lots}+${keyOf(effect.to)}\n`
    this.#end(found, 'accepted', { ...path, lots, ways: result.changed }, place)
    this.#end(found, 'accepted', { ...path, lots, ways: result.same }, place)
  }

  #end(found: Outcome[], verdict: Outcome['verdict'], { did, lots, ways }: Path, by: RulePlace | undefined): void {
    const { identity } = this.#math.transforms
    if (verdict === 'accepted')
      for (const { transform, packets } of ways) found.push({ verdict, did, lots, transform, packets, by })
    else if (ways.length > 0) {
      const packets = this.#math.space.union(ways.map((way) => way.packets))
      found.push({ verdict, did, lots, transform: identity, packets, by })
    }
    if (found.length > MOST_PATHS) throw new VisitLimitError('too many things may become of the packets')
  }

  #joined(paths: readonly Path[]): readonly Path[] {
    const all = new Map<string, Path>()
    for (const path of paths) {
      if (path.ways.length === 0) continue
      const key = `${path.did}|${path.lots}`
      const known = all.get(key)
      all.set(key, known ? { ...known, ways: this.#math.union(known.ways, path.ways) } : path)
    }
    if (all.size > MOST_PATHS) throw new VisitLimitError('limits and lots can come out in too many ways')
    return [...all.values()]
  }

  #partsOf(rule: Rule): Parts {
    const own = this.#standsFor(rule)
    if (own !== rule && this.#other) return this.#other.#partsOf(own)
    let found = this.#parts.get(own)
    if (!found) {
      found = this.#findParts(own)
      this.#parts.set(own, found)
    }
    return found
  }

  #findParts(rule: Rule, from = 0): Parts {
    const { bdd } = this.#math.space
    const { no, live, drop, touched, end } = asked(this.#conditions, rule, from)
    const behind = rule.steps.findIndex((step, i) => i >= end && 'if' in step)
    const steps = rule.steps.slice(end, behind < 0 ? undefined : behind)
    const rest = ruleWays(this.#conditions, this.#math, { ...rule, steps }, undefined, () => CALLED)
    const effects = steps.flatMap((step) => ('do' in step ? [step.do] : []))
    const told = effects.filter((effect) => TOLD.has(effect.do)).map((effect) => keyOf(effect))
    const rejecting = effects.find((effect) => effect.do === 'reject')
    // who is logged or not goes on alike
    const onlyLogs = behind < 0 && effects.every((effect) => effect.do === 'log')
    return {
      drop,
      touched,
      no: onlyLogs ? bdd.or(no, live) : no,
      live: onlyLogs ? EMPTY : live,
      either: onlyLogs ? EMPTY : bdd.and(no, live),
      rest,
      did: told.join('\n'),
      later: behind < 0 ? undefined : this.#findParts(rule, behind),
      isGoto: effects.some((effect) => effect.do === 'goto'),
      rejects:
        rejecting?.do === 'reject' ? ('name' in rejecting.with ? rejecting.with.name : rejecting.with.send) : undefined,
    }
  }
}

/** What may become of packets in a base chain of one side, to be compared. A side without the chain lets everything pass. */
export function fatesOf(
  { transforms }: WayMath,
  passage: Passage,
  base: BaseChain | undefined,
  packets: Node,
): readonly Fate<Outcome>[] {
  const passing: Outcome = {
    verdict: 'accepted',
    did: '',
    lots: '',
    transform: transforms.identity,
    packets,
    by: undefined,
  }
  return (base ? passage.through(base, packets) : [passing]).map((of) => ({
    is: `${of.verdict}\n${of.did}`,
    lots: of.lots,
    transforms,
    transform: of.transform,
    packets: of.packets,
    of,
  }))
}
