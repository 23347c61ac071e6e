import { type Family, familyOf, type Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import { contains } from '../address/prefix.js'
import type { Entry } from '../conntrack/entry.js'
import { expectListed } from '../conntrack/helpers/listed.js'
import type { Settings } from '../conntrack/settings.js'
import { TIMEOUTS, timeoutSysctl } from '../conntrack/settings.js'
import { ConnectionTable } from '../conntrack/table.js'
import { tupleKey, tupleOf } from '../conntrack/tuple.js'
import { CT_STATUS, FIELDS, type FieldValue } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import { isLimitedBroadcast, isMulticast } from '../routing/classify.js'
import { Fib } from '../routing/fib.js'
import type { Interfaces } from '../routing/interfaces.js'
import { routeOutput } from '../routing/output.js'
import type { Answer, Condition } from '../rules/condition.js'
import type { Effect } from '../rules/effect.js'
import { evaluate, type Reading, type Stateful, type Subject, UNKNOWN } from '../rules/interpret.js'
import { advance, freshState, type MachineState, type Moment } from '../rules/machines.js'
import type { Counters, Rule, Table } from '../rules/program.js'
import type { Machine } from '../rules/state.js'
import type { OpenSets } from '../rules/store.js'
import { SynCookies } from './cookies.js'
import { countedOf, labelsOf, type Tracked } from './counted.js'
import { type ChainEntry, type Hooks, registerHooks } from './hooks.js'
import { interfacesOf } from './interfaces.js'
import { Peers } from './peers.js'
import { type Collected, Reassembly } from './reassembly.js'
import type { Skb } from './skb.js'
import { readSysctl } from './sysctls.js'
import type { Link, Namespace, Socket } from './world.js'
import { placeName } from './world.js'

/** What a namespace needs of the run that it belongs to. */
export interface Surroundings {
  readonly now: number
  /** When the run began. */
  readonly start: number
  readonly options: { readonly random: () => number }
  assume(text: string): void
}

interface Prepared {
  readonly links: ReadonlyMap<string, Link>
  readonly hooks: Readonly<Record<Family, ReturnType<typeof registerHooks>>>
  readonly fibs: Readonly<Record<Family, Fib>>
  readonly interfaces: Interfaces
  readonly settings: Settings
}

/** What is derived from a namespace's state once, however many runs walk it. */
const prepared = new WeakMap<Namespace, Prepared>()

function prepare(state: Namespace): Prepared {
  const read = (key: string) => readSysctl(state.sysctls, key).value
  return {
    links: new Map(state.links.map((link) => [link.name, link])),
    hooks: {
      4: registerHooks(state.tables, 4, state.unmodelled),
      6: registerHooks(state.tables, 6, state.unmodelled),
    },
    fibs: { 4: new Fib(4, state.rules4, state.routes), 6: new Fib(6, state.rules6, state.routes) },
    interfaces: interfacesOf(state, read),
    settings: settingsOf(state, read),
  }
}

function settingsOf({ sysctls }: Namespace, read: (key: string) => number): Settings {
  const flag = (name: string) => read(`net.netfilter.nf_conntrack_${name}`) !== 0
  const timeouts = new Map<string, number>()
  return {
    checksum: flag('checksum'),
    accounting: flag('acct'),
    max: read('net.netfilter.nf_conntrack_max'),
    beLiberal: flag('tcp_be_liberal'),
    loose: flag('tcp_loose'),
    maxRetransmits: read('net.netfilter.nf_conntrack_tcp_max_retrans'),
    ignoreInvalidRst: flag('tcp_ignore_invalid_rst'),
    automaticHelpers: sysctls?.get('net.netfilter.nf_conntrack_helper') === '1',
    timeout(name) {
      let seconds = timeouts.get(name)
      if (seconds === undefined) {
        seconds = Number(sysctls?.get(`net.netfilter.nf_conntrack_${timeoutSysctl(name)}`) ?? TIMEOUTS[name] ?? 600)
        timeouts.set(name, seconds)
      }
      return seconds
    },
  }
}

/** xt_recent takes the TTL that a packet had before it was forwarded: of all that leave without a socket it takes it to be one more. */
function ttlBefore({ oif, sender }: Skb, ttl: FieldValue | undefined): FieldValue | undefined {
  const leaves = oif !== undefined && !sender?.socket && !sender?.kernel
  return leaves && ttl !== undefined ? (Number(ttl) + 1) & 255 : ttl
}

/** One namespace in one run: the immutable state, and all that changes. */
export class Netns {
  readonly state: Namespace
  readonly connections: ConnectionTable
  readonly ruleCounters = new Map<Rule, Counters>()
  readonly policyCounters = new Map<string, Counters>()
  /** The named sets as packets have left them. */
  readonly sets: OpenSets | undefined
  readonly #prepared: Prepared
  readonly #around: Surroundings
  readonly #machines = new Map<Stateful | string, MachineState>()
  #knownMasked: ReadonlySet<string> | undefined
  readonly #templates = new Map<Effect, Entry>()
  /** Which of several next hops a flow was given. */
  readonly drawnWays = new Map<string, number>()
  /** VXLAN: device and MAC address → the host behind which it is, as packets have told. */
  readonly learned = new Map<string, Ip>()
  /** Bridges: bridge and MAC address → the port by which frames from it came in. */
  readonly heard = new Map<string, string>()
  readonly #flows = new Map<string, Socket>()
  /** Cookies that SYNPROXY has given. */
  readonly cookies = new SynCookies()
  readonly #reassembly = { conntrack: new Reassembly(true), local: new Reassembly(false) }

  readonly peers = new Peers()

  constructor(state: Namespace, around: Surroundings) {
    this.state = state
    this.#around = around
    this.#prepared = prepared.get(state) ?? prepare(state)
    prepared.set(state, this.#prepared)
    this.sets = state.sets?.open(around.start)
    this.connections = new ConnectionTable(this.#prepared.settings, state.connections)
    if (state.expectations) expectListed(this.connections, state.expectations, () => around.options.random())
  }

  get name(): string {
    return placeName(this.state)
  }

  get interfaces(): Interfaces {
    return this.#prepared.interfaces
  }

  hooks(family: Family): { readonly hooks: Hooks; readonly tracking: boolean } {
    return this.#prepared.hooks[family]
  }

  fib(family: Family): Fib {
    return this.#prepared.fibs[family]
  }

  link(name: string | undefined): Link | undefined {
    return name === undefined ? undefined : this.#prepared.links.get(name)
  }

  /** A sysctl as a number, with the kernel's default where the snapshot has none. */
  number(key: string, fallback?: number): number {
    const { value, assumed } = readSysctl(this.state.sysctls, key)
    return assumed && fallback !== undefined ? fallback : value
  }

  flag(key: string): boolean {
    return this.number(key) !== 0
  }

  /** IN_DEV_SOURCE_ROUTE: both all and the interface must allow it. */
  acceptsSourceRoute(dev: string): boolean {
    const key = (name: string) => `net.ipv4.conf.${name.replaceAll('.', '/')}.accept_source_route`
    return this.flag(key('all')) && this.flag(key(dev))
  }

  defaultTtl(family: Family): number {
    return family === 4 ? this.number('net.ipv4.ip_default_ttl') : 64
  }

  addressOf(packet: Packet, end: 'src' | 'dst'): Ip {
    if (packet.family === 4) return FIELDS[end === 'src' ? 'ip.saddr' : 'ip.daddr'].read(packet) ?? 0
    return FIELDS[end === 'src' ? 'ip6.saddr' : 'ip6.daddr'].read(packet) ?? 0n
  }

  /** By the local table: an address of this namespace, or a local route that holds it. */
  isLocal(ip: Ip): boolean {
    for (const route of this.fib(familyOf(ip)).table('local')?.matching(ip) ?? []) return route.type === 'local'
    return false
  }

  /** IPv6: an address that it shares with others, as a router the first of each subnet. */
  isAnycast(ip: Ip): boolean {
    for (const route of this.fib(familyOf(ip)).table('local')?.matching(ip) ?? []) return route.type === 'anycast'
    return false
  }

  isBroadcastOrMulticast(ip: Ip): boolean {
    if (isMulticast(ip) || isLimitedBroadcast(ip)) return true
    for (const route of this.fib(familyOf(ip)).table('local')?.matching(ip) ?? []) return route.type === 'broadcast'
    return false
  }

  /** Is it in a subnet of this interface? */
  isOnLink(ip: Ip, dev: string): boolean {
    return this.interfaces.addresses(dev).some(({ prefix }) => contains(prefix, ip))
  }

  /** Does a bridge take frames for this address up to its own IP stack? */
  isOwnMac(mac: Mac, bridge: string): boolean {
    return this.state.links.some((link) => (link.name === bridge || link.master === bridge) && link.mac === mac)
  }

  /** The interface through which this namespace would send to `ip`. */
  deviceTowards(ip: Ip): string | undefined {
    const route = routeOutput(this.fib(familyOf(ip)), this.interfaces, { dst: ip })
    return route.ok && route.type === 'unicast' ? route.dev : undefined
  }

  countRule(rule: Rule, bytes: number): void {
    bump(this.ruleCounters, rule, bytes)
  }

  countPolicy({ table, chain }: ChainEntry, bytes: number): void {
    bump(this.policyCounters, `${table.family} ${table.backend} ${table.name} ${chain.name}`, bytes)
  }

  advance(condition: Stateful, subject: Subject, skb: Skb): Answer {
    const key = condition.name ?? condition
    const { machine } = condition
    if (machine.kind === 'recent' && this.#maskedLists.has(condition.name ?? ''))
      return {
        outcome: 'unknown',
        text: `rules of the list "${condition.name}" have different masks: that of the first one counts`,
      }
    let state = this.#machines.get(key)
    if (!state) {
      state = freshState(machine, this.#around.now)
      this.#machines.set(key, state)
      if (machine.kind === 'recent')
        this.#around.assume(`${this.name}: the list of addresses "${condition.name}" is taken as empty`)
      if (machine.kind === 'bucket' || machine.kind === 'buckets')
        this.#around.assume(`${this.name}: the limit ${machine.text} is taken as not used up`)
      if (machine.kind === 'quota')
        this.#around.assume(`${this.name}: the quota of ${machine.bytes} bytes is taken as not used up`)
    }
    return advance(machine, state, this.#momentOf(machine, subject, skb))
  }

  /** Lists of addresses whose rules have different masks: a list keeps that of the rule that made it (net/netfilter/xt_recent.c: recent_mt_check), which nothing tells. */
  get #maskedLists(): ReadonlySet<string> {
    this.#knownMasked ??= new Set(
      [...masksOfLists(this.state.tables)].flatMap(([name, masks]) => (masks.size > 1 ? [name] : [])),
    )
    return this.#knownMasked
  }

  /** What a machine looks at, read from the packet. */
  #momentOf(machine: Machine, subject: Subject, skb: Skb): Moment {
    const { now } = this.#around
    switch (machine.kind) {
      case 'bucket':
      case 'nth':
        return { now }
      case 'quota':
        return { now, length: Number(known(subject.read('meta.length')) ?? 0) }
      case 'buckets':
        return {
          now,
          key: machine.key.map((value) => `${known(evaluate(value, subject)) ?? ''}`).join(' '),
          length: Number(known(subject.read('meta.length')) ?? 0),
        }
      case 'recent':
        return { now, key: known(evaluate(machine.key, subject)), ttl: ttlBefore(skb, known(subject.read('ip.ttl'))) }
      case 'label':
        return { now, connection: labelsOf(skb.tracking, this.#tracked) }
      case 'connlimit':
        return { now, ...countedOf(machine, skb, this.#tracked) }
    }
  }

  get #tracked(): Tracked {
    return { table: this.connections, initial: this.state.connections ?? [], now: this.#around.now }
  }

  /** The connection that a CT rule hands to its packets before they are tracked (net/netfilter/xt_CT.c: xt_ct_tg_check). */
  templateOf(effect: Effect, family: Family): Entry {
    const known = this.#templates.get(effect)
    if (known) return known
    const none = family === 4 ? 0 : 0n
    const tuple = { family, protocol: 0, src: none, dst: none, sport: 0, dport: 0 }
    const entry: Entry = {
      original: tuple,
      reply: tuple,
      status: CT_STATUS.TEMPLATE | CT_STATUS.CONFIRMED,
      mark: 0,
      zone: 0,
      expires: 0,
      protocol: { kind: 'other', state: '' },
      counters: { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } },
      master: undefined,
      helper: undefined,
    }
    this.#templates.set(effect, entry)
    return entry
  }

  /** A local socket begins to talk: what comes back to it finds it. */
  openFlow(packet: Packet): void {
    const tuple = tupleOf(packet)
    if (!tuple || (tuple.protocol !== 6 && tuple.protocol !== 17)) return
    const protocol = tuple.protocol === 6 ? 'tcp' : 'udp'
    const { src, dst, sport, dport, family } = tuple
    const socket: Socket = {
      protocol,
      state: 'connected',
      local: src,
      family,
      port: sport,
      remote: dst,
      remotePort: dport,
      dev: undefined,
      process: undefined,
    }
    this.#flows.set(tupleKey({ ...tuple, src: dst, dst: src, sport: dport, dport: sport }), socket)
  }

  /** The socket that began the conversation which this packet continues. */
  flowSocket(packet: Packet): Socket | undefined {
    const tuple = tupleOf(packet)
    return tuple && this.#flows.get(tupleKey(tuple))
  }

  /** The whole packet once its last fragment is here. Connection tracking and local delivery collect each for itself. */
  reassemble(packet: Packet, now: number, user: 'conntrack' | 'local'): Collected {
    return this.#reassembly[user].add(packet, now)
  }
}

function bump<K>(counters: Map<K, Counters>, key: K, bytes: number): void {
  const old = counters.get(key)
  counters.set(key, { packets: (old?.packets ?? 0) + 1, bytes: (old?.bytes ?? 0) + bytes })
}

const known = (reading: Reading): FieldValue | undefined => (reading === UNKNOWN ? undefined : reading)

/** Masks that take nothing away. */
const WHOLE: ReadonlySet<bigint> = new Set([0xffffffffn, (1n << 128n) - 1n])

/** The masks with which the rules of each list of xt_recent look addresses up. */
function masksOfLists(tables: readonly Table[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  const collect = (condition: Condition): void => {
    if (condition.is === 'not' || condition.is === 'drop-if') collect(condition.of)
    else if (condition.is === 'all' || condition.is === 'any') for (const part of condition.of) collect(part)
    else if (condition.is === 'stateful' && condition.machine.kind === 'recent') {
      const { key } = condition.machine
      const mask = typeof key !== 'string' && key.from === 'masked' && !WHOLE.has(BigInt(key.mask)) ? `${key.mask}` : ''
      const name = condition.name ?? ''
      found.set(name, (found.get(name) ?? new Set()).add(mask))
    }
  }
  for (const { chains } of tables)
    for (const { rules } of chains.values())
      for (const { steps } of rules) for (const step of steps) if ('if' in step) collect(step.if)
  return found
}
