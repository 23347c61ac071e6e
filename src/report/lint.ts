import type { LintResult } from '../analysis/lint/lint.js'
import { type Finding, LEVELS, type Level, type Spot, spotName } from '../analysis/lint/types.js'
import { fill, type Line, printable, type Role, span, words } from './line.js'

const ROLES: Readonly<Record<Level, Role>> = { error: 'drop', warning: 'unknown', note: 'label' }

/** Where a spot is, as compilers write it. */
const position = ({ source, text }: Spot): string =>
  source ? `${printable(source.file)}:${source.line}` : printable(text)

/** Findings for people, each with the rule that it is about. */
export function lintText(result: LintResult, width: number): readonly Line[] {
  return [...result.findings.flatMap((finding) => [...findingLines(finding, width), []]), ...summaryLines(result)]
}

function findingLines(
  { at, level, message, id, related = [], packet, fix, place, family }: Finding,
  width: number,
): readonly Line[] {
  const head = fill(
    {
      indent: 0,
      hang: 2,
      pieces: [
        span(`${position(at)}:`, 'name'),
        span(`${level}:`, ROLES[level]),
        ...words(printable(message)),
        span(`[${id}]`, 'dim'),
      ],
    },
    width,
  )
  const lines: Line[] = [...head]
  if (at.source) lines.push([span('    '), span(printable(at.text), at.number === undefined ? 'dim' : 'rule')])
  for (const spot of related.slice(0, MOST_RELATED)) {
    lines.push(
      ...fill(
        { indent: 2, hang: 2, pieces: [span(position(spot), 'name'), span(`${spotName(spot)} ${spot.how}:`, 'dim')] },
        width,
      ),
    )
    lines.push([span('    '), span(printable(spot.text), 'rule')])
  }
  if (related.length > MOST_RELATED) lines.push([span(`  and ${related.length - MOST_RELATED} more`, 'dim')])
  if (packet !== undefined) lines.push([span('  packet: ', 'label'), span(printable(packet), 'rule')])
  if (fix !== undefined) lines.push([span('  fix: ', 'label'), span(printable(fix))])
  if (!at.source) lines.push([span(`  in ${printable(place)}, IPv${family}`, 'dim')])
  return lines
}

const MOST_RELATED = 4

function summaryLines({ findings, ignored, incomplete }: LintResult): readonly Line[] {
  const lines: Line[] = incomplete.map((text) => [span('incomplete: ', 'unknown'), span(printable(text))])
  const counts = LEVELS.flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length
    return count === 0 ? [] : [`${count} ${level}${count === 1 ? '' : 's'}`]
  })
  const text = counts.length === 0 ? 'nothing found' : counts.join(', ')
  lines.push([
    span(text, counts.length === 0 ? 'accept' : 'heading'),
    span(ignored === 0 ? '' : `, ${ignored} ignored by comments`, 'dim'),
  ])
  return lines
}

const spotJson = ({ chain, number, text, source }: Spot) => ({
  file: source?.file ?? null,
  line: source?.line ?? null,
  chain: chain ?? null,
  rule: number ?? null,
  text,
})

/** The shape of schema/lint.schema.json. */
export const lintJson = ({ findings, ignored, incomplete }: LintResult) => ({
  schema: 'packetwalk/lint/1',
  findings: findings.map(({ id, level, place, family, message, at, related = [], packet, fix }) => ({
    id,
    level,
    namespace: place,
    family,
    message,
    at: spotJson(at),
    related: related.map((spot) => ({ ...spotJson(spot), how: spot.how })),
    packet: packet ?? null,
    fix: fix ?? null,
  })),
  ignored,
  incomplete,
})

/** Annotations of GitHub Actions: one workflow command a line (docs.github.com: workflow commands). */
export function lintGithub({ findings, incomplete }: LintResult): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  const command: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', note: 'notice' }
  const lines = findings.map(({ id, level, at, message, packet, fix, place }) => {
    const where = at.source ? `file=${property(at.source.file)},line=${at.source.line},` : ''
    const text = `${at.source ? '' : `${place}: `}${message}${packet === undefined ? '' : ` (${packet})`}${fix === undefined ? '' : `\nfix: ${fix}`}`
    return `::${command[level]} ${where}title=${property(id)}::${data(text)}`
  })
  return [...lines, ...incomplete.map((text) => `::notice title=packetwalk::${data(`incomplete: ${text}`)}`)]
    .map((line) => `${line}\n`)
    .join('')
}
