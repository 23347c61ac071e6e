import { parseIp } from '../../address/ip.js'
import type { ArpField } from '../../packet/arp.js'
import { THERE } from '../../packet/probe.js'
import {
  all,
  any,
  type Condition,
  equals,
  inRanges,
  invertedIf,
  masked,
  not,
  probed,
  type Value,
} from '../../rules/condition.js'
import { addressIn } from '../address-condition.js'
import type { AddressMask } from '../address-mask.js'
import { type FrameKind, inField, lowerMac, type MacMask, NEVER } from './option.js'

/** Options of a match as they were given. */
export type Own = ReadonlyMap<string, { readonly value: unknown; readonly inverted: boolean }>

/** What an option asks, inverted or not; nothing where it was not given. */
function asked(own: Own, flag: string, condition: (value: never) => Condition): readonly Condition[] {
  const given = own.get(flag)
  return given ? [invertedIf(given.inverted, condition(given.value as never))] : []
}

const has = (own: Own, ...flags: readonly string[]): boolean => flags.some((flag) => own.has(flag))

/** The packet holds these bytes: a value that is not there is in no range. */
const present = (value: Value, bits: number): Condition => inRanges(value, [[0, 2 ** bits - 1]])

/** Bytes behind the Ethernet header and the first tag, of any frame. */
const octets = (at: number, bytes: 1 | 2 | 3 | 4 | 6): Value => probed({ find: 'payload', at, bytes, ip: true })

const unknown = (text: string, needs: string): Condition => ({ is: 'unknown', text, needs })

type Span = readonly [number, number]
const inSpan =
  (value: Value) =>
  (span: Span): Condition =>
    inRanges(value, [span])

interface IcmpSpans {
  readonly types: Span
  readonly codes: Span
}

const icmp = ({ types, codes }: IcmpSpans): Condition => all(inField('icmp.type', types), inField('icmp.code', codes))

/** net/bridge/netfilter/ebt_ip.c: ebt_ip_mt. */
export function lowerIp(own: Own, kind: FrameKind): Condition {
  if (kind !== 4) return NEVER
  const transport = [
    ...asked(own, '--ip-dport', inSpan('th.dport')),
    ...asked(own, '--ip-sport', inSpan('th.sport')),
    ...asked(own, '--ip-icmp-type', icmp),
    ...asked(own, '--ip-igmp-type', (type: number) => equals('icmp.type', type)),
  ]
  return all(
    ...asked(own, '--ip-tos', (value: number) => equals('ip.tos', value)),
    ...asked(own, '--ip-src', (value: AddressMask) => addressIn('ip.saddr', value)),
    ...asked(own, '--ip-dst', (value: AddressMask) => addressIn('ip.daddr', value)),
    ...asked(own, '--ip-proto', (value: number) => equals('meta.l4proto', value)),
    ...(transport.length > 0 ? [equals('frag.offset', 0), present('th.dport', 16), ...transport] : []),
  )
}

const FRAGMENT = 44
const NO_NEXT = 59

/** ipv6_skip_exthdr: of a later fragment it tells the fragment header, and it finds nothing where there is no next header. */
const protocol6 = (value: number): Condition =>
  any(
    all(equals('frag.offset', 0), equals('meta.l4proto', value)),
    all(not(equals('frag.offset', 0)), value === FRAGMENT ? all() : NEVER),
  )

/** net/bridge/netfilter/ebt_ip6.c: ebt_ip6_mt. */
export function lowerIp6(own: Own, kind: FrameKind): Condition {
  if (kind !== 6) return NEVER
  const transport = [
    ...asked(own, '--ip6-dport', inSpan('th.dport')),
    ...asked(own, '--ip6-sport', inSpan('th.sport')),
    ...asked(own, '--ip6-icmp-type', icmp),
  ]
  return all(
    ...asked(own, '--ip6-tclass', (value: number) => equals('ip.tos', value)),
    ...asked(own, '--ip6-src', (value: AddressMask) => addressIn('ip6.saddr', value)),
    ...asked(own, '--ip6-dst', (value: AddressMask) => addressIn('ip6.daddr', value)),
    ...(own.has('--ip6-proto') ? [equals('ip6.chain', 1), not(equals('meta.l4proto', NO_NEXT))] : []),
    ...asked(own, '--ip6-proto', protocol6),
    ...(transport.length > 0 ? [present('th.dport', 16), ...transport] : []),
  )
}

const arp = (field: ArpField): Value => probed({ find: 'arp', field })

/** net/bridge/netfilter/ebt_arp.c: ebt_arp_mt. */
export function lowerArp(own: Own, kind: FrameKind): Condition {
  if (kind !== 'other') return NEVER
  const byField = (flag: string, field: ArpField) => asked(own, flag, (value: number) => equals(arp(field), value))
  const address = (find: 'arp-sender' | 'arp-target') => (value: AddressMask) => addressIn(probed({ find }), value)
  const target = probed({ find: 'arp-target-mac' })
  const ip = has(own, '--arp-ip-src', '--arp-ip-dst', '--arp-gratuitous')
  const hardware = has(own, '--arp-mac-src', '--arp-mac-dst')
  return all(
    present(arp('opcode'), 16),
    ...byField('--arp-op', 'opcode'),
    ...byField('--arp-htype', 'htype'),
    ...byField('--arp-ptype', 'ptype'),
    ...(ip ? [equals(arp('plen'), 4), equals(arp('ptype'), 0x0800), present(probed({ find: 'arp-target' }), 32)] : []),
    ...asked(own, '--arp-ip-src', address('arp-sender')),
    ...asked(own, '--arp-ip-dst', address('arp-target')),
    ...asked(own, '--arp-gratuitous', () => equals(probed({ find: 'arp-gratuitous' }), THERE)),
    ...(hardware ? [equals(arp('hlen'), 6), equals(arp('htype'), 1)] : []),
    ...(own.has('--arp-mac-src') ? [present(arp('sha'), 48)] : []),
    ...asked(own, '--arp-mac-src', (value: MacMask) => lowerMac(arp('sha'))(value)),
    ...(own.has('--arp-mac-dst') ? [present(target, 48)] : []),
    ...asked(own, '--arp-mac-dst', (value: MacMask) => lowerMac(target)(value)),
  )
}

const SNAP = 0xaa
const UNNUMBERED = 3

/** net/bridge/netfilter/ebt_802_3.c: ebt_802_3_mt. It reads on behind the end of short frames, and the type of numbered ones a byte too late. */
export function lower8023(own: Own): Condition {
  const sap = own.get('--802_3-sap')
  const both = (value: number) =>
    [octets(1, 1), octets(0, 1)].map((one) => invertedIf(sap!.inverted, equals(one, value)))
  const long = all(not(equals(masked(octets(2, 1), UNNUMBERED), 0)), present(octets(6, 2), 16))
  const short = all(equals(masked(octets(2, 1), UNNUMBERED), 0), present(octets(8, 2), 16))
  const type = (wanted: number) =>
    any(
      all(equals(masked(octets(2, 1), UNNUMBERED), 0), equals(octets(8, 2), wanted)),
      all(not(equals(masked(octets(2, 1), UNNUMBERED), 0)), equals(octets(6, 2), wanted)),
    )
  const beyond = unknown('802_3 of a short frame', 'the kernel reads what lies behind it')
  return all(
    any(present(octets(1, 1), 8), beyond),
    ...(sap ? both(sap.value as number) : []),
    ...(own.has('--802_3-type')
      ? [equals(octets(0, 1), SNAP), equals(octets(1, 1), SNAP), any(long, short, beyond)]
      : []),
    ...asked(own, '--802_3-type', type),
  )
}

/**
 * net/bridge/netfilter/ebt_stp.c: ebt_stp_mt. Its header is a byte shorter than that of a BPDU (IEEE 802.1D clause 9.3): what it calls the type is the
 * protocol version, which has to be 0, and every other field begins a byte too early.
 */
export function lowerStp(own: Own): Condition {
  const at = (from: number, bytes: 1 | 2 | 4 | 6) => octets(from, bytes)
  const config = [...own.keys()].some((flag) => flag !== '--stp-type')
  const span = (flag: string, from: number, bytes: 2 | 4) => asked(own, flag, inSpan(at(from, bytes)))
  const mac = (flag: string, from: number) => asked(own, flag, (value: MacMask) => lowerMac(at(from, 6))(value))
  return all(
    equals(octets(0, 3), 0x424203),
    equals(octets(3, 3), 0),
    ...asked(own, '--stp-type', (value: number) => (value === 0 ? all() : NEVER)),
    ...(config ? [present(octets(35, 2), 16)] : []),
    ...asked(own, '--stp-flags', (value: number) => equals(octets(6, 1), value)),
    ...span('--stp-root-prio', 7, 2),
    ...mac('--stp-root-addr', 9),
    ...span('--stp-root-cost', 15, 4),
    ...span('--stp-sender-prio', 19, 2),
    ...mac('--stp-sender-addr', 21),
    ...span('--stp-port', 27, 2),
    ...span('--stp-msg-age', 29, 2),
    ...span('--stp-max-age', 31, 2),
    ...span('--stp-hello-time', 33, 2),
    ...span('--stp-forward-delay', 35, 2),
  )
}

/** net/bridge/netfilter/ebt_vlan.c: ebt_vlan_mt. With an id, the priority is not looked at (ebt_vlan_mt_check). */
export function lowerVlan(own: Own, kind: FrameKind): Condition {
  if (kind !== 'tagged') return NEVER
  const id = own.get('--vlan-id')
  return all(
    ...asked(own, '--vlan-id', (value: number) => equals('vlan.id', value)),
    ...(id && id.value !== 0 ? [] : asked(own, '--vlan-prio', (value: number) => equals('vlan.priority', value))),
    ...asked(own, '--vlan-encap', (value: number) => equals('vlan.encap', value)),
  )
}

/**
 * ebtables-nft makes sets of nf_tables of it (nft.c: add_nft_among). Where one pair has an IP address the frame has to hold IPv4, behind a tag perhaps; a
 * pair without one takes any.
 */
export function lowerAmong(own: Own, kind: FrameKind): Condition {
  const side = (flag: string, end: 's' | 'd', at: number): readonly Condition[] => {
    const given = own.get(flag)
    if (!given) return []
    const pairs = `${given.value}`.split(',').map((pair) => pair.split('='))
    const withIp = pairs.some(([, ip]) => ip !== undefined)
    const address = kind === 4 ? (`ip.${end}addr` as const) : octets(at, 4)
    const found = any(
      ...pairs.map(([mac = '', ip]) => {
        const own = equals(
          `ether.${end}addr`,
          mac.split(':').reduce((value, octet) => value * 256 + Number.parseInt(octet, 16), 0),
        )
        return ip === undefined ? own : all(own, equals(address, parseIp(ip) as number))
      }),
    )
    const conditions = invertedIf(given.inverted, found)
    if (!withIp) return [conditions]
    const holds = kind === 4 ? all() : kind === 'tagged' ? equals('vlan.encap', 0x0800) : NEVER
    return [holds, present(address, 32), conditions]
  }
  return all(...side('--among-src', 's', 12), ...side('--among-dst', 'd', 16))
}
