import { ifName } from '../address/ifname.js'
import { familyOf, type Ip, printIp } from '../address/ip.js'
import { firstOf, lastOf, type Prefix } from '../address/prefix.js'
import { CT_STATE, CT_STATUS, type Field } from '../packet/fields.js'
import type { HookEntry } from '../path/hooks.js'
import { questionRun } from '../path/trace.js'
import type { Branch } from '../path/trail.js'
import { type Hosts, type Link, type Namespace, placeName } from '../path/world.js'
import type { RoutingRule } from '../routing/types.js'
import type { Hook } from '../rules/program.js'
import { mayReach } from '../sets/backward.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { shownFields } from '../sets/blocks.js'
import { describe } from '../sets/describe.js'
import { masked } from '../sets/space.js'
import { beforeTranslation, CONNECTION, isLocalAddress, leavingTowards, targetOf } from './lint/nat.js'
import { Scope, type ScopeOptions } from './scope.js'
import { fromOutside, witness } from './witness.js'

export interface ReachQuestion {
  /** The host (or namespace) that the packets come into and that routes or takes them. */
  readonly at: Namespace
  /** Where they come from: a prefix of sources, an interface; `outside`: over an interface that leads out of the snapshot, from an address that nobody in it has. */
  readonly from: { readonly prefix?: Prefix; readonly iif?: string; readonly outside?: true }
  /** Where they leave for, or are taken, behind any translation of this namespace. */
  readonly to: { readonly address: Ip; readonly protocol?: number; readonly port?: number }
}

export interface ReachResult {
  /** `some`: an example walks there. `none`: no packet can, all were looked at. `unknown`: by the rules some may, but no example that was tried does. */
  readonly answer: 'some' | 'none' | 'unknown'
  /** The packets that may get there, as they arrive: blocks without a packet in common. */
  readonly packets: readonly string[]
  readonly more: boolean
  /** Packets that do get there, one for each interface where one was found, as `trace` reads them. */
  readonly examples: readonly { readonly packet: string; readonly sees: string }[]
}

/**
 * Which first packets of connections come through a namespace to an address: from PREROUTING on over its routing decision to INPUT, or FORWARD and POSTROUTING.
 * The set is worked out backwards and holds every packet that can get there. Throws NodeLimitError, VisitLimitError.
 */
export function reach(hosts: Hosts, question: ReachQuestion, options: ScopeOptions = {}): ReachResult {
  const { scope, set } = reachable(hosts, question, options)
  const { space } = scope
  const { bdd } = space
  if (set === EMPTY) return { answer: 'none', packets: [], more: false, examples: [] }
  const shown = describe(
    space,
    set,
    shownFields(scope.family).filter((field) => field !== 'ct.state' && field !== 'meta.mark'),
    MOST_BLOCKS,
    arriving(scope),
  )
  const examples = scope.namespace.links.flatMap(({ name }) => {
    const here = bdd.and(set, space.equals('meta.iifname', ifName(name)))
    const getting = (branches: readonly Branch[]) => getsThere(branches, question)
    const found = here === EMPTY ? undefined : witness(scope, asNew(scope, here), getting)
    const final = found?.branches.find((branch) => getting([branch]))?.final
    return found && final ? [{ packet: found.text, sees: final.src }] : []
  })
  return { answer: examples.length > 0 ? 'some' : 'unknown', packets: shown.lines, more: shown.more, examples }
}

/** The packets as they arrive that may get there; every packet that does is among them. */
export function reachable(
  hosts: Hosts,
  question: ReachQuestion,
  options: ScopeOptions = {},
): { readonly scope: Scope; readonly set: Node } {
  const { at, from, to } = question
  const scope = new Scope(hosts, at, familyOf(to.address), { ...options, listedSets: true })
  const { bdd } = scope.space
  const wanted = goal(scope, to)
  const behind = isLocalAddress(scope, to.address)
    ? throughInput(scope, wanted)
    : throughForward(scope, wanted, to.address)
  const parts = [throughHook(scope, 'prerouting', behind), arriving(scope), fromWhere(scope, from)]
  return { scope, set: parts.reduce((all, one) => bdd.and(all, one)) }
}

const MOST_BLOCKS = 60

const addressFields = ({ family }: Scope): readonly [Field, Field] =>
  family === 4 ? ['ip.saddr', 'ip.daddr'] : ['ip6.saddr', 'ip6.daddr']

function goal(scope: Scope, { address, protocol, port }: ReachQuestion['to']): Node {
  const { space } = scope
  const parts = [
    space.equals(addressFields(scope)[1], address),
    ...(protocol === undefined ? [] : [space.equals('meta.l4proto', protocol)]),
    ...(port === undefined ? [] : [space.equals('th.dport', port), space.equals('frag.offset', 0)]),
  ]
  return parts.reduce((all, one) => space.bdd.and(all, one), space.valid)
}

function throughInput(scope: Scope, set: Node): Node {
  return throughHook(scope, 'input', scope.space.bdd.and(set, scope.input('input')))
}

function throughForward(scope: Scope, set: Node, address: Ip): Node {
  const { space, namespace, hosts, family } = scope
  const { bdd } = space
  const { interfaces } = questionRun(hosts, { choose: () => 0 }, { now: 0 }).netns(namespace)
  const forwarding = space.union(
    namespace.links
      .filter(({ name }) => interfaces.forwards(family, name))
      .map(({ name }) => space.equals('meta.iifname', ifName(name))),
  )
  // rules beside the kernel's own may lead a packet elsewhere by its mark or source: then any way out is possible
  const byDestination = (family === 4 ? namespace.rules4 : namespace.rules6).every(asksNothing)
  const out = byDestination ? leavingTowards(scope, address) : scope.input('forward')
  if (out === undefined) return EMPTY
  const leaving = throughHook(scope, 'postrouting', bdd.and(set, bdd.and(out, scope.input('postrouting'))))
  const forwarded = throughHook(
    scope,
    'forward',
    [leaving, forwarding, scope.input('forward')].reduce((all, one) => bdd.and(all, one)),
  )
  // the routing decision: before it there is no way out
  return bdd.and(space.forget(forwarded, ['meta.oifname']), space.equals('meta.oifname', ifName('')))
}

/** A policy rule for all packets. */
const asksNothing = ({
  not,
  from,
  to,
  iif,
  oif,
  fwmark,
  tos,
  protocol,
  sport,
  dport,
  uidRange,
  l3mdev,
}: RoutingRule): boolean =>
  !not &&
  !l3mdev &&
  [from, to].every((prefix) => !prefix || prefix.length === 0) &&
  [iif, oif, fwmark, tos, protocol, sport, dport, uidRange].every((one) => one === undefined)

/** What a packet must be when a hook begins, so that it may be in `set` behind it. */
function throughHook(scope: Scope, hook: Hook, set: Node): Node {
  return scope.hooks[hook].reduceRight((after: Node, entry) => throughEntry(scope, entry, after), set)
}

function throughEntry(scope: Scope, entry: HookEntry, set: Node): Node {
  const { space, conditions } = scope
  const { bdd } = space
  switch (entry.kind) {
    case 'chain':
      return bdd.and(mayReach(conditions, entry.table, entry.chain, { accepted: set, dropped: EMPTY }), space.valid)
    case 'conntrack': {
      const state = space.equals('ct.state', CT_STATE.NEW)
      const fresh = [set, state, space.equals('ct.status', 0), space.equals('ct.mark', 0)].reduce((all, one) =>
        bdd.and(all, one),
      )
      // until here it has no connection; NOTRACK in raw has said that it is to have none
      const before = space.assigned(
        space.forget(fresh, ['ct.status', 'ct.mark', 'ct.direction', ...CONNECTION]),
        'ct.state',
        CT_STATE.INVALID,
      )
      return bdd.or(before, bdd.and(set, space.equals('ct.state', CT_STATE.UNTRACKED)))
    }
    case 'nat':
      return entry.manip === 'src'
        ? space.forget(set, [addressFields(scope)[0], 'th.sport', 'ct.status'])
        : throughDestinationNat(scope, entry, set)
    case 'defragment':
    case 'confirm':
    case 'opaque':
      return set
  }
}

/** Packets that a rule sends on into `set`, and those that no rule translates. */
function throughDestinationNat(scope: Scope, { chains }: Extract<HookEntry, { kind: 'nat' }>, set: Node): Node {
  const { space } = scope
  const { bdd } = space
  const [, daddr] = addressFields(scope)
  const status = ['ct.status'] as const
  const isMoved = space.bitsIn(masked(space.bitsOf('ct.status'), CT_STATUS.DST_NAT), [
    [CT_STATUS.DST_NAT, CT_STATUS.DST_NAT],
  ])
  const moved = space.forget(bdd.and(set, isMoved), status)
  let before: Node = EMPTY
  let alone: Node = set
  for (const entry of chains) {
    const flow = scope.flow(entry)
    for (const use of flow.nat) {
      const target = targetOf(use)
      const into = target ? beforeTranslation(scope, moved, target) : space.forget(moved, [daddr, 'th.dport'])
      // the chain has seen the packet with marks of its own: whatever was written before counts as any value
      before = bdd.or(before, bdd.and(space.forget(use.packets, scope.written), into))
    }
    alone = bdd.and(
      alone,
      bdd.or(
        mayReach(scope.conditions, entry.table, entry.chain, { accepted: set, dropped: EMPTY }),
        bdd.not(
          space.in('ct.state', [
            [CT_STATE.RELATED, CT_STATE.RELATED],
            [CT_STATE.NEW, CT_STATE.NEW],
          ]),
        ),
      ),
    )
  }
  return bdd.or(bdd.and(before, space.valid), alone)
}

/** As a packet comes off the wire: no connection yet, no mark, not this host's own addresses. What a bridge port takes comes in on the bridge. */
function arriving(scope: Scope): Node {
  const { space, namespace } = scope
  const { bdd } = space
  const bridges = new Set(namespace.links.filter(({ bridge }) => bridge).map(({ name }) => name))
  const ports = namespace.links.filter(({ master }) => master !== undefined && bridges.has(master))
  const onPort = space.union(ports.map(({ name }) => space.equals('meta.iifname', ifName(name))))
  // what NOTRACK lets pass has no connection in the end either
  const state = space.equals('ct.state', CT_STATE.INVALID)
  const parts = [fromOutside(scope), state, space.equals('meta.mark', 0), bdd.not(onPort)]
  return parts.reduce((all, one) => bdd.and(all, one), scope.input('prerouting'))
}

/** For examples: the state is what connection tracking will make of the packet. */
function asNew({ space }: Scope, set: Node): Node {
  return space.assigned(set, 'ct.state', CT_STATE.NEW)
}

function fromWhere(scope: Scope, { prefix, iif, outside }: ReachQuestion['from']): Node {
  const { space, family } = scope
  const [saddr] = addressFields(scope)
  if (iif !== undefined) return space.equals('meta.iifname', ifName(iif))
  if (prefix !== undefined)
    return familyOf(prefix.ip) === family ? space.in(saddr, [[firstOf(prefix), lastOf(prefix)]]) : EMPTY
  return outside ? fromNobody(scope, saddr) : space.valid
}

/** From addresses that no namespace of the snapshot has, over interfaces that lead out of it. */
function fromNobody(scope: Scope, saddr: Field): Node {
  const { space, namespace, hosts, family } = scope
  const { layer2 } = questionRun(hosts, { choose: () => 0 }, { now: 0 })
  const { host, namespace: name } = namespace
  const isOpen = (link: Link) => layer2.isOpen({ host, namespace: name, link: link.name })
  // a bridge leads where its ports lead, a tunnel to its other ends
  const open = namespace.links.filter((link) =>
    link.bridge
      ? namespace.links.some((port) => port.master === link.name && isOpen(port))
      : !link.vxlan && isOpen(link),
  )
  const owned = hosts.namespaces
    .flatMap(({ links }) => links.flatMap(({ addresses }) => addresses.map(({ prefix }) => prefix.ip)))
    .filter((ip) => familyOf(ip) === family)
  const ways = space.union(open.map((link) => space.equals('meta.iifname', ifName(link.name))))
  return space.bdd.minus(ways, space.union([...new Set(owned)].map((ip) => space.equals(saddr, ip))))
}

/** Does a branch leave this namespace for the address, or reach its sockets there? What becomes of it elsewhere is another matter. */
export function getsThere(branches: readonly Branch[], { at, to }: ReachQuestion): boolean {
  const here = placeName(at)
  return branches.some(({ outcome, where, steps }) => {
    // it may come back later, from elsewhere and as another packet
    const gone = steps.findIndex((step) => placeName(step) !== here)
    const own = gone < 0 ? steps : steps.slice(0, gone)
    // a tunnel's outer packet is another one as well
    const wrapped = own.findIndex(({ kind }) => kind === 'encapsulate')
    const last = own[wrapped < 0 ? own.length - 1 : wrapped - 1]
    if (!last || last.packet.dst !== printIp(to.address)) return false
    if (to.port !== undefined && last.packet.dport !== to.port) return false
    if (gone >= 0 || outcome === 'delivered' || outcome === 'sent') return true
    return where.reason === 'no-socket' || where.reason === 'no-protocol'
  })
}
