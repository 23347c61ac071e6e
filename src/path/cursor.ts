import { headersOf } from '../packet/headers.js'
import type { Hook } from '../rules/program.js'
import type { Answer, Fate, Walked } from './fate.js'
import type { Netns } from './netns.js'
import type { Run } from './run.js'
import type { Skb } from './skb.js'
import type { StageName } from './stages.js'
import type { Step, Way } from './trail.js'
import type { Place } from './world.js'

/** A step without what every step has: where, and the packet as it is now. */
export type Happening = Step extends infer S
  ? S extends Step
    ? Omit<S, 'host' | 'namespace' | 'packet'>
    : never
  : never

/** Walks from a stage to the packet's end. Handed along, because answers (a REJECT's, the stack's) start walks of their own deep within one. */
export type Engine = (cursor: Cursor, stage: StageName) => Fate

/** One packet at one point of its way: the stages move it on. */
export class Cursor {
  readonly run: Run
  readonly walkOn: Engine
  netns: Netns
  skb: Skb
  readonly steps: Step[] = []
  readonly way: Way[number][] = []
  /** What SYNPROXY has sent because of the packet. */
  readonly segments: Walked[] = []
  /** The packet is a copy: what comes back in through a device queue waits until the original is through (netif_rx). */
  readonly isCopy: boolean
  /** The range from which NAT has just drawn a port. */
  drawnPorts: readonly [number, number] | undefined
  /** The hook that is being run, for what happens inside of it. */
  hook: Hook | undefined
  /** The device that the packet was to leave by when the hook began: a second routing decision on the way does not change what rules of this hook see (struct nf_hook_state). */
  hookOif: string | undefined

  constructor(run: Run, walkOn: Engine, netns: Netns, skb: Skb, isCopy = false) {
    this.isCopy = isCopy
    this.run = run
    this.walkOn = walkOn
    this.netns = netns
    this.skb = skb
  }

  get place(): Place {
    return { host: this.netns.state.host, namespace: this.netns.state.namespace }
  }

  /** The packet comes to a stage. */
  enter(stage: StageName): void {
    if (this.run.options.silent) return
    this.way.push({ ...this.place, stage, step: this.steps.length })
  }

  record(happening: Happening): void {
    if (this.run.options.silent) return
    const packet = headersOf(this.skb.packet, this.skb.mark)
    this.steps.push({ ...this.place, packet, ...happening } as Step)
  }

  fate(given: Pick<Fate, 'outcome' | 'reason' | 'text'> & Partial<Fate>): Fate {
    return {
      place: this.place,
      hook: this.hook,
      table: undefined,
      chain: undefined,
      rule: undefined,
      interface: this.skb.oif ?? this.skb.iif,
      packet: headersOf(this.skb.packet, this.skb.mark),
      skb: this.skb,
      answer: undefined,
      errno: undefined,
      ...given,
    }
  }

  /** Ends the walk. With an answer that says no to the sender the packet counts as rejected. */
  drop(reason: string, text: string, more: Partial<Fate> = {}): Fate {
    this.record({ kind: 'drop', reason, text })
    return this.fate({ outcome: more.answer && refuses(more.answer) ? 'rejected' : 'dropped', reason, text, ...more })
  }
}

/** A reset or "destination unreachable", as opposed to "time exceeded" and the like. */
const refuses = ({ kind, type, code }: Answer): boolean =>
  kind === 'tcp-reset' || (kind === 'icmp' && type === 3 && code !== 4) || (kind === 'icmp6' && type === 1)
