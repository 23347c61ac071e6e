import type { PacketRequest } from '../../src/packet/request.js'
import { connect } from '../../src/path/connect.js'
import { trace } from '../../src/path/trace.js'
import type { Branch } from '../../src/path/trail.js'
import type { Hosts } from '../../src/path/world.js'

/**
 * Something that the engine can confirm or deny of a packet: the right answer of a question is the one that it confirms, and a task is done when it
 * confirms them all. Whatever is left out does not matter.
 */
export interface Fact {
  readonly outcome?: 'delivered' | 'sent' | 'dropped' | 'rejected'
  /** The hooks that the packet passed, in order. */
  readonly hooks?: readonly string[]
  /** TABLE CHAIN RULE, or TABLE CHAIN policy: who decided. */
  readonly decidedBy?: string
  /** What a stage of the kernel's own says: `rp_filter`, `no-route`, … */
  readonly reason?: string
  /** The packet at its end. */
  readonly src?: string
  readonly dst?: string
  readonly dport?: number
  /** What the sender sees. */
  readonly symptom?: string
  /** The whole conversation: request, reply, and what follows. */
  readonly works?: boolean
}

/** Does the engine confirm it? Of several ways that the packet may go, all have to be so. */
export function holds(hosts: Hosts, request: PacketRequest, { works, ...fact }: Fact): boolean {
  if (works !== undefined && !connect(hosts, request).branches.every((branch) => branch.works === works)) return false
  return trace(hosts, request).branches.every((branch) => agrees(branch, fact))
}

function agrees(branch: Branch, fact: Omit<Fact, 'works'>): boolean {
  const { final, where, steps } = branch
  const { host, namespace } = steps[0] ?? where
  const mine = steps.filter((step) => step.host === host && step.namespace === namespace)
  const hooks = branch.way
    .filter((visit) => visit.host === host && visit.namespace === namespace)
    .flatMap(({ stage }) => (HOOKS.includes(stage) ? [stage as string] : []))
  const decided = decidedBy(branch)
  const wanted: readonly (readonly [unknown, unknown])[] = [
    [fact.outcome, branch.outcome],
    [fact.hooks?.join(), hooks.join()],
    [fact.decidedBy, decided],
    [fact.reason, where.reason],
    [fact.src, final.src],
    [fact.dst, final.dst],
    [fact.dport, final.dport],
    [fact.symptom, branch.symptom],
  ]
  return mine.length > 0 && wanted.every(([want, is]) => want === undefined || want === is)
}

const HOOKS: readonly string[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']

/** The rule or policy that ended the packet; where it arrives, the last rule of a filter table that matched it. */
function decidedBy({ where, steps }: Branch): string | undefined {
  if (where.table !== undefined) return `${where.table} ${where.chain} ${where.rule ?? 'policy'}`
  const visits = steps
    .flatMap((step) => (step.kind === 'hook' ? step.chains : []))
    .filter(({ table }) => table === 'filter')
  const last = visits.findLast(({ decidedBy: by }) => by.number !== undefined)
  return last && `filter ${last.decidedBy.chain} ${last.decidedBy.number}`
}
