import type { ChainVisit, RuleVisit } from '../path/trail.js'
import type { Rule } from '../rules/program.js'
import { fill, type Line, printable, type Role, type Span, span, words } from './line.js'
import type { Memory } from './memory.js'
import { explain } from './reason.js'
import { quoteRule } from './rule-text.js'

export interface View {
  readonly width: number
  /** Also what did not match, and why. */
  readonly verbose: boolean
}

/** Where the names of tables end and what happened there begins. */
export const TABLE_INDENT = 4
export const RULE_INDENT = 6
/** Deeper jumps are not indented further. */
const DEEPEST = 5

/** `nat`, and where two backends stand on one hook `nat (legacy)`. */
export const tableLabel = ({ table, backend }: ChainVisit, bothBackends: boolean): string =>
  bothBackends ? `${table} (${backend})` : table

/** One base chain: a line for its verdict, then the rules that did something. */
export function chainLines(chain: ChainVisit, name: string, pad: number, view: View, memory: Memory): Line[] {
  const head = (pieces: readonly Span[]) =>
    fill(
      { indent: TABLE_INDENT, hang: pad + 1, pieces: [span(printable(name).padEnd(pad), 'label'), ...pieces] },
      view.width,
    )
  if (chain.skipped !== undefined) return head(words(`skipped: ${chain.skipped}`, 'dim'))
  const lines = head(verdictSpans(chain))
  const fruitless = view.verbose ? new Set<RuleVisit>() : fruitlessJumps(chain.visits, memory)
  for (const visit of chain.visits) if (!fruitless.has(visit)) lines.push(...ruleLines(visit, chain, view, memory))
  if (fruitless.size > 0) lines.push(...passedThrough(fruitless, view))
  return lines
}

function verdictSpans(chain: ChainVisit): Span[] {
  const { verdict, decidedBy } = chain
  const deciding = chain.visits.findLast(({ rule }) => rule === decidedBy.rule)
  const said = decidedBy.rule === undefined ? undefined : deciding?.did.at(-1)
  const role: Role = verdict === 'accept' ? 'accept' : 'drop'
  const what = span(printable(said ?? verdict.toUpperCase()), said !== undefined && rewrites(said) ? 'rewrite' : role)
  if (decidedBy.rule === undefined) return [what, ...words(`policy of ${printable(decidedBy.chain)}`, 'dim')]
  return [
    what,
    ...words(`by ${printable(decidedBy.chain)} rule ${decidedBy.number}${sourceText(decidedBy.rule)}`, 'dim'),
  ]
}

/** ` (node1/iptables-save:41)` */
export const sourceText = (rule: Rule | undefined): string =>
  rule?.source ? ` (${printable(rule.source.file)}:${rule.source.line})` : ''

const PLAIN_VERDICT = /^(ACCEPT|DROP|RETURN|jump|goto)\b/
const rewrites = (did: string): boolean => / (→|to) /.test(did) || /^(DNAT|SNAT|MASQUERADE|REDIRECT|NETMAP)/.test(did)
const onlyJumps = ({ did }: RuleVisit): boolean => did.length > 0 && did.every((what) => /^(jump|goto) /.test(what))

/** Jumps into chains where nothing happened. */
function fruitlessJumps(visits: readonly RuleVisit[], memory: Memory): Set<RuleVisit> {
  const fruitless = new Set<RuleVisit>()
  visits.forEach((visit, at) => {
    if (visit.outcome !== 'yes' || !onlyJumps(visit)) return
    let inside = at + 1
    while (inside < visits.length && visits[inside]!.depth > visit.depth) {
      const below = visits[inside]!
      if (below.outcome === 'no' ? memory.nearMiss(below) !== undefined : !onlyJumps(below)) return
      inside++
    }
    fruitless.add(visit)
  })
  return fruitless
}

function passedThrough(jumps: ReadonlySet<RuleVisit>, { width }: View): Line[] {
  const chains = new Set([...jumps].flatMap(({ did }) => did.map((what) => printable(what.replace(/^\w+ /, '')))))
  const list = [...chains].join(', ')
  const text = `passed through ${list}: nothing there ended it or changed the packet`
  return fill({ indent: RULE_INDENT, hang: 2, pieces: words(text, 'dim') }, width)
}

function ruleLines(visit: RuleVisit, chain: ChainVisit, view: View, memory: Memory): Line[] {
  const indent = RULE_INDENT + 2 * Math.min(visit.depth, DEEPEST)
  const below = indent + 4
  const note = (text: string, role: Role) =>
    fill({ indent: below, hang: 3, pieces: words(`=> ${printable(text)}`, role) }, view.width)
  if (visit.outcome === 'no') {
    const why = memory.nearMiss(visit)
    if (!view.verbose && why === undefined && !drawnByLot(visit)) return []
    const quoted = quoteRule(ruleOf(visit), { indent, width: view.width, role: 'dim' })
    return [
      ...quoted,
      ...note(
        `no match: ${reasonText(visit, memory)}${why === undefined ? '' : ` (${why})`}`,
        why === undefined ? 'dim' : 'unknown',
      ),
    ]
  }
  const deciding = visit.rule === chain.decidedBy.rule
  const lines = quoteRule(ruleOf(visit), { indent, width: view.width, role: deciding ? 'rule' : 'plain' })
  if (visit.outcome === 'unknown')
    lines.push(...note(`not known whether it matches: ${reasonText(visit, memory)}`, 'unknown'))
  if (visit.outcome === 'drop') lines.push(...note(`${reasonText(visit, memory)}: the kernel drops it here`, 'drop'))
  if (visit.outcome === 'yes' && drawnByLot(visit)) lines.push(...note(`matches: ${reasonText(visit, memory)}`, 'dim'))
  for (const what of visit.did)
    if (!PLAIN_VERDICT.test(what) && !(deciding && what === visit.did.at(-1))) lines.push(...note(what, 'rewrite'))
  return lines
}

/** The kernel's lot is what tells one way from another. */
const drawnByLot = ({ because }: RuleVisit): boolean => because?.text?.startsWith('drawn by lot') ?? false

const ruleOf = ({ number, rule }: RuleVisit) => ({ number, text: rule.text })

const reasonText = (visit: RuleVisit, memory: Memory): string =>
  visit.because
    ? explain(visit.because, visit.outcome === 'yes', { state: memory.state }).sentence
    : 'nothing to compare'
