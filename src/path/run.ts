import type { Chooser } from './choices.js'
import { Layer2 } from './layer2.js'
import { Netns } from './netns.js'
import type { SentFrame } from './simulation.js'
import type { Hosts, Place } from './world.js'
import { placeName } from './world.js'

export interface RunOptions {
  /** Seconds since the epoch. */
  readonly now: number
  /** 0 ≤ x < 1: for everything that the kernel draws and that is reported as a range. */
  readonly random: () => number
  /** For lots that lead to different ways, and for what is not known. */
  readonly chooser: Chooser
  /** A neighbour that the table does not have answers (trace), or the packet waits for it and is not sent (replay). */
  readonly assumeNeighbours: boolean
  /** Follow packets across wires into other namespaces; without, every frame that leaves an interface is gone. */
  readonly followWires: boolean
  /** Without following them: what leaves over a wire is taken in at its other end as a frame of its own, once the packet at hand is through (veth_xmit, netif_rx). */
  readonly carryFrames?: boolean
  /** See `SimulationOptions`. */
  readonly captured?: boolean
  /** Nobody looks at the steps: they are not kept. */
  readonly silent?: boolean
}

/** Copies that come back and are copied again may never end. */
const MOST_WAITING = 64
/** Routers that send a packet to and fro do it until its TTL is used up. */
const MOST_CARRIED = 4096

const layers = new WeakMap<Hosts, Layer2>()

/** Everything that a walk reads and writes over a set of hosts. Nothing is shared with other runs but the immutable input. */
export class Run {
  readonly hosts: Hosts
  readonly options: RunOptions
  readonly layer2: Layer2
  now: number
  /** What had to be taken for granted on the way, each once. */
  readonly assumptions = new Set<string>()
  /** Every frame that left an interface, in order. */
  readonly sent: SentFrame[] = []
  readonly #netns = new Map<string, Netns>()
  /** What waits for the packet at hand to be through. */
  readonly #later: (() => void)[] = []
  #depth = 0
  /** More than 0: nothing that waits may begin (in_softirq, local_bh_disable). */
  #busy = 0
  /** Another packet, which is to overtake the one that walks right before it is confirmed: walks it, once. */
  rival: (() => void) | undefined
  /** A copy that TEE made is under way. */
  duplicating = false
  #replies = 0

  constructor(hosts: Hosts, options: RunOptions) {
    this.hosts = hosts
    this.options = options
    this.now = options.now
    this.layer2 = layers.get(hosts) ?? new Layer2(hosts)
    layers.set(hosts, this.layer2)
  }

  netns(place: Place): Netns {
    const name = placeName(place)
    let netns = this.#netns.get(name)
    if (!netns) {
      const state = this.layer2.namespace(place)
      if (!state) throw new Error(`no namespace ${name}`)
      netns = new Netns(state, this)
      this.#netns.set(name, netns)
    }
    return netns
  }

  get start(): number {
    return this.options.now
  }

  assume(text: string): void {
    this.assumptions.add(text)
  }

  /** Something waits: what is queued now comes behind it. */
  get waiting(): boolean {
    return this.#later.length > 0
  }

  later(what: () => void): void {
    this.#later.push(what)
    this.#catchUp()
  }

  /** A walk from its beginning to its end; behind the outermost one comes what waited. `process`: a process of this host sends, and is interrupted for it. */
  whole<T>(walk: () => T, process: boolean): T {
    const before = this.#busy
    if (this.#depth++ === 0) this.#busy = process ? 0 : 1
    try {
      const result = walk()
      this.#busy = this.#depth === 1 ? 0 : before
      this.#catchUp()
      return result
    } finally {
      this.#depth--
    }
  }

  /** What a process has sent is taken in again by a softirq: the rest of its walk is not interrupted. */
  comesBack(): void {
    this.#busy ||= 1
  }

  /** What waits does so until this is done (local_bh_disable). */
  uninterrupted<T>(what: () => T): T {
    this.#busy++
    try {
      return what()
    } finally {
      this.#busy--
      this.#catchUp()
    }
  }

  /** Softirqs: one after the other, none within another. */
  #catchUp(): void {
    if (this.#busy > 0) return
    this.#busy++
    const most = this.options.carryFrames ? MOST_CARRIED : MOST_WAITING
    for (let left = most; left > 0 && this.#later.length > 0; left--) this.#later.shift()!()
    this.#busy--
    if (this.#later.splice(0).length > 0) this.assume(`copies of copies beyond the first ${most} were not followed`)
  }

  /** Walks one thing deeper; false where answers to answers would never end. */
  nested<T>(walk: () => T): T | undefined {
    if (this.#replies >= 8) return undefined
    this.#replies++
    try {
      return walk()
    } finally {
      this.#replies--
    }
  }
}
