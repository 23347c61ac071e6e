import { type Family, familyOf, type Ip, parseIp } from '../../address/ip.js'
import { parseMac } from '../../address/mac.js'
import { lastOf, type Prefix, parsePrefix } from '../../address/prefix.js'
import type { Address, Link, Namespace, Neighbour } from '../../path/world.js'
import type { Route } from '../../routing/types.js'
import { addressRoutes } from '../address-routes.js'
import { addLink } from './link-add.js'
import { type Arguments, beginning, Refusal } from './refusal.js'

function linkNamed({ links }: Namespace, args: Arguments): Link {
  const link = links.find(({ name }) => name === args.last!.text)
  if (!link) throw new Refusal(`Cannot find device "${args.last!.text}"`, args.last)
  return link
}

const unknown = (args: Arguments, object: string): never => {
  throw new Refusal(`Command "${args.last!.text}" is unknown, try "ip ${object} help".`, args.last)
}

/** The namespace with another link in the place of one, or without it, and with the routes that the kernel makes for its addresses. */
function withLink(namespace: Namespace, old: Link, link: Link | undefined): Namespace {
  const links = namespace.links.flatMap((one) => (one === old ? (link ? [link] : []) : [one]))
  const made = (one: Link): readonly Route[] =>
    ([4, 6] as const).flatMap((family) => [
      ...addressRoutes([one], family, 'main'),
      ...addressRoutes([one], family, 'local'),
    ])
  const before = made(old)
  const after = link ? made(link) : []
  const isOf = (route: Route, list: readonly Route[]) => list.some((one) => isSame(one, route))
  const kept = namespace.routes.filter((route) => !isOf(route, before) || isOf(route, after))
  const added = after.filter((route) => !isOf(route, kept))
  return { ...namespace, links, routes: [...kept, ...added] }
}

const isSame = (a: Route, b: Route): boolean =>
  a.type === b.type &&
  a.table === b.table &&
  a.destination.ip === b.destination.ip &&
  a.destination.length === b.destination.length &&
  familyOf(a.destination.ip) === familyOf(b.destination.ip) &&
  a.nexthops[0]?.gateway === undefined &&
  b.nexthops[0]?.gateway === undefined &&
  a.nexthops[0]?.dev === b.nexthops[0]?.dev

/** Routes through a device that goes down go with it; IPv4 keeps the local ones (fib_frontend.c: fib_disable_ip; ipv6/route.c: rt6_disable_ip). */
function withoutWaysOver(namespace: Namespace, dev: string, gone: boolean): Namespace {
  const routes = namespace.routes.flatMap((route): readonly Route[] => {
    const local = route.type === 'local' && familyOf(route.destination.ip) === 4
    if (local && !gone) return [route]
    const nexthops = route.nexthops.filter((hop) => hop.dev !== dev)
    if (nexthops.length === route.nexthops.length) return [route]
    return nexthops.length === 0 ? [] : [{ ...route, nexthops }]
  })
  return { ...namespace, routes }
}

/** `ip addr add|del|replace|flush …`. Throws Refusal, in the words of iproute2 6.1 and Linux 6.18. */
export function changeAddresses(namespace: Namespace, args: Arguments, hint: Family | undefined): Namespace {
  const operation =
    beginning(args.need(), ['add', 'change', 'replace', 'delete', 'flush'] as const) ?? unknown(args, 'address')
  if (operation === 'flush') return flushAddresses(namespace, args, hint)
  const given = readAddress(namespace, args)
  const { link, address, place, exact } = given
  const { prefix } = address
  const ipv = familyOf(prefix.ip) === 4 ? 'ipv4' : 'ipv6'
  const same = (one: Address) =>
    one.prefix.ip === prefix.ip &&
    (!exact || one.prefix.length === prefix.length) &&
    familyOf(one.prefix.ip) === familyOf(prefix.ip)
  const known = link.addresses.find(same)
  if (operation === 'delete') {
    if (!known) throw new Refusal(ipv === 'ipv4' ? 'Error: ipv4: Address not found.' : 'Error: ipv6: address not found.', place)
    return withLink(namespace, link, { ...link, addresses: remaining(link.addresses, known) })
  }
  if (known && operation === 'add')
    throw new Refusal(ipv === 'ipv4' ? 'Error: ipv4: Address already assigned.' : 'Error: ipv6: address already assigned.', place)
  const others = link.addresses.filter((one) => one !== known)
  const secondary = ipv === 'ipv4' && others.some((one) => isSubnetOf(one, address))
  const added = { ...address, secondary }
  const addresses = known ? link.addresses.map((one) => (one === known ? added : one)) : inserted(others, added)
  return withLink(namespace, link, { ...link, addresses })
} // biome-ignore format: one thing

/** From narrow to wide as Linux numbers them. */
const WIDTHS = ['host', 'link', 'site', 'global'] as const
const widthOf = ({ scope }: Address): number => WIDTHS.indexOf(scope)

/** Where Linux puts a new address: IPv4 behind primary ones as narrow as it (__inet_insert_ifa), IPv6 before those as narrow as it (ipv6_link_dev_addr). */
function inserted(all: readonly Address[], added: Address): readonly Address[] {
  if (added.secondary) return [...all, added]
  const family = familyOf(added.prefix.ip)
  const isBefore = (one: Address): boolean =>
    familyOf(one.prefix.ip) === family &&
    !one.secondary &&
    (family === 4 ? widthOf(one) <= widthOf(added) : widthOf(one) > widthOf(added))
  const fellows = all.findIndex(({ prefix }) => familyOf(prefix.ip) === family)
  const behind = all.findLastIndex(isBefore)
  const at = behind >= 0 ? behind + 1 : fellows >= 0 ? fellows : all.length
  return [...all.slice(0, at), added, ...all.slice(at)]
}

const isSubnetOf = (one: Address, other: Address): boolean =>
  !one.secondary &&
  one.peer === undefined &&
  familyOf(one.prefix.ip) === familyOf(other.prefix.ip) &&
  one.prefix.length === other.prefix.length &&
  lastOf(one.prefix) === lastOf(other.prefix)

/** Where a primary address goes its secondary ones go as well, as long as promote_secondaries is off (devinet.c: __inet_del_ifa). */
const remaining = (addresses: readonly Address[], gone: Address): readonly Address[] =>
  addresses.filter((one) => one !== gone && (gone.secondary || !one.secondary || !isSubnetOf(gone, one)))

function readAddress(namespace: Namespace, args: Arguments) {
  let prefix: Prefix | undefined
  let peer: Prefix | undefined
  let broadcast: Ip | 'last' | undefined
  let scope: Address['scope'] | undefined
  let link: Link | undefined
  let place = args.column
  let exact = true
  while (!args.done) {
    const word = args.need()
    if (word === 'dev') {
      args.need()
      link = linkNamed(namespace, args)
    } else if (word === 'peer' || word === 'remote') peer = prefixOf(args.need(), args)
    else if (word === 'brd' || word === 'broadcast') {
      const shown = args.need()
      broadcast = shown === '+' ? 'last' : shown === '-' ? undefined : parseIp(shown)
    } else if (word === 'scope') scope = scopeOf(args.need(), args)
    else if (word === 'label' || word === 'metric' || word === 'valid_lft' || word === 'preferred_lft' || word === 'proto') args.need()
    else if (!['nodad', 'home', 'noprefixroute', 'autojoin', 'mngtmpaddr', 'optimistic'].includes(word)) {
      const shown = word === 'local' ? args.need() : word
      place = args.last!.column
      exact = shown.includes('/')
      prefix = prefixOf(shown, args)
    }
  }
  if (!prefix) throw new Refusal('Command line is not complete. Try option "help"', args.column)
  if (!link) throw new Refusal('Not enough information: "dev" argument is required.', args.column)
  const narrow = prefix.length >= (familyOf(prefix.ip) === 4 ? 31 : 128)
  const address: Address = {
    prefix,
    peer,
    broadcast: broadcast === 'last' ? (narrow ? undefined : lastOf(prefix)) : broadcast,
    scope: scope ?? scopeByAddress(prefix.ip),
    secondary: false,
    usable: true,
    deprecated: false,
  }
  return { link, address, place, exact }
} // biome-ignore format: one thing

function prefixOf(word: string, args: Arguments): Prefix {
  const ip = parseIp(word.split('/')[0]!)
  const read = word.includes('/') ? parsePrefix(word) : ip === undefined ? undefined : { ip, length: familyOf(ip) === 4 ? 32 : 128 }
  if (!read) throw new Refusal(`Error: any valid prefix is expected rather than "${word}".`, args.last)
  return { ip: ip!, length: read.length }
} // biome-ignore format: one thing

function scopeOf(word: string, args: Arguments): Address['scope'] {
  if (word === 'global' || word === 'site' || word === 'link' || word === 'host') return word
  throw new Refusal(`Error: argument "${word}" is wrong: invalid scope value.`, args.last)
}

const scopeByAddress = (ip: Ip): Address['scope'] =>
  typeof ip === 'number'
    ? ip >>> 24 === 127
      ? 'host'
      : 'global'
    : ip === 1n
      ? 'host'
      : ip >> 118n === 0x3fan
        ? 'link'
        : ip >> 118n === 0x3fbn
          ? 'site'
          : 'global'

function flushAddresses(namespace: Namespace, args: Arguments, hint: Family | undefined): Namespace {
  args.take('dev')
  args.need()
  const link = linkNamed(namespace, args)
  const kept = link.addresses.filter(({ prefix }) => hint !== undefined && familyOf(prefix.ip) !== hint)
  return withLink(namespace, link, { ...link, addresses: kept })
}

/** `ip link add|set|delete …`; set: up, down, mtu, master, nomaster, address, arp, group. Throws Refusal. */
export function changeLinks(namespace: Namespace, args: Arguments): Namespace {
  const operation = beginning(args.need(), ['add', 'set', 'delete'] as const) ?? unknown(args, 'link')
  if (operation === 'add') return addLink(namespace, args)
  args.take('dev')
  args.need()
  const link = linkNamed(namespace, args)
  if (operation === 'delete') return withoutWaysOver(withLink(namespace, link, undefined), link.name, true)
  let now = namespace
  while (!args.done) now = setLink(now, now.links.find(({ name }) => name === link.name)!, args)
  return now
}

function setLink(namespace: Namespace, link: Link, args: Arguments): Namespace {
  const word = args.need()
  const change = (changed: Partial<Link>): Namespace => ({
    ...namespace,
    links: namespace.links.map((one) => (one === link ? { ...link, ...changed } : one)),
  })
  switch (word) {
    case 'up': {
      if (link.up) return namespace
      return withLink(namespace, link, { ...link, up: true, carrier: true })
    }
    case 'down': {
      const ipv4 = link.addresses.filter(({ prefix }) => familyOf(prefix.ip) === 4)
      const down = change({ up: false, carrier: false, addresses: ipv4 })
      return withoutWaysOver(down, link.name, false)
    }
    case 'mtu': {
      const mtu = Number(args.need())
      if (!(mtu >= 68)) throw new Refusal('Error: mtu less than device minimum.', args.last)
      if (mtu > 65535) throw new Refusal('Error: mtu greater than device maximum.', args.last)
      return change({ mtu })
    }
    case 'master': {
      const master = args.need()
      if (!namespace.links.some(({ name }) => name === master))
        throw new Refusal(`Error: argument "${master}" is wrong: Device does not exist`, args.last)
      const port = { hairpin: false, isolated: false, state: 'forwarding', flood: true, learning: true } as const
      return change({ master, port: link.port ?? port })
    }
    case 'nomaster':
      return change({ master: undefined, port: undefined })
    case 'address': {
      const mac = parseMac(args.need())
      if (mac === undefined) throw new Refusal(`"${args.last!.text}" is invalid lladdr.`, args.last)
      return change({ mac })
    }
    case 'arp':
      return change({ arp: args.need() === 'on' })
    case 'group': {
      const group = args.need()
      if (!/^\d+$/.test(group) && group !== 'default')
        throw new Refusal(`Error: argument "${group}" is wrong: Invalid "group" value`, args.last)
      return change({ group: group === 'default' ? 0 : Number(group) })
    }
    case 'txqueuelen':
    case 'txqlen':
    case 'alias':
      args.need()
      return namespace
    default:
      throw new Refusal(`"ip link set … ${word}" is not read`, args.last)
  }
}

/** `ip neigh add|replace|change|del|flush …`. Throws Refusal. */
export function changeNeighbours(namespace: Namespace, args: Arguments): Namespace {
  const operation =
    beginning(args.need(), ['add', 'replace', 'change', 'delete', 'flush'] as const) ?? unknown(args, 'neigh')
  let ip: Ip | undefined
  let mac: Neighbour['mac']
  let dev: string | undefined
  let state = 'PERMANENT'
  const { column } = args
  while (!args.done) {
    const word = args.need()
    if (word === 'lladdr') mac = parseMac(args.need())
    else if (word === 'nud') state = args.need().toUpperCase()
    else if (word === 'dev') {
      args.need()
      dev = linkNamed(namespace, args).name
    } else if (word !== 'router' && word !== 'proxy') ip = parseIp(word === 'to' ? args.need() : word)
  }
  const isMeant = (one: Neighbour) => (ip === undefined || one.ip === ip) && (dev === undefined || one.dev === dev)
  const others = namespace.neighbours.filter((one) => !isMeant(one))
  if (operation === 'flush') return { ...namespace, neighbours: others }
  if (ip === undefined || dev === undefined) throw new Refusal('Device and destination are required arguments.', column)
  const known = others.length < namespace.neighbours.length
  if (operation === 'add' && known) throw new Refusal('RTNETLINK answers: File exists', column)
  if ((operation === 'delete' || operation === 'change') && !known)
    throw new Refusal('RTNETLINK answers: No such file or directory', column)
  return { ...namespace, neighbours: operation === 'delete' ? others : [...others, { ip, dev, mac, state }] }
}
