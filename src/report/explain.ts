import type { Explanation } from '../analysis/explain.js'
import type { Described } from '../sets/describe.js'
import { type Line, printable, span } from './line.js'

/** What one rule does to all packets, for people. `name`: what the rule is called. */
export function explainText(name: string, one: Explanation): readonly Line[] {
  const { rule, hooks, comes, matches, decides, missed, takers, moreTakers, example } = one
  const { source } = rule
  const at = source?.file === undefined ? '' : `${source.file}:${source.line}: `
  const out: Line[] = [
    [span(printable(name), 'heading'), span(': '), span(printable(at), 'name'), span(printable(rule.text), 'rule')],
  ]
  if (hooks.length === 0) out.push([span('no packet comes to it', 'drop')])
  else out.push([span('packets come to it from ', 'label'), span(printable(hooks.join(', ')))])
  const part = (title: string, { lines, more }: Described) => {
    if (lines.length === 0) return
    out.push([span(title, 'label')], ...lines.map((text): Line => [span('  '), span(printable(text))]))
    if (more) out.push([span('  … and more', 'dim')])
  }
  part('come to it', comes)
  part('match it', matches)
  part('are decided by it', decides)
  part('fit it, and do not come to it', missed)
  for (const { chain, number, text, file, line, packets } of takers) {
    const where = file === undefined ? '' : ` (${file}:${line})`
    out.push([
      span('  taken by ', 'label'),
      span(printable(`${chain}:${number}${where} `), 'name'),
      span(printable(text), 'rule'),
    ])
    for (const block of packets.lines.slice(0, 3)) out.push([span('    '), span(printable(block), 'dim')])
    if (packets.more || packets.lines.length > 3) out.push([span('    … and more', 'dim')])
  }
  if (moreTakers) out.push([span('  … and other rules', 'dim')])
  if (example !== undefined) out.push([span('for example ', 'label'), span(printable(example), 'rule')])
  return out
}

/** The shape of schema/explain.schema.json. */
export const explainJson = (name: string, { rule, example, ...one }: Explanation) => ({
  schema: 'packetwalk/explain/1',
  name,
  text: rule.text,
  file: rule.source?.file ?? null,
  line: rule.source?.line ?? null,
  ...one,
  takers: one.takers.map(({ file, line, ...taker }) => ({ ...taker, file: file ?? null, line: line ?? null })),
  example: example ?? null,
})
