import { familyOf, printIp } from '../../src/address/ip.js'
import { type Hosts, type Namespace, placeName } from '../../src/path/world.js'
import { OUTSIDE, outsideOf, translated } from './grid.js'

/** A question that people ask first. */
export interface Preset {
  /** Key of its name in the dictionaries. */
  readonly name:
    | 'hostToService'
    | 'podToService'
    | 'podToDns'
    | 'nodePort'
    | 'published'
    | 'ssh'
    | 'hostToContainer'
    | 'containerOut'
    | 'hostOut'
    | 'dns'
    | 'ping'
  /** As `trace` reads it. */
  readonly packet: string
}

/** A port that no service of the snapshot has. */
const FROM = `${OUTSIDE}:40000`
const DNS = '198.51.100.53'

/** The questions that people ask first, with the addresses, interfaces and services of a snapshot. */
export function presetsOf(hosts: Hosts): readonly Preset[] {
  const host = hosts.namespaces.find(({ namespace }) => namespace === '') ?? hosts.namespaces[0]
  if (!host) return []
  const found: Preset[] = []
  const add = (name: Preset['name'], packet: string) => found.push({ name, packet })
  const self = placeName(host)
  const outside = outsideOf({ ...hosts, namespaces: [host] })
  const own = addressOf(host, outside)
  if (own !== undefined && outside !== undefined) {
    add('ssh', `tcp ${FROM} > ${own}:22 in ${outside}`)
    const published = translated(host).find(({ address, protocol }) => address === own && protocol === 'tcp')
    if (published) add('published', `tcp ${FROM} > ${own}:${published.port} in ${outside}`)
  }
  const service = translated(host).find(({ address, protocol }) => address !== own && protocol === 'tcp')
  if (service) add('hostToService', `tcp > ${service.address}:${service.port} from ${self}`)
  const inner = hosts.namespaces.find((one) => one !== host && one.host === host.host && addressOf(one) !== undefined)
  if (inner) {
    if (service) add('podToService', `tcp > ${service.address}:${service.port} from ${placeName(inner)}`)
    add('containerOut', `tcp > ${OUTSIDE}:443 from ${placeName(inner)}`)
    add('hostToContainer', `tcp > ${addressOf(inner)}:80 from ${self}`)
  } else {
    const [bridge, neighbour] = bridged(host) ?? []
    if (bridge !== undefined) add('containerOut', `tcp ${neighbour}:40000 > ${OUTSIDE}:443 in ${bridge}`)
  }
  add('hostOut', `tcp > ${OUTSIDE}:443 from ${self}`)
  add('ping', `icmp > ${OUTSIDE} echo-request from ${self}`)
  add('dns', `udp > ${DNS}:53 from ${self}`)
  return found
}

/** The first IPv4 address that others know; of one interface, or of any. */
function addressOf({ links }: Namespace, name?: string): string | undefined {
  for (const link of links) {
    if (link.kind === 'loopback' || (name !== undefined && link.name !== name)) continue
    const found = link.addresses.find(({ prefix }) => familyOf(prefix.ip) === 4)
    if (found) return printIp(found.prefix.ip)
  }
  return undefined
}

/** A bridge with an address of its own, and who stands behind it. */
function bridged({ links, neighbours }: Namespace): readonly [bridge: string, neighbour: string] | undefined {
  for (const link of links) {
    if (link.kind !== 'bridge') continue
    const known = neighbours.find(({ dev, ip }) => dev === link.name && familyOf(ip) === 4)
    const own = link.addresses.find(({ prefix }) => familyOf(prefix.ip) === 4)?.prefix
    if (known) return [link.name, printIp(known.ip)]
    // the address behind the bridge's own, as Docker gives them out
    if (own && own.length < 31) return [link.name, printIp((own.ip as number) + 1)]
  }
  return undefined
}
