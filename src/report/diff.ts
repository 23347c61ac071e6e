import type { Became, Decided, Difference, DiffResult, Fares } from '../analysis/diff.js'
import { type Line, printable, type Role, span } from './line.js'

const ROLES: Readonly<Record<Fares, Role>> = { accepted: 'accept', dropped: 'drop', either: 'unknown' }

/** Packets that fare differently, for people. */
export function diffText(result: DiffResult): readonly Line[] {
  const { differences, undecided, onlyBefore, onlyAfter, incomplete } = result
  const lines: Line[] = differences.flatMap((one) => [...differenceLines(one), []])
  for (const text of onlyBefore) lines.push([span('only in the old snapshot: ', 'label'), span(printable(text))])
  for (const text of onlyAfter) lines.push([span('only in the new snapshot: ', 'label'), span(printable(text))])
  for (const text of undecided)
    lines.push([
      span('cannot be told: ', 'unknown'),
      span(
        `${printable(text)}: some packets hang on limits, lots, or what is not known, and not in the same way as before`,
      ),
    ])
  for (const text of incomplete) lines.push([span('not compared: ', 'unknown'), span(printable(text))])
  lines.push(summary(result))
  return lines
}

function summary({ differences, onlyBefore, onlyAfter, undecided, incomplete }: DiffResult): Line {
  const others = onlyBefore.length + onlyAfter.length + undecided.length + incomplete.length
  if (differences.length > 0)
    return [span(`${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}`, 'drop')]
  return others > 0
    ? [span('no difference found in what was compared', 'unknown')]
    : [span('no packet fares differently', 'accept')]
}

function differenceLines(one: Difference): readonly Line[] {
  const { place, family, kind, where, before, after, packets, more, example, out, rulesBefore, rulesAfter } = one
  const side = (name: string, rules: readonly Decided[], other: readonly Decided[]): readonly Line[] =>
    differing(rules, other).map((decided, i) => [
      span(`  ${(i === 0 ? name : '').padEnd(7)} `, 'label'),
      ...ruleSpans(decided),
    ])
  const at = kind === 'chain' ? `${printable(place)} ${printable(where)} ` : ''
  return [
    [
      span(`IPv${family} ${at}`, 'heading'),
      span(printable(before.text), ROLES[before.fares]),
      span(' → '),
      span(printable(after.text), ROLES[after.fares]),
    ],
    ...packets.map((text): Line => [span('  '), span(printable(text))]),
    ...(more ? [[span('  … and more', 'dim')]] : []),
    ...side('before', rulesBefore, rulesAfter),
    ...side('after', rulesAfter, rulesBefore),
    ...(example === undefined
      ? []
      : [
          [
            span('  example ', 'label'),
            span(printable(example), 'rule'),
            span(out === undefined ? '' : `, leaving through ${printable(out)}`, 'dim'),
          ],
        ]),
  ]
}

const keyOf = ({ rule, text }: Decided): string => `${rule?.chain} ${text}`
const MOST_RULES = 4

/** What decided on one side alone; where both sides have the same rules, all of them. */
function differing(rules: readonly Decided[], others: readonly Decided[]): readonly Decided[] {
  const known = new Set(others.map(keyOf))
  const own = rules.filter((one) => !known.has(keyOf(one)))
  return (own.length > 0 ? own : rules.slice(-1)).slice(0, MOST_RULES)
}

const ruleSpans = ({ rule, text }: Decided) =>
  rule
    ? [
        span(rule.file === undefined ? '' : `${printable(rule.file)}:${rule.line}: `, 'name'),
        span(printable(rule.text), 'rule'),
      ]
    : [span(printable(text), 'dim')]

/** The shape of schema/diff.schema.json. */
export const diffJson = ({ differences, undecided, onlyBefore, onlyAfter, incomplete }: DiffResult) => ({
  schema: 'packetwalk/diff/1',
  differences: differences.map((one) => ({
    kind: one.kind,
    namespace: one.place,
    family: one.family,
    where: one.where,
    table: one.table ?? null,
    chain: one.chain ?? null,
    hook: one.hook ?? null,
    packets: one.packets,
    more: one.more,
    before: becameJson(one.before, one.rulesBefore),
    after: becameJson(one.after, one.rulesAfter),
    example: one.example ?? null,
    out: one.out ?? null,
  })),
  undecided,
  onlyBefore,
  onlyAfter,
  incomplete,
})

const becameJson = ({ fares, text }: Became, rules: readonly Decided[]) => ({
  fares,
  text,
  rules: rules.map(decidedJson),
})

const decidedJson = ({ rule, text }: Decided) => ({
  chain: rule?.chain ?? null,
  rule: rule?.number ?? null,
  text,
  file: rule?.file ?? null,
  line: rule?.line ?? null,
})
