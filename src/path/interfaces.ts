import type { Interfaces, Vrf } from '../routing/interfaces.js'
import { interfaceFlag, interfaceMaximum } from './sysctls.js'
import type { Link, Namespace } from './world.js'

/** What routing asks of a namespace's devices, from the snapshot. `read`: a sysctl's value, with its default where there is none. */
export function interfacesOf(state: Namespace, read: (key: string) => number): Interfaces {
  const links = new Map(state.links.map((link) => [link.name, link]))
  const addresses = new Map(state.links.map((link) => [link.name, addressesOf(link)]))
  const cached = <T>(ask: (dev: string) => T) => {
    const known = new Map<string, T>()
    return (dev: string): T => {
      if (!known.has(dev)) known.set(dev, ask(dev))
      return known.get(dev)!
    }
  }
  const forwards4 = cached((dev) => interfaceFlag(read, 'forwarding', dev, 'own'))
  const forwards6 = cached((dev) => read(`net.ipv6.conf.${dev}.forwarding`) !== 0)
  return {
    devices: [...state.links].sort((a, b) => a.index - b.index).map(({ name }) => name),
    isUp: (dev) => links.get(dev)?.up ?? false,
    resolves: (dev) => links.get(dev)?.arp ?? true,
    vrf: (dev) => vrfOf(links, dev),
    isLoopback: (dev) => links.get(dev)?.kind === 'loopback',
    addresses: (dev) => addresses.get(dev) ?? [],
    forwards: (family, dev) => (family === 4 ? forwards4(dev) : forwards6('all')),
    rpFilter: cached((dev) => interfaceMaximum(read, 'rp_filter', dev)),
    acceptLocal: cached((dev) => interfaceFlag(read, 'accept_local', dev, 'or')),
    routeLocalnet: cached((dev) => interfaceFlag(read, 'route_localnet', dev, 'or')),
    srcValidMark: cached((dev) => interfaceFlag(read, 'src_valid_mark', dev, 'or')),
    sendsRedirects: cached((dev) => interfaceFlag(read, 'send_redirects', dev, 'or')),
  }
}

const addressesOf = (link: Link) =>
  link.addresses.map(({ prefix, scope, secondary, usable, deprecated }) => ({
    prefix,
    scope,
    secondary,
    usable,
    deprecated,
  }))

/** The VRF that a device is, or is a port of. */
function vrfOf(links: ReadonlyMap<string, Link>, dev: string): Vrf | undefined {
  const link = links.get(dev)
  const { name, device } = (link?.kind === 'vrf' ? link : links.get(link?.master ?? '')) ?? {}
  return name !== undefined && device?.is === 'vrf' ? { name, table: device.table } : undefined
}
