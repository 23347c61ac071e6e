import { type ConnectionEvent, ConnectionWatch } from '../conntrack/events.js'
import { recomputeHeader } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import { payloadOfFrame, tagsOf } from '../packet/frame.js'
import { Packet, put16, u16, u32 } from '../packet/packet.js'
import { type Chooser, type Point, seededRandom } from './choices.js'
import { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { Netns } from './netns.js'
import { Run } from './run.js'
import type { Handled, Simulation, SimulationOptions } from './simulation.js'
import { Skb } from './skb.js'
import { outputSource } from './source.js'
import { branchOf } from './trace.js'
import { walk } from './walk.js'
import type { Hosts, Place } from './world.js'

/** A run that keeps its state from packet to packet. Lots are drawn with the seed; what is not known makes the packet's branch undecided. */
export function simulate(hosts: Hosts, options: SimulationOptions): Simulation {
  return new HostsSimulation(hosts, options)
}

/** Timed out connections are looked for so often. */
const EVERY = 4096

class HostsSimulation implements Simulation {
  readonly #run: Run
  #unknown: Point | undefined
  #handledPackets = 0
  readonly #events: SimulationOptions['events']
  readonly #told = new Set<Netns>()

  constructor(hosts: Hosts, options: SimulationOptions) {
    const random = seededRandom(options.seed)
    this.#events = options.events
    const chooser: Chooser = {
      choose: (point) => {
        if (point.kind === 'unknown') {
          this.#unknown ??= point
          return 0
        }
        let left = random()
        const chosen = point.weights.findIndex((weight) => {
          left -= weight
          return left < 0
        })
        return chosen < 0 ? point.weights.length - 1 : chosen
      },
    }
    this.#run = new Run(hosts, {
      now: options.now,
      random,
      chooser,
      assumeNeighbours: options.assumeNeighbours,
      followWires: false,
      carryFrames: options.carryFrames === true,
      captured: options.captured === true,
      silent: options.steps === false,
    })
  }

  receive(place: Place, link: string, frame: Uint8Array, at: number): Handled {
    const packet = payloadOfFrame(frame)
    const skb = new Skb(packet ?? new Packet(Uint8Array.of(0x40)))
    skb.iif = link
    skb.vlans = tagsOf(frame)
    const cursor = new Cursor(this.#run, walk, this.#run.netns(place), skb)
    this.#begin(place, at)
    return this.#handled(cursor, packet ? walk(cursor, 'receive') : cursor.drop('not-ip', 'the frame is cut off'))
  }

  generate(place: Place, bytes: Uint8Array, at: number): Handled {
    const skb = new Skb(new Packet(bytes.slice()))
    skb.sender = { uid: 0, gid: 0, socket: true, raw: true }
    const cursor = new Cursor(this.#run, walk, this.#run.netns(place), skb)
    this.#begin(place, at)
    const refused = refusedRaw(cursor)
    if (refused) return this.#handled(cursor, refused)
    completeRaw(cursor)
    return this.#handled(cursor, walk(cursor, 'generate'))
  }

  #begin(place: Place, at: number): void {
    this.#run.now = at
    this.#unknown = undefined
    this.#tidy(place)
  }

  /** What is over is let go, so that a run of any length takes no more room than what it knows: frames that were told of, connections that timed out. */
  #tidy(place: Place): void {
    this.#run.sent.length = 0
    if (this.#events) this.#watched(place).connections.collect(this.#run.now)
    else if (++this.#handledPackets % EVERY === 0) this.#run.netns(place).connections.collect(this.#run.now)
  }

  /** A namespace of which every connection's doings are told. */
  #watched(place: Place): Netns {
    const netns = this.#run.netns(place)
    if (!this.#told.has(netns)) {
      this.#told.add(netns)
      const tell = (event: ConnectionEvent) => this.#events?.(event, place)
      netns.connections.watch(new ConnectionWatch(tell, () => this.#run.now))
    }
    return netns
  }

  #handled(cursor: Cursor, fate: Fate): Handled {
    const unknown = this.#unknown
    const told: Fate = unknown ? { ...fate, outcome: 'undecided', reason: 'unknown', text: unknown.about } : fate
    return {
      sent: [...this.#run.sent],
      branch: branchOf({ fate: told, steps: cursor.steps, way: cursor.way }, 1),
    }
  }

  connections(place: Place) {
    return this.#run
      .netns(place)
      .connections.entries()
      .filter(({ expires }) => expires > this.#run.now)
  }

  expectations(place: Place) {
    return this.#run.netns(place).connections.expectations.at(this.#run.now)
  }

  sets(place: Place) {
    return this.#run.netns(place).sets
  }

  ruleCounters(place: Place) {
    return this.#run.netns(place).ruleCounters
  }

  policyCounters(place: Place) {
    return this.#run.netns(place).policyCounters
  }
}

/** raw_send_hdrinc, rawv6_send_hdrinc: EINVAL for a header that is cut off, or says of itself that it is too short or longer than the packet. */
function refusedRaw(cursor: Cursor): Fate | undefined {
  const { bytes, family } = cursor.skb.packet
  const least = family === 4 ? 20 : 40
  const says = family === 4 ? (bytes[0]! & 15) * 4 : least
  if (bytes.length >= least && says >= least && says <= bytes.length) return undefined
  return cursor.drop(
    'raw-header',
    'a raw socket does not send a packet whose IP header is cut off or has a wrong length',
  )
}

/** What the kernel fills in for a raw socket with IP_HDRINCL (net/ipv4/raw.c: raw_send_hdrinc): length, checksum, an absent source and id. */
function completeRaw(cursor: Cursor): void {
  const { packet } = cursor.skb
  const { bytes } = packet
  if (packet.family !== 4) return
  put16(bytes, 2, bytes.length)
  if (u32(bytes, 12) === 0) {
    const source = outputSource(cursor, FIELDS['ip.daddr'].read(packet) ?? 0, undefined)
    if (typeof source === 'number') for (let i = 0; i < 4; i++) bytes[12 + i] = (source >>> (24 - 8 * i)) & 255
  }
  if (u16(bytes, 4) === 0) put16(bytes, 4, 1 + Math.floor(cursor.run.options.random() * 65535))
  packet.touch()
  recomputeHeader(packet)
}
