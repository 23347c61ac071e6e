import { bitsOf, familyOf } from '../address/ip.js'
import type { Bridge, BridgePort, Link } from '../path/world.js'
import type { Route } from '../routing/types.js'
import { type LinkFacts, linkKind } from './ip-link.js'

/** Of a bridge port of which nothing is said (net/bridge/br_if.c: new_nbp). */
const PORT: BridgePort = { hairpin: false, isolated: false, state: 'forwarding', flood: true, learning: true }
const BRIDGE: Bridge = { vlanFiltering: false, callIptables: false, callIp6tables: false }
const ETHERNET_MTU = 1500
const LOOPBACK_MTU = 65536

/** Interfaces by what all commands together say of them, in the order of their index. */
export function linksOf(facts: readonly LinkFacts[]): readonly Link[] {
  const byIndex = new Map<number, LinkFacts>()
  for (const one of facts) byIndex.set(one.index, merged(byIndex.get(one.index), one))
  const all = [...byIndex.values()].sort((a, b) => a.index - b.index)
  const masters = new Set(all.flatMap(({ port, master }) => (port && master !== undefined ? [master] : [])))
  const bridges = new Set(
    all
      .filter(({ name, kindText }) => kindText === 'bridge' || (kindText === undefined && masters.has(name)))
      .map(({ name }) => name),
  )
  const indexes = new Map(all.map(({ name, index }) => [name, index]))
  return all.map((one) => toLink(one, bridges, indexes))
}

/** What the first says stands; the second fills in. */
function merged(first: LinkFacts | undefined, second: LinkFacts): LinkFacts {
  if (!first) return second
  const said = Object.fromEntries(Object.entries(first).filter(([, value]) => value !== undefined))
  return { ...second, ...said } as LinkFacts
}

function toLink(facts: LinkFacts, bridges: ReadonlySet<string>, indexes: ReadonlyMap<string, number>): Link {
  const { name, flags, linkType } = facts
  const isBridge = bridges.has(name)
  const kindText = facts.kindText ?? (isBridge ? 'bridge' : guessedKind(facts))
  const kind = linkKind(kindText, linkType ?? (flags?.includes('LOOPBACK') || name === 'lo' ? 'loopback' : 'ether'))
  return {
    name,
    index: facts.index,
    kind,
    kindText: kindText ?? kind,
    mac: facts.mac,
    mtu: facts.mtu ?? (kind === 'loopback' ? LOOPBACK_MTU : ETHERNET_MTU),
    up: flags?.includes('UP') ?? true,
    carrier: flags ? flags.includes('LOWER_UP') : true,
    arp: !(flags?.includes('NOARP') ?? false),
    addresses: (facts.addresses ?? []).map(({ noPrefixRoute: _, ...address }) => address),
    master: facts.master,
    port: facts.master !== undefined && bridges.has(facts.master) ? (facts.port ?? PORT) : facts.port,
    bridge: isBridge ? (facts.bridge ?? BRIDGE) : undefined,
    vxlan: facts.vxlan,
    peerIndex: facts.peerIndex ?? (facts.peerName === undefined ? undefined : indexes.get(facts.peerName)),
    peerNetnsId: facts.peerNetnsId,
    group: facts.group ?? 0,
  }
}

/** Without `-d` no kind is printed: an Ethernet device with its other end in another namespace is a veth, near enough always. */
const guessedKind = ({ linkType, peerIndex, peerNetnsId, peerNetnsName }: LinkFacts): string | undefined =>
  linkType === 'ether' && peerIndex !== undefined && (peerNetnsId ?? peerNetnsName) !== undefined ? 'veth' : undefined

/** Where nothing says which interfaces there are: those that routes name, with the addresses of the local table. */
export function linksFromRoutes(routes: readonly Route[]): readonly Link[] {
  const names = new Set(['lo', ...routes.flatMap(({ nexthops }) => nexthops.flatMap(({ dev }) => dev ?? []))])
  return [...names].map((name, at) => {
    const own = routes.filter(
      ({ type, table, nexthops }) => type === 'local' && table === 'local' && nexthops[0]?.dev === name,
    )
    const whole = own.filter(({ destination: { ip, length } }) => length === bitsOf(familyOf(ip)))
    const facts = { ...NOTHING, index: at + 1, name, linkType: name === 'lo' ? 'loopback' : 'ether' }
    return {
      ...toLink(facts, new Set(), new Map()),
      addresses: whole.map(({ destination }) => ({
        ...ADDRESS,
        prefix: destination,
        scope: name === 'lo' ? ('host' as const) : ('global' as const),
      })),
    }
  })
}

const ADDRESS = { peer: undefined, broadcast: undefined, secondary: false, usable: true, deprecated: false }
const NOTHING: LinkFacts = {
  index: 0, name: '', kindText: undefined, linkType: undefined, mac: undefined, mtu: undefined, flags: undefined, group: undefined, master: undefined,
  port: undefined, bridge: undefined, vxlan: undefined, peerName: undefined, peerIndex: undefined, peerNetnsId: undefined, peerNetnsName: undefined,
  addresses: undefined, line: 1,
} // biome-ignore format: a table
