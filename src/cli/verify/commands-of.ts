import { familyOf, printIp } from '../../address/ip.js'
import { printMac } from '../../address/mac.js'
import { printPrefix } from '../../address/prefix.js'
import type { Link, Namespace } from '../../path/world.js'

/** What `ip`, `bridge` are told to make links like those of a namespace. */
export interface LinkCommands {
  readonly near: readonly string[]
  readonly far: readonly string[]
  readonly bridge: readonly string[]
  /** Links with a far end where frames are put in and caught, and the name of that. */
  readonly taps: readonly (readonly [link: string, tap: string])[]
  readonly notes: readonly string[]
}

/** A veth is what every card with an Ethernet header looks like from above. */
const LIKE_VETH: ReadonlySet<Link['kind']> = new Set(['ether', 'veth'])
/** Kinds that are made as what they are. */
const REAL: ReadonlySet<Link['kind']> = new Set(['loopback', 'bridge', 'vxlan'])
/** Frames on it have no Ethernet header: what its stand-in adds says nothing. */
export const isHeaderless = ({ kind }: Link): boolean => kind === 'tun' || kind === 'wireguard'

export function linkCommands(place: Namespace, far: string): LinkCommands {
  const near = ['link set lo up']
  const taps: [string, string][] = []
  const notes: string[] = []
  for (const link of byNeed(place.links)) {
    if (link.kind === 'loopback') continue
    const mac = link.mac === undefined ? '' : ` address ${printMac(link.mac)}`
    const head = `link add ${link.name} index ${link.index} mtu ${link.mtu}${mac}`
    if (REAL.has(link.kind)) near.push(`${head} type ${kindWords(link)}`)
    else {
      const tap = `f${link.index}`
      taps.push([link.name, tap])
      near.push(`${head} type veth peer name ${tap} mtu ${link.mtu} netns ${far}`)
      if (!LIKE_VETH.has(link.kind)) notes.push(`${link.name} (${link.kindText}) is stood in for by a veth`)
    }
    if (!link.arp || isHeaderless(link)) near.push(`link set ${link.name} arp off`)
    if (link.group !== 0) near.push(`link set ${link.name} group ${link.group}`)
  }
  for (const { name, master } of place.links) {
    if (master === undefined) continue
    if (place.links.some((link) => link.name === master && link.kind === 'bridge'))
      near.push(`link set ${name} master ${master}`)
    else notes.push(`${name} is not put under ${master}`)
  }
  for (const { name, up } of place.links) if (up && name !== 'lo') near.push(`link set ${name} up`)
  const downs = place.links.filter((link) => link.up && !link.carrier)
  const tapOf = new Map(taps)
  return {
    near,
    far: downs.flatMap(({ name }) => (tapOf.has(name) ? [`link set ${tapOf.get(name)} down`] : [])),
    bridge: bridgeCommands(place),
    taps,
    notes,
  }
}

/** Tunnels come behind the devices that they go through. */
const byNeed = (links: readonly Link[]): readonly Link[] => [
  ...links.filter(({ kind }) => kind !== 'vxlan'),
  ...links.filter(({ kind }) => kind === 'vxlan'),
]

function kindWords({ kind, bridge, vxlan }: Link): string {
  if (kind === 'bridge' && bridge)
    return `bridge${bridge.vlanFiltering ? ` vlan_filtering 1 vlan_default_pvid 0 vlan_protocol ${bridge.vlanProtocol ? '802.1ad' : '802.1Q'}` : ''}${bridge.callIptables ? ' nf_call_iptables 1' : ''}${bridge.callIp6tables ? ' nf_call_ip6tables 1' : ''}${bridge.callArptables ? ' nf_call_arptables 1' : ''}`
  if (kind !== 'vxlan' || !vxlan) return kind
  const words = [`vxlan id ${vxlan.vni} dstport ${vxlan.port}`]
  if (vxlan.local !== undefined) words.push(`local ${printIp(vxlan.local)}`)
  if (vxlan.remote !== undefined) words.push(`remote ${printIp(vxlan.remote)}`)
  if (vxlan.group !== undefined) words.push(`group ${printIp(vxlan.group)}`)
  if (vxlan.dev !== undefined) words.push(`dev ${vxlan.dev}`)
  if (vxlan.ttl !== 0) words.push(`ttl ${vxlan.ttl}`)
  if (!vxlan.learning) words.push('nolearning')
  return words.join(' ')
}

const onOff = (value: boolean): string => (value ? 'on' : 'off')

function bridgeCommands({ links, fdb, bridgeVlans }: Namespace): readonly string[] {
  const lines: string[] = []
  const filters = (name: string | undefined) => links.some((link) => link.name === name && link.bridge?.vlanFiltering)
  for (const { name, master } of links)
    for (const { id, pvid, untagged } of filters(name) || filters(master) ? (bridgeVlans?.get(name) ?? []) : [])
      lines.push(
        `vlan add dev ${name} vid ${id}${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}${filters(name) ? ' self' : ''}`,
      )
  for (const { name, port } of links)
    if (port)
      lines.push(
        `link set dev ${name} hairpin ${onOff(port.hairpin)} isolated ${onOff(port.isolated)} flood ${onOff(port.flood)} learning ${onOff(port.learning)} mcast_flood ${onOff(port.mcastFlood !== false)} bcast_flood ${onOff(port.bcastFlood !== false)}${port.state === 'blocking' || port.state === 'disabled' ? ` state ${port.state === 'disabled' ? 0 : 4}` : ''}`,
      )
  for (const { mac, dev, master, remote, local, vlan } of fdb) {
    if (remote !== undefined) lines.push(`fdb append ${printMac(mac)} dev ${dev} dst ${printIp(remote)} self permanent`)
    // entries for a VLAN count where the bridge filters only
    else if (master !== undefined && !local && (vlan === undefined || filters(master)))
      lines.push(`fdb replace ${printMac(mac)} dev ${dev} master static${vlan === undefined ? '' : ` vlan ${vlan}`}`)
  }
  return lines
}

/** Words of `ip route show` that tell a state and are nothing that one can ask for. */
const STATES = /\s(linkdown|dead|pervasive|offload|offload_failed|trap|rt_trap|notify|expires \S+)\b/g

/** Addresses, routes, policy rules, neighbours, in the order in which the kernel wants them. */
export function networkCommands(
  place: Namespace,
): readonly { readonly argv: readonly string[]; readonly lines: readonly string[] }[] {
  const addresses = place.links.flatMap(({ name, addresses: all }) =>
    all.map(({ prefix, peer, broadcast, scope }) => {
      const six = familyOf(prefix.ip) === 6
      const far = peer === undefined ? '' : ` peer ${printPrefix(peer)}`
      const all1 = broadcast === undefined ? '' : ` broadcast ${printIp(broadcast)}`
      const local = peer === undefined ? printPrefix(prefix) : printIp(prefix.ip)
      return `addr add ${local}${far}${all1} scope ${scope} dev ${name}${six ? ' nodad' : ''}`
    }),
  )
  const perFamily = ([4, 6] as const).map((family) => {
    const known = family === 4 ? place.known.routes4 : place.known.routes6
    const routes = place.routes.filter(({ destination }) => familyOf(destination.ip) === family)
    const lines = routes
      .filter(({ table, type }) => table !== 'local' || type === 'local')
      .map(({ text, table }) => `route add ${text.replaceAll(STATES, '')} table ${table}`)
    // those through a gateway need the ones that lead to it
    const near = lines.filter((line) => !/ via | nexthop /.test(line))
    const through = lines.filter((line) => / via | nexthop /.test(line))
    const rules = (family === 4 ? place.rules4 : place.rules6)
      .filter(({ priority }) => priority !== 0)
      .map(
        ({ text, priority }) =>
          `rule add ${text.replace(/^\d+:\s*/, '').replaceAll(' [detached]', '')} pref ${priority}`,
      )
    // the kernel looks a gateway up by the rules that there are
    const all = known
      ? ['route flush table main', 'rule flush', ...rules, ...near, ...through]
      : ['rule flush', ...rules]
    return { argv: ['ip', `-${family}`], lines: all }
  })
  const neighbours = place.neighbours
    .filter(({ mac, state }) => mac !== undefined && !/FAILED|INCOMPLETE/.test(state))
    .map(({ ip, mac, dev }) => `neigh replace ${printIp(ip)} lladdr ${printMac(mac!)} dev ${dev} nud permanent`)
  return [
    { argv: ['ip'], lines: addresses.filter((line) => !/ (127\.0\.0\.1\/8|::1\/128) .*dev lo\b/.test(line)) },
    ...perFamily,
    { argv: ['ip'], lines: neighbours },
  ]
}

/** Those that have a say in where packets go; not those that would make the namespace talk by itself. */
const TOLD =
  /^net\.(ipv[46]\.(ip_(?!local_port)|fwmark_reflect|fib_|icmp_(echo|ignore|errors)|icmp\.echo|conf\.[^.]+\.(?!accept_dad|dad_|router_sol|addr_gen|mldv|accept_ra|autoconf|use_tempaddr|stable_secret|disable_ipv6$))|netfilter\.nf_conntrack_(?!max|buckets|expect|count)|bridge\.)/

/** As the helper wants them: `|` for the dots within an interface's name. What sets others comes first. */
export function sysctlsOf({ sysctls }: Namespace): Readonly<Record<string, string>> {
  const rank = (key: string) => (/ip_forward$|conf\.all\./.test(key) ? 0 : /conf\.default\./.test(key) ? 1 : 2)
  const told = [...(sysctls ?? [])].filter(([key]) => TOLD.test(key))
  told.sort(([a], [b]) => rank(a) - rank(b))
  return Object.fromEntries(told.map(([key, value]) => [key.replaceAll('/', '|'), value]))
}
