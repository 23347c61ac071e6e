import type { Fate } from '../path/fate.js'
import { bridgeDecision, bridgeEgress, bridgeInput, bridgeOutput } from '../path/stage/bridge.js'
import { encapsulate } from '../path/stage/encapsulate.js'
import { neighbour, transmit } from '../path/stage/leave.js'
import { ipReceive, receive } from '../path/stage/receive.js'
import { type StageName, stageAfter } from '../path/stages.js'
import { type Namespace, placeName } from '../path/world.js'
import { NOT_FORWARDED6 } from '../routing/input6.js'
import type { Hook } from '../rules/program.js'
import type { Node } from '../sets/bdd.js'
import type { Write } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'
import { beginning } from './walk-begin.js'
import { incoming, outgoing, routedIn, routedOut } from './walk-decide.js'
import type { Ground, Site } from './walk-ground.js'
import { type End, endKey, endOf, type Group, isEnd, keyOf, type Moved, NOTHING_BESIDE } from './walk-group.js'
import { runHook } from './walk-hooks.js'
import { imageOf } from './walk-image.js'
import { besideOf, type Concrete, cursorOf, hasBridgeRules, nextHops, outerOf } from './walk-link.js'
import { assign, writing } from './walk-nat.js'
import type { Connections } from './walk-replies.js'

/** Namespaces that packets pass before they are taken to go in circles. */
const FAR_TOO_FAR = 32

/** A group that a stage has moved on, and the exit it took. */
interface Exit {
  readonly exit: string
  readonly group: Group
  /** Left out: the stage that was carried out. */
  readonly from?: StageName
}

type Out = Exit | End

const isOver = (one: Out): one is End => 'outcome' in one

/** Walks sets of packets along `STAGES` to their ends, whoever draws lots and whatever is not known: every packet has at least one end. */
export class SetWalk {
  readonly ground: Ground
  readonly #watch: (group: Group) => number
  readonly #connections: Connections | undefined
  readonly #tunnels = new Map<string, readonly End[]>()

  /** `watch`: which of the question's spots a group is at. `connections`: those of first packets are written down there, or read from there by what comes back. */
  constructor(ground: Ground, watch: (group: Group) => number = () => 0, connections?: Connections) {
    this.ground = ground
    this.#watch = watch
    this.#connections = connections
  }

  /** Throws NodeLimitError, VisitLimitError. */
  walk(first: readonly Group[]): readonly End[] {
    const ends = new Map<string, End>()
    const over = (end: End) => {
      if (end.ways.length === 0) return
      const key = endKey(end)
      const known = ends.get(key)
      ends.set(key, known ? { ...known, ways: this.#joined(end.place, known.ways, end.ways) } : end)
    }
    let here: readonly Group[] = first.map((group) => this.#watched(group))
    while (here.length > 0) {
      const next = new Map<string, Group>()
      for (const group of here) {
        if (group.hops > FAR_TOO_FAR) {
          over(endOf(group, 'undecided', 'loop', 'the packets go round and round', group.ways))
          continue
        }
        for (const out of this.#perform(group)) {
          if (isOver(out)) {
            over(out)
            continue
          }
          if (out.group.ways.length === 0) continue
          const moved = this.#watched({
            ...out.group,
            seen: group.seen,
            stage: stageAfter(out.from ?? group.stage, out.exit as never),
          })
          const key = keyOf(moved)
          const known = next.get(key)
          next.set(key, known ? { ...known, ways: this.#joined(moved.place, known.ways, moved.ways) } : moved)
        }
      }
      here = [...next.values()]
    }
    return [...ends.values()]
  }

  #watched(group: Group): Group {
    const seen = group.seen | this.#watch(group)
    return seen === group.seen ? group : { ...group, seen }
  }

  #joined(place: Namespace, one: readonly Way[], other: readonly Way[]): readonly Way[] {
    return this.ground.site(place).math.union(one, other)
  }

  #perform(group: Group): readonly Out[] {
    const site = this.ground.site(group.place)
    switch (group.stage) {
      case 'receive':
        return this.#concrete(group, receive)
      case 'ip-receive':
        return this.#concrete(group, ipReceive)
      case 'prerouting':
        return this.#hook(site, group, 'prerouting', (one) =>
          one.moved ? { ...one, moved: false, result: undefined } : one,
        )
      case 'route-input':
        return routedIn(site, group).map((one): Out => (isEnd(one) ? one : { exit: one.to!, group: one }))
      case 'reassemble':
        return [{ exit: 'whole', group }]
      case 'input':
        return this.#hook(site, group, 'input')
      case 'deliver':
        return [endOf(group, 'delivered', 'delivered', 'local delivery', group.ways)]
      case 'forward-checks':
        return this.#forwardChecks(site, group)
      case 'forward':
        return this.#hook(site, group, 'forward')
      case 'generate':
        return routedOut(site, group).map((one): Out => (isEnd(one) ? one : { exit: 'routed', group: one }))
      case 'output':
        return this.#hook(site, group, 'output', (one) => ({
          ...one,
          moved: false,
          ways: site.math.written(one.ways, outgoing(site, one.oif)),
        }))
      case 'postrouting':
        return this.#hook(site, group, 'postrouting')
      case 'fragment':
        return [{ exit: 'fits', group }]
      case 'neighbour':
        return nextHops(this.ground, site, group).flatMap(({ packets, nexthop }) => {
          const ways = site.math.into(group.ways, packets)
          if (ways.length === 0) return []
          return this.#concrete({ ...group, gateway: nexthop, ways }, neighbour, nexthop)
        })
      case 'transmit':
        return this.#transmit(site, group)
      case 'encapsulate':
        return this.#tunnel(site, group)
      case 'bridge-input':
        return [...this.#doubted(site, group), ...this.#concrete({ ...group, moved: false }, bridgeInput)]
      case 'bridge-prerouting':
        return this.#hook(site, group, 'prerouting')
      case 'bridge-decision':
        return this.#bridgeDecision(site, group)
      case 'bridge-egress':
        return this.#atBridge(site, this.#concrete(group, bridgeEgress))
      case 'bridge-forward':
        return this.#hook(site, group, 'forward')
      case 'bridge-postrouting': {
        const into = { ...group, iif: undefined, ways: site.math.written(group.ways, incoming(site, undefined)) }
        return this.#hook(site, into, 'postrouting', (one) => ({ ...one, oif: one.bridge!.out }))
      }
      case 'bridge-output':
        return [...this.#doubted(site, group), ...this.#concrete(group, bridgeOutput)]
      // packets of IP never come there
      case 'arp-receive':
      case 'arp':
      case 'arp-output':
      case 'decapsulate':
      case 'end':
        return []
    }
  }

  #hook(site: Site, group: Group, hook: Hook, behind: (group: Group) => Group = (one) => one): readonly Out[] {
    return runHook(site, group, hook, this.#connections).map(
      (one: Moved): Out => (isEnd(one) ? one : { exit: 'accept', group: behind(one) }),
    )
  }

  /** A stage that looks at nothing that tells the packets of the group apart. */
  #concrete(group: Group, perform: Concrete, dst?: Parameters<typeof cursorOf>[2]): readonly Out[] {
    const cursor = cursorOf(this.ground, group, dst)
    const exit = perform(cursor)
    if (typeof exit === 'string') return [{ exit, group: this.#onDevice(group, besideOf(cursor, group)) }]
    return [this.#fate(group, exit)]
  }

  /** A device above or below has taken the packets, perhaps in another namespace. */
  #onDevice(group: Group, now: Group): Group {
    const { place, iif } = now
    const site = this.ground.site(place)
    if (place !== group.place)
      return { ...now, tracked: false, manips: NOTHING_BESIDE.manips, ways: site.arriving(group.ways, iif, false) }
    if (iif === group.iif) return now
    return { ...now, ways: site.math.written(group.ways, incoming(site, iif)) }
  }

  #fate(group: Group, { outcome, reason, text }: Fate): End {
    return endOf(group, outcome === 'rejected' ? 'dropped' : outcome, reason, reason === 'sent' ? '' : text, group.ways)
  }

  #forwardChecks(site: Site, group: Group): readonly Out[] {
    const { math, scope } = site
    const { space } = scope
    if (group.type !== 'host')
      return [endOf(group, 'dropped', 'not-for-this-host', `a link-layer ${group.type} is not forwarded`, group.ways)]
    const lives = space.in('ip.ttl', [[2, 255]])
    const on = math.written(math.into(group.ways, lives), { do: 'add', field: 'ip.ttl', by: -1 })
    const dies = math.into(group.ways, space.bdd.not(lives))
    const unfit = this.ground.family === 4 || group.oif === group.iif ? [] : NOT_FORWARDED6
    const fit = unfit.reduce((ways, { range }) => math.into(ways, space.bdd.not(space.in('ip6.saddr', [range]))), on)
    return [
      { exit: 'pass', group: { ...group, ways: fit } },
      ...unfit.map(({ range, reason, text }) =>
        endOf(group, 'dropped', reason, text, math.into(on, space.in('ip6.saddr', [range]))),
      ),
      endOf(group, 'dropped', 'ttl-exceeded', 'the TTL is used up', dies),
    ]
  }

  #transmit(site: Site, group: Group): readonly Out[] {
    const cursor = cursorOf(this.ground, group)
    const exit = transmit(cursor)
    if (typeof exit !== 'string') return [this.#fate(group, exit)]
    const now = besideOf(cursor, group)
    if (exit !== 'wire' && exit !== 'loopback') return [{ exit, group: this.#onDevice(group, now) }]
    const { place, iif, mac, type, vlans } = now
    const hops = group.hops + 1
    if (exit === 'loopback') {
      const ways = writing(site.math, group.ways, [incoming(site, iif), outgoing(site, undefined)])
      return [{ exit, group: { ...now, hops, ways } }]
    }
    const ways = this.ground.site(place).arriving(group.ways, iif, place === group.place)
    return [{ exit, group: { ...NOTHING_BESIDE, stage: group.stage, place, iif, mac, type, vlans, hops, ways } }]
  }

  /** Rules of the bridge itself are not followed: whoever passes them may end there. */
  #doubted(site: Site, group: Group): readonly Out[] {
    if (!hasBridgeRules(site)) return []
    return [endOf(group, 'undecided', 'bridge-rules', 'what stands on the bridge is not followed for sets', group.ways)]
  }

  #bridgeDecision(site: Site, group: Group): readonly Out[] {
    const { math, netns } = site
    const name = group.iif!
    const up = (one: Group): readonly Out[] =>
      this.#concrete({ ...one, moved: false, mac: netns.link(name)?.mac ?? 0 }, bridgeDecision)
    if (!group.moved || !group.bridge?.calls) return this.#atBridge(site, this.#concrete(group, bridgeDecision))
    // br_nf_pre_routing_finish: what PREROUTING has sent elsewhere is routed
    return site.routes.input(name).flatMap(({ packets, route }): readonly Out[] => {
      const one = { ...group, ways: math.into(group.ways, packets) }
      if (one.ways.length === 0) return []
      if (route.to === 'local' || (route.to === 'forward' && route.dev !== name)) return up(one)
      if (route.to === 'nowhere') {
        // without forwarding it may go back into the bridge all the same: what this host would send by is not asked here
        const outcome = route.reason === 'ip-forward-off' ? 'undecided' : 'dropped'
        return [endOf(one, outcome, route.reason, route.text, one.ways)]
      }
      return nextHops(this.ground, site, { ...one, oif: name, gateway: route.gateway }).flatMap((hop) => {
        const ways = math.into(one.ways, hop.packets)
        if (ways.length === 0) return []
        const known = netns.state.neighbours.find(({ dev, ip }) => dev === name && ip === hop.nexthop)?.mac
        const port = { ...group.place, link: name }
        const mac = known ?? this.ground.run.layer2.ownerOf(port, hop.nexthop)?.link.mac
        if (mac === undefined)
          return [endOf(one, 'dropped', 'neighbour-unresolved', 'no link-layer address on the bridge', ways)]
        return this.#atBridge(site, this.#concrete({ ...one, ways, moved: false, mac }, bridgeDecision))
      })
    })
  }

  #atBridge(site: Site, outs: readonly Out[]): readonly Out[] {
    return outs.map((out): Out => {
      if (isOver(out) || out.exit !== 'call-iptables') return out
      return { ...out, group: { ...out.group, ways: site.math.written(out.group.ways, outgoing(site, out.group.oif)) } }
    })
  }

  /** The outer packets make their own way, as a set of their own; where they get through, the inner ones go on. */
  #tunnel(site: Site, group: Group): readonly Out[] {
    const device = site.netns.link(group.oif)
    if (!device?.vxlan)
      return [
        endOf(
          group,
          'undecided',
          'tunnel',
          `what ${device?.name ?? 'IPsec'} wraps is not followed for sets`,
          group.ways,
        ),
      ]
    const cursor = cursorOf(this.ground, group)
    const exit = encapsulate(cursor)
    if (typeof exit !== 'string') return [this.#fate(group, exit)]
    const { space } = this.ground
    const { src, dst, dport } = outerOf(cursor)
    if (typeof src !== (this.ground.family === 4 ? 'number' : 'bigint'))
      return [
        endOf(
          group,
          'undecided',
          'tunnel',
          `${device.name}: outer packets of the other family are not followed`,
          group.ways,
        ),
      ]
    const marks = space.union(group.ways.map((way) => imageOf(site.math, way, ['meta.mark'])))
    const outer = [
      space.equals('meta.l4proto', 17),
      space.equals(this.ground.addresses.src, src),
      space.equals(this.ground.addresses.dst, dst),
      space.equals('th.dport', dport),
      space.in('th.sport', [[32768, 60999]]),
      space.equals('ip.ttl', device.vxlan.ttl || 64),
      marks,
      space.forget(beginning(this.ground, undefined), ['meta.mark']),
    ].reduce((all: Node, one) => space.bdd.and(all, one))
    const key = `${placeName(group.place)} ${cursor.skb.bound} ${outer}`
    let ends = this.#tunnels.get(key)
    if (!ends) {
      const { place } = group
      const ways = site.math.plain(outer)
      // the tunnel's own packets belong to connections of their own
      const walk = this.#connections ? new SetWalk(this.ground, this.#watch) : this
      ends = walk.walk([
        { ...NOTHING_BESIDE, stage: 'generate', place, bound: cursor.skb.bound, hops: group.hops, ways },
      ])
      this.#tunnels.set(key, ends)
    }
    return this.#arrived(group, device.vxlan.vni, dport, ends)
  }

  /** What is in a tunnel's packets gets their mark (vxlan_rcv: the skb stays the same); any, if there are several. */
  #markOf(math: WayMath, outer: readonly Way[]): Write {
    const { space } = this.ground
    const marks = space.union(outer.map((way) => imageOf(math, way, ['meta.mark'])))
    const bits = space.bdd.any(marks)
    const levels = space.levelsOf('meta.mark')
    const value = levels.reduce((sum, level) => sum * 2 + (bits.get(level) ?? 0), 0)
    return marks === space.equals('meta.mark', value)
      ? assign('meta.mark', value)
      : { do: 'forget', fields: ['meta.mark'] }
  }

  #arrived(group: Group, vni: number, dport: number, ends: readonly End[]): readonly Out[] {
    const out: Out[] = []
    for (const { outcome, place, reason, text, interface: name, ways: outer } of ends) {
      const device = place.links.find(({ vxlan, up }) => vxlan && up && vxlan.vni === vni && vxlan.port === dport)
      // whether a tunnel's packets belong to a connection already makes no difference to most rules
      if (reason === 'connection') continue
      const { math } = this.ground.site(place)
      const port = this.ground.space.equals('th.dport', dport)
      const taken = outcome === 'delivered' && device !== undefined && math.into(outer, port).length > 0
      // NAT may have led them to another socket
      const elsewhere = taken && math.into(outer, this.ground.space.bdd.not(port)).length > 0
      if (taken) {
        const here = place === group.place
        const came = this.ground.site(place).arriving(group.ways, device.name, here)
        const ways = here ? came : math.written(came, this.#markOf(math, outer))
        out.push({
          from: 'decapsulate',
          exit: 'inner',
          group: {
            ...NOTHING_BESIDE,
            stage: 'decapsulate',
            place,
            iif: device.name,
            mac: group.mac,
            hops: group.hops + 1,
            ways,
          },
        })
      }
      if (taken && !elsewhere) continue
      const lost = outcome === 'dropped' || outcome === 'delivered'
      const how = `the tunnel's own packets${outcome === 'delivered' ? ' are taken in, but not by the tunnel' : lost ? `: ${text}` : ' leave the snapshot'}`
      out.push({
        ...endOf(group, lost ? 'dropped' : 'undecided', outcome === 'dropped' ? reason : 'tunnel', how, group.ways),
        place,
        interface: name,
      })
    }
    return out
  }
}
