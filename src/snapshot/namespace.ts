import type { Family } from '../address/ip.js'
import { familyOf } from '../address/ip.js'
import { printPrefix } from '../address/prefix.js'
import { tupleKey } from '../conntrack/tuple.js'
import type { Link, Namespace, Place, Unmodelled } from '../path/world.js'
import type { Xfrm } from '../path/xfrm.js'
import type { Route, RoutingRule } from '../routing/types.js'
import type { Table } from '../rules/program.js'
import { type LinkFile, linkState, readLink } from '../xtables/index.js'
import { addressRoutes } from './address-routes.js'
import { readFdb } from './bridge-fdb.js'
import { readBridgeVlans } from './bridge-vlan.js'
import { readConnections } from './conntrack.js'
import type { Kind } from './detect.js'
import { readExpectations } from './expectations.js'
import { readLinks } from './ip-link.js'
import { readNeighbours } from './ip-neigh.js'
import { type NexthopObject, readNexthops, withNexthops } from './ip-nexthop.js'
import { type Routes, readRoutes } from './ip-route.js'
import { readRules } from './ip-rule.js'
import { readSets } from './ipset.js'
import { baseName } from './layout.js'
import { mergeLinks } from './links.js'
import { readBaseChains } from './nft.js'
import { InputError, type InputFile, type Problem } from './problem.js'
import { readSockets } from './sockets.js'
import { isLan } from './subnet.js'
import { readSysctls } from './sysctl.js'
import { collectTables } from './tables.js'
import { readWireGuard } from './wireguard.js'
import { readXfrmPolicies, readXfrmStates } from './xfrm.js'

/** A file of a namespace, and what it holds. */
export interface KnownFile extends InputFile {
  readonly kind: Kind
  readonly place: Place
  /** Of a part of a paste: the command, as a file with its output would be called. */
  readonly hint?: string
}

export interface ReadNamespace {
  readonly namespace: Namespace
  readonly lacks: readonly Lack[]
  readonly notes: readonly string[]
  readonly problems: readonly Problem[]
  /** Names of the namespaces in which links' peers lie, where they are known. */
  readonly foreign: ReadonlyMap<Link, string>
}

/** What a namespace's files do not say, and what is taken instead. */
export const LACKS = {
  links: 'no ip link or ip addr: no interfaces are known',
  routes4: 'no ip route: only the routes that its addresses give',
  routes6: 'no ip -6 route: only the routes that its addresses give',
  local4: 'ip route without the table local: made from the addresses',
  local6: 'ip -6 route without the table local: made from the addresses',
  rules4: "no ip rule: the kernel's own three (local, main, default)",
  rules6: "no ip -6 rule: the kernel's own two (local, main)",
  iptables: 'no iptables-save: taken as without IPv4 rules',
  ip6tables: 'no ip6tables-save: taken as without IPv6 rules',
  sysctl:
    'no sysctl file: ip_forward, rp_filter and bridge-nf-call-iptables taken as 0, all else as the kernel has it at first',
  conntrack: 'no conntrack listing: taken as without connections',
  sets: 'no ipset save: what is in the sets that rules ask for is not known',
  ports: 'no bridge -d link: hairpin and isolated taken as off on every bridge port',
} as const
export type Lack = keyof typeof LACKS

/** The command that prints what is missing. */
export const PRINTED_BY: Readonly<Record<Lack, string>> = {
  links: 'ip -d addr',
  routes4: 'ip route show table all',
  routes6: 'ip -6 route show table all',
  local4: 'ip route show table all',
  local6: 'ip -6 route show table all',
  rules4: 'ip rule',
  rules6: 'ip -6 rule',
  iptables: 'iptables-save -c',
  ip6tables: 'ip6tables-save -c',
  sysctl: 'sysctl -a',
  conntrack: 'conntrack -L -o extended',
  sets: 'ipset save',
  ports: 'bridge -d link',
}

/** Reads all files of one namespace. `now`: seconds since the epoch at which the snapshot was taken. */
export function readNamespace(place: Place, files: readonly KnownFile[], now: number): ReadNamespace {
  return new NamespaceReader(files, now).read(place)
}

interface RoutesRead {
  readonly routes: readonly Route[]
  readonly lacks: readonly Lack[]
}

class NamespaceReader {
  readonly #files: readonly KnownFile[]
  readonly #now: number
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []

  constructor(files: readonly KnownFile[], now: number) {
    this.#files = files
    this.#now = now
  }

  read(place: Place): ReadNamespace {
    const fdb = this.#unique(
      ['bridge-fdb'],
      readFdb,
      (one) => `${one.mac} ${one.dev} ${one.master} ${one.remote} ${one.vlan}`,
    )
    const vlans = this.#each(['bridge-vlan'], ({ text }) => readBridgeVlans(text))[0]
    const facts = this.#each(['ip-link', 'ip-addr', 'bridge-link'], ({ text }) => readLinks(text)).flat()
    const wireGuard = new Map(this.#each(['wireguard'], ({ text }) => [...readWireGuard(text)]).flat())
    const { links, notes, foreign } = mergeLinks(facts, fdb, wireGuard)
    this.#notes.push(...notes)
    const given = this.#routes()
    const [routes4, routes6] = [this.#complete(given, links, 4), this.#complete(given, links, 6)]
    const rules = this.#rules()
    const [rules4, rules6] = [rules.get(4), rules.get(6)]
    const nft = this.#each(['nft', 'nft-json'], ({ text }) => readBaseChains(text))
    const xtables = collectTables(
      this.#of(['iptables-save', 'ip6tables-save', 'iptables-list', 'ip6tables-list']),
      nft[0] ?? [],
    )
    this.#problems.push(...xtables.problems)
    const link = this.#linkLayer()
    const { bridgeTables, frameTables, arpTables } = linkState(link)
    const unmodelled = xtables.unmodelled.filter((one) => !isLinkChain(one, [...bridgeTables, ...arpTables]))
    this.#notes.push(...xtables.notes, ...unmodelled.map(({ text }) => `${text}: not evaluated`))
    const sysctls = this.#each(['sysctl'], ({ text }) => readSysctls(text))
    // collect.sh leaves no file where conntrack prints nothing
    const countedNone = sysctls.some((one) => one.get('net.netfilter.nf_conntrack_count') === '0')
    const connections = this.#unique(
      ['conntrack'],
      (text) => readConnections(text, this.#now),
      ({ original, zone }) => `${zone} ${tupleKey(original)}`,
    )
    const expectations = this.#unique(
      ['expectations'],
      (text) => readExpectations(text, this.#now),
      ({ tuple, mask }) => `${tupleKey(tuple)} ${mask.src} ${mask.sport}`,
    )
    const sockets = this.#unique(['sockets'], readSockets, (one) =>
      [one.protocol, one.state, one.local, one.family, one.port, one.remote, one.remotePort, one.dev].join(' '),
    )
    const [sets] = this.#each(['ipset-save'], ({ text }) => readSets(text))
    const xfrm: Xfrm | undefined = this.#has('xfrm-policy')
      ? {
          policies: this.#each(['xfrm-policy'], ({ text }) => readXfrmPolicies(text)).flat(),
          states: this.#has('xfrm-state')
            ? this.#each(['xfrm-state'], ({ text }) => readXfrmStates(text)).flat()
            : undefined,
        }
      : undefined
    const known = {
      rules4: this.#has('iptables-save') || this.#has('iptables-list') || nft.length > 0,
      rules6: this.#has('ip6tables-save') || this.#has('ip6tables-list') || nft.length > 0,
      routes4: !routes4.lacks.includes('routes4'),
      routes6: !routes6.lacks.includes('routes6'),
      neighbours: this.#has('ip-neigh'),
    }
    const namespace: Namespace = {
      ...place,
      links,
      rules4: rules4 ?? KERNEL_RULES[4],
      rules6: rules6 ?? KERNEL_RULES[6],
      routes: [...routes4.routes, ...routes6.routes],
      neighbours: this.#unique(['ip-neigh'], readNeighbours, ({ ip, dev }) => `${ip} ${dev}`),
      fdb,
      sysctls: sysctls.length < 2 ? sysctls[0] : new Map(sysctls.flatMap((one) => [...one])),
      connections: this.#has('conntrack') || countedNone ? connections : undefined,
      ...(expectations.length > 0 ? { expectations } : {}),
      sockets: this.#has('sockets') ? sockets : undefined,
      sets,
      ...(xfrm ? { xfrm } : {}),
      tables: xtables.tables,
      ...(bridgeTables.length > 0 ? { bridgeTables, frameTables } : {}),
      ...(arpTables.length > 0 ? { arpTables } : {}),
      ...(vlans ? { bridgeVlans: vlans } : {}),
      unmodelled,
      known,
    }
    const when = (missing: boolean, lack: Lack): readonly Lack[] => (missing ? [lack] : [])
    if (namespace.sysctls) this.#notes.push(...unsaid(namespace.sysctls))
    const lacks6 = [...routes6.lacks, ...when(rules6 === undefined, 'rules6'), ...when(!known.rules6, 'ip6tables')]
    const tracks = namespace.tables.some(({ needsConntrack }) => needsConntrack)
    const portsUnknown = links.some(({ port }) => port !== undefined) && facts.every(({ port }) => port === undefined)
    const lacks = [
      ...when(links.length === 0, 'links'),
      ...routes4.lacks,
      ...when(rules4 === undefined, 'rules4'),
      ...when(!known.rules4, 'iptables'),
      ...(usesIpv6(namespace) ? lacks6 : []),
      ...when(sysctls.length === 0, 'sysctl'),
      ...when(tracks && namespace.connections === undefined, 'conntrack'),
      ...when(sets === undefined && this.#asksForSets(), 'sets'),
      ...when(portsUnknown, 'ports'),
    ]
    return {
      namespace,
      lacks,
      notes: this.#notes,
      problems: this.#problems,
      foreign,
    }
  }

  #of(kinds: readonly Kind[]): readonly KnownFile[] {
    return kinds.flatMap((kind) => this.#files.filter((file) => file.kind === kind))
  }

  #has(kind: Kind): boolean {
    return this.#files.some((file) => file.kind === kind)
  }

  /** What a reader makes of each file; a problem takes the place of what cannot be read. */
  #each<T>(kinds: readonly Kind[], read: (file: KnownFile) => T): T[] {
    return this.#of(kinds).flatMap((file) => {
      try {
        return [read(file)]
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        this.#problems.push({ file: file.path, ...error.position, message: error.message })
        return []
      }
    })
  }

  /** The entries of all files, each once: the same listing may be there in two forms. */
  #unique<T>(kinds: readonly Kind[], read: (text: string) => readonly T[], key: (one: T) => string): readonly T[] {
    const found = new Map<string, T>()
    for (const one of this.#each(kinds, ({ text }) => read(text)).flat())
      if (!found.has(key(one))) found.set(key(one), one)
    return [...found.values()]
  }

  /** `ip route show table all` prints both families, and `ip -6 route` the second one again. */
  #routes(): readonly Route[] {
    const found = new Map<string, Route>()
    const nexthops = new Map(
      this.#each(['ip-nexthop'], ({ text }) => readNexthops(text))
        .flat()
        .map((one) => [one.id, one]),
    )
    for (const { routes, notes } of this.#each(['ip-route'], ({ text, path, hint }) =>
      completed(readRoutes(text, hintOf(hint ?? path) ?? 4), nexthops),
    )) {
      this.#notes.push(...notes.filter((note) => !this.#notes.includes(note)))
      const inThis = new Map<string, number>()
      for (const route of routes) {
        const key = `${route.table} ${route.type} ${printPrefix(route.destination)} ${route.text}`
        // one file that prints a line twice has two such routes
        const nth = (inThis.get(key) ?? 0) + 1
        inThis.set(key, nth)
        if (!found.has(`${key} ${nth}`)) found.set(`${key} ${nth}`, route)
      }
    }
    return [...found.values()]
  }

  /** The routes of one family, and what had to be made from the addresses. */
  #complete(given: readonly Route[], links: readonly Link[], family: Family): RoutesRead {
    const own = given.filter(({ destination }) => familyOf(destination.ip) === family)
    const listed =
      own.length > 0 || this.#of(['ip-route']).some(({ path, hint }) => (hintOf(hint ?? path) ?? 4) === family)
    if (!listed)
      return {
        routes: [...addressRoutes(links, family, 'main'), ...addressRoutes(links, family, 'local')],
        lacks: [family === 4 ? 'routes4' : 'routes6'],
      }
    const made = own.some(({ table }) => table === 'local') ? [] : addressRoutes(links, family, 'local')
    return { routes: [...own, ...made], lacks: made.length === 0 ? [] : [family === 4 ? 'local4' : 'local6'] }
  }

  /** The first listing of each family; a file without any text is none. */
  #rules(): ReadonlyMap<Family, readonly RoutingRule[]> {
    const found = new Map<Family, readonly RoutingRule[]>()
    for (const read of this.#each(
      ['ip-rule'],
      ({ path, text, hint }) => text.trim() !== '' && readRules(text, hintOf(hint ?? path)),
    ))
      if (read && !found.has(read.family)) found.set(read.family, read.rules)
    return found
  }

  #asksForSets(): boolean {
    return this.#of(['iptables-save', 'ip6tables-save']).some(({ text }) => / --(match|add|del|map)-set /.test(text))
  }

  /** Rules of the link layer: those of a bridge are evaluated for IP packets. */
  #linkLayer(): readonly LinkFile[] {
    return this.#of(['ebtables-save', 'arptables-save']).flatMap(({ path, text, kind }) => {
      const read = readLink(text, { file: path, program: kind === 'ebtables-save' ? 'ebtables' : 'arptables' })
      if (read.ok) return [read.file]
      this.#problems.push(...read.problems)
      return []
    })
  }
}

/** An nft listing shows the chains of ebtables-nft and arptables-nft as its own. */
const isLinkChain = ({ family, text }: Unmodelled, tables: readonly Table[]): boolean => {
  const [, of, table, chain] = /^nft chain (bridge|arp) (\S+) (\S+) /.exec(text) ?? []
  return family === of && tables.some(({ name, chains }) => name === `${of} ${table}` && chains.has(chain ?? ''))
}

/** Nothing tells where a route leads whose nexthop object is nowhere listed. */
function completed({ routes, notes }: Routes, nexthops: ReadonlyMap<number, NexthopObject>): Routes {
  return {
    notes,
    routes: routes.map((route) => {
      const whole = withNexthops(route, nexthops)
      if (whole) return whole
      throw new InputError(`the route "${route.text}" names nexthop ${route.nexthopId}: \`ip nexthop\` must show it`, {
        line: 1,
        column: 1,
      })
    }),
  }
}

/** A part of `sysctl -a`, or a sysctl.conf: the settings on which most answers hang. */
function unsaid(sysctls: ReadonlyMap<string, string>): readonly string[] {
  const lacking = DECISIVE.filter((names) => names.every((name) => !sysctls.has(name))).map(([name]) => name)
  return lacking.length === 0 ? [] : [`the sysctl file does not have ${lacking.join(', ')}: taken as 0`]
}

/** Each under all of its names. */
const DECISIVE = [['net.ipv4.ip_forward', 'net.ipv4.conf.all.forwarding'], ['net.ipv4.conf.all.rp_filter']] as const

/** The family that a file's name says: `ip-route6.json`, `ip_-6_rule`. */
const hintOf = (path: string): Family | undefined => {
  const name = baseName(path)
  return /6/.test(name) ? 6 : /route|rule/.test(name) ? 4 : undefined
}

const usesIpv6 = ({ links, routes }: Namespace): boolean =>
  links.some(({ addresses }) =>
    addresses.some(({ prefix }) => typeof prefix.ip === 'bigint' && prefix.length < 128 && isLan(prefix)),
  ) ||
  routes.some(({ destination, type }) => typeof destination.ip === 'bigint' && type === 'unicast' && isLan(destination))

/** net/ipv4/fib_rules.c: fib_default_rules_init; net/ipv6/fib6_rules.c: fib6_rules_net_init. */
const KERNEL_RULES: Readonly<Record<Family, readonly RoutingRule[]>> = {
  4: readRules('0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n', 4).rules,
  6: readRules('0:\tfrom all lookup local\n32766:\tfrom all lookup main\n', 6).rules,
}
