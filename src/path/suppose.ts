import { printIfName } from '../address/ifname.js'
import { bitsOf, type Family, familyOf, type Ip, parseIp, printIp } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'
import type { FieldsRequest, PacketRequest } from '../packet/request.js'
import type { Route } from '../routing/types.js'
import type { Condition } from '../rules/condition.js'
import type { Ranges } from '../rules/value.js'
import { findPlace, QuestionError } from './resolve.js'
import type { Trail } from './trail.js'
import type { Hosts, Link, Namespace } from './world.js'
import { placeName } from './world.js'

/** One of the hosts that a snapshot without interfaces, addresses and routes could be of. */
export interface Supposed {
  readonly hosts: Hosts
  /** Is the packet's destination an address of the host? */
  readonly local: boolean
  /** By which interface leaves what is not for the host. */
  readonly out: string
  /** Of that interface, made up. */
  readonly address: string
}

/** What no rule names. */
export const OTHER_INTERFACE = 'other0'

/** RFC 5737, RFC 3849. */
const MADE_UP: Readonly<Record<Family, string>> = { 4: '192.0.2.254', 6: '2001:db8::fe' }

/**
 * Rules alone (`iptables-save`, `iptables -L` in a ticket) do not say which addresses the host has and by which interface it forwards. Whether that matters is
 * found by asking each: the packet is for the host or is forwarded, by each interface that rules tell apart. Undefined: more is known than rules.
 */
export function suppositions(hosts: Hosts, request: PacketRequest): readonly Supposed[] | undefined {
  if (request.is !== 'fields' || !('ip' in request.dst)) return undefined
  const namespace = questioned(hosts, request)
  if (!namespace) return undefined
  const dst = request.dst.ip
  const family = familyOf(dst)
  const src = request.src && 'ip' in request.src ? request.src.ip : undefined
  if (src === undefined)
    throw new QuestionError(
      `which addresses ${placeName(namespace)} has is not known (ip addr tells): say who sends, PROTO SRC > DST`,
    )
  const own = request.in === undefined ? src : undefined
  const outs = outgoing(namespace, family).filter((name) => name !== request.in)
  return [true, false].flatMap((local) =>
    outs.map((out) => {
      const links = [loopback(), link(out, 2, own ?? parseIp(MADE_UP[family])!)]
      if (request.in !== undefined) links.push(link(request.in, 3, local ? dst : undefined))
      const changed: Namespace = {
        ...namespace,
        links,
        routes: [
          ...(local ? [route('local', dst, request.in ?? 'lo')] : []),
          ...links.flatMap(({ name, addresses }) => addresses.map(({ prefix }) => route('local', prefix.ip, name))),
          ...(request.in === undefined ? [] : [route('unicast', src, request.in)]),
          everything(family, out),
        ],
        sysctls: namespace.sysctls ?? new Map([[FORWARDING[family], '1']]),
      }
      const namespaces = hosts.namespaces.map((one) => (one === namespace ? changed : one))
      return {
        hosts: { ...hosts, namespaces },
        local,
        out,
        address: own === undefined ? MADE_UP[family] : printIp(own),
      }
    }),
  )
}

const FORWARDING: Readonly<Record<Family, string>> = {
  4: 'net.ipv4.ip_forward',
  6: 'net.ipv6.conf.all.forwarding',
}

/** The namespace that the question is about, if rules are all that is known of it. */
function questioned(hosts: Hosts, request: FieldsRequest): Namespace | undefined {
  const [, where] = /^(?:(.*):)?[^:]+$/.exec(request.in ?? '') ?? []
  const named = request.from ?? where
  const [only, ...more] = hosts.namespaces
  const namespace = named !== undefined ? findPlace(hosts, named) : more.length === 0 ? only : undefined
  if (namespace === undefined || namespace.links.length > 0 || namespace.routes.length > 0) return undefined
  return request.in !== undefined || request.from !== undefined ? namespace : undefined
}

/** Interfaces that rules tell apart: one of each name or beginning that `-o` has, and one that none names. */
function outgoing({ tables }: Namespace, family: Family): readonly string[] {
  const names = new Set([OTHER_INTERFACE])
  const collect = (ranges: Ranges) => {
    for (const [from, to] of ranges) {
      const name = printIfName(BigInt(from))
      if (name !== '') names.add(from === to ? name : `${name}0`.slice(0, 15))
    }
  }
  const ask = (condition: Condition): void => {
    if (condition.is === 'in' && condition.value === 'meta.oifname') collect(condition.ranges)
    else if (condition.is === 'not' || condition.is === 'drop-if') ask(condition.of)
    else if (condition.is === 'all' || condition.is === 'any') for (const part of condition.of) ask(part)
  }
  for (const table of tables)
    if (table.family === family)
      for (const chain of table.chains.values())
        for (const rule of chain.rules) for (const step of rule.steps) if ('if' in step) ask(step.if)
  names.delete('lo')
  return [...names]
}

const whole = (ip: Ip): Prefix => ({ ip, length: bitsOf(familyOf(ip)) })

function route(type: 'local' | 'unicast', ip: Ip, dev: string): Route {
  return {
    type,
    destination: whole(ip),
    table: type === 'local' ? 'local' : 'main',
    metric: 0,
    tos: 0,
    scope: type === 'local' ? 'host' : 'link',
    source: undefined,
    nexthops: [{ gateway: undefined, dev, weight: 1, onlink: false, dead: false }],
    mtu: undefined,
    text: `${type === 'local' ? 'local ' : ''}${printIp(ip)} dev ${dev}`,
  }
}

const everything = (family: Family, dev: string): Route => ({
  ...route('unicast', family === 4 ? 0 : 0n, dev),
  destination: { ip: family === 4 ? 0 : 0n, length: 0 },
  text: `default dev ${dev}`,
})

function link(name: string, index: number, address: Ip | undefined): Link {
  const known = address !== undefined && {
    prefix: whole(address),
    peer: undefined,
    broadcast: undefined,
    scope: 'global' as const,
    secondary: false,
    usable: true,
    deprecated: false,
  }
  return {
    name,
    index,
    kind: 'ether',
    kindText: '',
    mac: 0x020000000000 + index,
    mtu: 1500,
    up: true,
    carrier: true,
    arp: true,
    addresses: known ? [known] : [],
    master: undefined,
    port: undefined,
    bridge: undefined,
    vxlan: undefined,
    peerIndex: undefined,
    peerNetnsId: undefined,
    group: 0,
  }
}

const loopback = (): Link => ({ ...link('lo', 1, undefined), kind: 'loopback', mac: 0, mtu: 65536, arp: false })

/** An answer with several ways that it may go. */
export interface Answer<B> {
  readonly packet: Trail['packet']
  readonly assumptions: readonly string[]
  readonly branches: readonly B[]
}

/** What every way has. */
export interface Supposable {
  readonly probability: number
  readonly supposing?: string
}

/**
 * The answer for each supposition, as one. Those that come to the same (`outcomeOf`) are told once. `sourceOf`: the source that the receiver sees, which may be
 * the one that was made up.
 */
export function answerEach<B extends Supposable>(
  supposed: readonly Supposed[],
  ask: (hosts: Hosts) => Answer<B>,
  outcomeOf: (branch: B) => string,
  sourceOf: (branch: B) => string,
): Answer<B> {
  const asked = supposed.map((one) => ({ ...one, answer: ask(one.hosts) }))
  const { packet, assumptions } = asked[0]!.answer
  const place = packet.from ?? ''
  const groups = new Map<string, typeof asked>()
  for (const one of asked) {
    const key = `${one.local} ${one.answer.branches.map(outcomeOf).join()}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const outs = asked.filter(({ local }) => local).length
  const branches = [...groups.values()].flatMap((group) => {
    const { local, answer } = group[0]!
    const sends = packet.in === undefined ? 'sends it out' : 'forwards it'
    const way = local ? `${packet.dst} is an address of ${place}` : `${place} ${sends}`
    const outside = group.map(({ out }) => named(out)).join(', ')
    const by = group.length === outs ? '' : `${local ? ', which forwards' : ''} by ${outside}`
    return answer.branches.map((branch) => ({
      ...branch,
      probability: branch.probability / groups.size,
      supposing: `${way}${by}`,
    }))
  })
  const made = asked.filter(
    ({ answer, address }) => address !== packet.src && answer.branches.some((branch) => sourceOf(branch) === address),
  )
  return {
    packet,
    assumptions: [
      `${place}: no interfaces, addresses and routes are known: each way that they could be is walked`,
      ...assumptions.filter((text) => !(text.startsWith(place) && / no (ip|sysctl) | answers on /.test(text))),
      ...(assumptions.some((text) => text.startsWith(`${place}: no sysctl `))
        ? [`${place}: no sysctl file: taken to forward, rp_filter and bridge-nf-call-iptables as 0`]
        : []),
      ...new Set(made.map(({ address }) => `${address} is made up: the addresses of ${place} are not known`)),
    ],
    branches,
  }
}

const named = (name: string): string => (name === OTHER_INTERFACE ? 'an interface that no rule names' : name)
