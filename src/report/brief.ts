import type { Branch, Step, Trail } from '../path/trail.js'
import { placeName } from '../path/world.js'
import { tableLabel } from './chain-lines.js'
import { packetText } from './headers.js'
import { type Line, printable, type Role, type Span, span, table } from './line.js'
import { summaryLines, wayHeading } from './summary.js'
import { assumptionLines, titleLines } from './text.js'

/** The compact view: one line for each chain that was asked, and for each thing that changed the packet or ended it. */
export function briefText(trail: Trail, width: number): Line[] {
  const several = trail.branches.length > 1
  return [
    ...titleLines(trail, width),
    ...assumptionLines(trail.assumptions, width),
    ...trail.branches.flatMap((branch) => [
      [],
      ...(several ? [[span(wayHeading(branch), 'heading' as Role)]] : []),
      ...branchLines(branch, width),
      [],
      ...summaryLines(branch, width),
    ]),
  ]
}

function branchLines({ steps }: Branch, width: number): Line[] {
  const cells = steps.flatMap(rows).map((row) => row.map(({ text, role }) => span(printable(text), role)))
  return table(cells, { gap: 1, width })
}

function rows(step: Step): Span[][] {
  const place = span(placeName(step), 'name')
  const row = (stage: string, what: string, text: string, role: Role = 'plain'): Span[] => [
    place,
    span(stage, 'heading'),
    span(what, 'label'),
    span(text, role),
  ]
  switch (step.kind) {
    case 'hook':
      return step.chains.map((chain) => {
        const { verdict, decidedBy, skipped } = chain
        const by = decidedBy.number === undefined ? 'policy' : `${decidedBy.chain} ${decidedBy.number}`
        const text = skipped === undefined ? `${verdict.toUpperCase()} ${by}` : 'skipped'
        const role: Role = skipped !== undefined ? 'dim' : verdict === 'accept' ? 'accept' : 'drop'
        return row(step.hook.toUpperCase(), tableLabel(chain, chain.backend === 'legacy'), text, role)
      })
    case 'conntrack':
      return [row(step.hook.toUpperCase(), 'conntrack', step.state)]
    case 'nat':
      return step.before === step.after
        ? []
        : [
            row(
              step.hook.toUpperCase(),
              step.manip === 'dst' ? 'DNAT' : 'SNAT',
              `${step.before} → ${step.after}`,
              'rewrite',
            ),
          ]
    case 'route':
    case 'reroute':
      return [
        row(
          step.kind.toUpperCase(),
          step.result,
          step.lookup.route ?? step.text,
          step.result === 'none' ? 'drop' : 'plain',
        ),
      ]
    case 'generate':
      return [row('GENERATE', '', packetText(step.packet))]
    case 'receive':
      return [row('RECEIVE', step.interface, packetText(step.packet))]
    case 'rp-filter':
    case 'check':
      return step.passed ? [] : [row(step.kind.toUpperCase(), 'failed', step.text, 'drop')]
    case 'neighbour':
      return []
    case 'bridge':
      return [row('BRIDGE', step.bridge, step.text)]
    case 'encapsulate':
    case 'decapsulate':
      return [
        row(step.kind.toUpperCase(), step.interface, packetText(step.kind === 'encapsulate' ? step.outer : step.inner)),
      ]
    case 'reply':
      return [row('REPLY', '', packetText(step.reply), 'drop')]
    case 'copy':
      return [row('COPY', '', packetText(step.copy))]
    case 'deliver':
      return [row('DELIVER', '', step.socket ?? step.text, 'accept')]
    case 'send':
      return [row('SEND', step.interface, step.to === undefined ? '' : `to ${step.to}`)]
    case 'drop':
      return [row('DROP', step.reason, step.text, 'drop')]
  }
}
