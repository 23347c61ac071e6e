import { type Ip, printIp } from '../address/ip.js'
import { PROTOCOL } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import { hasPorts } from '../packet/headers.js'
import { isLinkLocal6, isMulticast } from '../routing/classify.js'
import { type InputRoute, routeInput as inputDecision } from '../routing/input.js'
import { type InputFlow, invalid } from '../routing/input-route.js'
import type { Flow, Found, RuleTried } from '../routing/lookup.js'
import { type OutputRoute, routeOutput } from '../routing/output.js'
import type { OutputOptions } from '../routing/output-route.js'
import { sendIcmpError } from './answers.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import { compileOptions } from './ip-options.js'
import { drawWay } from './multipath.js'
import { opaque } from './opaque.js'
import { pull } from './pull.js'
import type { Destination } from './skb.js'
import { optionsHost, outputSource } from './source.js'
import type { ExitOf } from './stages.js'
import type { RouteLookup } from './trail.js'
import type { Link } from './world.js'

/** What routing looks at of the packet as it is now. */
function flowOf({ skb, netns }: Cursor): Flow & { readonly src: Ip } {
  const { packet } = skb
  const { protocol, fragmentOffset } = packet.transport
  const ports = fragmentOffset === 0 && hasPorts(protocol)
  return {
    dst: netns.addressOf(packet, 'dst'),
    src: netns.addressOf(packet, 'src'),
    mark: skb.mark,
    tos: FIELDS['ip.tos'].read(packet) ?? 0,
    protocol,
    sport: ports ? FIELDS['th.sport'].read(packet) : undefined,
    dport: ports ? FIELDS['th.dport'].read(packet) : undefined,
    uid: skb.sender?.uid,
  }
}

/** IPPROTO_RAW. */
const RAW = 255

interface Looked {
  readonly found: Found
  readonly tried: readonly RuleTried[]
}

function describeLookup(flow: Flow, { found, tried }: Looked, sourceChosen?: Ip, dev?: string): RouteLookup {
  const route = found.is === 'route' ? found.route : undefined
  const hop = found.is === 'route' ? found.nexthop : undefined
  return {
    rules: tried,
    destination: printIp(flow.dst),
    source: flow.src === undefined ? undefined : printIp(flow.src),
    mark: flow.mark ?? 0,
    iif: flow.iif,
    rule: found.is === 'none' ? undefined : found.rule.text,
    route: route?.text,
    table: route?.table,
    type: found.is === 'route' ? found.route.type : found.is === 'refused' ? found.how : 'none',
    dev: dev ?? hop?.dev,
    gateway: hop?.gateway === undefined ? undefined : printIp(hop.gateway),
    sourceChosen: sourceChosen === undefined ? undefined : printIp(sourceChosen),
  }
}

function outputDecision(cursor: Cursor, flow: Flow, options: OutputOptions): OutputRoute {
  const { netns, skb } = cursor
  const oif = flow.oif ?? skb.bound
  const route = routeOutput(
    netns.fib(skb.packet.family),
    netns.interfaces,
    { ...flow, ...(oif === undefined ? {} : { oif }) },
    options,
  )
  const way = route.ok ? drawWay(cursor, flow, route.ways) : undefined
  return route.ok && way ? { ...route, dev: way.dev, gateway: way.gateway, source: way.source } : route
}

/** The first decision for what this namespace sends. */
export function generate(cursor: Cursor): ExitOf<'generate'> | Fate {
  const { skb, netns } = cursor
  const flow = flowOf(cursor)
  // raw_sendmsg: of a header of its own only the destination is looked at; OUTPUT's second decision sees the rest
  const asked: Flow = skb.sender?.raw
    ? { dst: flow.dst, src: undefined, mark: skb.mark, tos: 0, protocol: RAW, uid: flow.uid }
    : skb.chooseSource
      ? { ...flow, src: undefined }
      : flow
  const first = skb.via === undefined ? asked : { ...asked, oif: skb.via }
  const route = outputDecision(cursor, first, { anySource: skb.sender?.socket !== true || skb.sender.raw === true })
  const lookup = describeLookup(
    { ...asked, iif: 'lo' },
    looked(route),
    route.ok ? route.source : undefined,
    route.ok ? route.dev : undefined,
  )
  cursor.record({
    kind: 'route',
    lookup,
    result: route.ok ? (route.type === 'local' ? 'local' : 'output') : 'none',
    text: outputText(route, asked.src === undefined),
  })
  if (!route.ok) return cursor.drop(route.reason, route.text, { errno: route.errno })
  // raw_sendmsg without SO_BROADCAST
  if (route.type === 'broadcast' && skb.sender?.raw)
    return cursor.drop('broadcast-not-permitted', 'a socket needs SO_BROADCAST to send to a broadcast address', {
      errno: 'EACCES',
    })
  // raw_send_hdrinc, rawv6_send_hdrinc
  const most = skb.sender?.raw ? netns.link(route.dev)?.mtu : undefined
  if (most !== undefined && skb.packet.bytes.length > most)
    return cursor.drop('message-too-long', `${skb.packet.bytes.length} bytes do not fit into ${route.dev}: ${most}`, {
      errno: 'EMSGSIZE',
    })
  take(cursor, route)
  return 'routed'
}

const looked = (route: OutputRoute): Looked => ({ found: route.ok ? route.found : { is: 'none' }, tried: route.tried })

function outputText(route: OutputRoute, chosen: boolean): string {
  if (!route.ok) return route.text
  const via = route.gateway === undefined ? '' : ` via ${printIp(route.gateway)}`
  const source = chosen ? `, source ${printIp(route.source)}` : ''
  return `${route.type === 'local' ? 'this host itself: ' : ''}dev ${route.dev}${via}${source}`
}

function take({ skb, netns }: Cursor, route: Extract<OutputRoute, { ok: true }>): void {
  const result = route.type === 'unicast' ? 'output' : route.type
  skb.destination = { result, dev: route.dev, gateway: route.gateway, mtu: route.mtu } satisfies Destination
  skb.oif = route.dev
  // __mkroute_output: a multicast packet has no gateway, whatever the route says
  const dst = netns.addressOf(skb.packet, 'dst')
  skb.nexthop = netns.isBroadcastOrMulticast(dst) ? dst : (route.gateway ?? dst)
}

/**
 * The second decision, once OUTPUT has changed what the first one stood on (net/ipv4/netfilter.c: ip_route_me_harder;
 * net/ipv6/netfilter.c: ip6_route_me_harder).
 */
export function reroute(cursor: Cursor): Fate | undefined {
  const { netns, skb } = cursor
  const flow = flowOf(cursor)
  const local = netns.isLocal(flow.src) || !netns.isBroadcastOrMulticast(flow.src)
  const from = local ? flow : { ...flow, src: undefined }
  // IPv6 stays on the device of the first decision where the address is one of a link
  const strict = isLinkLocal6(flow.dst) || (skb.packet.family === 6 && isMulticast(flow.dst))
  const asked = strict && skb.bound === undefined ? { ...from, oif: skb.oif } : from
  const route = outputDecision(cursor, asked, { anySource: true, again: true })
  const lookup = describeLookup({ ...asked, iif: 'lo' }, looked(route), undefined, route.ok ? route.dev : undefined)
  const before = skb.oif
  const text = route.ok ? `${outputText(route, false)}${route.dev === before ? '' : ` (was ${before})`}` : route.text
  cursor.record({
    kind: 'reroute',
    lookup,
    result: route.ok ? (route.type === 'local' ? 'local' : 'output') : 'none',
    text,
  })
  if (!route.ok) return cursor.drop(route.reason, `the second routing decision: ${route.text}`, { errno: route.errno })
  take(cursor, route)
  return undefined
}

/** The input decision, with one of its next hops where there are several. */
function inputWay(cursor: Cursor, flow: InputFlow): InputRoute {
  const { netns, skb } = cursor
  const route = inputDecision(netns.fib(skb.packet.family), netns.interfaces, flow)
  const way = route.to === 'forward' ? drawWay(cursor, flow, route.ways) : undefined
  if (route.to !== 'forward' || !way) return route
  if (way.refused) return invalid(route, way.refused)
  return { ...route, dev: way.dev, gateway: way.gateway, redirect: route.redirect && way.dev === flow.iif }
}

/** The decision for what came in. */
export function routeInput(cursor: Cursor): ExitOf<'route-input'> | Fate {
  const { skb, netns } = cursor
  const through = skb.destination?.result === 'local' && skb.iif !== undefined && netns.interfaces.isLoopback(skb.iif)
  // it kept its route (skb_dst) on the way: of a copy to a group, the one to TEE's gateway, by which nothing handed back is forwarded
  const flow = { ...flowOf(cursor), iif: skb.iif! }
  if (through || (skb.looped && skb.destination))
    return lookAtOptions(cursor, flow) ?? (skb.destination?.result === 'output' ? 'forward' : 'local')
  lookForSocket(cursor)
  const route = inputWay(cursor, flow)
  if (!cursor.run.options.silent) recordInput(cursor, flow, route)
  if (route.to === 'nowhere') {
    // a refusing route is a route, and so is one that may not be taken: options are looked at before it refuses
    const fate = NO_ROUTE.has(route.reason) ? undefined : lookAtOptions(cursor, flow)
    return fate ?? unroutable(cursor, route)
  }
  if (route.to === 'local') {
    skb.destination = { result: route.type, dev: skb.iif!, gateway: undefined, mtu: undefined }
    return lookAtOptions(cursor, flow) ?? 'local'
  }
  skb.destination = { result: 'forward', dev: route.dev, gateway: route.gateway, mtu: route.mtu }
  skb.oif = route.dev
  skb.nexthop = route.gateway ?? flow.dst
  skb.redirect = route.redirect
  return lookAtOptions(cursor, flow) ?? 'forward'
}

/** ip_route_input_slow: what ends with an error and without a route. */
const NO_ROUTE: ReadonlySet<string> = new Set([
  'martian-source',
  'martian-destination',
  'rp_filter',
  'multicast-not-joined',
])
const TCP_HEADER = 20

/**
 * ip_rcv_finish_core, ip6_rcv_finish_core: the socket of a TCP connection is looked for before the packet has a route (tcp_v4_early_demux). That takes the whole
 * TCP header to the front: a packet that came in fragments, of which the first had less, does not leave in the same.
 */
function lookForSocket({ skb, netns }: Cursor): void {
  const { pieces, packet } = skb
  if (!pieces || skb.type !== 'host' || skb.socket) return
  const protocol = packet.bytes[packet.family === 4 ? 9 : 6]
  const asked = ['net.ipv4.ip_early_demux', 'net.ipv4.tcp_early_demux'].every((key) => netns.number(key, 1) !== 0)
  if (protocol === PROTOCOL.TCP && asked) pull(skb, TCP_HEADER)
}

function recordInput(cursor: Cursor, flow: Flow, route: InputRoute): void {
  const lookup = describeLookup(flow, route, undefined, route.to === 'forward' ? route.dev : undefined)
  recordValidation(cursor, flow, route)
  const result = route.to === 'nowhere' ? 'none' : route.to === 'local' ? route.type : 'forward'
  cursor.record({ kind: 'route', lookup, result, text: inputText(route) })
}

const PARAMETER_PROBLEM = 12

/** net/ipv4/ip_input.c: ip_rcv_options, once the packet has its route. */
function lookAtOptions(cursor: Cursor, { src, dst }: Flow): Fate | undefined {
  const { skb, netns } = cursor
  if (skb.packet.family !== 4 || (skb.packet.bytes[0]! & 15) === 5) return undefined
  const own = skb.destination?.result === 'local' ? dst : outputSource(cursor, src!, undefined)
  const { options, fault } = compileOptions(skb.packet, optionsHost(cursor, own))
  skb.options = options
  if (fault !== undefined) {
    const answer = sendIcmpError(cursor, { type: PARAMETER_PROBLEM, code: 0, info: (fault << 24) >>> 0 })
    return cursor.drop('ip-options', `IP options: what stands at byte ${fault} of the header is wrong`, { answer })
  }
  if (options.sourceRoute === undefined) return undefined
  if (netns.acceptsSourceRoute(skb.iif!)) return opaque(cursor, 'where the source route in its IP options leads')
  return cursor.drop('source-route', `a source route is not accepted on ${skb.iif}: accept_source_route=0`)
}

function inputText(route: InputRoute): string {
  if (route.to === 'nowhere') return route.text
  if (route.to === 'local') return route.type === 'local' ? 'for this host' : `${route.type}, for this host`
  return `forward to dev ${route.dev}${route.gateway === undefined ? '' : ` via ${printIp(route.gateway)}`}`
}

/** The reverse-path check is worth a line where it looked anything up, or refused. */
function recordValidation(cursor: Cursor, flow: Flow, { validation }: InputRoute): void {
  if (!validation || (validation.ok && validation.mode === 0)) return
  const { found, tried, ok, mode, text } = validation
  const lookup = found && describeLookup({ dst: flow.src!, src: flow.dst, mark: flow.mark ?? 0 }, { found, tried })
  cursor.record({ kind: 'rp-filter', interface: cursor.skb.iif!, mode, passed: ok, lookup, text })
}

/** net.ipv4.route.error_cost, error_burst: seconds, and how many at once; they exist in the first namespace only, where nobody changes them. */
const NO_ROUTE_ERRORS = { cost: 1, burst: 5 } as const

/** ip_error. */
function mayBeTold({ netns, run, skb }: Cursor): boolean {
  return netns.peers.mayTell(netns.addressOf(skb.packet, 'src'), run.now, NO_ROUTE_ERRORS.cost, NO_ROUTE_ERRORS.burst)
}

function unroutable(cursor: Cursor, route: Extract<InputRoute, { to: 'nowhere' }>): Fate {
  const type = cursor.skb.packet.family === 4 ? 3 : 1
  const told = route.icmp !== undefined && (type === 1 || mayBeTold(cursor))
  const answer = told ? sendIcmpError(cursor, { type, code: route.icmp! }) : undefined
  return cursor.drop(route.reason, route.text, { answer })
}

/**
 * br_nf_pre_routing_finish: a bridged frame whose destination PREROUTING changed is routed: back into the same bridge at the address of its new
 * next hop, or up into the IP stack.
 */
export function bridgedDestination(cursor: Cursor, bridge: Link): 'bridged' | 'up' | Fate {
  const { skb, netns, run } = cursor
  const flow = { ...flowOf(cursor), iif: bridge.name }
  const route = inputDecision(netns.fib(skb.packet.family), netns.interfaces, flow)
  cursor.record({
    kind: 'route',
    lookup: describeLookup(flow, route),
    result: route.to === 'nowhere' ? 'none' : route.to === 'local' ? route.type : 'forward',
    text: inputText(route),
  })
  if (route.to === 'local') return 'up'
  let dev = route.to === 'forward' ? route.dev : undefined
  let nexthop = route.to === 'forward' ? (route.gateway ?? flow.dst) : flow.dst
  if (route.to === 'nowhere') {
    const output =
      route.reason === 'ip-forward-off' ? outputDecision(cursor, { ...flow, src: undefined }, {}) : undefined
    if (!output?.ok || output.dev !== bridge.name) return cursor.drop(route.reason, route.text)
    dev = output.dev
    nexthop = output.gateway ?? flow.dst
  }
  if (dev !== bridge.name) return 'up'
  const known = netns.state.neighbours.find((entry) => entry.dev === bridge.name && entry.ip === nexthop)?.mac
  const mac = known ?? run.layer2.ownerOf({ ...cursor.place, link: bridge.name }, nexthop)?.link.mac
  if (mac === undefined)
    return cursor.drop('neighbour-unresolved', `no link-layer address for ${printIp(nexthop)} on ${bridge.name}`)
  skb.packet.mac = { ...skb.packet.mac!, destination: mac }
  return 'bridged'
}
