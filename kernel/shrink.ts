import { buildPair, closePair } from './campaign.js'
import { address } from './cases/frames.js'
import type { RuleSpec, Ruleset } from './cases/ruleset.js'
import { host } from './cases/scene.js'
import { type Difference, differences } from './compare.js'
import { judge } from './judge.js'
import type { Injection, LabSpec } from './lab.js'
import { recordingOf } from './record.js'
import { named, plainer, readdressed, reported } from './simplify.js'
import type { Recording, Verdict } from './verdict.js'

interface Small {
  readonly ruleset: Ruleset
  readonly sets: readonly string[]
  readonly packets: readonly Injection[]
}

export interface Shrunk {
  readonly recording: Recording
  readonly found: readonly Difference[]
  readonly attempts: number
}

/** At most this many questions to the kernel for one case; as many again as FIELDS for the fields of packets. */
const MOST_ATTEMPTS = 120
const FIELDS = 80
/** A lab is used once: the kernel remembers sources that had errors. */
const PER_LAB = 1

/** The least that still differs in the same way: packets, rules, sets, tables, parts of rules; then what is left of the packets is made ordinary. */
export async function shrink(
  spec: LabSpec,
  { ruleset, sets }: Pick<Small, 'ruleset' | 'sets'>,
  verdict: Verdict,
  first: readonly Difference[],
  trace = false,
): Promise<Shrunk> {
  const about = new Set(first.map((difference) => difference.about))
  let pair = await buildPair(spec, trace)
  let used = 0
  let attempts = 0
  let most = MOST_ATTEMPTS
  let best: { readonly small: Small; readonly verdict: Verdict; readonly found: readonly Difference[] } = {
    small: { ruleset, sets, packets: verdict.packets },
    verdict,
    found: first,
  }
  const head = await recordingOf(pair[0], [])
  const attempt = async (small: Small): Promise<boolean> => {
    if (attempts >= most) return false
    attempts++
    if (used++ >= PER_LAB) {
      await closePair(pair)
      pair = await buildPair(spec, trace)
      used = 0
    }
    const judgement = await judge(pair, verdict.name, small.ruleset, small.packets, small.sets)
    if (judgement.is !== 'judged') return false
    const found = differences(head, judgement.verdict)
    if (!found.some((difference) => about.has(difference.about))) return false
    best = { small: { ...small, ruleset: judgement.ruleset }, verdict: judgement.verdict, found }
    return true
  }
  try {
    for (let before = -1; before !== sizeOf(best.small); ) {
      before = sizeOf(best.small)
      await without(
        () => best.small.packets,
        (packets) => attempt({ ...best.small, packets }),
      )
      await without(
        () => rulesIn(best.small.ruleset),
        (rules) => attempt({ ...best.small, ruleset: withRules(best.small.ruleset, rules) }),
      )
      await without(
        () => best.small.sets,
        (lines) => attempt({ ...best.small, sets: lines }),
      )
      await without(
        () => best.small.ruleset,
        (tables) => attempt({ ...best.small, ruleset: tables }),
      )
      await withoutParts(
        () => best.small.ruleset,
        (next) => attempt({ ...best.small, ruleset: next }),
      )
    }
    most = attempts + FIELDS
    await makeOrdinary(() => best.small, attempt)
  } finally {
    await closePair(pair)
  }
  return { recording: { ...head, verdicts: [best.verdict] }, found: best.found, attempts }
}

const isTrace = ({ target }: RuleSpec): boolean => target === '-j TRACE'
/** All but those that make the kernel report. */
const rulesIn = (ruleset: Ruleset) =>
  ruleset.flatMap((table) => table.rules.filter((rule) => !isTrace(rule)).map((rule) => ({ at: keyOf(table), rule })))
const keyOf = ({ name, second = false }: Ruleset[number]): string => `${name} ${second}`
type Placed = ReturnType<typeof rulesIn>[number]
const sizeOf = ({ ruleset, sets, packets }: Small): number =>
  packets.length +
  sets.length +
  ruleset.reduce(
    (sum, { chains, rules }) =>
      sum + 1 + chains.length + rules.reduce((parts, rule) => parts + 1 + rule.parts.length, 0),
    0,
  )

function withRules(ruleset: Ruleset, rules: readonly Placed[]): Ruleset {
  return ruleset.map((table) => {
    const left = [
      ...table.rules.filter(isTrace),
      ...rules.filter(({ at }) => at === keyOf(table)).map(({ rule }) => rule),
    ]
    const named = new Set(left.flatMap(({ chain, target }) => [chain, target.split(' ')[1] ?? '']))
    return {
      ...table,
      rules: left,
      chains: table.chains.filter(({ name, policy }) => policy !== '-' || named.has(name)),
    }
  })
}

/** Leaves out halves, quarters, …, single items, as long as that keeps the difference. */
async function without<T>(
  current: () => readonly T[],
  keeps: (items: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(current().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < current().length; ) {
      const items = current()
      const left = [...items.slice(0, at), ...items.slice(at + size)]
      if (!(await keeps(left))) at += size
    }
  }
}

async function withoutParts(current: () => Ruleset, keeps: (ruleset: Ruleset) => Promise<boolean>): Promise<void> {
  for (let t = 0; t < current().length; t++)
    for (let r = 0; r < (current()[t]?.rules.length ?? 0); r++)
      for (let p = (current()[t]?.rules[r]?.parts.length ?? 0) - 1; p >= 0; p--) {
        const ruleset = current()
        const rule = ruleset[t]?.rules[r]
        if (!rule) continue
        const smaller = { ...rule, parts: rule.parts.filter((_, i) => i !== p) }
        await keeps(
          ruleset.map((table, i) =>
            i === t ? { ...table, rules: table.rules.map((one, n) => (n === r ? smaller : one)) } : table,
          ),
        )
      }
}

/** Fields first (payload, options, flags, TTL), then ports and addresses, these in packets, rules and sets alike. */
async function makeOrdinary(current: () => Small, keeps: (small: Small) => Promise<boolean>): Promise<void> {
  for (let i = 0; i < current().packets.length; i++) {
    const tried = new Set<string>()
    for (let again = true; again; ) {
      again = false
      for (const plain of plainer(current().packets[i]!)) {
        if (tried.has(plain.frame)) continue
        tried.add(plain.frame)
        const small = current()
        again = await keeps({ ...small, packets: small.packets.with(i, plain) })
        if (again) break
      }
    }
  }
  const { addresses, ports } = named(current().packets)
  for (const [n, port] of ports.entries()) {
    const to = n === 0 ? 40000 : n === 1 ? 80 : 8080 + n
    if (ports.includes(to)) continue
    const small = current()
    await keeps({ ...renamed(small, `${port}`, `${to}`), packets: small.packets.map((one) => reported(one, port, to)) })
  }
  for (const [n, { digits, text, family }] of addresses.entries()) {
    const to = host(family, n === 0 ? 1 : 2, n === 0 ? 30 : 20 + n)
    if (addresses.some((other) => other.digits === address(to))) continue
    const small = current()
    const packets = small.packets.map((one) => readdressed(one, digits, address(to)))
    await keeps({ ...renamed(small, text, to), packets })
  }
}

/** A word of rules and sets replaced by another: an address (with its length or port behind it), a port. */
function renamed({ ruleset, sets, packets }: Small, from: string, to: string): Small {
  const word = new RegExp(`(?<![\\w.:])${from.replaceAll('.', '\\.')}(?![\\w.])`, 'g')
  const text = (one: string) => one.replace(word, to)
  return {
    packets,
    sets: sets.map(text),
    ruleset: ruleset.map((table) => ({
      ...table,
      rules: table.rules.map((rule) => ({ ...rule, parts: rule.parts.map(text), target: text(rule.target) })),
    })),
  }
}
