import type { Decided, Difference, DiffResult, Fares } from '../analysis/diff.js'
import { type Line, printable, type Role, span } from './line.js'

const ROLES: Readonly<Record<Fares, Role>> = { accepted: 'accept', dropped: 'drop', either: 'unknown' }
const NAMES: Readonly<Record<Fares, string>> = {
  accepted: 'accepted',
  dropped: 'dropped',
  either: 'accepted or dropped (it hangs on limits, lots, or what is not known)',
}

/** Packets that fare differently, for people. */
export function diffText({ differences, undecided, onlyBefore, onlyAfter, incomplete }: DiffResult): readonly Line[] {
  const lines: Line[] = differences.flatMap((one) => [...differenceLines(one), []])
  for (const text of onlyBefore) lines.push([span('only in the old snapshot: ', 'label'), span(printable(text))])
  for (const text of onlyAfter) lines.push([span('only in the new snapshot: ', 'label'), span(printable(text))])
  for (const text of undecided)
    lines.push([
      span('cannot be told: ', 'unknown'),
      span(`${printable(text)}: some packets hang on limits, lots, or what is not known, before and after`),
    ])
  for (const text of incomplete) lines.push([span('not compared: ', 'unknown'), span(printable(text))])
  if (differences.length === 0) lines.push([span('no packet fares differently in a filtering chain', 'accept')])
  return lines
}

function differenceLines({
  place,
  family,
  table,
  chain,
  before,
  after,
  packets,
  more,
  example,
  out,
  decidedBefore,
  decidedAfter,
}: Difference): readonly Line[] {
  const deciding = (name: string, { rule, text }: Decided): Line => [
    span(`  ${name}: `, 'label'),
    ...(rule
      ? [
          span(`${rule.file === undefined ? '' : `${printable(rule.file)}:${rule.line}: `}`, 'name'),
          span(printable(rule.text), 'rule'),
        ]
      : [span(printable(text), 'dim')]),
  ]
  return [
    [
      span(`${printable(place)} IPv${family} ${table}/${chain}: `, 'heading'),
      span(NAMES[before], ROLES[before]),
      span(' → '),
      span(NAMES[after], ROLES[after]),
    ],
    ...packets.map((text): Line => [span('  '), span(printable(text))]),
    ...(more ? [[span('  … and more', 'dim')]] : []),
    [
      span('  for example ', 'label'),
      span(printable(example), 'rule'),
      span(out === undefined ? '' : `, leaving through ${printable(out)}`, 'dim'),
    ],
    deciding('before', decidedBefore),
    deciding('after', decidedAfter),
  ]
}

/** The shape of schema/diff.schema.json. */
export const diffJson = ({ differences, undecided, onlyBefore, onlyAfter, incomplete }: DiffResult) => ({
  schema: 'packetwalk/diff/1',
  differences: differences.map(({ place, decidedBefore, decidedAfter, ...one }) => ({
    namespace: place,
    ...one,
    out: one.out ?? null,
    decidedBefore: decidedJson(decidedBefore),
    decidedAfter: decidedJson(decidedAfter),
  })),
  undecided,
  onlyBefore,
  onlyAfter,
  incomplete,
})

const decidedJson = ({ rule, text }: Decided) => ({
  chain: rule?.chain ?? null,
  rule: rule?.number ?? null,
  text,
  file: rule?.file ?? null,
  line: rule?.line ?? null,
})
