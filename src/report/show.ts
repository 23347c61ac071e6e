import { printMac } from '../address/mac.js'
import { printPrefix } from '../address/prefix.js'
import type { Hosts, Link, Namespace, Wire } from '../path/world.js'
import { placeName } from '../path/world.js'
import type { Chain, Table } from '../rules/program.js'
import { type Json, SCHEMAS } from './json.js'
import { fill, type Line, printable, type Span, span, table, words } from './line.js'

/** A file of the snapshot and what it was taken for. */
export interface InputFile {
  readonly path: string
  /** `iptables-save`, `ip-route.json`, … Undefined: not recognised. */
  readonly kind: string | undefined
}

/** What was read: per namespace its links, tables, routes, then what joins them, what was assumed and what was not recognised. */
export function showText(hosts: Hosts, files: readonly InputFile[], width: number): Line[] {
  const unknown = files.filter(({ kind }) => kind === undefined)
  const sentence = (text: string): Line[] => fill({ indent: 2, hang: 2, pieces: words(printable(text)) }, width)
  return [
    ...hosts.namespaces.flatMap((namespace) => [...namespaceLines(namespace, width), []]),
    ...section('wires', hosts.wires.map(wireText).flatMap(sentence)),
    ...section('assumed', hosts.assumptions.flatMap(sentence)),
    ...section(
      'not recognised',
      unknown.flatMap(({ path }) => sentence(path)),
    ),
  ]
}

const section = (title: string, lines: readonly Line[]): Line[] =>
  lines.length === 0 ? [] : [[span(title, 'heading')], ...lines, []]

function namespaceLines(namespace: Namespace, width: number): Line[] {
  const { links, routes, rules4, rules6, neighbours, connections, sockets, sysctls } = namespace
  const tables = tablesOf(namespace)
  const counts = [
    `${count(routes.length, 'route')}, ${count(rules4.length + rules6.length, 'routing rule')}, ${count(neighbours.length, 'neighbour')}`,
    `connections: ${connections ? connections.length : 'not given'}; sockets: ${sockets ? sockets.length : 'not given'}; sysctls: ${sysctls ? sysctls.size : 'not given'}`,
  ]
  return [
    [span(printable(placeName(namespace)), 'heading')],
    ...table(links.map(linkRow), { indent: 2, width }),
    ...tables.flatMap(tableLines),
    ...(tables.length === 0 ? [[span('  no packet filter tables', 'dim')]] : []),
    ...setLines(namespace),
    ...counts.map((text) => [span(`  ${text}`, 'dim')]),
  ]
}

function setLines({ sets }: Namespace): Line[] {
  if (!sets || sets.listed.length === 0) return []
  const row = ({ name, type, elements }: NonNullable<Namespace['sets']>['listed'][number]): Span[] => [
    span(printable(name), 'name'),
    span(type, 'dim'),
    span(count(elements, type === 'list:set' ? 'set' : 'element'), 'dim'),
  ]
  return [[span('  '), span('sets', 'label')], ...table(sets.listed.map(row), { indent: 4 })]
}

/** Those of a bridge and of ARP behind those of IP. */
const tablesOf = ({ tables, bridgeTables = [], arpTables = [] }: Namespace): readonly Table[] => [
  ...tables,
  ...bridgeTables.filter(({ family }) => family === 4),
  ...arpTables,
]

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

function linkRow(link: Link): Span[] {
  const master = link.master === undefined ? '' : `port of ${link.master}`
  const state = link.up ? (link.carrier ? '' : 'no carrier') : 'down'
  const addresses = link.addresses.map(({ prefix }) => printPrefix(prefix)).join(' ')
  return [
    span(printable(link.name), 'name'),
    span(link.kindText, 'dim'),
    span(printable([master, state].filter((text) => text !== '').join(', ')), 'dim'),
    span(addresses),
  ]
}

function tableLines({ name, family, backend, chains }: Table): Line[] {
  const all = [...chains.values()]
  const rules = all.reduce((sum, chain) => sum + chain.rules.length, 0)
  const head: Line = [
    span('  '),
    span(`${family === 4 ? 'ip' : 'ip6'} ${printable(name)}`, 'label'),
    span(` (${backend}): ${count(all.length, 'chain')}, ${count(rules, 'rule')}`, 'dim'),
  ]
  const base = all.filter((chain) => chain.base)
  return [head, ...table(base.map(chainRow), { indent: 4 })]
}

function chainRow({ name, rules, base }: Chain): Span[] {
  const policy = base!.policy
  return [
    span(printable(name)),
    span(`policy ${policy.toUpperCase()}`, policy === 'drop' ? 'drop' : 'dim'),
    span(count(rules.length, 'rule'), 'dim'),
  ]
}

const portName = ({ link, ...place }: Wire['ends'][number]): string => `${placeName(place)}:${link}`

const wireText = ({ ends, because }: Wire): string => `${ends.map(portName).join(' -- ')}  (${because})`

/** The same as one document. */
export function showJson(hosts: Hosts, files: readonly InputFile[]) {
  return {
    schema: SCHEMAS.show,
    namespaces: hosts.namespaces.map(namespaceJson),
    wires: hosts.wires.map(({ kind, ends, because }) => {
      return { kind, because, ends: ends.map(({ host, namespace, link }) => ({ host, namespace, interface: link })) }
    }),
    assumptions: hosts.assumptions,
    files: files.map(({ path, kind }) => ({ path, kind: kind ?? null })),
  } satisfies Json
}

function namespaceJson(of: Namespace) {
  return {
    host: of.host,
    namespace: of.namespace,
    links: of.links.map(linkJson),
    tables: tablesOf(of).map(tableJson),
    sets: of.sets?.listed.map(({ name, type, elements }) => ({ name, type, elements })) ?? null,
    routes: of.routes.map(({ table: name, text }) => ({ table: name, text })),
    rules: [...of.rules4, ...of.rules6].map(({ priority, text }) => ({ priority, text })),
    neighbours: of.neighbours.length,
    connections: of.connections?.length ?? null,
    sockets: of.sockets?.length ?? null,
    sysctls: of.sysctls?.size ?? null,
  } satisfies Json
}

function linkJson(link: Link) {
  const { name, index, kindText, mac, mtu, up, master, addresses } = link
  return {
    name,
    index,
    kind: kindText,
    mac: mac === undefined ? null : printMac(mac),
    mtu,
    up,
    master: master ?? null,
    addresses: addresses.map(({ prefix }) => printPrefix(prefix)),
  } satisfies Json
}

function tableJson({ name, family, backend, chains }: Table) {
  return {
    name,
    family,
    backend,
    chains: [...chains.values()].map((chain) => {
      const { hook, priority, policy } = chain.base ?? {}
      return {
        name: chain.name,
        hook: hook ?? null,
        priority: priority ?? null,
        policy: policy ?? null,
        rules: chain.rules.length,
      }
    }),
  } satisfies Json
}
