import { type Family, familyOf, type Ip, printIp } from '../../address/ip.js'
import { contains, firstOf, lastOf, parsePrefix } from '../../address/prefix.js'
import { seededRandom } from '../../path/choices.js'
import type { Link, Namespace } from '../../path/world.js'

/** What rules name: packets drawn from it meet them. */
interface Named {
  readonly addresses: readonly Ip[]
  readonly ports: readonly (readonly [protocol: string, port: number])[]
}

function namedBy({ tables, links }: Namespace, family: Family): Named {
  const addresses = new Set<Ip>()
  const ports = new Map<string, readonly [string, number]>()
  for (const table of tables) {
    if (table.family !== family) continue
    for (const { rules } of table.chains.values())
      for (const { text } of rules) {
        for (const [, word] of text.matchAll(/ (?:-s|-d|--to-destination|--ctorigdst) (\S+)/g)) {
          const prefix = parsePrefix(word!.replace(/^\[(.*)\].*$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+)[:-].*$/, '$1'))
          if (prefix) addresses.add(inside(prefix))
        }
        const protocol = /(?<!! )-p (tcp|udp)\b/.exec(text)?.[1]
        for (const [, list] of text.matchAll(/--(?:dport|dports|to-ports) (\S+)/g))
          for (const port of list!.split(/[,:-]/)) {
            const name = protocol ?? 'tcp'
            if (/^\d+$/.test(port)) ports.set(`${name} ${port}`, [name, Number(port)])
          }
      }
  }
  for (const link of links)
    for (const { prefix, scope } of link.addresses)
      if (familyOf(prefix.ip) === family && scope === 'global') addresses.add(prefix.ip)
  return { addresses: [...addresses], ports: [...ports.values()] }
}

/** An address that is a host of the network, not its first. */
function inside(prefix: { readonly ip: Ip; readonly length: number }): Ip {
  const [first, last] = [firstOf(prefix), lastOf(prefix)]
  if (first !== prefix.ip || first === last) return prefix.ip
  return typeof first === 'number' ? Math.min(first + 9, Number(last)) : first + 9n
}

/** Senders behind an interface: a host of its own subnet, and for the way out somebody far away. */
function senders(link: Link, place: Namespace, family: Family): readonly Ip[] {
  const own = link.addresses.filter(({ prefix, scope }) => familyOf(prefix.ip) === family && scope === 'global')
  const known = place.neighbours
    .filter(({ dev, ip }) => dev === link.name && familyOf(ip) === family)
    .map(({ ip }) => ip)
  const near = own.flatMap(({ prefix }): readonly Ip[] => {
    const last = lastOf(prefix)
    return typeof last === 'number' ? (prefix.length < 31 ? [last - 2] : []) : prefix.length < 127 ? [last - 2n] : []
  })
  const way = place.routes.some(
    ({ destination, nexthops }) =>
      destination.length === 0 && familyOf(destination.ip) === family && nexthops.some(({ dev }) => dev === link.name),
  )
  const far: readonly Ip[] = way ? (family === 4 ? [0xc6336409] : [0x20010db8_0064_0000_0000_0000_0000_0009n]) : []
  const isOwn = (ip: Ip) => place.links.some(({ addresses }) => addresses.some(({ prefix }) => prefix.ip === ip))
  return [...far, ...known, ...near].filter((ip) => !isOwn(ip)).slice(0, 2)
}

/** Packets drawn from the rules of a namespace, in the packet language: addresses and ports that they name, from every side. */
export function spread(place: Namespace, name: string, most: number, seed: number): readonly string[] {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const packets = new Set<string>()
  const families = ([4, 6] as const).filter((family) => place.tables.some((table) => table.family === family))
  const all = (families.length > 0 ? families : ([4] as const)).map((family) => {
    const named = namedBy(place, family)
    const sides = place.links
      .filter((link) => link.up && link.kind !== 'loopback' && link.master === undefined)
      .filter((link) => link.kind !== 'vxlan')
      .flatMap((link) => senders(link, place, family).map((ip) => ({ link: link.name, ip })))
    return { named, sides, family }
  })
  for (let attempt = 0; packets.size < most && attempt < 20 * most; attempt++) {
    const { named, sides, family } = pick(all)
    if (named.addresses.length === 0) continue
    const dst = pick(named.addresses)
    const side = sides.length > 0 && random() < 0.7 ? pick(sides) : undefined
    if (side && dst === side.ip) continue
    if (isNobody(dst, family)) continue
    const where = side ? `in ${name}:${side.link}` : `from ${name}`
    if (named.ports.length === 0 || random() < 0.15) {
      packets.add(`icmp ${side ? `${printIp(side.ip)} ` : ''}> ${printIp(dst)} ${where}`)
      continue
    }
    const [protocol, port] = pick(named.ports)
    const to = family === 4 ? `${printIp(dst)}:${port}` : `[${printIp(dst)}]:${port}`
    const source = side ? `${family === 4 ? printIp(side.ip) : `[${printIp(side.ip)}]`}:${40000 + packets.size} ` : ''
    packets.add(`${protocol} ${source}> ${to} ${where}`)
  }
  return [...packets]
}

/** 0.0.0.0/8, 127/8, multicast and their like have their own rules; they are not where users look first. */
const isNobody = (ip: Ip, family: Family): boolean =>
  family === 4
    ? ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3'].some((text) => contains(parsePrefix(text)!, ip))
    : ['ff00::/8', '::/96', 'fe80::/10'].some((text) => contains(parsePrefix(text)!, ip))
