import { type Ip, parseIp } from '../address/ip.js'
import type { Device, IpTunnel } from '../path/device.js'
import type { Item } from './item.js'

const CTAG = 0x8100
const STAG = 0x88a8
const TUNNELS: ReadonlySet<string> = new Set(['gre', 'gretap', 'ipip', 'sit', 'ip6tnl', 'ip6gre', 'ip6gretap'])

/** What a link's `info_data` says of its kind. Source: iproute2's ip/iplink_*.c, ip/link_gre.c, ip/link_iptnl.c (the print_opt functions). */
export function deviceOf(kind: string, data: Item): Device | undefined {
  if (TUNNELS.has(kind)) return tunnelOf(kind, data)
  switch (kind) {
    case 'vlan':
      return {
        is: 'vlan',
        id: data.need('id', data.number('id')),
        tpid: data.text('protocol')?.toLowerCase() === '802.1ad' ? STAG : CTAG,
      }
    case 'bond':
      return { is: 'bond', mode: data.text('mode') ?? 'balance-rr', active: data.text('active_slave') }
    case 'macvlan':
    case 'macvtap':
      return { is: 'macvlan', mode: data.text('mode') ?? 'vepa' }
    case 'ipvlan':
      return { is: 'ipvlan', mode: data.text('mode') ?? 'l3' }
    case 'vrf':
      return data.has('table') ? { is: 'vrf', table: `${data.number('table')}` } : undefined
    default:
      return undefined
  }
}

function tunnelOf(kind: string, data: Item): IpTunnel {
  const odd = ['external', 'iseq', 'oseq', 'icsum', 'ocsum'].filter((key) => data.flag(key))
  return {
    is: 'tunnel',
    kind,
    local: endOf(data, 'local'),
    remote: endOf(data, 'remote'),
    dev: data.text('link'),
    ttl: digits(data, 'ttl') ?? 0,
    tos: data.value['tos'] === 'inherit' ? undefined : Number(data.value['tos'] ?? 0) || 0,
    df: data.flag('pmtudisc') ?? true,
    inputKey: keyOf(data, 'ikey'),
    outputKey: keyOf(data, 'okey'),
    other: odd.length === 0 ? undefined : odd.join(', '),
  }
}

const digits = (data: Item, key: string): number | undefined =>
  /^\d+$/.test(`${data.value[key] ?? ''}`) ? data.number(key) : undefined

/** `any`, and what iproute2 prints for it, is no address. */
function endOf(data: Item, key: string): Ip | undefined {
  const text = data.text(key)
  if (text === undefined || text === 'any') return undefined
  const ip = data.ip(key)
  return ip === 0 || ip === 0n ? undefined : ip
}

/** A key is printed as a number or as an address. */
function keyOf(data: Item, key: string): number | undefined {
  if (!data.has(key)) return undefined
  const value = data.value[key]
  const ip = typeof value === 'string' ? parseIp(value) : undefined
  return typeof ip === 'number' ? ip : data.number(key)
}

/** Of a bond's port: the one in use. All ports of other modes than active-backup are. */
export function isActive(data: Item | undefined): boolean | undefined {
  const state = data?.text('state')
  return state === undefined ? undefined : state.toUpperCase() === 'ACTIVE'
}
