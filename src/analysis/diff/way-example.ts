import { familyOf, parseIp } from '../../address/ip.js'
import { parsePacketLine } from '../../packet/language.js'
import { QuestionError } from '../../path/resolve.js'
import { trace } from '../../path/trace.js'
import type { Branch, Step } from '../../path/trail.js'
import { type Hosts, placeName } from '../../path/world.js'
import type { Effect } from '../../rules/effect.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { pickOne, type Sample, sampleText } from '../../sets/sample.js'
import type { Beginning } from '../walk-begin.js'
import type { Ground } from '../walk-ground.js'
import type { End } from '../walk-group.js'
import type { Cell } from './compare.js'
import type { Decided } from './difference.js'
import { ARRIVED, isClaimed, placeOfBranch, placeOfFate, type WayFate } from './way-fates.js'

/** A packet that `trace` leads where both sides say, with the rules that have a say there. */
export interface WayExample {
  readonly text: string
  readonly before: readonly Decided[]
  readonly after: readonly Decided[]
}

const TRIES = 5

/** A packet of the cell; undefined: `trace` leads none of those that were tried where it is claimed to go. */
export function exampleOf(
  part: {
    readonly ground: Ground
    readonly cell: Cell<End>
    readonly packets: Node
    readonly start: { readonly now: Beginning; readonly bound: boolean }
  },
  before: Hosts,
  after: Hosts,
): WayExample | undefined {
  const { ground, cell, packets, start } = part
  const { space } = ground
  const { bdd } = space
  let left = packets
  for (let n = 0; n < TRIES && left !== EMPTY; n++) {
    const picked = pickOne(space, left)
    if (!picked) return undefined
    for (const text of textsOf(start.now, start.bound, after, picked.sample)) {
      const one = walked(before, text, ground, cell.old, picked.packet)
      const other = one && walked(after, text, ground, cell.now, picked.packet)
      if (!one || !other) continue
      const [rules, others] = rulesOf(one, other)
      return { text, before: rules, after: others }
    }
    left = bdd.minus(left, picked.packet)
  }
  return undefined
}

/** A sample as `trace` reads it. Of what a host sends with a source of the kernel's choice: without one, and with what it takes. */
function textsOf({ origin }: Beginning, bound: boolean, hosts: Hosts, sample: Sample): readonly string[] {
  const place = placeName(origin.place)
  const plain: Sample = { ...sample, state: 'NEW', mark: 0 }
  if (origin.iif !== undefined) return [sampleText(plain, place)]
  const words = `${sampleText({ ...plain, iif: '' })} from ${place}`
  if (bound) return [words]
  const short = words.replace(/ \S+ > /, ' > ')
  const asked = parsePacketLine(short)
  if (!asked.ok) return []
  try {
    const src = parseIp(trace(hosts, asked.packet, { now: 0 }).packet.src)
    if (src === undefined || familyOf(src) !== sample.family) return [short]
    return [short, `${sampleText({ ...plain, iif: '', src })} from ${place}`]
  } catch (error) {
    if (error instanceof QuestionError) return []
    throw error
  }
}

function walked(
  hosts: Hosts,
  text: string,
  ground: Ground,
  fates: readonly WayFate[],
  packet: Node,
): readonly Branch[] | undefined {
  const parsed = parsePacketLine(text)
  if (!parsed.ok) return undefined
  try {
    const { branches } = trace(hosts, parsed.packet, { now: 0 })
    const own = fates.filter((fate) => ground.space.bdd.meets(fate.packets, packet))
    // the port that a sender takes is any
    const claims = own.map((fate) => placeOfFate(ground, fate, packet))
    const loose =
      text.includes(' > ') && / > /.test(text) && /^\S+ > /.test(text)
        ? claims.map((claim) => claim.replace(/:\d+ > /, ':* > '))
        : claims
    const fits = (branch: Branch) => {
      const place = placeOfBranch(branch)
      return place === undefined ? loose.some((claim) => claim.startsWith('undecided')) : isClaimed(place, loose)
    }
    const sure = branches.every(({ supposing }) => supposing === undefined)
    return (sure ? branches.every(fits) : branches.some(fits)) ? branches : undefined
  } catch (error) {
    if (error instanceof QuestionError) return undefined
    throw error
  }
}

const WRITES: ReadonlySet<Effect['do']> = new Set<Effect['do']>([
  'set',
  'add',
  'notrack',
  'nat',
  'hash-mark',
  'map-prefix',
  'to-socket',
  'tcp-bits',
])

/** A rule or a policy, and the base chain that it decided in; `passes`: a policy that accepts, which is of interest where the other side's chain does something else. */
interface Decision {
  readonly base: string
  readonly passes: boolean
  readonly decided: Decided
}

/** Rules that accept, drop, or rewrite, on any branch of each side, in their order; at the end what ended the packet, where no rule did. */
function rulesOf(old: readonly Branch[], now: readonly Branch[]): readonly [readonly Decided[], readonly Decided[]] {
  const [olds, news] = [decisionsOf(old), decisionsOf(now)]
  const told = (own: readonly Decision[], others: readonly Decision[]) => {
    const differs = ({ base, decided }: Decision) =>
      others.some((one) => one.base === base) &&
      !others.some((one) => one.base === base && one.decided.text === decided.text)
    return own.filter((one) => !one.passes || differs(one)).map(({ decided }) => decided)
  }
  return [told(olds, news), told(news, olds)]
}

function decisionsOf(branches: readonly Branch[]): readonly Decision[] {
  const found = new Map<string, Decision>()
  const add = (one: Decision) =>
    found.set(`${one.base} ${one.decided.rule?.chain} ${one.decided.rule?.number} ${one.decided.text}`, one)
  for (const { steps, outcome, where } of branches) {
    for (const step of steps) for (const decided of decidedAt(step)) add(decided)
    if ((outcome === 'dropped' || outcome === 'rejected') && where.chain === undefined && !ARRIVED.has(where.reason))
      add({ base: '', passes: false, decided: { rule: undefined, text: where.text } })
  }
  return [...found.values()]
}

function decidedAt(step: Step): readonly Decision[] {
  if (step.kind !== 'hook') return []
  return step.chains.flatMap(({ table, chain, type, verdict, visits, decidedBy, skipped }): readonly Decision[] => {
    if (skipped !== undefined) return []
    const base = `${placeName(step)} ${table}/${chain}`
    const writing = visits.filter(
      ({ rule, outcome }) => outcome === 'yes' && rule.steps.some((one) => 'do' in one && WRITES.has(one.do.do)),
    )
    const { rule, chain: name, number } = decidedBy
    const own = rule && number !== undefined && type !== 'nat' ? [{ rule, chain: name, number }] : []
    const places = [...writing, ...own.filter((one) => !writing.some((other) => other.rule === one.rule))]
    const rules = places.map(
      ({ rule: { text, source }, chain: of, number: n }): Decision => ({
        base,
        passes: false,
        decided: { rule: { chain: `${table}/${of}`, number: n, text, file: source?.file, line: source?.line }, text },
      }),
    )
    if (rule || rules.length > 0) return rules
    const policy = `policy ${verdict === 'drop' ? 'DROP' : 'ACCEPT'} of ${chain}`
    return [{ base, passes: verdict !== 'drop', decided: { rule: undefined, text: policy } }]
  })
}
