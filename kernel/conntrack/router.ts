import { type Ip, parseIp, printIp } from '../../src/address/ip.js'
import { contains, parsePrefix } from '../../src/address/prefix.js'
import { DEFAULT_SETTINGS, type Settings, TIMEOUTS, timeoutSysctl } from '../../src/conntrack/settings.js'
import { bytesToHex, hexToBytes } from '../../src/packet/hex.js'
import { Packet, u16 } from '../../src/packet/packet.js'
import { connectionsText } from '../../src/report/connections.js'
import { farMac, Lab, type LabSpec, routerMac } from '../lab.js'
import { Random } from '../prng.js'
import { CONVERSATIONS } from './conversations.js'
import { type NatRules, natRules } from './nat.js'
import type { Plan } from './plans.js'
import type { Side, Stage } from './stage.js'
import { type Config, type NatRule, type Passed, Walk } from './walk.js'

const OWN = { 4: ['10.1.255.254', '10.2.255.254'], 6: ['fd00:1::fffe', 'fd00:2::fffe'] } as const
const LENGTH = { 4: 16, 6: 64 } as const
const LEFT = { 4: parsePrefix('10.1.0.0/16')!, 6: parsePrefix('fd00:1::/64')! } as const

/** One rule a state and direction, which writes what the kernel thinks into the DSCP field of what leaves. */
const STATES = [['NEW', 'ORIGINAL', 1], ['ESTABLISHED', 'ORIGINAL', 2], ['ESTABLISHED', 'REPLY', 3], ['RELATED', 'ORIGINAL', 4], ['RELATED', 'REPLY', 5]] as const // biome-ignore format: a table
const rulesText = ({ rules, raw }: NatRules): string =>
  [
    '*mangle',
    ...STATES.map(
      ([state, way, code]) =>
        `-A POSTROUTING -m conntrack --ctstate ${state} --ctdir ${way} -j DSCP --set-dscp ${code}`,
    ),
    '-A POSTROUTING -m conntrack --ctstate INVALID -j DSCP --set-dscp 6',
    '-A POSTROUTING -m conntrack --ctstate UNTRACKED -j DSCP --set-dscp 7',
    'COMMIT',
    '*filter',
    '-A INPUT -j DROP',
    'COMMIT',
    '*raw',
    ...(raw === '' ? [] : [raw]),
    'COMMIT',
    '*nat',
    ...rules.map(({ text }) => text),
    'COMMIT',
    '',
  ].join('\n')

function labOf({ family, sysctls }: Plan): LabSpec {
  const off = ['all', 'r0', 'r1'].flatMap((name) => [
    [`net.ipv4.conf.${name}.send_redirects`, '0'],
    [`net.ipv4.conf.${name}.rp_filter`, '0'],
  ])
  const forward = family === 4 ? [['net.ipv4.ip_forward', '1'], ...off] : [['net.ipv6.conf.all.forwarding', '1']]
  const conntrack = Object.entries(sysctls).map(([name, value]) => [`net.netfilter.nf_conntrack_${name}`, value])
  return {
    family,
    backend: 'legacy',
    links: OWN[family].map((ip, i) => ({
      name: `r${i}`,
      addresses: [`${ip}/${LENGTH[family]}`],
      arp: false,
      mtu: 1500,
    })),
    routes: ['default dev r1'],
    rules: [],
    neighbours: [],
    sysctls: Object.fromEntries([...forward, ['net.netfilter.nf_conntrack_acct', '1'], ...conntrack]),
    udp: [],
  }
}

function settingsOf({ sysctls }: Plan): Settings {
  const flag = (name: string, usual: boolean) => (sysctls[name] === undefined ? usual : sysctls[name] !== '0')
  return {
    ...DEFAULT_SETTINGS,
    accounting: true,
    beLiberal: flag('tcp_be_liberal', false),
    loose: flag('tcp_loose', true),
    ignoreInvalidRst: flag('tcp_ignore_invalid_rst', false),
    maxRetransmits: Number(sysctls['tcp_max_retrans'] ?? 3),
    timeout: (name) => Number(sysctls[timeoutSysctl(name)] ?? TIMEOUTS[name] ?? 600),
  }
}

const packetOf = (hex: string) => new Packet(hexToBytes(hex)!)

/** What counts in a packet: addresses and everything behind the network header; the DSCP apart. */
function view(bytes: Uint8Array): { readonly dscp: number; readonly text: string } {
  const four = bytes[0]! >> 4 === 4
  const dscp = four ? bytes[1]! >> 2 : (((bytes[0]! & 15) << 4) | (bytes[1]! >> 4)) >> 2
  const [from, to, behind] = four ? [12, 20, (bytes[0]! & 15) * 4] : [8, 40, 40]
  return { dscp, text: `${bytesToHex(bytes.subarray(from, to))} ${bytesToHex(bytes.subarray(behind))}` }
}

/** A line of `conntrack -L -o extended` without its timeout, and the timeout. */
function apart(line: string): readonly [string, number] {
  const tidy = line
    .replace(/^(ipv\d)\s+(\d+)\s+(\S+)\s+(\d+)\s+/, '$1 $2 $3 $4 ')
    .replace(/ id=\d+$/, '')
    .replace(/ use=\d+/, ' use=1')
  const m = /^(ipv\d \d+ \S+ \d+) (\d+) (.*)$/.exec(tidy)
  return m ? [`${m[1]} ${m[3]}`.trim(), Number(m[2])] : [tidy, 0]
}

const sorted = (lines: readonly string[]) => lines.map(apart).sort(([a], [b]) => (a < b ? -1 : 1))

export interface Told {
  readonly packets: number
  readonly differ: number
  /** Recorded cases, as JSON. */
  readonly kept: readonly string[]
}

/** A router in namespaces of its own, and the model beside it. */
export class Router {
  readonly #lab: Lab
  readonly #plan: Plan

  private constructor(lab: Lab, plan: Plan) {
    this.#lab = lab
    this.#plan = plan
  }

  static async build(plan: Plan): Promise<Router> {
    return new Router(await Lab.build(labOf(plan)), plan)
  }

  close(): Promise<void> {
    return this.#lab.close()
  }

  async campaign(seed: string, show: number): Promise<Told> {
    const { name, cases, keep, least, most } = this.#plan
    const kept: string[] = []
    let [packets, differ] = [0, 0]
    for (let n = 0; n < cases; n++) {
      const one = await this.#one(new Random(`${seed}/${name}/${n}`), n)
      packets += one.taken.length
      const text = JSON.stringify(one.recording)
      if (one.faults.length === 0 && kept.length < keep && one.taken.length >= least && text.length <= most)
        kept.push(text)
      if (one.faults.length > 0 && ++differ <= show) console.log(`--- ${name} ${n}\n${one.faults.join('\n')}`)
    }
    return { packets, differ, kept }
  }

  async #one(random: Random, n: number) {
    const plan = this.#plan
    const { family } = plan
    const nat = natRules(random, family, plan.nat)
    const complaint = await this.#lab.load(rulesText(nat))
    if (complaint !== undefined) throw new Error(`${complaint}\n${rulesText(nat)}`)
    await this.#lab.flushConnections()
    const config: Config = {
      settings: settingsOf(plan),
      rules: nat.rules,
      zone: nat.zone,
      isLeft: (dst) => contains(LEFT[family], dst),
      isLocal: (dst) => OWN[family].some((own) => parseIp(own) === dst),
    }
    const walk = new Walk(config)
    const [taken, faults]: [unknown[], string[]] = [[], []]
    const send = async (at: Side, hex: string) => {
      const link = at === 'r0' ? 0 : 1
      const header = `${routerMac(link)}${farMac(link)}`.replaceAll(':', '') + (family === 4 ? '0800' : '86dd')
      const { sent } = await this.#lab.send({ at, frame: header + hex })
      const came = sent.map(([tap, frame]) => ({ at: tap, hex: frame.slice(28) }))
      const draw = drawn(plan, nat.rules, packetOf(hex), came[0] && packetOf(came[0].hex))
      let used = false
      const random01 = () => {
        used = true
        return ((draw ?? 0) + 0.5) / 65536
      }
      const mine = walk.run(hexToBytes(hex)!, Date.now() / 1000, random01, at)
      const kernel = came.map((k) => `${k.at} ${tell(hexToBytes(k.hex)!)}`).join(' | ')
      const model = mine ? `${mine.side} ${tell(mine.bytes, mine)}` : ''
      if (kernel !== model)
        faults.push(`packet ${taken.length + 1} ${at} ${hex}\n  kernel ${kernel}\n  model  ${model} (${walk.why})`)
      taken.push([at, hex, shorter(kernel, hex), ...(used ? [draw ?? 0] : [])])
      return came
    }
    const stage: Stage = {
      random,
      family,
      translated: plan.nat === 'mix',
      send,
      wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    }
    const conversation = random.pick(plan.conversations)
    await CONVERSATIONS[conversation]!(stage)
    const table = await this.#compareTables(walk, faults)
    const recording = {
      name: `IPv${family} ${conversation} ${n}`,
      family,
      rules: nat.rules.map(ruleData),
      ...(nat.raw === '' ? {} : { raw: nat.raw }),
      packets: taken,
      table,
    }
    return { taken, faults, recording }
  }

  async #compareTables(walk: Walk, faults: string[]): Promise<readonly string[]> {
    const now = Date.now() / 1000
    const theirs = sorted((await this.#lab.aftermath()).conntrack)
    const alive = walk.table.entries().filter(({ expires }) => expires > now)
    const mine = sorted(connectionsText(alive, { now, accounting: true }).split('\n').filter(Boolean))
    const [kernel, model] = [theirs, mine].map((lines) => lines.map(([line]) => line).join('\n'))
    if (kernel !== model) faults.push(`table\n  kernel\n${kernel}\n  model\n${model}`)
    else
      for (const [i, [line, seconds]] of mine.entries())
        if (Math.abs(theirs[i]![1] - seconds) > 1)
          faults.push(`timeout: kernel ${theirs[i]![1]}, model ${seconds}: ${line}`)
    return theirs.map(([line]) => line)
  }
}

function tell(bytes: Uint8Array, mine?: Passed): string {
  const { dscp, text } = view(bytes)
  return `${mine?.code ?? dscp} ${text}`
}

/** `=` where the transport bytes are those that went in; none where they are long. */
function shorter(came: string, hex: string): string {
  const { text } = view(hexToBytes(hex)!)
  if (came.endsWith(` ${text}`)) return `${came.slice(0, -text.length)}=`
  return came.length > 600 ? came.slice(0, 5) : came
}

/** The 16 bits that the kernel must have drawn for the port that came out. */
function drawn({ nat }: Plan, rules: readonly NatRule[], sent: Packet, came: Packet | undefined): number | undefined {
  if (!came) return undefined
  const { protocol, offset } = came.transport
  const icmp = protocol === 1 || protocol === 58
  const port = u16(came.bytes, offset + (icmp ? 4 : nat === 'drawn' ? 2 : 0))
  if (port === undefined) return undefined
  const manip = nat === 'drawn' ? 'dst' : 'src'
  const rule = rules.find((one) => one.manip === manip && one.range.ports && one.match(sent))
  const least = rule?.range.ports?.[0] ?? (icmp ? 0 : port >= 1024 ? 1024 : port < 512 ? 1 : 600)
  return (port - least) & 0xffff
}

const OPTIONS = { protocol: /-p (\S+)/, source: /-s (\S+)/, destination: /-d (\S+)/, out: /-o (\S+)/ } as const
const show = (ip: Ip) => printIp(ip)

/** A rule as recordings/README.md has it. */
function ruleData({ manip, text, range }: NatRule) {
  const given = Object.entries(OPTIONS).flatMap(([name, pattern]) => {
    const found = pattern.exec(text)
    return found ? [[name, found[1]]] : []
  })
  return {
    manip,
    ...Object.fromEntries(given),
    range: { ...range, ...(range.addresses ? { addresses: range.addresses.map(show) } : {}) },
  }
}
