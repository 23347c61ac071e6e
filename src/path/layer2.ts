import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import { type Stack, stackOf } from './stack.js'
import type { Hosts, Link, Namespace, Place, Port, Wire } from './world.js'
import { placeName } from './world.js'

/** An interface with the namespace that it lies in. */
export interface Located {
  readonly namespace: Namespace
  readonly link: Link
}

/** Who hears whom on the link layer, from the wires and bridges of a set of hosts. Built once per `Hosts`. */
export class Layer2 {
  readonly #namespaces: ReadonlyMap<string, Namespace>
  readonly #wires: ReadonlyMap<string, Wire>
  readonly #heard = new Map<string, readonly Located[]>()

  readonly #stack: Stack

  constructor(hosts: Hosts) {
    this.#stack = stackOf(hosts)
    this.#namespaces = new Map(hosts.namespaces.map((namespace) => [placeName(namespace), namespace]))
    this.#wires = new Map(hosts.wires.flatMap((wire) => wire.ends.map((end) => [portName(end), wire] as const)))
  }

  namespace(place: Place): Namespace | undefined {
    return this.#namespaces.get(placeName(place))
  }

  locate(port: Port): Located | undefined {
    const namespace = this.namespace(port)
    const link = namespace?.links.find(({ name }) => name === port.link)
    return namespace && link ? { namespace, link } : undefined
  }

  /** The other ends of the wire that this interface is plugged into; undefined: it leads outside of what is known. */
  across(port: Port): readonly Located[] | undefined {
    const wire = this.#wires.get(portName(port))
    if (!wire) return undefined
    return wire.ends.filter((end) => portName(end) !== portName(port)).flatMap((end) => this.locate(end) ?? [])
  }

  /** Does the wire of this interface also lead to machines that are not in the snapshot? A LAN may; a veth pair does not. */
  isOpen(port: Port): boolean {
    const wire = this.#wires.get(portName(port))
    return !wire || wire.kind === 'segment'
  }

  /** Every interface that a frame sent out of `port` can reach: across wires, through bridges. `port` itself is left out. */
  hears(port: Port): readonly Located[] {
    const name = portName(port)
    let found = this.#heard.get(name)
    if (!found) {
      found = this.#listen(port)
      this.#heard.set(name, found)
    }
    return found
  }

  #listen(port: Port): readonly Located[] {
    const seen = new Set([portName(port)])
    const found: Located[] = []
    const queue: Located[] = [...this.#neighbours(port)]
    for (let at = queue.shift(); at; at = queue.shift()) {
      const name = portName(portOf(at))
      if (seen.has(name)) continue
      seen.add(name)
      if (!at.link.up) continue
      found.push(at)
      queue.push(...this.#above(at))
      if (bridgeOf(at)) queue.push(...this.#bridgeMembers(at.namespace, bridgeOf(at)!.name))
      if (at.link.master !== undefined || at.link.bridge) queue.push(...this.#neighbours(portOf(at)))
    }
    return found
  }

  /** Interfaces one step away: the far ends of the wire, and for a bridge its ports. */
  #neighbours(port: Port): readonly Located[] {
    const at = this.locate(port)
    const members = at?.link.bridge ? this.#bridgeMembers(at.namespace, at.link.name) : []
    return [...members, ...(this.across(port) ?? []), ...(at ? this.#below(at) : [])]
  }

  /** Whom a device hears through the devices that it stands on; through a VLAN device those of the same VLAN alone. */
  #below(at: Located): readonly Located[] {
    const { device } = at.link
    return this.#stack.below(at).flatMap((lower) => {
      const beside = at.link.kind === 'bond' ? [] : this.#stack.above(lower)
      const heard = this.#neighbours(portOf(lower))
      if (device?.is !== 'vlan') return [...beside.filter(({ link }) => link.kind === at.link.kind), ...heard]
      const takers = heard.flatMap((far) => [far, ...this.#masterOf(far)])
      return takers.flatMap((far) => this.#stack.vlanOn(far, device.id, device.tpid) ?? [])
    })
  }

  /** What takes frames off a device that has received them: macvlan, ipvlan, its bond. */
  #above(at: Located): readonly Located[] {
    const untagged = this.#stack.above(at).filter(({ link }) => link.kind === 'macvlan' || link.kind === 'ipvlan')
    return [...untagged, ...this.#masterOf(at)]
  }

  #masterOf({ namespace, link }: Located): readonly Located[] {
    const master = namespace.links.find(({ name }) => name === link.master)
    return master?.kind === 'bond' ? [{ namespace, link: master }] : []
  }

  #bridgeMembers(namespace: Namespace, bridge: string): readonly Located[] {
    return namespace.links
      .filter((link) => link.name === bridge || link.master === bridge)
      .map((link) => ({ namespace, link }))
  }

  /** Whoever within earshot of `port` has this address. */
  ownerOf(port: Port, ip: Ip): Located | undefined {
    return this.hears(port).find(({ link }) => link.addresses.some(({ prefix }) => prefix.ip === ip))
  }

  withMac(port: Port, mac: Mac): Located | undefined {
    return this.hears(port).find(({ link }) => link.mac === mac)
  }
}

function bridgeOf({ namespace, link }: Located): Link | undefined {
  if (link.bridge) return link
  const master = namespace.links.find(({ name }) => name === link.master)
  return master?.bridge ? master : undefined
}

export const portName = (port: Port): string => `${placeName(port)} ${port.link}`
export const portOf = ({ namespace, link }: Located): Port => ({
  host: namespace.host,
  namespace: namespace.namespace,
  link: link.name,
})
