import type { Device } from './device.js'
import type { Hosts, Link, Namespace, Place } from './world.js'

interface At {
  readonly namespace: Namespace
  readonly link: Link
}

/** Kinds whose device stands on one other device. */
const STANDING: ReadonlySet<Link['kind']> = new Set(['vlan', 'macvlan', 'ipvlan'])

/** Which device stands on which: VLAN, macvlan and ipvlan on a lower device, maybe of another namespace of the host; a bond on its ports. */
export class Stack {
  readonly #byHost = new Map<string, Namespace[]>()
  readonly #uppers = new Map<Link, At[]>()

  constructor({ namespaces }: Hosts) {
    for (const namespace of namespaces)
      this.#byHost.set(namespace.host, [...(this.#byHost.get(namespace.host) ?? []), namespace])
    for (const namespace of namespaces)
      for (const link of namespace.links)
        for (const { link: below } of this.below({ namespace, link }))
          this.#uppers.set(below, [...(this.#uppers.get(below) ?? []), { namespace, link }])
  }

  /** The devices that carry what this one sends: the lower device, the ports of a bond. Empty where it stands on none, or on one that is not in the snapshot. */
  below({ namespace, link }: At): readonly At[] {
    if (link.kind === 'bond')
      return namespace.links.flatMap((port) => (port.master === link.name ? [{ namespace, link: port }] : []))
    if (!STANDING.has(link.kind) || link.peerIndex === undefined) return []
    const own = link.peerNetnsId === undefined
    const around = (this.#byHost.get(namespace.host) ?? []).filter((other) => (other === namespace) === own)
    const fits = around.flatMap((other) =>
      other.links.flatMap((lower) =>
        lower.index === link.peerIndex && lower.kind !== 'loopback' && lower.kind !== link.kind
          ? [{ namespace: other, link: lower }]
          : [],
      ),
    )
    // indexes repeat from namespace to namespace; what stands on a device of another one was made in the host's, nearly always
    const host = fits.find(({ namespace: { namespace: name } }) => name === '')
    return host ? [host] : fits.length === 1 ? fits : []
  }

  /** The devices that stand on this one. */
  above({ link }: At): readonly At[] {
    return this.#uppers.get(link) ?? []
  }

  /** The VLAN device that takes frames of this tag off a device. */
  vlanOn(at: At, id: number, tpid: number): At | undefined {
    return this.above(at).find(({ link }) => isVlan(link.device, id, tpid))
  }
}

const isVlan = (device: Device | undefined, id: number, tpid: number): boolean =>
  device?.is === 'vlan' && device.id === id && device.tpid === tpid

const stacks = new WeakMap<Hosts, Stack>()

export function stackOf(hosts: Hosts): Stack {
  const stack = stacks.get(hosts) ?? new Stack(hosts)
  stacks.set(hosts, stack)
  return stack
}

export const samePlace = (a: Place, b: Place): boolean => a.host === b.host && a.namespace === b.namespace
