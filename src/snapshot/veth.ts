import { familyOf } from '../address/ip.js'
import { type Link, type Namespace, type Place, type Port, placeName, type Wire } from '../path/world.js'
import { isLan, shareSubnet } from './subnet.js'

/** One end of a pair, and where it is. */
interface End {
  readonly namespace: Namespace
  readonly link: Link
}

interface Pair {
  readonly a: End
  readonly b: End
  readonly evidence: Evidence
}

/** What else than the ifindexes speaks for a pair, or against it. */
type Evidence =
  | { readonly is: 'mac' | 'subnet'; readonly text: string }
  | { readonly is: 'none' }
  | { readonly is: 'contrary'; readonly text: string }

export interface Joined {
  readonly wires: readonly Wire[]
  /** Ends that fit several others, or whose only fit is not credible. */
  readonly doubts: readonly string[]
}

/**
 * Pairs of veth devices of one host: each is the other's peer by ifindex (IFLA_LINK), and the numbers by which namespaces call each other
 * (IFLA_LINK_NETNSID) agree. Interface indexes repeat from namespace to namespace, so several ends can fit: then the neighbour and forwarding
 * tables, then addresses of one subnet decide; where they do not, nothing is joined. An end without a partner leads outside. `foreign`: the
 * names that `ip link` printed for peers' namespaces.
 */
export function joinPairs(namespaces: readonly Namespace[], foreign: ReadonlyMap<Link, string> = new Map()): Joined {
  const wires: Wire[] = []
  const doubts: string[] = []
  for (const host of new Set(namespaces.map((namespace) => namespace.host))) {
    const own = namespaces.filter((namespace) => namespace.host === host)
    const solver = new Solver(candidates(own, foreign))
    wires.push(...solver.solve())
    doubts.push(...solver.doubts())
  }
  return { wires, doubts }
}

/** veth, or what may be one: plain `ip addr` does not print the kind. */
const canBePeer = ({ kind, peerIndex }: Link): boolean =>
  peerIndex !== undefined && (kind === 'veth' || kind === 'ether')

function candidates(namespaces: readonly Namespace[], foreign: ReadonlyMap<Link, string>): Pair[] {
  const names = new Set(namespaces.map(({ namespace }) => namespace))
  const ends = namespaces.flatMap((namespace) =>
    namespace.links.filter(canBePeer).map((link): End => ({ namespace, link })),
  )
  const byIndex = new Map<string, End[]>()
  const key = (index: number, peer: number) => `${index} ${peer}`
  for (const end of ends) {
    const at = key(end.link.index, end.link.peerIndex!)
    byIndex.set(at, [...(byIndex.get(at) ?? []), end])
  }
  /** `link-netns NAME`: where the snapshot has a namespace of that name, the peer is in there. */
  const named = (a: End, b: End): boolean => {
    const name = foreign.get(a.link)
    return name === undefined || !names.has(name) || name === b.namespace.namespace
  }
  const order = new Map(ends.map((end, index) => [end, index]))
  const pairs: Pair[] = []
  for (const a of ends)
    for (const b of byIndex.get(key(a.link.peerIndex!, a.link.index)) ?? [])
      if (order.get(a)! < order.get(b)! && fits(a, b, foreign) && named(a, b) && named(b, a))
        pairs.push({ a, b, evidence: weigh(a, b) })
  return pairs
}

/** A netnsid (or, in text, a name) is printed exactly where the peer lies in another namespace. */
function fits(a: End, b: End, foreign: ReadonlyMap<Link, string>): boolean {
  const same = a.namespace === b.namespace
  return [a, b].every(({ link }) => (link.peerNetnsId === undefined && !foreign.has(link)) === same)
}

function weigh(a: End, b: End): Evidence {
  const mac = heard(a, b) ?? heard(b, a)
  if (mac) return { is: 'mac', text: mac }
  const [mine, its] = [addressesOf(a), addressesOf(b)]
  for (const one of mine) {
    const shared = its.map((other) => shareSubnet(one.prefix, other.prefix)).find((text) => text !== undefined)
    if (shared) return { is: 'subnet', text: `share ${shared}` }
  }
  const lan = (addresses: typeof mine) =>
    new Set(addresses.filter(({ prefix }) => isLan(prefix)).map(({ prefix }) => familyOf(prefix.ip)))
  const [here, there] = [lan(mine), lan(its)]
  return [...here].some((family) => there.has(family)) && a.namespace !== b.namespace
    ? { is: 'contrary', text: 'their addresses share no subnet' }
    : { is: 'none' }
}

/** The interface's own addresses, or those of the bridge that it is a port of. */
function addressesOf({ namespace, link }: End): Link['addresses'] {
  const master = namespace.links.find(({ name }) => name === link.master)
  return [...link.addresses, ...(master?.addresses ?? [])]
}

/** Has `a`'s namespace learned `b`'s MAC address behind `a`? A bridge takes the address of one of its ports: then it is no port's own. */
function heard(a: End, b: End): string | undefined {
  const { mac } = b.link
  if (mac === undefined || mac === 0 || b.namespace.links.filter((link) => link.mac === mac).length > 1)
    return undefined
  const { neighbours, fdb } = a.namespace
  const place = placeName(a.namespace)
  if (neighbours.some((one) => one.mac === mac && one.dev === a.link.name)) return `a neighbour of ${place}`
  const behind = fdb.some((one) => one.mac === mac && one.dev === a.link.name && !one.local && one.remote === undefined)
  return behind ? `in the forwarding table of ${place}` : undefined
}

/** Takes the pairs that leave no choice, and what follows from them, until none is left. */
class Solver {
  /** In the order of the namespaces and of their links. */
  readonly #order: readonly Pair[]
  #left: Pair[]
  readonly #taken: Pair[] = []
  readonly #doubtful: Pair[]
  readonly #joined = new Set<Link>()
  /** Which namespace another calls by a number, and the number that it calls a namespace by. */
  readonly #names = new Map<string, Namespace>()
  readonly #numbers = new Map<string, number>()

  constructor(pairs: readonly Pair[]) {
    this.#order = pairs
    this.#left = pairs.filter(({ evidence }) => evidence.is !== 'contrary')
    this.#doubtful = pairs.filter(({ evidence }) => evidence.is === 'contrary')
  }

  solve(): readonly Wire[] {
    for (let found = this.#next(); found; found = this.#next()) {
      this.#take(found)
      this.#left = this.#left.filter((pair) => pair !== found && this.#possible(pair))
    }
    const taken = new Set(this.#taken)
    return this.#order.filter((pair) => taken.has(pair)).map(wireOf)
  }

  /** Evidence first: it can settle what is ambiguous by index alone, and no wrong pair has it. */
  #next(): Pair | undefined {
    for (const levels of [['mac'], ['subnet'], ['mac', 'subnet', 'none']]) {
      const level = this.#left.filter(({ evidence }) => levels.includes(evidence.is))
      const alone = level.find((pair) => level.every((other) => other === pair || !touches(pair, other)))
      if (alone) return alone
    }
    return undefined
  }

  #take(pair: Pair): void {
    this.#taken.push(pair)
    for (const [near, far] of directions(pair)) {
      const { peerNetnsId } = near.link
      this.#joined.add(near.link)
      if (peerNetnsId === undefined) continue
      this.#names.set(nameKey(near), far.namespace)
      this.#numbers.set(numberKey(near, far), peerNetnsId)
    }
  }

  /** Both ends are free, and neither namespace calls the other by a number that already means another one, or by a second number. */
  #possible(pair: Pair): boolean {
    return directions(pair).every(([near, far]) => {
      const { peerNetnsId } = near.link
      if (this.#joined.has(near.link)) return false
      if (peerNetnsId === undefined) return true
      const meant = this.#names.get(nameKey(near)) ?? far.namespace
      return meant === far.namespace && (this.#numbers.get(numberKey(near, far)) ?? peerNetnsId) === peerNetnsId
    })
  }

  doubts(): readonly string[] {
    const free = this.#doubtful.filter((pair) => this.#possible(pair))
    return [
      ...free.map(({ a, b, evidence }) => {
        const why = evidence.is === 'contrary' ? evidence.text : ''
        return `${portName(a)} and ${portName(b)} could be peers by their ifindexes, but ${why}: taken as not joined`
      }),
      ...this.#ambiguous(),
    ]
  }

  #ambiguous(): string[] {
    const choices = new Map<string, string[]>()
    for (const pair of this.#left)
      for (const [near, far] of directions(pair))
        choices.set(portName(near), [...(choices.get(portName(near)) ?? []), portName(far)])
    return [...choices]
      .filter(([, others]) => others.length > 1)
      .map(([end, others]) => `${end} could be joined to ${others.join(' or ')}: taken as joined to neither`)
  }
}

const directions = ({ a, b }: Pair): readonly (readonly [End, End])[] => [
  [a, b],
  [b, a],
]
const sameEnd = (a: End, b: End): boolean => a.link === b.link
const touches = (one: Pair, other: Pair): boolean =>
  [one.a, one.b].some((end) => sameEnd(end, other.a) || sameEnd(end, other.b))
const nameKey = ({ namespace, link }: End): string => `${namespace.namespace} ${link.peerNetnsId}`
const numberKey = (near: End, far: End): string => `${near.namespace.namespace} ${far.namespace.namespace}`
const portName = ({ namespace, link }: End): string => `${placeName(namespace)}:${link.name}`

const portOf = ({ namespace: { host, namespace }, link }: End): Port => ({ host, namespace, link: link.name })

function wireOf({ a, b, evidence }: Pair): Wire {
  const more = evidence.is === 'mac' || evidence.is === 'subnet' ? `; ${evidence.text}` : ''
  return { kind: 'veth', ends: [portOf(a), portOf(b)], because: `veth peers (${said(a)}; ${said(b)}${more})` }
}

/** Numbers below 0 stand for names that were printed in place of numbers. */
function said({ link: { name, index, peerNetnsId } }: End): string {
  return `${name} is ifindex ${index}${peerNetnsId === undefined || peerNetnsId < 0 ? '' : `, netnsid ${peerNetnsId}`}`
}

/** Is this interface an end of one of these wires? */
export const isJoined = (wires: readonly Wire[], { host, namespace }: Place, link: string): boolean =>
  wires.some(({ ends }) => ends.some((end) => end.host === host && end.namespace === namespace && end.link === link))
