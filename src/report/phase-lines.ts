import type { ChainVisit, RouteLookup, Step } from '../path/trail.js'
import { chainLines, RULE_INDENT, TABLE_INDENT, tableLabel, type View } from './chain-lines.js'
import { packetText } from './headers.js'
import { columns, fill, indented, type Line, printable, type Role, type Span, span, words } from './line.js'
import { Reader } from './memory.js'
import { type Phase, phasesOf } from './phases.js'

/** A phase as lines, its heading numbered. */
export interface PhaseText {
  readonly lines: readonly Line[]
  readonly depth: number
}

/** All phases of one way, in order. `prefix` stands before each number (`7.` for a reply that phase 7 sent). */
export function phaseTexts(steps: readonly Step[], view: View, prefix = ''): PhaseText[] {
  const reader = new Reader()
  return phasesOf(steps).map((phase, i) => {
    const number = `${prefix}${i + 1}`
    return { lines: [...heading(phase, number, view), ...body(phase, number, view, reader)], depth: phase.depth }
  })
}

const TUNNEL_INDENT = 4
const GUTTER = ' |'

/** The lines of a phase where it stands: the outer packet's way further to the right. */
export const placed = ({ lines, depth }: PhaseText): readonly Line[] =>
  depth === 0 ? lines : indented(lines, depth * TUNNEL_INDENT, GUTTER)

/** With the empty line that stands before a phase. */
export const separated = (phase: PhaseText): readonly Line[] => [
  phase.depth === 0 ? [] : [span(GUTTER, 'dim')],
  ...placed(phase),
]

function heading({ title, place, notes, depth }: Phase, number: string, view: View): Line[] {
  const pieces = [
    span(`${number.padStart(2)} `, 'dim'),
    span(title.padEnd(11), 'heading'),
    span(printable(place), 'name'),
    ...notes.map((note) => span(` ${printable(note)}`, 'dim')),
  ]
  return fill({ indent: 0, hang: 16, pieces }, view.width - depth * TUNNEL_INDENT)
}

const HEADER_INDENT = 4

function body(phase: Phase, number: string, view: View, reader: Reader): Line[] {
  const inner = { ...view, width: view.width - phase.depth * TUNNEL_INDENT }
  const lines: Line[] = []
  const items = itemsOf(phase.steps)
  const pad = Math.max(9, ...items.map(({ chain, label }) => (chain ? columns(printable(label)) : 0)))
  for (const { step, chain, label, first } of items) {
    if (first) reader.see(step)
    if (chain) lines.push(...chainLines(chain, label, pad, inner, reader))
    else lines.push(...stepLines(step, number, pad, inner))
  }
  return lines
}

interface Item {
  readonly step: Step
  readonly chain: ChainVisit | undefined
  readonly label: string
  /** Not yet seen: a hook step has one item for each of its chains. */
  readonly first: boolean
}

/** What happened in a phase, in order, a hook's chains taken apart. */
function itemsOf(steps: readonly Step[]): Item[] {
  const backends = new Set(
    steps.flatMap((step) => (step.kind === 'hook' ? step.chains.map(({ backend }) => backend) : [])),
  )
  return steps.flatMap((step): Item[] => {
    if (step.kind !== 'hook' || step.chains.length === 0) return [{ step, chain: undefined, label: '', first: true }]
    return step.chains.map((chain, i) => ({ step, chain, label: tableLabel(chain, backends.size > 1), first: i === 0 }))
  })
}

function stepLines(step: Step, number: string, pad: number, view: View): Line[] {
  const said = (text: string, role: Role = 'plain') =>
    fill({ indent: HEADER_INDENT, hang: 2, pieces: words(printable(text), role) }, view.width)
  const labelled = (name: string, pieces: readonly Span[]) =>
    fill({ indent: TABLE_INDENT, hang: pad + 1, pieces: [span(name.padEnd(pad), 'label'), ...pieces] }, view.width)
  switch (step.kind) {
    case 'generate':
      return said(step.text)
    case 'receive':
      return said(packetText(step.packet), 'rewrite')
    case 'hook':
      return step.chains.length > 0 ? [] : said('no tables on this hook', 'dim')
    case 'conntrack': {
      const pieces = [
        span(step.state, step.state === 'INVALID' ? 'unknown' : 'plain'),
        ...words(printable(step.text), 'dim'),
      ]
      return labelled('conntrack', pieces)
    }
    case 'nat':
      return natLines(step, view)
    case 'route':
    case 'reroute':
      return [...said(step.text, step.result === 'none' ? 'drop' : 'plain'), ...lookupLines(step.lookup, view)]
    case 'rp-filter':
      if (step.passed && step.mode === 0 && !view.verbose) return []
      return [
        ...said(step.text, step.passed ? 'dim' : 'drop'),
        ...(step.lookup && (view.verbose || !step.passed) ? lookupLines(step.lookup, view) : []),
      ]
    case 'check':
      return step.passed && !view.verbose ? [] : said(step.text, step.passed ? 'dim' : 'drop')
    case 'bridge':
      return said(step.text)
    case 'neighbour':
      return said(`${step.address} ${step.mac === undefined ? '' : `is at ${step.mac} `}(${step.text})`, 'dim')
    case 'encapsulate':
    case 'decapsulate':
      return [
        ...said(step.text),
        ...said(`outer ${packetText(step.outer)}`, 'rewrite'),
        ...said(`inner ${packetText(step.inner)}`, 'dim'),
      ]
    case 'reply':
      return [...said(step.text, 'drop'), ...walkedLines(step.walked, number, view)]
    case 'copy':
      return [...said(step.text), ...walkedLines(step.walked, number, view)]
    case 'deliver':
      return said(step.text, 'accept')
    case 'send':
      return said(step.text)
    case 'drop':
      return said(`${step.reason}: ${step.text}`, 'drop')
  }
}

/** A packet's way inside another's: what the stack answered. */
function walkedLines(steps: readonly Step[], number: string, view: View): Line[] {
  const inner = { ...view, width: view.width - TUNNEL_INDENT }
  return indented(phaseTexts(steps, inner, `${number}.`).flatMap(placed), TUNNEL_INDENT, GUTTER)
}

function natLines({ manip, before, after, text, ports }: Extract<Step, { kind: 'nat' }>, view: View): Line[] {
  const range = ports ? ` (a port from ${ports[0]}-${ports[1]}, drawn by the kernel)` : ''
  const arrow = `${manip === 'dst' ? 'destination' : 'source'} ${before} → ${after}${range}`
  const pieces = before === after ? words(printable(text), 'dim') : words(printable(arrow), 'rewrite')
  return fill({ indent: RULE_INDENT, hang: 2, pieces }, view.width)
}

function lookupLines(lookup: RouteLookup, view: View): Line[] {
  const dim = (text: string) =>
    fill({ indent: HEADER_INDENT + 2, hang: 2, pieces: words(printable(text), 'dim') }, view.width)
  if (view.verbose) {
    const tried = lookup.rules.flatMap(({ text, matched, why, table, route }) => {
      const found = matched ? (route ?? `no route in table ${table ?? '?'}`) : why
      return dim(`${ruleWords(text)}: ${found}`)
    })
    return tried
  }
  if (lookup.route === undefined) return lookup.rule === undefined ? [] : dim(`rule ${ruleWords(lookup.rule)}`)
  const by = lookup.rule === undefined ? '' : `, by rule ${ruleWords(lookup.rule)}`
  return dim(`${lookup.route}${by}`)
}

/** `ip rule` prints a tab. */
const ruleWords = (text: string): string => text.replace(/\s+/g, ' ')
