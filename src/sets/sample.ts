import { type Ip, parseIp, printIp } from '../address/ip.js'
import { firstOf, lastOf, parsePrefix } from '../address/prefix.js'
import { CT_STATE, type Field, type FieldValue, PROTOCOLS } from '../packet/fields.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { ROOMS } from './layout.js'
import type { Space } from './space.js'

/** One packet of a set. */
export interface Sample {
  readonly family: 4 | 6
  readonly protocol: number
  readonly src: Ip
  readonly dst: Ip
  /** Ports, for protocols that have some. */
  readonly sport: number | undefined
  readonly dport: number | undefined
  readonly icmp: { readonly type: number; readonly code: number } | undefined
  readonly tcpFlags: number | undefined
  /** Empty: none. */
  readonly iif: string
  readonly oif: string
  readonly state: keyof typeof CT_STATE
  readonly mark: number
}

const ORDINARY_SOURCES = {
  4: ['198.51.100.0/24', '203.0.113.0/24', '192.0.2.0/24', '10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12', '1.0.0.0/8', '8.0.0.0/8', '64.0.0.0/2', '128.0.0.0/3'],
  6: ['2001:db8:ffff::/48', '2001:db8::/32', '2000::/3', 'fd00::/8', 'fe80::/10'],
} as const // biome-ignore format: a table
const ORDINARY_PORTS = [80, 443, 22, 53, 8080, 3306, 5432]

type Wish = (space: Space) => Node

const values =
  (field: Field, ...ranges: readonly (FieldValue | readonly [FieldValue, FieldValue])[]): Wish =>
  (space) =>
    space.in(
      field,
      ranges.map((one) => (typeof one === 'object' ? one : [one, one])),
    )
const either =
  (of: (family: 4 | 6) => Wish): Wish =>
  (space) =>
    of(space.family)(space)
const ends = (field: 'saddr' | 'daddr'): readonly Wish[] =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) =>
    either((family) => {
      const text = ORDINARY_SOURCES[family][i] ?? ORDINARY_SOURCES[family][0]
      const prefix = parsePrefix(text)!
      const name: Field = family === 4 ? `ip.${field}` : `ip6.${field}`
      // not the network's own address, where there is another
      return values(name, [
        typeof prefix.ip === 'number' ? (firstOf(prefix) as number) + 9 : BigInt(firstOf(prefix)) + 9n,
        lastOf(prefix),
      ])
    }),
  )

/** Not the first nor the last address of a network. */
const lastByte =
  (end: 'saddr' | 'daddr'): Wish =>
  (space) =>
    space.bitsIn(space.bitsOf(space.family === 4 ? `ip.${end}` : `ip6.${end}`).slice(-8), [[2, 254]])

/** What makes a packet an ordinary one, the most telling first: a wish that cannot be met is dropped. */
const WISHES: readonly Wish[] = [
  values('frag.offset', 0),
  values('frag.more', 0),
  (space) => space.bitsIn(space.layout.cell('room'), [[ROOMS.length - 1, ROOMS.length - 1]]),
  values('ct.state', CT_STATE.NEW),
  values('meta.l4proto', 6, 17, 1, 58),
  values('meta.l4proto', 6),
  values('meta.l4proto', 17),
  values('tcp.flags', 2),
  values('tcp.doff', 5),
  values('meta.mark', 0),
  values('ip.ttl', [2, 255]),
  values('ip.ttl', 64),
  ...ORDINARY_PORTS.map((port) => values('th.dport', port)),
  values('th.dport', [1, 65535]),
  ...ends('daddr'),
  ...ends('saddr'),
  values('th.sport', [40000, 40999]),
  values('th.sport', [32768, 60999]),
  values('th.sport', [1, 65535]),
  lastByte('daddr'),
  lastByte('saddr'),
  values('meta.pkttype', 0),
  values('socket.exists', 0),
] // biome-ignore format: a table

/** Some packet of a set, as ordinary as one can be; `wishes` come before everything else. Undefined: there is none. */
export const sampleOf = (space: Space, set: Node, wishes: readonly Node[] = []): Sample | undefined =>
  pickOne(space, set, wishes)?.sample

/** As `sampleOf`; `packet`: the set that holds it alone. */
export function pickOne(
  space: Space,
  set: Node,
  wishes: readonly Node[] = [],
): { readonly sample: Sample; readonly packet: Node } | undefined {
  const { bdd, family } = space
  let left = bdd.and(set, space.valid)
  if (left === EMPTY) return undefined
  const wish = (node: Node) => {
    const met = bdd.and(left, node)
    if (met !== EMPTY) left = met
  }
  for (const node of wishes) wish(node)
  // ICMP has an echo request where it can
  for (const one of WISHES) wish(one(space))
  const assigned = bdd.any(left)
  const read = (field: Field): bigint =>
    space
      .bitsOf(field)
      .reduce((sum: bigint, bit) => (sum << 1n) | BigInt(typeof bit === 'number' ? (assigned.get(bit) ?? 0) : 1), 0n)
  const number = (field: Field) => Number(read(field))
  const protocol = number('meta.l4proto')
  const ip = (field: 'saddr' | 'daddr'): Ip => (family === 4 ? number(`ip.${field}`) : read(`ip6.${field}`))
  const ported = [6, 17, 33, 132, 136].includes(protocol)
  const state = number('ct.state')
  let packet: Node = FULL
  for (let level = space.layout.levels - 1; level >= 0; level--)
    packet = assigned.get(level) === 1 ? bdd.node(level, EMPTY, packet) : bdd.node(level, packet, EMPTY)
  const sample: Sample = {
    family,
    protocol,
    src: ip('saddr'),
    dst: ip('daddr'),
    sport: ported ? number('th.sport') : undefined,
    dport: ported ? number('th.dport') : undefined,
    icmp: protocol === 1 || protocol === 58 ? { type: number('icmp.type'), code: number('icmp.code') } : undefined,
    tcpFlags: protocol === 6 ? number('tcp.flags') : undefined,
    iif: space.names.nameOf(number('meta.iifname')),
    oif: space.names.nameOf(number('meta.oifname')),
    state: (Object.entries(CT_STATE).find(([, bit]) => bit === state)?.[0] ?? 'INVALID') as Sample['state'],
    mark: number('meta.mark'),
  }
  return { sample, packet }
}

const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr']

/** `place`: the namespace where it arrives, if that must be said. The sample in the packet language: `tcp 198.51.100.9:40000 > 10.0.0.5:443 syn in eth0`. */
export function sampleText(sample: Sample, place?: string): string {
  const end = (ip: Ip, port: number | undefined) => {
    const host = printIp(ip)
    return port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`
  }
  const { protocol, icmp, tcpFlags } = sample
  const words = [PROTOCOLS[protocol] === 'ipv6-icmp' ? 'icmp6' : (PROTOCOLS[protocol] ?? `proto ${protocol}`)]
  words.push(end(sample.src, sample.sport), '>', end(sample.dst, sample.dport))
  if (icmp) words.push(`type ${icmp.type} code ${icmp.code}`)
  const flags = tcpFlags === undefined ? '' : FLAGS.filter((_, bit) => (tcpFlags >> bit) & 1).join(',')
  if (flags !== '') words.push(flags)
  if (sample.mark !== 0) words.push(`mark 0x${sample.mark.toString(16)}`)
  if (sample.iif !== '') words.push(`in ${place === undefined ? '' : `${place}:`}${sample.iif}`)
  if (sample.state !== 'NEW') words.push(`ctstate ${sample.state}`)
  return words.join(' ')
}

/** A wish for an address: the packets that have it, of either family's text. */
export const addressIs = (space: Space, end: 'saddr' | 'daddr', text: string): Node =>
  space.equals(space.family === 4 ? `ip.${end}` : `ip6.${end}`, parseIp(text)!)
