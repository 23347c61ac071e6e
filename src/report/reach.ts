import type { ReachResult, ReachWay, Replies } from '../analysis/reach.js'
import type { Deciding } from '../analysis/reach-example.js'
import { type Line, printable, span } from './line.js'

/** Who gets there, for people. */
export function reachText({ answer, ways, assumptions, open }: ReachResult, target: string): readonly Line[] {
  const taken = [
    ...open.map((text): Line => [span('not followed: ', 'unknown'), span(printable(text), 'dim')]),
    ...assumptions.map((text): Line => [span('assumed: ', 'label'), span(printable(text), 'dim')]),
  ]
  if (ways.length === 0 && answer === 'unknown')
    return [[span(`no packet that was followed gets to ${printable(target)}, but not all were`, 'unknown')], ...taken]
  if (answer === 'none')
    return [
      [span(`no new connection gets to ${printable(target)}`, 'accept'), span(': every packet was looked at', 'dim')],
      ...taken,
    ]
  return [...ways.flatMap((way, i) => [...(i === 0 ? [] : [[]]), ...wayLines(way, target)]), ...taken]
}

function wayLines(
  { family, from, sent, to, leaves, packets, perhaps, hangs, more, sources, example }: ReachWay,
  target: string,
  examples = true,
): readonly Line[] {
  const who = sent ? `${from} sends` : `come in at ${from}`
  const where = leaves === undefined ? `gets into ${to}` : `leaves ${to} through ${leaves}`
  const block = (text: string): Line => [span('  '), span(printable(text), 'plain')]
  const out: Line[] = [
    [
      span(`IPv${family} to ${printable(target)}: `, 'heading'),
      span(sent ? `what ${printable(who)} ` : `packets that ${printable(who)}: `),
      span(printable(sent ? where : where), 'name'),
    ],
  ]
  if (packets.length > 0) out.push([span('  surely', 'accept')], ...packets.map(block))
  if (perhaps.length > 0) {
    out.push([span('  perhaps', 'unknown')], ...perhaps.map(block))
    for (const text of hangs.slice(0, MOST_REASONS))
      out.push([span('    otherwise ', 'label'), span(printable(text), 'dim')])
    if (hangs.length > MOST_REASONS) out.push([span(`    … ${hangs.length - MOST_REASONS} other ways`, 'dim')])
  }
  if (more) out.push([span('  … and more', 'dim')])
  if (sources.length > 0) out.push([span('  seen as from ', 'label'), span(printable(sources.join(', ')))])
  if (!example) return examples ? [...out, [span('  no example that was tried gets there', 'unknown')]] : out
  out.push([
    span('  for example ', 'label'),
    span(printable(example.packet), 'rule'),
    span(` → ${printable(example.becomes)}`, 'rewrite'),
  ])
  for (const one of example.rules)
    out.push([
      span('    let in by ', 'label'),
      span(`${printable(placeOf(one))} `, 'name'),
      span(printable(one.text), 'rule'),
    ])
  return out
}

/** What comes in as an answer: over connections that the target begins. */
export function repliesText({ begun, established, related }: Replies, target: string, from: string): readonly Line[] {
  const head: Line = [span(`replies: connections that ${printable(target)} begins to ${printable(from)}`, 'heading')]
  if (begun.answer === 'none') return [head, [span('  none gets there: no reply comes back', 'accept')]]
  const part = (title: string, result: ReachResult): readonly Line[] => [
    [],
    [span(title, 'heading')],
    ...(result.ways.length === 0
      ? [[span('  none comes back', 'accept')]]
      : result.ways.flatMap((way) => wayLines(way, target, false))),
  ]
  return [
    head,
    ...reachText(begun, from),
    ...part('their replies (ESTABLISHED)', established),
    ...part('ICMP errors about them (RELATED)', related),
  ]
}

/** As schema/reach.schema.json has it. */
export const repliesJson = ({ begun, established, related }: Replies) => ({
  begun: reachJson(begun),
  established: reachJson(established),
  related: reachJson(related),
})

const MOST_REASONS = 6

const placeOf = ({ place, table, chain, rule, file, line }: Deciding): string =>
  `${place} ${table}/${chain}:${rule}${file === undefined ? '' : ` (${file}:${line})`}`

/** The shape of schema/reach.schema.json. */
export const reachJson = ({ answer, ways, packets, more, examples, assumptions, open }: ReachResult) => ({
  schema: 'packetwalk/reach/1',
  answer,
  packets,
  more,
  examples,
  assumptions,
  open,
  ways: ways.map(({ leaves, example, ...way }) => ({
    ...way,
    leaves: leaves ?? null,
    example: example
      ? {
          packet: example.packet,
          sees: example.sees,
          becomes: example.becomes,
          rules: example.rules.map((one) => ({ ...one, file: one.file ?? null, line: one.line ?? null })),
        }
      : null,
  })),
})
