import type { Entry } from '../conntrack/entry.js'
import type { ConnectionEvent } from '../conntrack/events.js'
import type { Expectation } from '../conntrack/expectation.js'
import type { Counters, Rule } from '../rules/program.js'
import type { OpenSets } from '../rules/store.js'
import type { Trail } from './trail.js'
import type { Place } from './world.js'

/** A frame that left an interface of a namespace, byte for byte, Ethernet header included. */
export interface SentFrame extends Place {
  readonly interface: string
  readonly frame: Uint8Array
}

export interface SimulationOptions {
  /** Seconds since the epoch at which the run begins. */
  readonly now: number
  /** For everything that the kernel draws at random. */
  readonly seed: number
  /** Take a neighbour that the table does not have as one that answers (with a made-up MAC) instead of not sending. */
  readonly assumeNeighbours: boolean
  /** False: only where packets end is of interest, and their steps are not kept. Left out: they are. */
  readonly steps?: boolean
  /** Frames go on over wires between the namespaces; `sent` has them all the same. Left out: they end where they leave. */
  readonly carryFrames?: boolean
  /** The packets are a capture's: a SYN cookie that this run has not drawn is the kernel's, where it answers a SYN of before. Left out: nobody can tell. */
  readonly captured?: boolean
  /** Told what connections do, in the order in which they do it. Those whose time is up end before the next packet. */
  readonly events?: (event: ConnectionEvent, place: Place) => void
}

/** One packet's way through a run that keeps its state: what left, and the trail with every reason. */
export interface Handled {
  readonly sent: readonly SentFrame[]
  readonly branch: Trail['branches'][number]
}

/** A run over hosts that keeps connections, counters and limits from packet to packet. */
export interface Simulation {
  /** A frame (with its Ethernet header) arrives at an interface. `at`: seconds since the epoch, never falling. */
  receive(place: Place, link: string, frame: Uint8Array, at: number): Handled
  /** The namespace itself sends an IP packet, as a raw socket with IP_HDRINCL would. */
  generate(place: Place, packet: Uint8Array, at: number): Handled
  connections(place: Place): readonly Entry[]
  /** What conntrack helpers have announced, the newest first. */
  expectations(place: Place): readonly Expectation[]
  /** Named sets as packets have left them; undefined where the snapshot has no listing of them. */
  sets(place: Place): OpenSets | undefined
  /** Since the run began; add the snapshot's own to get what `iptables-save -c` would print. Keyed by rule object. */
  ruleCounters(place: Place): ReadonlyMap<Rule, Counters>
  /** Of base chains: `table chain` of one family and backend, e.g. `4 nft filter INPUT`. */
  policyCounters(place: Place): ReadonlyMap<string, Counters>
}
