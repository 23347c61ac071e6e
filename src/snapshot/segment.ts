import {
  type Address,
  type Link,
  type LinkKind,
  type Namespace,
  type Port,
  placeName,
  type Wire,
} from '../path/world.js'
import { shareSubnet } from './subnet.js'
import type { Joined } from './veth.js'
import { isJoined } from './veth.js'

/** An interface that leads out of its host, with the addresses that are reached through it. */
interface Outlet {
  readonly namespace: Namespace
  readonly link: Link
  readonly addresses: readonly Address[]
}

const OUT: ReadonlySet<LinkKind> = new Set(['ether', 'vlan', 'veth', 'bond', 'macvlan', 'ipvlan'])
/** Devices of kind `other` that lead out like Ethernet. */
const OTHERS: ReadonlySet<string> = new Set(['team'])

/**
 * Segments outside: interfaces of different hosts whose addresses lie in one subnet hear each other. Only what can lead out of a host counts:
 * Ethernet, VLAN, bond, a veth whose peer is not in the snapshot, or such a port of a bridge, which has the bridge's addresses. Inner networks
 * (docker0's 172.17.0.0/16 on every host) are therefore not joined, nor are subnets in which two hosts have the same address.
 */
export function joinSegments(namespaces: readonly Namespace[], pairs: readonly Wire[]): Joined {
  const outlets = namespaces.filter(({ namespace }) => namespace === '').flatMap((of) => outletsOf(of, pairs))
  const doubts: string[] = []
  const groups = new Groups(outlets)
  for (const [index, a] of outlets.entries())
    for (const b of outlets.slice(index + 1)) {
      if (a.namespace.host === b.namespace.host) continue
      const shared = sharedSubnets(a, b)
      if (shared.length === 0) continue
      const twice = a.addresses.find(({ prefix }) => b.addresses.some((other) => other.prefix.ip === prefix.ip))
      if (twice) doubts.push(`${name(a)} and ${name(b)} have the same address in ${shared[0]}: taken as not joined`)
      else groups.join(a, b, shared)
    }
  return { wires: groups.wires(), doubts }
}

function outletsOf(namespace: Namespace, pairs: readonly Wire[]): Outlet[] {
  return namespace.links.flatMap((link) => {
    if (link.kind === 'bridge') {
      const ports = namespace.links.filter(({ master, kind }) => master === link.name && kind !== 'veth')
      return ports
        .filter((port) => leadsOut(namespace, port, pairs))
        .map((port) => ({ namespace, link: port, addresses: link.addresses }))
    }
    const out = link.addresses.length > 0 && leadsOut(namespace, link, pairs)
    return out ? [{ namespace, link, addresses: link.addresses }] : []
  })
}

const leadsOut = (namespace: Namespace, { kind, kindText, name: link }: Link, pairs: readonly Wire[]): boolean =>
  (OUT.has(kind) || (kind === 'other' && OTHERS.has(kindText))) && !isJoined(pairs, namespace, link)

function sharedSubnets(a: Outlet, b: Outlet): string[] {
  const shared = a.addresses.flatMap((one) => b.addresses.map((other) => shareSubnet(one.prefix, other.prefix)))
  return [...new Set(shared.filter((text) => text !== undefined))]
}

const name = ({ namespace, link }: Outlet): string => `${placeName(namespace)}:${link.name}`

/** Who hears whom is mutual and carries over: three hosts, two of which share a second subnet, are one segment. */
class Groups {
  readonly #outlets: readonly Outlet[]
  readonly #group: Map<Outlet, number>
  readonly #subnets = new Map<number, Set<string>>()

  constructor(outlets: readonly Outlet[]) {
    this.#outlets = outlets
    this.#group = new Map(outlets.map((outlet, index) => [outlet, index]))
  }

  join(a: Outlet, b: Outlet, subnets: readonly string[]): void {
    const [into, from] = [this.#group.get(a)!, this.#group.get(b)!]
    const known = new Set([...(this.#subnets.get(into) ?? []), ...(this.#subnets.get(from) ?? []), ...subnets])
    for (const [outlet, group] of this.#group) if (group === from) this.#group.set(outlet, into)
    this.#subnets.delete(from)
    this.#subnets.set(into, known)
  }

  wires(): readonly Wire[] {
    return [...this.#subnets].map(([group, subnets]) => ({
      kind: 'segment' as const,
      ends: this.#outlets.filter((outlet) => this.#group.get(outlet) === group).map(portOf),
      because: `share ${[...subnets].join(', ')}`,
    }))
  }
}

const portOf = ({ namespace: { host, namespace }, link }: Outlet): Port => ({ host, namespace, link: link.name })
