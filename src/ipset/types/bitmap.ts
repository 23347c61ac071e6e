import type { Ip } from '../../address/ip.js'
import { type Data, type DataKey, KernelError } from '../data.js'
import type { Element } from '../element.js'
import { printAddress, printEther } from '../print.js'
import { span } from '../ranges.js'
import {
  ADD,
  address,
  asIs,
  BITMAP_KEEPS,
  cut,
  type Header,
  hostLength,
  mac,
  noLengths,
  port,
  type SetType,
} from '../type.js'

const bitmap = { kind: 'bitmap', nomatch: false, lengths: noLengths, masked: asIs, words: () => [] } as const
const IP_RANGE: readonly DataKey[] = ['ip', 'ipTo']
const PORT_RANGE: readonly DataKey[] = ['port', 'portTo']
const OLD_RANGE = ['from-ip', 'to-ip', 'network'] as const

const within = ({ first, last }: Header, value: number): number => {
  if (value < first || value > last) throw new KernelError('BITMAP_RANGE')
  return value
}

/** How many addresses one place stands for. */
export const step = ({ netmask }: Header): number => 2 ** (32 - (netmask ?? 32))

/** net/netfilter/ipset/ip_set_bitmap_ip.c */
export const bitmapIp: SetType = {
  ...bitmap,
  name: 'bitmap:ip',
  aliases: ['ipmap'],
  revision: 3,
  families: 'inet',
  parts: [{ read: 'ip', print: ({ ip }) => printAddress(ip!) }],
  options: { create: ['range', 'netmask', ...BITMAP_KEEPS, ...OLD_RANGE], add: ADD, del: [], test: [] },
  allowed: { create: IP_RANGE, add: IP_RANGE, del: IP_RANGE, test: ['ip'] },
  needed: { create: IP_RANGE, add: ['ip'], del: ['ip'], test: ['ip'] },
  *elements(header, { ip, ipTo, cidr }: Data, adt) {
    const from = within(header, ip as number)
    const [low, high] = adt === 'test' ? [from, from] : span(from, ipTo, cidr)
    if (low < header.first && ipTo !== undefined) throw new KernelError('BITMAP_RANGE')
    if (high > header.last) throw new KernelError('BITMAP_RANGE')
    // below the first place only a prefix reaches; its places are beyond the bitmap
    if (low < header.first) throw new KernelError('BITMAP_RANGE')
    for (let one = low; one <= high; one += step(header)) yield { ip: cut(one, header.netmask ?? 32) }
  },
  key: ([one], family) => [address(one, family)],
  fromKey(header, [ip]) {
    const value = Number(ip)
    return value < header.first || value > header.last ? undefined : { ip: cut(value, header.netmask ?? 32) }
  },
  print: ({ ip }) => printAddress(ip!),
}

/** net/netfilter/ipset/ip_set_bitmap_ipmac.c */
export const bitmapIpMac: SetType = {
  ...bitmap,
  name: 'bitmap:ip,mac',
  aliases: ['macipmap'],
  revision: 3,
  families: 'inet',
  lastOptional: true,
  parts: [
    { read: 'single-ip', print: ({ ip }) => printAddress(ip!) },
    { read: 'ether', print: ({ mac: value }) => (value === undefined ? '' : printEther(value)) },
  ],
  options: { create: ['range', ...BITMAP_KEEPS, ...OLD_RANGE], add: ADD, del: [], test: [] },
  allowed: { create: IP_RANGE, add: ['ip', 'ether'], del: ['ip', 'ether'], test: ['ip', 'ether'] },
  needed: { create: IP_RANGE, add: ['ip'], del: ['ip'], test: ['ip'] },
  *elements(header, { ip, ether }) {
    yield { ip: within(header, ip as number), mac: ether }
  },
  key: ([one, two], family) => [address(one, family), mac(two)],
  fromKey({ first, last }, [ip, value]) {
    return Number(ip) < first || Number(ip) > last || value === 0 ? undefined : { ip: Number(ip), mac: Number(value) }
  },
  print: ({ ip, mac: value }) =>
    value === undefined ? printAddress(ip!) : `${printAddress(ip!)},${printEther(value)}`,
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17])

/** net/netfilter/ipset/ip_set_bitmap_port.c */
export const bitmapPort: SetType = {
  ...bitmap,
  name: 'bitmap:port',
  aliases: ['portmap'],
  revision: 3,
  families: 'none',
  parts: [{ read: 'tcp-udp-port', print: ({ port: value }) => `${value}` }],
  options: { create: ['port-range', ...BITMAP_KEEPS, 'from-port', 'to-port'], add: ADD, del: [], test: [] },
  allowed: { create: PORT_RANGE, add: PORT_RANGE, del: PORT_RANGE, test: ['port'] },
  needed: { create: PORT_RANGE, add: ['port'], del: ['port'], test: ['port'] },
  *elements(header, { port: from = 0, portTo = from }, adt): Generator<Element> {
    within(header, from)
    const [low, high] = adt === 'test' ? [from, from] : [Math.min(from, portTo), Math.max(from, portTo)]
    within(header, low)
    within(header, high)
    for (let one = low; one <= high; one++) yield { port: one }
  },
  key: ([one]) => port(one),
  fromKey({ first, last }, [protocol, value]) {
    const number = Number(value)
    return !WITH_PORTS.has(Number(protocol)) || number < first || number > last ? undefined : { port: number }
  },
  print: ({ port: value }) => `${value}`,
}

/** IPSET_BITMAP_MAX_RANGE */
const MOST = 0xffff

/** The ends of a bitmap, and how many places it has; what a creation says. */
export function bitmapRange(type: SetType, data: Data): { readonly first: number; readonly last: number } {
  if (type.name === 'bitmap:port') {
    const [one, other] = [data.port!, data.portTo!]
    return { first: Math.min(one, other), last: Math.max(one, other) }
  }
  const { ip, ipTo, cidr, netmask } = data
  if (ipTo === undefined && (cidr === undefined || cidr >= 32))
    throw new KernelError(cidr === undefined ? 'PROTOCOL' : 'INVALID_CIDR')
  let [first, last] =
    cidr === 0 && ipTo === undefined ? [0, 0xffffffff] : span(ip as number, ipTo as Ip | undefined, cidr)
  if (netmask === undefined || type.name !== 'bitmap:ip' || netmask === 32) {
    if (last - first > MOST) throw new KernelError('BITMAP_RANGE_SIZE')
    return { first, last }
  }
  first = cut(first, netmask)
  last = cut(last, netmask) + 2 ** (hostLength(4) - netmask) - 1
  const length = prefixOf(first, last)
  if (length === undefined || netmask <= length) throw new KernelError('BITMAP_RANGE')
  if (2 ** (netmask - length) > MOST + 1) throw new KernelError('BITMAP_RANGE_SIZE')
  return { first, last }
}

/** range_to_mask: the length of the prefix that holds the range from its first address on; not shorter than 0. */
function prefixOf(first: number, last: number): number | undefined {
  for (let length = 31; length > 0; length--) if (cut(last, length) === first) return length
  return first === 0 && last === 0xffffffff ? 0 : undefined
}
