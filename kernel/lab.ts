import { availableParallelism } from 'node:os'
import { Agent, type Caught, type ToolResult } from './agent.js'
import { SECOND, SECOND_FOLDER } from './place.js'

/** A router under test and everything around it, as data: the same text builds the same lab again. */
export interface LabSpec extends RouterSpec {
  readonly family: 4 | 6
  /** Another router behind this one. */
  readonly second?: RouterSpec & {
    /** The link between the two: the first router's end, and the second's. Neighbours are up to `neighbours`. */
    readonly joined: readonly [LinkSpec, LinkSpec]
  }
}

/** A router: its rules' backend, its links that lead outside, and what else is set on it. */
export interface RouterSpec {
  readonly backend: 'legacy' | 'nft'
  /** Names `r0`, `r1`, …: never the same in two routers of a lab. */
  readonly links: readonly LinkSpec[]
  /** Lines of `ip -batch` that make devices on top of the links, and lines of `bridge -batch` about them. */
  readonly devices?: { readonly ip: readonly string[]; readonly bridge: readonly string[] }
  /** Arguments of `ip route add`, `ip rule add`, `ip neigh add`. */
  readonly routes: readonly string[]
  readonly rules: readonly string[]
  readonly neighbours: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  /** UDP ports on which somebody listens (and never answers). */
  readonly udp: readonly (readonly [address: string, port: number])[]
}

export interface LinkSpec {
  readonly name: string
  readonly addresses: readonly string[]
  readonly arp: boolean
  readonly mtu: number
}

export const routerMac = (link: number): string => `02:00:00:00:00:1${link}`
export const farMac = (link: number): string => `02:00:00:00:01:1${link}`
/** The far end of a link of the router. */
export const farOf = (name: string): string => name.replace(/^r/, 'f')
/** The MAC addresses of the link between two routers, the first's and the second's. */
export const JOINED_MACS = ['02:00:00:00:00:a0', '02:00:00:00:00:a1'] as const
/** Of a lab with two routers: 0 or 1. */
export type Which = 0 | 1
export const routersOf = (spec: LabSpec): readonly Which[] => (spec.second ? [0, 1] : [0])
export const nearOf = (tap: string): string => tap.replace(/^f/, 'r')

/** One packet as it was put in: at a link of a router (`r0`), or `local` (`second`), from the (second) router itself without a link-layer header. */
export interface Injection {
  readonly at: string
  readonly frame: string
}

/** What one packet came to. `links` of the router, not the far ends that caught the frames. */
export interface Outcome {
  readonly sent: readonly Caught[]
  readonly trace: readonly string[]
}

/** What the helper answers. */
interface Sent {
  readonly caught: readonly Caught[]
  readonly trace?: readonly string[]
}

/** What is left behind by a run. */
export interface Aftermath {
  /** `iptables-save -c`. */
  readonly save: string
  /** `conntrack -L -o extended,id` without the ids, sorted by the caller. */
  readonly conntrack: readonly string[]
  /** `ipset save`, where the case has sets. */
  readonly sets: string | undefined
  /** Of the second router, where there is one. */
  readonly second?: Pick<Aftermath, 'save' | 'conntrack'>
}

/** Sysctls that have a say in where packets go; the rest would only make recordings long. */
const SYSCTLS =
  /^net\.(ipv[46]\.(ip_forward|ip_default_ttl|ip_nonlocal_bind|ip_no_pmtu_disc|ip_forward_use_pmtu|ip_early_demux|icmp_|fwmark_reflect|conf\.(all|default|lo|[rj]\d)\.(forwarding|mc_forwarding|rp_filter|accept_local|route_localnet|accept_source_route|src_valid_mark|send_redirects|secure_redirects|shared_media|log_martians|bc_forwarding|arp_|disable_policy|disable_xfrm|disable_ipv6|accept_redirects|hop_limit)|icmp\.|ip_local|local_)|netfilter\.nf_(conntrack|hooks)|bridge\.)/

let made = 0

/** A program that watches connections, and where it writes. */
interface Watched {
  readonly process: string
  readonly file: string
}

/** A lab that stands. `close` takes it down. */
export class Lab {
  readonly spec: LabSpec
  readonly #agent: Agent
  #files: Readonly<Record<string, string>> | undefined
  #hasSets = false
  #traced = false
  /** nf_tables: what its trace calls a rule, and what we do; and how many rules a chain has. */
  #handles: ReadonlyMap<string, number> = new Map()

  private constructor(spec: LabSpec, agent: Agent) {
    this.spec = spec
    this.#agent = agent
  }

  static async build(spec: LabSpec): Promise<Lab> {
    const agent = new Agent()
    try {
      const { far } = await agent.ask('hello', { cpu: made++ % availableParallelism() })
      const lab = new Lab(spec, agent)
      await lab.#build(far)
      return lab
    } catch (error) {
      await agent.close()
      throw error
    }
  }

  async #build(far: string): Promise<void> {
    const { second } = this.spec
    const agent = this.#agent
    const path = second && (await agent.ask('namespace', { name: SECOND }))['path']
    for (const which of routersOf(this.spec)) await this.#devices(far, which)
    if (second) {
      const [one, other] = second.joined
      await this.#must(
        ['ip', '-batch', '-'],
        `link add ${one.name} mtu ${one.mtu} address ${JOINED_MACS[0]} type veth peer name ${other.name} mtu ${other.mtu} address ${JOINED_MACS[1]} netns ${path}\n`,
      )
    }
    const links = [...this.spec.links, ...(second?.links ?? [])]
    const names = links.map(({ name }) => farOf(name))
    await agent.must(
      ['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'],
      '',
      true,
    )
    const fence =
      'link add fence0 arp off type veth peer name fence1\nlink set fence1 arp off\nlink set fence0 up\nlink set fence1 up\n'
    await agent.must(
      ['ip', '-batch', '-'],
      `${fence}${names.map((name) => `link set ${name} arp off up\n`).join('')}`,
      true,
    )
    await agent.ask('plain', { devices: names, far: true })
    for (const which of routersOf(this.spec)) await this.#configure(which)
    // multicast listener reports would be counted by rules; they are over soon after the last address
    if (this.spec.family === 6) await new Promise((resolve) => setTimeout(resolve, 150))
    await agent.ask('open', { devices: names, fence: ['fence0', 'fence1'] })
  }

  /** A request, and a tool, in the namespace of one of the routers. */
  #ask(op: string, request: Readonly<Record<string, unknown>>, which: Which = 0): ReturnType<Agent['ask']> {
    return this.#agent.ask(op, which === 0 ? request : { ...request, ns: SECOND })
  }

  async #run(argv: readonly string[], input = '', which: Which = 0): Promise<ToolResult> {
    return (await this.#ask('run', { argv, input }, which)) as unknown as ToolResult
  }

  async #must(argv: readonly string[], input = '', which: Which = 0): Promise<string> {
    const { status, out, err } = await this.#run(argv, input, which)
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${err || out}\n${input}`)
    return out
  }

  router(which: Which): RouterSpec {
    return which === 0 ? this.spec : this.spec.second!
  }

  /** The router's links to the far ends. */
  async #devices(far: string, which: Which): Promise<void> {
    const off =
      this.spec.family === 4
        ? { 'net.ipv6.conf.all.disable_ipv6': '1', 'net.ipv6.conf.default.disable_ipv6': '1' }
        : QUIET6
    await this.#ask('sysctl', { values: { ...off, ...QUIET } }, which)
    const pairs = this.router(which).links.map(({ name, mtu }) => {
      const number = Number(name.slice(1))
      return `link add ${name} mtu ${mtu} address ${routerMac(number)} type veth peer name ${farOf(name)} mtu ${mtu} address ${farMac(number)} netns ${far}\n`
    })
    await this.#must(['ip', '-batch', '-'], `${pairs.join('')}link set lo up\n`, which)
  }

  async #configure(which: Which): Promise<void> {
    const { routes, rules, neighbours, sysctls, udp, devices } = this.router(which)
    const { family, second } = this.spec
    const links = [...this.router(which).links, ...(second ? [second.joined[which]] : [])]
    await this.#ask('plain', { devices: links.map(({ name }) => name) }, which)
    const add = (what: string, items: readonly string[]) => items.map((item) => `${what} add ${item}\n`).join('')
    await this.#must(
      ['ip', family === 4 ? '-4' : '-6', '-batch', '-'],
      links.map(({ name, arp, addresses }) => `link set ${name} arp ${arp ? 'on' : 'off'} up\n${add('addr', addresses.map((a) => `${a} dev ${name}${family === 6 ? ' nodad' : ''}`))}`).join('') +
        (devices?.ip ?? []).map((line) => `${line}\n`).join('') + add('route', routes) + add('rule', rules) + add('neigh', neighbours),
      which,
    ) // biome-ignore format: one line each
    if (devices?.bridge.length) await this.#must(['bridge', '-batch', '-'], `${devices.bridge.join('\n')}\n`, which)
    await this.#ask('sysctl', { values: sysctls }, which)
    await this.#ask('listen', { udp }, which)
  }

  /** The files of a snapshot (interface.md, shape 1), by the commands that an administrator would type; without rules and connections. */
  async files(): Promise<Readonly<Record<string, string>>> {
    if (this.#files) return this.#files
    const files = { ...(await this.#filesOf(0)) }
    if (this.spec.second)
      for (const [name, text] of Object.entries(await this.#filesOf(1))) files[`${SECOND_FOLDER}${name}`] = text
    this.#files = files
    return files
  }

  async #filesOf(which: Which): Promise<Readonly<Record<string, string>>> {
    const family = this.spec.family === 4 ? [] : ['-6']
    const suffix = this.spec.family === 4 ? '' : '6'
    const files: Record<string, string> = {}
    const commands: Readonly<Record<string, readonly string[]>> = {
      'ip-link.json': ['ip', '-d', '-j', 'link', 'show'],
      'ip-addr.json': ['ip', '-j', 'addr', 'show'],
      [`ip-route${suffix}.json`]: ['ip', ...family, '-j', 'route', 'show', 'table', 'all'],
      [`ip-rule${suffix}.json`]: ['ip', ...family, '-j', 'rule', 'show'],
      'ip-neigh.json': ['ip', '-j', 'neigh', 'show'],
      sockets: ['ss', '-tuln'],
      ...(this.router(which).devices
        ? { 'bridge-fdb.json': ['bridge', '-j', 'fdb', 'show'], 'ip-xfrm-policy': ['ip', 'xfrm', 'policy'] }
        : {}),
    }
    for (const [name, argv] of Object.entries(commands)) files[name] = await this.#must(argv, '', which)
    const { out } = await this.#run(['sysctl', '-a'], '', which)
    files['sysctl'] = out
      .split('\n')
      .filter((line) => SYSCTLS.test(line))
      .join('\n')
      .concat('\n')
    return files
  }

  #tools(which: Which = 0): string {
    return `${this.spec.family === 4 ? 'ip' : 'ip6'}tables-${this.router(which).backend}`
  }

  async toolVersion(): Promise<string> {
    return (await this.#agent.must([this.#tools(), '--version'])).trim()
  }

  /** Replaces every rule there is. Gives what the tool complains about, or undefined. */
  async load(text: string, which: Which = 0): Promise<string | undefined> {
    if (this.router(which).backend === 'nft') await this.#ask('flush', {}, which)
    const { status, err, out } = await this.#run([`${this.#tools(which)}-restore`], text, which)
    if (status === 0 && this.#traced && this.spec.backend === 'nft')
      this.#handles = handlesOf(await this.#agent.must(['nft', '-a', 'list', 'ruleset']))
    return status === 0 ? undefined : err || out || `status ${status}`
  }

  /** A line of nf_tables' trace as iptables' trace has it: `filter:FORWARD:rule:2`. Others stay. */
  #ordinal(line: string): string {
    const found = /^(\S+) (\S+) (rule|policy)(?: (\d+))?$/.exec(line)
    if (!found) return line
    const [, table, chain, word, handle] = found
    const number = this.#handles.get(`${table} ${chain} ${handle ?? 'rules'}`) ?? 0
    return `${table}:${chain}:${word}:${handle === undefined ? number + 1 : number}`
  }

  async save(which: Which = 0): Promise<string> {
    return this.#must([`${this.#tools(which)}-save`, '-c'], '', which)
  }

  get hasSets(): boolean {
    return this.#hasSets
  }

  /** Replaces every named set; no rule may name one any more. Gives what `ipset save` prints then, or what the tool complains about. */
  async loadSets(
    lines: readonly string[],
  ): Promise<{ readonly saved: string | undefined } | { readonly complaint: string }> {
    if (this.#hasSets) await this.#destroySets()
    this.#hasSets = lines.length > 0
    if (!this.#hasSets) return { saved: undefined }
    const { status, err, out } = await this.#agent.run(['ipset', 'restore'], `${lines.join('\n')}\n`)
    if (status === 0) return { saved: await this.#agent.must(['ipset', 'save']) }
    // what the kernel refuses is left out
    const refused = /Error in line (\d+):/.exec(err)?.[1]
    const rest = lines.filter((line, i) => i + 1 !== Number(refused) || line.startsWith('create'))
    return refused !== undefined && rest.length < lines.length
      ? this.loadSets(rest)
      : { complaint: err || out || `status ${status}` }
  }

  /** nf_tables lets go of a rule's set a moment after the rule. */
  async #destroySets(): Promise<void> {
    // lists hold on to their sets
    await this.#agent.must(['ipset', 'flush'])
    for (let attempt = 1; ; attempt++) {
      const { status, err } = await this.#agent.run(['ipset', 'destroy'])
      if (status === 0) return
      if (attempt === 50) throw new Error(`ipset destroy: ${err}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** `conntrack -L expect`. */
  async expectations(): Promise<readonly string[]> {
    const { out } = await this.#agent.run(['conntrack', '-L', 'expect', '-f', `ipv${this.spec.family}`])
    return out.split('\n').filter((line) => line !== '')
  }

  /** From now on `conntrack -E -o extended` writes down what connections do; `events` ends it. */
  async watch(): Promise<Watched> {
    const family = `ipv${this.spec.family}`
    const { out } = await this.#agent.run([
      'sh',
      '-c',
      `f=$(mktemp); conntrack -E -f ${family} -o extended >"$f" 2>/dev/null </dev/null & sleep 0.15; echo $! $f`,
    ])
    const [process, file] = out.trim().split(' ')
    return { process: process!, file: file! }
  }

  async events({ process, file }: Watched): Promise<readonly string[]> {
    const { out } = await this.#agent.run([
      'sh',
      '-c',
      `sleep 0.05; kill ${process}; sleep 0.05; cat ${file}; rm ${file}`,
    ])
    return out.split('\n').filter((line) => line !== '')
  }

  async flushConnections(): Promise<void> {
    for (const which of routersOf(this.spec)) await this.#ask('forget', {}, which)
  }

  /** `pause`: seconds to wait before. */
  async send({ at, frame }: Injection, pause = 0): Promise<Outcome> {
    return this.#outcome((await this.#agent.ask('send', { at: farOf(at), frame, pause })) as unknown as Sent)
  }

  /** Several packets, one after the other: what came of each. */
  async replay(packets: readonly Injection[], pause = 0): Promise<readonly Outcome[]> {
    const sends = packets.map(({ at, frame }) => [farOf(at), frame])
    const { answers } = await this.#agent.ask('replay', { packets: sends, pause })
    return (answers as readonly Sent[]).map((answer) => this.#outcome(answer))
  }

  #outcome({ caught, trace }: Sent): Outcome {
    return {
      sent: caught.filter(ours).map(([tap, hex]) => [nearOf(tap), hex]),
      trace: (trace ?? []).map((line: string) => this.#ordinal(line)),
    }
  }

  async trace(): Promise<void> {
    this.#traced = true
    await this.#agent.ask('trace', { backend: this.spec.backend })
  }

  /** Frames that came out with no packet to blame, and how many the capture lost: both must be nothing. */
  async strays(): Promise<{ readonly frames: readonly Caught[]; readonly lost: number }> {
    const { caught } = await this.#agent.ask('quiet')
    const { lost } = await this.#agent.ask('drops')
    return { frames: (caught as Caught[]).filter(ours), lost }
  }

  async aftermath(): Promise<Aftermath> {
    const sets = this.#hasSets ? await this.#agent.must(['ipset', 'save']) : undefined
    const second = this.spec.second ? { second: await this.#aftermathOf(1) } : {}
    return { ...(await this.#aftermathOf(0)), sets, ...second }
  }

  async #aftermathOf(which: Which): Promise<Pick<Aftermath, 'save' | 'conntrack'>> {
    const save = await this.save(which)
    const family = this.spec.family === 4 ? 'ipv4' : 'ipv6'
    const { count } = await this.#ask('tracked', {}, which)
    const { out } =
      count === 0 ? { out: '' } : await this.#run(['conntrack', '-L', '-f', family, '-o', 'extended'], '', which)
    return { save, conntrack: out.split('\n').filter((line) => line !== '') }
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

/** From `nft -a list ruleset`: `TABLE CHAIN HANDLE` to the rule's number in its chain, `TABLE CHAIN rules` to how many there are. */
function handlesOf(listing: string): ReadonlyMap<string, number> {
  const handles = new Map<string, number>()
  let [table, chain] = ['', '']
  for (const line of listing.split('\n')) {
    const opened = /^\s*(table \S+|chain) (\S+) \{/.exec(line)
    if (opened?.[1] === 'chain') chain = opened[2]!
    else if (opened) table = opened[2]!
    const handle = opened ? undefined : /# handle (\d+)$/.exec(line)?.[1]
    if (handle === undefined) continue
    const number = (handles.get(`${table} ${chain} rules`) ?? 0) + 1
    handles.set(`${table} ${chain} rules`, number)
    handles.set(`${table} ${chain} ${handle}`, number)
  }
  return handles
}

const QUIET = {
  'net.ipv4.icmp_ratelimit': '0', 'net.ipv4.icmp_ratemask': '0', 'net.ipv4.icmp_msgs_per_sec': '1000000', 'net.ipv4.icmp_msgs_burst': '1000000',
  'net.netfilter.nf_conntrack_acct': '1',
  'net.ipv4.ipfrag_time': '3600',
  'net.netfilter.nf_conntrack_frag6_timeout': '3600',
} as const // biome-ignore format: a table

const QUIET6 = {
  'net.ipv6.conf.all.accept_dad': '0', 'net.ipv6.conf.default.accept_dad': '0', 'net.ipv6.conf.default.router_solicitations': '0',
  'net.ipv6.conf.all.router_solicitations': '0', 'net.ipv6.conf.default.addr_gen_mode': '1', 'net.ipv6.conf.all.addr_gen_mode': '1',
  'net.ipv6.icmp.ratelimit': '0',
  'net.ipv6.auto_flowlabels': '0',
  'net.ipv6.conf.all.mldv2_unsolicited_report_interval': '1',
  'net.ipv6.conf.default.mldv2_unsolicited_report_interval': '1', 'net.ipv6.conf.default.accept_ra': '0',
} as const // biome-ignore format: a table

/** What the kernel says to its neighbours by itself: multicast listener reports, router solicitations. */
const ours = ([, frame]: Caught): boolean =>
  !(frame.slice(24, 28) === '86dd' && frame.startsWith('3333') && /^(8f|85|83|84|87)/.test(icmp6Type(frame)))

/** The ICMPv6 type, behind a hop-by-hop header if there is one. */
function icmp6Type(frame: string): string {
  const next = frame.slice(40, 42)
  if (next === '00') return frame.slice(14 * 2 + 48 * 2, 14 * 2 + 49 * 2)
  return next === '3a' ? frame.slice(14 * 2 + 40 * 2, 14 * 2 + 41 * 2) : ''
}
