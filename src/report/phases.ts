import type { Step } from '../path/trail.js'
import { placeName } from '../path/world.js'

/** What people call one stop of the way: everything that happened at one stage, in order. */
export interface Phase {
  readonly title: string
  readonly place: string
  /** `in eth0`, `out eth1`. */
  readonly notes: readonly string[]
  readonly steps: readonly Step[]
  /** How many tunnels the packet is in: the outer packet's own way stands inside the inner one's. */
  readonly depth: number
}

/** Cuts a way into its phases. */
export function phasesOf(steps: readonly Step[]): Phase[] {
  const phases: (Phase & { readonly steps: Step[] })[] = []
  let depth = 0
  for (const [at, step] of steps.entries()) {
    const title = titleOf(step, steps[at + 1])
    const place = placeName(step)
    const last = phases.at(-1)
    if (last && last.place === place && (title === undefined || title === last.title)) last.steps.push(step)
    else phases.push({ title: title ?? 'CHECK', place, notes: [], steps: [step], depth })
    if (step.kind === 'encapsulate') depth++
    if (step.kind === 'decapsulate') depth = Math.max(0, depth - 1)
  }
  return phases.map((phase) => ({ ...phase, notes: notesOf(phase.steps) }))
}

/** `undefined`: it belongs to whatever phase it happens in. */
function titleOf(step: Step, next: Step | undefined): string | undefined {
  switch (step.kind) {
    case 'hook':
    case 'conntrack':
    case 'nat':
      return step.hook.toUpperCase()
    case 'route':
    case 'rp-filter':
      return 'ROUTE'
    case 'neighbour':
      return next?.kind === 'send' ? 'SEND' : 'NEIGHBOUR'
    case 'send':
      return 'SEND'
    case 'check':
    case 'drop':
      return undefined
    case 'generate':
    case 'receive':
    case 'reroute':
    case 'bridge':
    case 'encapsulate':
    case 'decapsulate':
    case 'reply':
    case 'copy':
    case 'deliver':
      return step.kind.toUpperCase()
  }
}

function notesOf(steps: readonly Step[]): string[] {
  const notes = new Set<string>()
  for (const step of steps) {
    if (step.kind === 'hook') {
      if (step.iif !== undefined) notes.add(`in ${step.iif}`)
      if (step.oif !== undefined) notes.add(`out ${step.oif}`)
    }
    if (step.kind === 'receive') notes.add(`on ${step.interface}`)
    if (step.kind === 'send' || step.kind === 'neighbour') notes.add(`on ${step.interface}`)
    if (step.kind === 'bridge') notes.add(step.bridge)
    if (step.kind === 'encapsulate' || step.kind === 'decapsulate') notes.add(step.interface)
  }
  return [...notes]
}
