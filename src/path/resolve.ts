import { type Family, familyOf, type Ip, printIp } from '../address/ip.js'
import type { Endpoint, FieldsRequest } from '../packet/request.js'
import { portOf } from './layer2.js'
import type { Run } from './run.js'
import type { Hosts, Link, Namespace, Place } from './world.js'
import { placeName } from './world.js'

/** What a question got wrong: told like any other bad input. */
export class QuestionError extends Error {}

/** Where a packet begins, and between which addresses it runs. */
export interface Start {
  readonly place: Place
  /** It arrives on this interface; absent: it is generated here. */
  readonly in: string | undefined
  /** Absent: the kernel's source selection decides. */
  readonly src: Ip | undefined
  readonly dst: Ip
}

/** `node1`, `node1/web`; also `web` where only one namespace of all is called so. */
export function findPlace(hosts: Hosts, name: string): Namespace | undefined {
  const exact = hosts.namespaces.find((namespace) => placeName(namespace) === name)
  const called = hosts.namespaces.filter(({ namespace }) => namespace === name)
  return exact ?? (called.length === 1 ? called[0] : undefined)
}

export function ownerOf(hosts: Hosts, ip: Ip): { namespace: Namespace; link: Link } | undefined {
  for (const namespace of hosts.namespaces)
    for (const link of namespace.links)
      if (link.kind !== 'loopback' && link.addresses.some(({ prefix }) => prefix.ip === ip)) return { namespace, link }
  return undefined
}

/** The address that a name of the snapshot stands for: its first global one of the family. */
function addressOfName(hosts: Hosts, name: string, family: Family): Ip {
  const namespace = findPlace(hosts, name)
  if (!namespace) throw new QuestionError(`nothing in the snapshot is called "${name}"${known(hosts)}`)
  for (const link of namespace.links)
    for (const address of link.addresses)
      if (address.scope === 'global' && familyOf(address.prefix.ip) === family) return address.prefix.ip
  throw new QuestionError(`${name} has no IPv${family} address`)
}

const known = (hosts: Hosts): string => `: it holds ${hosts.namespaces.map(placeName).slice(0, 12).join(', ')}`

function familyOfRequest(request: FieldsRequest): Family {
  for (const end of [request.dst, request.src]) if (end && 'ip' in end) return familyOf(end.ip)
  return request.protocol === 58 ? 6 : 4
}

export function resolve(run: Run, request: FieldsRequest): Start {
  const { hosts } = run
  const family = familyOfRequest(request)
  const address = (end: Endpoint): Ip => ('ip' in end ? end.ip : addressOfName(hosts, end.name, family))
  const dst = address(request.dst)
  const src = request.src && address(request.src)
  if (src !== undefined && familyOf(src) !== familyOf(dst))
    throw new QuestionError(`${printIp(src)} and ${printIp(dst)} are of two families`)
  if (request.in !== undefined) return { ...arrival(run, request, src, dst), src, dst }
  return { ...origin(run, request, src, dst), src, dst }
}

/** `in IFACE`: the namespace that has it; among several the one that the packet is for or that routes it there. */
function arrival(run: Run, request: FieldsRequest, src: Ip | undefined, dst: Ip): Pick<Start, 'place' | 'in'> {
  const { hosts } = run
  const [, where, name] = /^(?:(.*):)?([^:]+)$/.exec(request.in ?? '') ?? []
  const named = request.from ?? where
  const only = named === undefined ? undefined : findPlace(hosts, named)
  if (named !== undefined && !only)
    throw new QuestionError(`nothing in the snapshot is called "${named}"${known(hosts)}`)
  const having = (only ? [only] : hosts.namespaces).filter(({ links }) => links.some((link) => link.name === name))
  if (having.length === 0) {
    const names = (only ? [only] : hosts.namespaces).flatMap(({ links }) => links.map((link) => link.name))
    throw new QuestionError(
      `no interface is called "${name}": ${names.length === 0 ? 'the snapshot lists none (ip addr does)' : `there are ${[...new Set(names)].slice(0, 12).join(', ')}`}`,
    )
  }
  if (src === undefined) throw new QuestionError('a packet that arrives has a source address: PROTO SRC > DST in IFACE')
  // a packet from outside comes in where a wire leads outside, not at the far end of a container's veth
  const isOpen = ({ host, namespace }: Namespace) => run.layer2.isOpen({ host, namespace, link: name! })
  const open = having.filter(isOpen)
  const candidates = open.length > 0 ? open : having
  const owner = ownerOf(hosts, dst)?.namespace
  const place =
    candidates.find((namespace) => namespace === owner) ??
    candidates.find(({ host, namespace }) => namespace === '' && host === owner?.host) ??
    candidates.find(({ namespace }) => namespace === '') ??
    candidates[0]!
  const others = candidates.filter((namespace) => namespace !== place)
  if (others.length > 0 && place !== owner)
    run.assume(`${name} is taken to be that of ${placeName(place)} (also in ${others.map(placeName).join(', ')})`)
  return { place, in: name }
}

/** Without `in`: generated where `from` says or where the source address lives; a source that nobody owns comes from outside. */
function origin(run: Run, request: FieldsRequest, src: Ip | undefined, dst: Ip): Pick<Start, 'place' | 'in'> {
  const { hosts } = run
  if (request.from !== undefined) {
    const place = findPlace(hosts, request.from)
    if (!place) throw new QuestionError(`nothing in the snapshot is called "${request.from}"${known(hosts)}`)
    return { place, in: undefined }
  }
  if (request.src && 'name' in request.src) return { place: findPlace(hosts, request.src.name)!, in: undefined }
  const owner = src === undefined ? undefined : ownerOf(hosts, src)
  if (owner) return { place: owner.namespace, in: undefined }
  const roots = hosts.namespaces.filter(({ namespace }) => namespace === '')
  if (src === undefined || (typeof src === 'number' && src >>> 24 === 127)) {
    const [only, ...more] = roots.length > 0 ? roots : hosts.namespaces
    if (!only) throw new QuestionError('the snapshot holds no host')
    if (more.length > 0) throw new QuestionError(`who sends it? Add "from HOST"${known(hosts)}`)
    return { place: only, in: undefined }
  }
  return outside(run, src, dst, roots)
}

/** A sender outside of the snapshot: it comes in where the receiving host's route back to it leads out. */
function outside(run: Run, src: Ip, dst: Ip, roots: readonly Namespace[]): Pick<Start, 'place' | 'in'> {
  const target = ownerOf(run.hosts, dst)
  const candidates = target && run.layer2.isOpen(portOf(target)) ? [target.namespace] : roots
  for (const place of candidates) {
    const dev = run.netns(place).deviceTowards(src)
    if (dev === undefined) continue
    const open = run.layer2.isOpen({ host: place.host, namespace: place.namespace, link: dev })
    if (!open && candidates.length > 1) continue
    run.assume(
      `${printIp(src)} is outside: it is taken to arrive on ${dev} of ${placeName(place)}, where the route back to it leads`,
    )
    return { place, in: dev }
  }
  throw new QuestionError(`where does ${printIp(src)} come in? Add "in IFACE" or "from HOST"`)
}
