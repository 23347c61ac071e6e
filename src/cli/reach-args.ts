import type { ReachQuestion, Spot } from '../analysis/reach-question.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { UserError } from './exit.js'

const PROTOCOLS: Readonly<Record<string, number>> = {
  tcp: 6, udp: 17, sctp: 132, udplite: 136, dccp: 33, icmp: 1, 'ipv6-icmp': 58, icmp6: 58, gre: 47, esp: 50, ah: 51,
} // biome-ignore format: a table

const namesOf = (hosts: Hosts): string => {
  const names = hosts.namespaces.map(placeName)
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`
}

/** `10.0.0.5`, `10.0.0.5:443/tcp`, `[2001:db8::1]:443/tcp`, `node1/web`, `db:5432/tcp`, `internet`. */
export async function targetOf(hosts: Hosts, text: string, option = '--to'): Promise<ReachQuestion['to']> {
  const { parseIp } = await import('../address/ip.js')
  const { findPlace } = await import('../path/resolve.js')
  const whole = parseIp(text)
  if (whole !== undefined) return { address: whole }
  const [, bracketed, plain, port, protocol] =
    /^(?:\[([^\]]+)\]|(.*?))(?::(\d+)\/(\w[\w-]*)|\/(?:tcp|udp|icmp))?$/.exec(text) ?? []
  const alone = /\/(tcp|udp|icmp)$/.exec(text)?.[1]
  const number = PROTOCOLS[protocol ?? alone ?? ''] // biome-ignore format: long
  const name = bracketed ?? plain ?? ''
  const service = {
    ...(number === undefined ? {} : { protocol: number }),
    ...(port === undefined ? {} : { port: Number(port) }),
  }
  const known = (protocol === undefined || number !== undefined) && Number(port ?? 0) <= 65535
  const address = parseIp(name)
  if (known && address !== undefined) return { address, ...service }
  if (known && name === 'internet') return { outside: true, ...service }
  const place = known ? (findPlace(hosts, name) ?? findPlace(hosts, text)) : undefined
  if (place) return { place, ...service }
  throw new UserError(
    `packetwalk: ${option} ${text}: it must be ADDRESS, HOST[/NETNS] or internet, with :PORT/PROTOCOL or without (${Object.keys(PROTOCOLS).slice(0, 3).join(', ')}, …); ${namesOf(hosts)}`,
  )
}

/** `internet`, `any`, `10.0.0.0/8`, `node1/web` (what it sends), `node1:eth0` or `eth0` (what comes in there). */
export async function originOf(
  hosts: Hosts,
  text: string,
  at: Namespace | undefined,
): Promise<Pick<ReachQuestion, 'from' | 'at'>> {
  if (text === 'internet') return { from: { outside: true } }
  if (text === 'any') return { from: {} }
  const { parsePrefix } = await import('../address/prefix.js')
  const { findPlace } = await import('../path/resolve.js')
  const prefix = parsePrefix(text)
  if (prefix) return { from: { prefix } }
  const place = findPlace(hosts, text)
  if (place) return { from: { place } }
  const spot = await spotOf(hosts, text, at)
  if (spot?.iface !== undefined) return { at: spot.place, from: { iif: spot.iface } }
  throw new UserError(
    `packetwalk: --from ${text}: neither internet, any, a prefix, HOST[/NETNS] nor [HOST[/NETNS]:]INTERFACE; ${namesOf(hosts)}`,
  )
}

/** `gw`, `node1/web`, `gw:eth0`, or an interface that only one namespace has. */
export async function spotOf(hosts: Hosts, text: string, at?: Namespace): Promise<Spot | undefined> {
  const { findPlace } = await import('../path/resolve.js')
  const place = findPlace(hosts, text)
  if (place) return { place }
  const [, where, name] = /^(?:(.*):)?([^:]+)$/.exec(text) ?? []
  const only = where === undefined ? at : findPlace(hosts, where)
  const roots = hosts.namespaces.filter(({ namespace }) => namespace === '')
  for (const some of [only ? [only] : roots, only || where !== undefined ? [] : hosts.namespaces]) {
    const having = some.filter(({ links }) => links.some((link) => link.name === name))
    if (having.length === 1) return { place: having[0]!, iface: name! }
  }
  return undefined
}

export async function spotsOf(hosts: Hosts, texts: readonly string[], option: string): Promise<readonly Spot[]> {
  return Promise.all(
    texts.map(async (text) => {
      const spot = await spotOf(hosts, text)
      if (spot) return spot
      throw new UserError(
        `packetwalk: ${option} ${text}: no HOST[/NETNS] and no interface of one is called so; ${namesOf(hosts)}`,
      )
    }),
  )
}
