import { type Family, familyOf, type Ip, printIp } from '../address/ip.js'
import { PROTOCOLS } from '../packet/fields.js'
import type { Namespace } from '../path/world.js'
import { placeName } from '../path/world.js'
import type { Rule } from '../rules/program.js'
import type { Node } from '../sets/bdd.js'
import { type Block, blocksOf } from '../sets/blocks.js'
import { pointOf, targetFields, translating } from './translating.js'
import type { Ground } from './walk-ground.js'

/** What is asked for, as the sender writes it. */
export interface Target {
  readonly label: string
  readonly address: Ip
  readonly protocol: number
  readonly port: number
}

type Service = Omit<Target, 'label'>

/** More columns than these are not made. */
const MOST_TARGETS = 100_000
/** Values of one rule that are looked at: addresses by ports. */
const MOST_OF_A_RULE = 256

export const addressOf = ({ links }: Namespace, family: Family): Ip | undefined =>
  links
    .filter(({ kind }) => kind !== 'loopback')
    .flatMap(({ addresses }) => addresses)
    .find(({ prefix, scope }) => scope === 'global' && familyOf(prefix.ip) === family)?.prefix.ip

/** Services (what rules send elsewhere by address and port), then whatever listens for others. */
export function targetsOf(ground: Ground): readonly Target[] {
  const found = new Map<string, Target>()
  const add = (name: string, { address, protocol, port }: Service) => {
    const at = `${printIp(address).replace(/^(.*:.*)$/, '[$1]')}:${port}/${PROTOCOLS[protocol] ?? protocol}`
    if (!found.has(at) && found.size < MOST_TARGETS)
      found.set(at, { label: name === '' ? at : `${name} ${at}`, address, protocol, port })
  }
  for (const place of ground.hosts.namespaces)
    for (const [name, service] of servicesOf(ground, place)) add(name, service)
  for (const place of ground.hosts.namespaces) {
    const own = addressOf(place, ground.family)
    for (const { protocol, state, local, family, port } of place.sockets ?? []) {
      // who sends to a tunnel's port without a tunnel's header is taken in by nobody
      if (place.links.some(({ vxlan }) => vxlan?.port === port)) continue
      if (state !== 'listen' || own === undefined || (family !== 'both' && family !== ground.family)) continue
      const address = local ?? own
      const isOwn = place.links.some(
        ({ kind, addresses }) => kind !== 'loopback' && addresses.some(({ prefix }) => prefix.ip === address),
      )
      if (isOwn && (protocol === 'tcp' || protocol === 'udp'))
        add(placeName(place), { address, protocol: protocol === 'tcp' ? 6 : 17, port })
    }
  }
  return [...found.values()]
}

/** What a ruleset translates by destination address and port, named by the comment of the rule that does. */
function* servicesOf(ground: Ground, place: Namespace): Generator<readonly [name: string, service: Service]> {
  const { space, addresses } = ground
  const { scope } = ground.site(place)
  const fields = targetFields(ground)
  const own = addressOf(place, ground.family)
  for (const entry of scope.hooks.prerouting) {
    if (entry.kind !== 'nat') continue
    const seen = new Set<Node>()
    for (const { table, chain } of entry.chains)
      for (const { rule, packets } of translating(scope, table, chain, fields)) {
        // several endpoints of one Service
        if (seen.has(packets)) continue
        seen.add(packets)
        const point = pointOf(space, packets, fields)
        for (const block of point ? [point] : blocksOf(space, packets, fields, 8).blocks)
          for (const service of servicesIn(block, addresses.dst, own)) yield [nameOf(rule), service]
      }
  }
}

function* servicesIn(block: Block, field: 'ip.daddr' | 'ip6.daddr', own: Ip | undefined): Generator<Service> {
  const values = (name: 'meta.l4proto' | 'th.dport' | typeof field): readonly bigint[] => {
    const found: bigint[] = []
    for (const [from, to] of block.get(name) ?? []) {
      const count = BigInt(to) - BigInt(from) + 1n
      if (count > MOST_OF_A_RULE) return []
      for (let i = 0n; i < count; i++) found.push(BigInt(from) + i)
    }
    return found
  }
  const [protocols, ports] = [values('meta.l4proto'), values('th.dport')]
  // a node port is one of every address of the host
  const local =
    own !== undefined && (!block.has(field) || block.get(field)!.some(([from, to]) => from <= own && own <= to))
  const single = values(field)
  const all: readonly (Ip | bigint)[] = single.length === 1 ? single : local ? [own] : single
  if (protocols.length * ports.length * all.length > MOST_OF_A_RULE) return
  for (const address of all)
    for (const protocol of protocols)
      for (const port of ports)
        yield {
          address: field === 'ip.daddr' ? Number(address) : BigInt(address),
          protocol: Number(protocol),
          port: Number(port),
        }
}

const nameOf = ({ text }: Rule): string => /--comment "?([^" ]+)/.exec(text)?.[1] ?? ''
