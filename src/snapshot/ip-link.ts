import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import type { Device } from '../path/device.js'
import type { Address, Bridge, BridgePort, LinkKind, Vxlan } from '../path/world.js'
import { deviceOf, isActive } from './ip-link-device.js'
import { linkObjects } from './ip-link-text.js'
import { type Item, jsonItems } from './item.js'
import { looksLikeJson } from './words.js'

/** What one command says of one interface. `undefined`: it does not say. */
export interface LinkFacts {
  readonly index: number
  readonly name: string
  readonly kindText: string | undefined
  readonly linkType: string | undefined
  readonly mac: Mac | undefined
  readonly mtu: number | undefined
  readonly flags: readonly string[] | undefined
  readonly group: number | undefined
  readonly master: string | undefined
  readonly port: BridgePort | undefined
  readonly bridge: Bridge | undefined
  readonly vxlan: Vxlan | undefined
  readonly device: Device | undefined
  readonly active: boolean | undefined
  /** The lower device or the peer: by name (in this namespace) or by index, in the namespace of this id or name. */
  readonly peerName: string | undefined
  readonly peerIndex: number | undefined
  readonly peerNetnsId: number | undefined
  readonly peerNetnsName: string | undefined
  /** `undefined`: the command lists no addresses. */
  readonly addresses: readonly AddressFacts[] | undefined
}

export interface AddressFacts extends Address {
  /** IFA_F_NOPREFIXROUTE: no connected route came with it. */
  readonly noPrefixRoute: boolean
}

const KINDS: Readonly<Record<string, LinkKind>> = {
  veth: 'veth', bridge: 'bridge', vxlan: 'vxlan', tun: 'tun', tap: 'tun', wireguard: 'wireguard', vlan: 'vlan', dummy: 'dummy',
  bond: 'bond', macvlan: 'macvlan', macvtap: 'macvlan', ipvlan: 'ipvlan', vrf: 'vrf', gre: 'tunnel', gretap: 'tunnel', ipip: 'tunnel', sit: 'tunnel',
  ip6tnl: 'tunnel', ip6gre: 'tunnel', ip6gretap: 'tunnel',
} // biome-ignore format: a table

/** The model's kind of what `ip -d link` says; without a kind only loopback and hardware are left. */
export const linkKind = (kindText: string | undefined, linkType: string | undefined): LinkKind =>
  kindText === undefined
    ? linkType === 'loopback'
      ? 'loopback'
      : linkType === 'ether'
        ? 'ether'
        : 'other'
    : (KINDS[kindText] ?? 'other')

/** `ip link show`, `ip addr show` (with -d or without), as JSON or text, and `bridge -d link`. Throws InputError. Source: ip-link(8), ip-address(8). */
export function readLinks(text: string): readonly LinkFacts[] {
  const json = looksLikeJson(text)
  const listsAddresses = json ? undefined : /^\s+inet6? |^\d+: \S+\s+inet6? /m.test(text)
  return (json ? jsonItems(text) : linkObjects(text)).map((item) =>
    toFacts(item, listsAddresses ?? item.has('addr_info')),
  )
}

function toFacts(item: Item, listsAddresses: boolean): LinkFacts {
  const info = item.item('linkinfo')
  const kindText = info?.text('info_kind')
  const data = info?.item('info_data')
  return {
    index: item.need('ifindex', item.number('ifindex')),
    name: item.need('ifname', item.text('ifname')),
    kindText,
    linkType: item.text('link_type'),
    mac: item.text('link_type') === 'ether' ? item.mac('address') : undefined,
    mtu: item.number('mtu'),
    flags: item.has('flags') ? item.texts('flags') : undefined,
    group: item.value['group'] === 'default' ? 0 : numericGroup(item),
    master: item.text('master'),
    port: portOf(item, info),
    bridge: kindText === 'bridge' && data ? bridgeOf(data) : undefined,
    vxlan: kindText === 'vxlan' && data ? vxlanOf(data) : undefined,
    device: kindText !== undefined && data ? deviceOf(kindText, data) : undefined,
    active: info?.text('info_slave_kind') === 'bond' ? isActive(info.item('info_slave_data')) : undefined,
    peerName: item.text('link'),
    peerIndex: item.number('link_index'),
    peerNetnsId: item.number('link_netnsid'),
    peerNetnsName: item.text('link_netns'),
    addresses: listsAddresses ? item.items('addr_info').map(toAddress) : undefined,
  }
}

/** A group with a name of its own (/etc/iproute2/group) has a number that nobody here knows. */
const numericGroup = (item: Item): number | undefined =>
  /^(0x[\da-f]+|\d+)$/i.test(`${item.value['group'] ?? ''}`) ? item.number('group') : undefined

function portOf(item: Item, info: Item | undefined): BridgePort | undefined {
  if (info?.text('info_slave_kind') === 'bridge') return toPort(info.item('info_slave_data'))
  // bridge link
  return item.has('state') && item.has('cost') ? toPort(item) : undefined
}

const PORT_STATES: ReadonlySet<string> = new Set([
  'disabled',
  'listening',
  'learning',
  'forwarding',
  'blocking',
] satisfies BridgePort['state'][])

function toPort(item: Item | undefined): BridgePort {
  const state = item?.text('state') ?? 'forwarding'
  if (!PORT_STATES.has(state)) item?.fail('state', `"${state}" is no state of a bridge port`)
  return {
    hairpin: item?.flag('hairpin') ?? false,
    isolated: item?.flag('isolated') ?? false,
    state: state as BridgePort['state'],
    flood: item?.flag('flood') ?? true,
    learning: item?.flag('learning') ?? true,
    ...(item?.flag('mcast_flood') === false ? { mcastFlood: false } : {}),
    ...(item?.flag('bcast_flood') === false ? { bcastFlood: false } : {}),
    ...groupForward(item),
    ...oddOf(item),
  }
}

/** `0x4000` or 16384, as it is printed. */
function groupForward(item: Item | undefined): { readonly groupForward?: number } {
  const mask = Number(item?.value['group_fwd_mask'] ?? 0)
  return mask > 0 ? { groupForward: mask } : {}
}

/** Switches of a port that the model does not follow. */
const ODD = ['locked', 'mab', 'neigh_suppress', 'neigh_vlan_suppress', 'proxy_arp', 'proxy_arp_wifi', 'vlan_tunnel', 'mcast_to_unicast'] // biome-ignore format: a list
function oddOf(item: Item | undefined): { readonly odd?: string } {
  const odd = ODD.filter((key) => item?.flag(key) === true).join(', ')
  return odd === '' ? {} : { odd }
}

const bridgeOf = (data: Item): Bridge => ({
  vlanFiltering: isOne(data, 'vlan_filtering'),
  ...(/ad$/i.test(data.text('vlan_protocol') ?? '') ? { vlanProtocol: 0x88a8 } : {}),
  ...(isOne(data, 'stp_state') ? { stp: true } : {}),
  ...(isOne(data, 'no_linklocal_learn') ? { noLinkLocalLearn: true } : {}),
  ...groupForward(data),
  callIptables: isOne(data, 'nf_call_iptables'),
  callIp6tables: isOne(data, 'nf_call_ip6tables'),
  callArptables: isOne(data, 'nf_call_arptables'),
})

const isOne = (data: Item, key: string): boolean => (data.number(key) ?? 0) !== 0

const VXLAN_PORT = 8472

function vxlanOf(data: Item): Vxlan {
  return {
    vni: data.need('id', data.number('id')),
    local: either(data, 'local'),
    remote: either(data, 'remote'),
    group: either(data, 'group'),
    dev: data.text('link'),
    port: data.number('port') ?? VXLAN_PORT,
    // `auto` and `inherit`
    ttl: /^\d+$/.test(`${data.value['ttl'] ?? ''}`) ? data.number('ttl')! : 0,
    learning: data.flag('learning') ?? true,
    ...portsOf(data.item('port_range')),
    ...(data.flag('udp_csum') === false ? { noChecksum: true } : {}),
  }
}

function portsOf(range: Item | undefined): Pick<Vxlan, 'ports'> {
  const [low, high] = [range?.number('low') ?? 0, range?.number('high') ?? 0]
  return low < high ? { ports: [low, high] } : {}
}

/** iproute2 has keys of their own for IPv6: `local6`. */
const either = (data: Item, key: string): Ip | undefined => data.ip(key) ?? data.ip(`${key}6`)

const SCOPES: Readonly<Record<string, Address['scope']>> = {
  global: 'global',
  universe: 'global',
  site: 'site',
  link: 'link',
  host: 'host',
}

function toAddress(item: Item): AddressFacts {
  const ip = item.need('local', item.ip('local') ?? item.ip('address'))
  const bits = typeof ip === 'number' ? 32 : 128
  const length = item.number('prefixlen') ?? bits
  if (length > bits) item.fail('prefixlen', `a prefix of ${length} bits`)
  const far = item.has('local') ? item.ip('address') : undefined
  return {
    prefix: { ip, length },
    peer: far === undefined || far === ip ? undefined : { ip: far, length },
    broadcast: item.ip('broadcast'),
    scope: SCOPES[`${item.value['scope'] ?? 'global'}`] ?? 'global',
    secondary: (item.flag('secondary') ?? false) || (item.flag('temporary') ?? false),
    usable: !(item.flag('tentative') ?? false) && !(item.flag('dadfailed') ?? false),
    deprecated: item.flag('deprecated') ?? false,
    noPrefixRoute: item.flag('noprefixroute') ?? false,
  }
}
