import { type Ip, parseIp, printIp } from '../src/address/ip.js'
import { interfacesOf } from '../src/path/interfaces.js'
import { readSysctl } from '../src/path/sysctls.js'
import { Fib } from '../src/routing/fib.js'
import { isSelf6 } from '../src/routing/flow.js'
import { type InputRoute, routeInput } from '../src/routing/input.js'
import { lookupInput6 } from '../src/routing/input6.js'
import type { Interfaces } from '../src/routing/interfaces.js'
import { type OutputRoute, routeOutput } from '../src/routing/output.js'
import { refusalOf } from '../src/routing/output-route.js'
import { readSnapshot } from '../src/snapshot/index.js'

/** A namespace and what `ip route get` said there. */
export interface RoutesRecording {
  readonly kernel: string
  readonly family: 4 | 6
  readonly seed: string
  /** The files of a snapshot. */
  readonly files: Readonly<Record<string, string>>
  /** The words behind `ip route get`, and the answer, see `answerText`. */
  readonly answers: readonly (readonly [query: string, answer: string])[]
}

/** Asks the model as `ip route get` asks the kernel. */
export class Model {
  readonly #family: 4 | 6
  readonly #fib: Fib
  readonly #interfaces: Interfaces

  constructor({ family, files }: Pick<RoutesRecording, 'family' | 'files'>) {
    const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
    if (!read.ok) throw new Error(`the snapshot is not read: ${JSON.stringify(read.problems[0])}`)
    const state = read.hosts.namespaces[0]!
    this.#family = family
    this.#fib = new Fib(family, family === 4 ? state.rules4 : state.rules6, state.routes)
    const value = (key: string) => readSysctl(state.sysctls, key).value
    const conf = (dev: string) => `net.ipv${family}.conf.${dev}.ignore_routes_with_linkdown`
    this.#interfaces = {
      ...interfacesOf(state, value),
      ignoresLinkdown: (dev) => value(conf('all')) !== 0 || value(conf(dev)) !== 0,
      addresses: (dev) => state.links.find(({ name }) => name === dev)?.addresses ?? [],
      group: (dev) => state.links.find(({ name }) => name === dev)?.group,
    }
  }

  /** Every answer that the kernel may give: more than one where it draws among next hops. */
  answers(query: string): readonly string[] {
    const [to, ...words] = query.split(' ')
    const given = new Map<string, string>()
    for (let i = 0; i < words.length; i += 2) given.set(words[i]!, words[i + 1]!)
    const number = (name: string) => (given.has(name) ? Number(given.get(name)) : undefined)
    const from = given.has('from') ? parseIp(given.get('from')!) : undefined
    const flow = {
      dst: parseIp(to!)!,
      src: from,
      oif: given.get('oif'),
      mark: number('mark') ?? 0,
      tos: number('tos') ?? 0,
      // inet_rtm_getroute: UDP where nothing is said; inet6_rtm_getroute: none
      protocol: number('ipproto') ?? (this.#family === 4 ? 17 : undefined),
      sport: number('sport'),
      dport: number('dport'),
      // inet6_rtm_getroute: nobody's where it came in
      uid: number('uid') ?? (this.#family === 6 && given.has('iif') ? 0xffffffff : 0),
    }
    const iif = given.get('iif')
    if (iif === undefined)
      return outputTexts(
        routeOutput(this.#fib, this.#interfaces, flow, { lookupOnly: true }),
        from !== undefined && Number(from) !== 0,
      )
    const src = from ?? (this.#family === 4 ? 0 : 0n)
    const received = { ...flow, src, iif }
    if (this.#family === 6) return lookupTexts(lookupInput6(this.#fib, this.#interfaces, received))
    return inputTexts(routeInput(this.#fib, this.#interfaces, received))
  }
}

interface Hop {
  readonly dev: string | undefined
  readonly gateway: string | undefined
}

/** `TYPE dev DEV [via GATEWAY] [src SOURCE]`. */
export const answerText = (type: string, { dev, gateway }: Hop, source?: string): string =>
  [
    type,
    `dev ${dev}`,
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(source === undefined ? [] : [`src ${source}`]),
  ].join(' ')

function outputTexts(route: OutputRoute, sourceGiven: boolean): readonly string[] {
  if (!route.ok) return [route.errno]
  // IPv6 says what the route is, whatever the destination
  const type = route.found.is === 'route' && typeof route.source === 'bigint' ? route.found.route.type : route.type
  return (route.ways ?? [route]).map(({ dev, gateway, source }) =>
    answerText(type, hopOf(dev, gateway), sourceGiven || source === 0 ? undefined : printIp(source)),
  )
}

const hopOf = (dev: string | undefined, gateway: Ip | undefined): Hop => ({
  dev,
  gateway: gateway === undefined ? undefined : printIp(gateway),
})

const ERRNO: Readonly<Record<string, string>> = {
  'no-route': 'ENETUNREACH',
  'ip-forward-off': 'EHOSTUNREACH',
  unreachable: 'EHOSTUNREACH',
  prohibit: 'EACCES',
  blackhole: 'EINVAL',
}

function inputTexts(route: InputRoute): readonly string[] {
  if (route.to === 'local') return [answerText(route.type, hopOf('lo', undefined))]
  if (route.to === 'forward')
    return (route.ways ?? [{ ...route, refused: undefined }]).map(({ dev, gateway, refused }) =>
      refused ? 'EINVAL' : answerText('unicast', hopOf(dev, gateway)),
    )
  // fib4_rule_action: a rule says unreachable as the net, not the host
  if (route.reason === 'unreachable' && route.found.is === 'refused') return ['ENETUNREACH']
  return [ERRNO[route.reason] ?? 'EINVAL']
}

/** IPv6: `ip route get … iif` asks the tables and nothing else. */
function lookupTexts(result: ReturnType<typeof lookupInput6>): readonly string[] {
  const refusal = refusalOf(result)
  if (refusal) return [refusal.errno]
  const { found, ways } = result
  const type = found.is === 'route' ? found.route.type : 'none'
  if (found.is === 'route' && isSelf6(found.route)) return [answerText(type, hopOf('lo', undefined))]
  return ways.map(({ nexthop }) => answerText(type, hopOf(nexthop.dev, nexthop.gateway)))
}
