import type { Branch, Trail } from '../path/trail.js'
import { placeName } from '../path/world.js'
import { packetText } from './headers.js'
import { fill, type Line, plainLine, printable, span, table, words } from './line.js'
import { type PhaseText, phaseTexts, placed, separated } from './phase-lines.js'
import { finalText, neverRunInput, outcomeRole, percent, summaryLines, whereText } from './summary.js'

export interface TextOptions {
  /** Columns; rules and sentences wrap to it. */
  readonly width: number
  /** Also every rule that did not match, with the first value that differed, and every routing rule tried. */
  readonly verbose: boolean
}

/** The whole answer as numbered phases. Ways that the kernel draws by lot share what they have in common. */
export function trailText(trail: Trail, options: TextOptions): Line[] {
  const ways = trail.branches.map((branch) => ({ branch, phases: phaseTexts(branch.steps, options) }))
  return [
    ...titleLines(trail, options.width),
    ...assumptionLines(trail.assumptions, options.width),
    ...forkLines(ways, 0, options),
    ...(ways.length > 1 ? overviewLines(trail.branches) : []),
  ]
}

export function titleLines({ packet }: Pick<Trail, 'packet'>, width: number): Line[] {
  const from = [packet.in && `in ${packet.in}`, packet.from && `${packet.in ? 'of' : 'from'} ${packet.from}`]
    .filter(Boolean)
    .join(' ')
  return fill(
    { indent: 0, hang: 2, pieces: [span(packetText(packet), 'heading'), ...words(printable(from), 'name')] },
    width,
  )
}

export function assumptionLines(assumptions: readonly string[], width: number): Line[] {
  return assumptions.flatMap((text) =>
    fill({ indent: 0, hang: 2, pieces: words(`assumed: ${printable(text)}`, 'dim') }, width),
  )
}

interface Way {
  readonly branch: Branch
  readonly phases: readonly PhaseText[]
}

/** Prints what all ways have in common from phase `at` on, then each group of ways on its own. */
function forkLines(ways: readonly Way[], at: number, options: TextOptions): Line[] {
  const first = ways[0]
  if (!first) return []
  const lines: Line[] = []
  let next = at
  while (ways.length > 1 && ways.every(({ phases }) => sameText(phases[next], first.phases[next])))
    lines.push(...separated(first.phases[next++]!))
  if (ways.length === 1) {
    for (const phase of first.phases.slice(at)) lines.push(...separated(phase))
    return [...lines, ...endLines(first.branch, options.width)]
  }
  const groups = groupBy(ways, ({ phases }) => textOf(phases[next]))
  // Ways that read the same to the end differ in nothing that the text shows.
  if (groups.length === 1)
    return [
      ...lines,
      ...ways.flatMap(({ branch }) => [...forkHeading([{ branch, phases: [] }]), ...endLines(branch, options.width)]),
    ]
  for (const group of groups) lines.push(...forkHeading(group), ...forkLines(group, next, options))
  return lines
}

const forkHeading = (ways: readonly Way[]): Line[] => {
  const outcomes = ways.length === 1 ? `: ${finalText(ways[0]!.branch)}` : ` (${ways.length} ways)`
  if (ways[0]!.branch.supposing !== undefined) {
    const supposed = [...new Set(ways.map(({ branch }) => branch.supposing))].join('; or ')
    return [[], [span(printable(`---- if ${supposed}${outcomes}`), 'heading')]]
  }
  const undecided = ways.every(({ branch }) => branch.outcome === 'undecided')
  const probability = ways.reduce((sum, { branch }) => sum + branch.probability, 0)
  return [[], [span(`---- ${undecided ? 'if so, ' : ''}probability ${percent(probability)}${outcomes}`, 'heading')]]
}

const textOf = (phase: PhaseText | undefined): string | undefined => phase && placed(phase).map(plainLine).join('\n')
const sameText = (a: PhaseText | undefined, b: PhaseText | undefined): boolean =>
  a !== undefined && textOf(a) === textOf(b)

function groupBy<T>(items: readonly T[], key: (item: T) => string | undefined): T[][] {
  const groups = new Map<string | undefined, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return [...groups.values()]
}

function endLines(branch: Branch, width: number): Line[] {
  const notes = neverRunInput(branch.steps).map((text) =>
    fill({ indent: 0, hang: 2, pieces: words(printable(text), 'unknown') }, width),
  )
  return [[], ...notes.flat(), ...(notes.length > 0 ? [[]] : []), ...summaryLines(branch, width)]
}

/** All ways beneath each other, one line each. */
export function overviewLines(branches: readonly Branch[]): Line[] {
  const supposed = branches.some(({ supposing }) => supposing !== undefined)
  const rows = branches.map((branch) => [
    ...(supposed ? [] : [span(percent(branch.probability).padStart(6), 'label')]),
    span(branch.outcome, outcomeRole(branch.outcome)),
    span(printable(supposed ? whereText(branch) : placeName(branch.where)), 'name'),
    span(printable(supposed ? `if ${branch.supposing}` : finalText(branch))),
  ])
  return [
    [],
    [
      span(
        supposed
          ? `${branches.length} ways, by what the snapshot does not tell:`
          : `${branches.length} ways, of which the kernel or what is not known picks one:`,
        'heading',
      ),
    ],
    ...table(rows, { indent: 2 }),
  ]
}

/** One line for each way: `delivered  node2/web  tcp … (deliver) …`. */
export function verdictLines({ branches }: Trail): Line[] {
  return branches.map((branch) => {
    const { supposing } = branch
    const label = supposing === undefined ? `${percent(branch.probability)} ` : `if ${supposing}: `
    const lot = branches.length > 1 ? [span(printable(label), 'label')] : []
    const rest = ` ${whereText(branch)}: ${finalText(branch)} (${branch.where.reason}); ${branch.symptom}`
    return [...lot, span(branch.outcome, outcomeRole(branch.outcome)), span(printable(rest))]
  })
}
