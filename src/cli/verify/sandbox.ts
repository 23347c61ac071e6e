import { familyOf, printIp } from '../../address/ip.js'
import { type Mac, printMac } from '../../address/mac.js'
import type { Namespace } from '../../path/world.js'
import { Agent, type Caught } from './agent.js'
import { linkCommands, networkCommands, sysctlsOf } from './commands-of.js'
import { restoreTexts, type TableSave, toolOf } from './tables.js'

/** A neighbour that the snapshot does not have and the kernel asked for. */
export interface Found {
  readonly dev: string
  readonly ip: string
}

export interface Sent {
  readonly frames: readonly Caught[]
  /** Neighbours that the kernel asked for instead of sending. */
  readonly asked: readonly Found[]
  readonly failed: number
}

/** What stands for a neighbour that nobody knows. */
export const FOUND_MAC: Mac = 0x02_00_00_00_03_01

/** A namespace like that of a snapshot, rebuilt in the kernel: nobody hears of it, and it is gone when it is closed. */
export class Sandbox {
  readonly place: Namespace
  /** What could not be rebuilt, or only stood in for: sentences. */
  readonly notes: string[] = []
  /** Why no packet can be judged here: rules that this kernel does not take. */
  refused: string | undefined
  readonly #agent: Agent
  readonly #taps = new Map<string, string>()

  private constructor(place: Namespace, agent: Agent) {
    this.place = place
    this.#agent = agent
  }

  static async build(place: Namespace): Promise<Sandbox> {
    const agent = new Agent()
    try {
      const { far } = await agent.ask('hello', { cpu: process.getBuiltinModule('node:os').availableParallelism() - 1 })
      const sandbox = new Sandbox(place, agent)
      await sandbox.#build(far)
      return sandbox
    } catch (error) {
      await agent.close()
      throw error
    }
  }

  async #build(far: string): Promise<void> {
    const agent = this.#agent
    const { place } = this
    await agent.ask('sysctl', { values: QUIET })
    const links = linkCommands(place, far)
    this.notes.push(...links.notes)
    await this.#batch(['ip'], links.near)
    await this.#quietFar(links.taps.map(([, tap]) => tap))
    await this.#batch(['ip'], links.far, true)
    for (const [name, tap] of links.taps) this.#taps.set(tap, name)
    await agent.ask('plain', { devices: links.taps.map(([, tap]) => tap), far: true })
    await agent.ask('plain', { devices: links.taps.map(([name]) => name) })
    await this.#batch(['bridge'], links.bridge)
    await agent.ask('sysctl', { values: sysctlsOf(place) })
    for (const { argv, lines } of networkCommands(place)) await this.#batch(argv, lines)
    await this.#sockets()
    if (place.links.some(({ addresses }) => addresses.some(({ prefix }) => familyOf(prefix.ip) === 6)))
      await new Promise((resolve) => setTimeout(resolve, 200))
    await agent.ask('open', { devices: [...this.#taps.keys()], fence: ['fence0', 'fence1'] })
    await this.reset()
  }

  async #quietFar(taps: readonly string[]): Promise<void> {
    const off = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']
    await this.#agent.run(['sysctl', '-qw', ...off], '', true)
    const fence = 'link add fence0 arp off type veth peer name fence1\nlink set fence1 arp off\nlink set fence0 up\nlink set fence1 up\n' // biome-ignore format: one text
    await this.#agent.must(
      ['ip', '-batch', '-'],
      `${fence}${taps.map((tap) => `link set ${tap} arp off up\n`).join('')}`,
      true,
    )
  }

  /** Lines for `ip -batch`; those that the kernel refuses are left out and said, unless it has them already. */
  async #batch(argv: readonly string[], lines: readonly string[], far = false): Promise<void> {
    if (lines.length === 0) return
    const { err } = await this.#agent.run([...argv, '-force', '-batch', '-'], `${lines.join('\n')}\n`, far)
    let complaint = ''
    for (const line of err.split('\n')) {
      const failed = /^Command failed -:(\d+)/.exec(line)
      if (!failed) complaint = line === '' ? complaint : line
      else if (!/File exists|Nexthop has invalid gateway.*exists/.test(complaint))
        this.notes.push(
          `left out: ${argv[0]} ${lines[Number(failed[1]) - 1]} (${complaint.replace(/^(RTNETLINK answers|Error): /, '')})`,
        )
    }
  }

  async #sockets(): Promise<void> {
    const tunnels = this.place.links.flatMap(({ vxlan }) => (vxlan ? [vxlan.port] : []))
    const wanted = (this.place.sockets ?? []).filter(
      ({ state, protocol, port }) =>
        state === 'listen' && (protocol === 'tcp' || (protocol === 'udp' && !tunnels.includes(port))),
    )
    const described = wanted.map(({ protocol, local, family, port, dev }) => ({
      protocol,
      family: family === 4 ? 4 : 6,
      only6: family === 6,
      address: local === undefined ? (family === 4 ? '0.0.0.0' : '::') : printIp(local),
      port,
      device: dev ?? '',
    }))
    const { failed } = await this.#agent.ask('sockets', { sockets: described })
    for (const [number, why] of failed as readonly [number, string][]) {
      const { protocol, address, port } = described[number]!
      this.notes.push(`left out: the ${protocol} socket on ${address}:${port} (${why})`)
    }
  }

  /** As before the first packet: no connections, rules with counters of zero, sets as in the snapshot. */
  async reset(): Promise<void> {
    const agent = this.#agent
    const texts = restoreTexts(this.place.tables)
    for (const { backend, family } of texts)
      if (backend === 'legacy') await agent.run([`${toolOf(backend, family)}-restore`], EMPTY)
    if (texts.some(({ backend }) => backend === 'nft')) await agent.must(['nft', 'flush', 'ruleset'])
    await this.#resetSets()
    await agent.ask('forget')
    for (const { backend, family, text } of texts) {
      const { status, err } = await agent.run([`${toolOf(backend, family)}-restore`], text)
      if (status !== 0) this.refused = `this kernel does not take the rules: ${err.trim().split('\n')[0]}`
    }
  }

  async #resetSets(): Promise<void> {
    const text = this.place.sets?.open(0).print(0) ?? ''
    if (text === '') return
    await this.#agent.must(['ipset', 'flush'])
    for (let attempt = 0; attempt < 50; attempt++) {
      if ((await this.#agent.run(['ipset', 'destroy'])).status === 0) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const { status, err } = await this.#agent.run(['ipset', 'restore'], text)
    if (status !== 0) this.refused = `this kernel does not take the sets: ${err.trim().split('\n')[0]}`
  }

  /** A frame in at an interface that has a far end; at `local` an IP packet that the namespace itself sends. */
  async send(at: string, frame: string): Promise<Sent> {
    const tap = [...this.#taps].find(([, name]) => name === at)?.[0] ?? at
    const { caught, errno } = await this.#agent.ask('send', { at: tap, frame })
    const frames = (caught as readonly Caught[]).map(([far, hex]): Caught => [this.#taps.get(far) ?? far, hex])
    return {
      frames: frames.filter(([, hex]) => !isOwnNoise(hex)),
      asked: frames.flatMap(([dev, hex]) => {
        const ip = askedFor(hex)
        return ip === undefined ? [] : [{ dev: this.#upper(dev), ip }]
      }),
      failed: errno,
    }
  }

  canTake(link: string): boolean {
    return [...this.#taps.values()].includes(link)
  }

  /** A bridge asks through its ports. */
  #upper(dev: string): string {
    return this.place.links.find(({ name }) => name === dev)?.master ?? dev
  }

  async addNeighbour({ dev, ip }: Found): Promise<void> {
    // a frame to an address of which a bridge has not heard would go out of all its ports
    const port = this.place.links.find(({ master }) => master === dev)?.name
    if (port !== undefined)
      await this.#agent.run(['bridge', 'fdb', 'replace', printMac(FOUND_MAC), 'dev', port, 'master', 'static'])
    await this.#agent.run(['ip', 'neigh', 'replace', ip, 'lladdr', printMac(FOUND_MAC), 'dev', dev, 'nud', 'permanent'])
    // what waited for it goes out now, and belongs to nobody
    await this.#agent.ask('quiet')
  }

  /** `iptables-save -c` of every backend and family that the snapshot has rules of. */
  async saved(): Promise<readonly TableSave[]> {
    const saves: TableSave[] = []
    for (const { backend, family } of restoreTexts(this.place.tables))
      saves.push({ backend, family, text: await this.#agent.must([`${toolOf(backend, family)}-save`, '-c']) })
    return saves
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

const EMPTY = ['raw', 'mangle', 'nat', 'filter', 'security'].map((table) => `*${table}\nCOMMIT\n`).join('')

/** So that nothing happens by itself, and no answer hangs on the clock. */
const QUIET = {
  'net.ipv6.conf.all.accept_dad': '0', 'net.ipv6.conf.default.accept_dad': '0', 'net.ipv6.conf.default.router_solicitations': '0',
  'net.ipv6.conf.all.router_solicitations': '0', 'net.ipv6.conf.default.addr_gen_mode': '1', 'net.ipv6.conf.all.addr_gen_mode': '1',
  'net.ipv6.conf.all.mldv2_unsolicited_report_interval': '1', 'net.ipv6.conf.default.mldv2_unsolicited_report_interval': '1',
  'net.ipv6.conf.default.accept_ra': '0', 'net.ipv6.icmp.ratelimit': '0', 'net.ipv6.auto_flowlabels': '0',
  'net.ipv4.icmp_ratelimit': '0', 'net.ipv4.icmp_ratemask': '0', 'net.ipv4.icmp_msgs_per_sec': '1000000', 'net.ipv4.icmp_msgs_burst': '1000000',
  'net.ipv4.ipfrag_time': '3600', 'net.ipv4.igmp_link_local_mcast_reports': '0',
} as const // biome-ignore format: a table

const ARP = '0806'
const IPV6 = '86dd'

/** ARP, neighbour discovery, listener reports, and IGMP's: what a host says by itself. */
const isOwnNoise = (hex: string): boolean =>
  hex.slice(24, 28) === ARP ||
  (hex.slice(24, 28) === IPV6 && /^(8f|85|87|83|84)/.test(icmp6Type(hex))) ||
  (hex.slice(24, 28) === '0800' && hex.slice(46, 48) === '02')

/** Behind a hop-by-hop header if there is one; empty where it is no ICMPv6. */
function icmp6Type(hex: string): string {
  const next = hex.slice(40, 42)
  if (next === '00') return hex.slice(124, 126)
  return next === '3a' ? hex.slice(108, 110) : ''
}

function askedFor(hex: string): string | undefined {
  if (hex.slice(24, 28) === ARP && hex.slice(40, 44) === '0001')
    return [0, 1, 2, 3].map((i) => Number.parseInt(hex.slice(76 + 2 * i, 78 + 2 * i), 16)).join('.')
  if (hex.slice(24, 28) === IPV6 && icmp6Type(hex) === '87') return printIp(BigInt(`0x${hex.slice(124, 156)}`))
  return undefined
}
