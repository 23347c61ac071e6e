import { familyOf, type Ip, printIp } from '../../src/address/ip.js'
import { parsePacketLine } from '../../src/packet/language.js'
import { connect } from '../../src/path/connect.js'
import { QuestionError } from '../../src/path/resolve.js'
import { type Hosts, type Namespace, placeName } from '../../src/path/world.js'

/** One connection: who asks, whom, and what comes of it. */
export interface Cell {
  /** As `trace` reads it. */
  readonly line: string
  /** Null: not decided; undefined: it cannot be asked. */
  readonly works: boolean | null | undefined
  readonly symptom: string
}

export interface Service {
  readonly address: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Who listens, or where it stands in the rules. */
  readonly name: string
}

export interface Grid {
  readonly sources: readonly string[]
  readonly services: readonly Service[]
  /** By source, then by service. */
  readonly cells: readonly (readonly Cell[])[]
  /** There are more sources or services than these. */
  readonly more: boolean
}

const MOST_SOURCES = 14
const MOST_SERVICES = 18
/** An address that nobody in a snapshot should have (RFC 5737). */
export const OUTSIDE = '198.51.100.9'
export const FROM_OUTSIDE = 'internet'

/** One connection from each namespace, and from outside, to everything that listens or that the rules translate: what `connect` says of each. */
export function gridOf(hosts: Hosts): Grid {
  const sources = [...(outsideOf(hosts) ? [FROM_OUTSIDE] : []), ...hosts.namespaces.map(placeName)]
  const services = servicesOf(hosts)
  const shown = { sources: sources.slice(0, MOST_SOURCES), services: services.slice(0, MOST_SERVICES) }
  return {
    ...shown,
    cells: shown.sources.map((source) => shown.services.map((service) => cell(hosts, source, service))),
    more: sources.length > MOST_SOURCES || services.length > MOST_SERVICES,
  }
}

/** The cells that are not alike in two grids. */
export function changedCells(before: Grid, after: Grid): readonly { readonly before: Cell; readonly after: Cell }[] {
  const olds = new Map(before.cells.flat().map((one) => [one.line, one]))
  return after.cells.flat().flatMap((now) => {
    const old = olds.get(now.line)
    return old && (old.works !== now.works || old.symptom !== now.symptom) ? [{ before: old, after: now }] : []
  })
}

function cell(hosts: Hosts, source: string, { protocol, address, port }: Service): Cell {
  const to = `${address.includes(':') ? `[${address}]` : address}:${port}`
  const line =
    source === FROM_OUTSIDE
      ? `${protocol} ${OUTSIDE} > ${to} in ${outsideOf(hosts)}`
      : `${protocol} > ${to} from ${source}`
  const parsed = parsePacketLine(line)
  if (!parsed.ok || parsed.packet.is === 'capture') return { line, works: undefined, symptom: '' }
  try {
    const [first, ...others] = connect(hosts, parsed.packet).branches
    const works = others.every((one) => one.works === first?.works) ? first?.works : null
    return { line, works, symptom: first?.symptom ?? '' }
  } catch (error) {
    if (error instanceof QuestionError) return { line, works: undefined, symptom: error.message }
    throw error
  }
}

/** The interface over which a host's default route leads, where the snapshot has one such. */
export function outsideOf({ namespaces }: Hosts): string | undefined {
  const found = namespaces
    .filter(({ namespace }) => namespace === '')
    .flatMap(({ routes }) =>
      routes.flatMap(({ text }) => {
        const dev = /^default .*\bdev (\S+)/.exec(text)?.[1]
        return dev === undefined ? [] : [dev]
      }),
    )
  return found[0]
}

/** What listens on an address that others have a way to, and what the rules of nat send on. */
function servicesOf({ namespaces }: Hosts): readonly Service[] {
  const found = new Map<string, Service>()
  const add = (service: Service) => {
    const key = `${service.protocol} ${service.address} ${service.port}`
    if (!found.has(key)) found.set(key, service)
  }
  for (const namespace of namespaces) for (const one of translated(namespace)) add(one)
  for (const namespace of namespaces) for (const one of listening(namespace)) add(one)
  return [...found.values()]
}

function listening(namespace: Namespace): readonly Service[] {
  const own = namespace.links.flatMap(({ addresses, kind }) => (kind === 'loopback' ? [] : addresses))
  const usual = own.find(({ prefix }) => familyOf(prefix.ip) === 4)?.prefix.ip
  return (namespace.sockets ?? []).flatMap(({ protocol, state, local, port }) => {
    const address: Ip | undefined = local ?? usual
    if (state !== 'listen' || (protocol !== 'tcp' && protocol !== 'udp') || address === undefined || port === 0)
      return []
    const text = printIp(address)
    return /^(127\.|::1$|fe80:)/.test(text) ? [] : [{ address: text, protocol, port, name: placeName(namespace) }]
  })
}

/** Destinations that a rule of nat names, with the port: published ports, Services. */
export function translated(namespace: Namespace): readonly Service[] {
  const own = namespace.links.flatMap(({ addresses, kind, master }) =>
    (kind === 'ether' || kind === 'veth') && master === undefined ? addresses : [],
  )
  const host = own.find(({ prefix }) => familyOf(prefix.ip) === 4)?.prefix.ip
  return namespace.tables
    .filter(({ name, family }) => name === 'nat' && family === 4)
    .flatMap(({ chains }) => [...chains.values()].slice(0, MOST_CHAINS))
    .flatMap(({ rules }) => rules.slice(0, MOST_RULES))
    .flatMap(({ text }): Service[] => {
      const [, protocol, port] = /-p (tcp|udp)\b.* --dport (\d+)\b/.exec(text) ?? []
      const [, to] = / -j (DNAT|REDIRECT|KUBE-SVC-\S+|KUBE-EXT-\S+)/.exec(text) ?? []
      const named = / -d (\d+\.\d+\.\d+\.\d+)\/32/.exec(text)?.[1]
      const address = named ?? (host === undefined || to !== 'DNAT' ? undefined : printIp(host))
      if (protocol === undefined || to === undefined || address === undefined) return []
      const name = /--comment "?([^"]{1,40}?) (cluster IP|loadbalancer IP)/.exec(text)?.[1] ?? 'nat'
      return [{ address, protocol: protocol as 'tcp' | 'udp', port: Number(port), name }]
    })
}
const MOST_RULES = 400
/** A node has tens of thousands; what is published stands in the first. */
const MOST_CHAINS = 400
