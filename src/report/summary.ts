import type { Branch, OutcomeName, Step } from '../path/trail.js'
import { placeName } from '../path/world.js'
import { sourceText } from './chain-lines.js'
import { destination, hex, source } from './headers.js'
import { fill, type Line, printable, type Role, span, words } from './line.js'

export const outcomeRole = (outcome: OutcomeName): Role =>
  outcome === 'undecided' ? 'unknown' : outcome === 'dropped' || outcome === 'rejected' ? 'drop' : 'accept'

/** `25 %`, `33.3 %` */
export const percent = (probability: number): string => `${Number((probability * 100).toPrecision(3))} %`

/** The five tuple at the end: `tcp 192.168.50.11:40000 > 10.244.1.3:8080`. */
export const finalText = ({ final }: Branch): string => `${final.protocol} ${source(final)} > ${destination(final)}`

/** `filter/FORWARD rule 3 on node1 (node1/iptables-save:17)` */
export function whereText({ where, steps }: Branch): string {
  const on = `on ${placeName(where)}`
  const hook = where.hook === undefined ? undefined : where.hook.toUpperCase()
  if (where.chain === undefined) return hook === undefined ? on : `${hook} ${on}`
  const chain = where.table === undefined ? where.chain : `${where.table}/${where.chain}`
  const rule = where.rule === undefined ? 'policy' : `rule ${where.rule}`
  return `${chain} ${rule} ${on}${sourceText(ruleAt(where, steps))}`
}

function ruleAt(where: Branch['where'], steps: readonly Step[]) {
  for (const step of steps.toReversed()) {
    if (step.kind !== 'hook' || step.host !== where.host || step.namespace !== where.namespace) continue
    for (const { table, visits } of step.chains)
      for (const { chain, number, rule } of visits)
        if (table === where.table && chain === where.chain && number === where.rule) return rule
  }
  return undefined
}

/** The last block: what became of it, who decided, the stable code, what the sender sees. */
export function summaryLines(branch: Branch, width: number): Line[] {
  const row = (label: string, text: string, role: Role = 'plain') =>
    fill({ indent: 0, hang: 10, pieces: [span(label.padEnd(9), 'label'), ...words(printable(text), role)] }, width)
  const { outcome, where, final, symptom } = branch
  const iface = final.interface === undefined ? '' : `, ${outcome === 'sent' ? 'out' : 'at'} ${final.interface}`
  const mark = final.mark === 0 ? '' : `, mark ${hex(final.mark)}`
  return [
    ...row('Outcome', outcome, outcomeRole(outcome)),
    ...row('Where', whereText(branch)),
    ...row('Reason', where.text === '' ? where.reason : `(${where.reason}) ${where.text}`),
    ...row('Packet', `${finalText(branch)}${iface}${mark}`),
    ...row('Symptom', symptom),
  ]
}

/**
 * INPUT rules that people expect to be asked and that never were: for each namespace where a destination was rewritten
 * before routing and the packet then was not for that namespace.
 */
export function neverRunInput(steps: readonly Step[]): string[] {
  const told: string[] = []
  steps.forEach((step, at) => {
    if (step.kind !== 'nat' || step.hook !== 'prerouting' || step.manip !== 'dst' || step.before === step.after) return
    const here = steps.slice(at + 1).filter(({ host, namespace }) => host === step.host && namespace === step.namespace)
    const route = here.find(({ kind }) => kind === 'route')
    if (route?.kind !== 'route' || route.result !== 'forward') return
    const by = step.rule ? ` by ${step.rule.chain} rule ${step.rule.number}` : ''
    const dev = route.lookup.dev === undefined ? '' : `, out ${route.lookup.dev}`
    told.push(
      `INPUT of ${placeName(step)} was never run: before routing, DNAT${by} made the destination ${step.after}, which is not local${dev}: FORWARD is asked instead.`,
    )
  })
  return [...new Set(told)]
}

/** Over one of several ways. */
export const wayHeading = ({ supposing, probability }: { readonly supposing?: string; readonly probability: number }) =>
  printable(supposing === undefined ? `---- probability ${percent(probability)}` : `---- if ${supposing}`)
