import type { Family } from '../address/ip.js'
import { saveText } from './planted.js'

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** What random rules are about. */
export interface Surroundings {
  readonly family: Family
  readonly interfaces: readonly string[]
  /** Ports of bridges. */
  readonly ports: readonly string[]
  readonly addresses: readonly string[]
  readonly prefixes: readonly string[]
  readonly services: readonly number[]
  /** Named sets of addresses, and of addresses and ports, that the host has. */
  readonly sets: { readonly addresses: string; readonly services: string }
}

const BASES = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const
type TableName = keyof typeof BASES

const IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD'])
const OUT: ReadonlySet<string> = new Set(['FORWARD', 'OUTPUT', 'POSTROUTING'])

/**
 * The text of a random ruleset of iptables or ip6tables: marks, NAT of all kinds, chains that call chains, connection states. `chancy`: with limits, lots
 * and choices of the kernel, which leave open what becomes of a packet.
 */
export function randomRules(random: () => number, around: Surroundings, chancy: boolean): string {
  const lines: string[] = []
  for (const table of Object.keys(BASES) as TableName[]) {
    for (const base of BASES[table]) {
      if (table === 'filter' && random() < 0.3) lines.push(`${base} DROP`)
      const count = Math.floor(random() * (table === 'filter' || table === 'nat' ? 5 : 2.5))
      for (let i = 0; i < count; i++) lines.push(`${table}: -A ${base} ${rule(random, around, table, base, chancy, 0)}`)
    }
    for (const [level, chain] of ['one', 'two'].entries())
      if (lines.some((line) => line.startsWith(`${table}: `) && line.includes(` -j ${chain}`)))
        for (let i = 0; i < 3; i++)
          lines.push(`${table}: -A ${chain} ${rule(random, around, table, '', chancy, level + 1)}`)
  }
  const text = saveText(lines)
  return around.family === 4 ? text : text.replace('by iptables', 'by ip6tables')
}

function rule(random: () => number, around: Surroundings, table: TableName, base: string, chancy: boolean, level: number): string {
  const { family, addresses, prefixes, services } = around
  const words: string[] = []
  const maybe = (chance: number, word: () => string) => {
    if (random() < chance) words.push(word())
  }
  const not = () => (random() < 0.2 ? '! ' : '')
  const address = () => pick(random, addresses)
  const [host, icmp] = family === 4 ? ['32', 'icmp'] : ['128', 'ipv6-icmp']
  const target = targetOf(random, around, table, base, level, chancy)
  const needsPorts = /--to-ports|--to-(source|destination) (\[\S+\]:|[\d.-]+:)\d/.test(target)
  const protocol = needsPorts ? pick(random, ['tcp', 'udp']) : random() < 0.5 ? pick(random, ['tcp', 'udp', icmp]) : ''
  const prefix = () => (random() < 0.5 ? pick(random, prefixes) : `${address()}/${host}`)
  maybe(0.35, () => `${not()}-s ${prefix()}`)
  maybe(0.4, () => `${not()}-d ${prefix()}`)
  if (IN.has(base)) maybe(0.25, () => `${not()}-i ${pick(random, around.interfaces)}`)
  if (OUT.has(base)) maybe(0.25, () => `${not()}-o ${pick(random, around.interfaces)}`)
  if (protocol !== '') words.push(`-p ${protocol}`)
  if (protocol === 'tcp' || protocol === 'udp') {
    if (random() < 0.15) words.push(`-m multiport ${not()}--${pick(random, ['dports', 'sports', 'ports'])} ${pick(random, services)},1000:2000,40000`)
    else {
      words.push(`-m ${protocol}`)
      maybe(0.6, () => `${not()}--dport ${random() < 0.2 ? '79:8080' : pick(random, services)}`)
      maybe(0.15, () => '--sport 1024:65535')
      if (protocol === 'tcp') maybe(0.15, () => `${not()}--tcp-flags FIN,SYN,RST,ACK SYN`)
    }
    maybe(0.08, () => `-m set ${not()}--match-set ${around.sets.services} ${pick(random, ['dst,dst', 'src,dst'])}`)
  }
  if (protocol === icmp) maybe(0.5, () => (family === 4 ? `-m icmp --icmp-type ${pick(random, [8, 0, 13])}` : `-m icmp6 --icmpv6-type ${pick(random, [128, 129, 135])}`))
  if (table !== 'raw') {
    maybe(0.25, () => `-m conntrack ${not()}--ctstate ${pick(random, ['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'DNAT', 'SNAT', 'NEW,UNTRACKED'])}`)
    maybe(0.1, () => `-m conntrack ${not()}--${pick(random, ['ctorigdst', 'ctorigsrc', 'ctreplsrc', 'ctrepldst'])} ${address()}/${host}`)
    maybe(0.07, () => `-m conntrack ${pick(random, ['--ctstatus NONE', '--ctstatus CONFIRMED', '--ctdir ORIGINAL', '--ctdir REPLY', `--ctorigdstport ${pick(random, services)}`, `--ctreplsrcport ${pick(random, services)}`])}`)
    maybe(0.08, () => `-m connmark ${not()}--mark ${pick(random, ['0x1', '0x0/0xff'])}`)
  }
  maybe(0.15, () => `-m mark ${not()}--mark ${pick(random, ['0x1/0x1', '0x2', '0x0/0xff'])}`)
  maybe(0.1, () => `-m addrtype ${not()}--${pick(random, ['dst', 'src'])}-type ${pick(random, ['LOCAL', 'UNICAST', 'LOCAL,UNICAST'])}${base === 'PREROUTING' || base === 'INPUT' ? pick(random, ['', '', ' --limit-iface-in']) : ''}`)
  maybe(0.1, () => (family === 4 ? `-m ttl --ttl-${pick(random, ['lt 5', 'gt 62', 'eq 63'])}` : `-m hl --hl-${pick(random, ['lt 5', 'gt 62', 'eq 63'])}`))
  maybe(0.07, () => `-m set ${not()}--match-set ${around.sets.addresses} ${pick(random, ['src', 'dst'])}`)
  maybe(0.05, () => `-m iprange ${not()}--${pick(random, ['src', 'dst'])}-range ${rangeOf(address())}`)
  maybe(0.05, () => `-m dscp ${not()}--dscp 0x08`)
  if (base === 'FORWARD' || base === 'POSTROUTING' || IN.has(base)) maybe(0.08, () => `-m physdev ${pick(random, [`${not()}--physdev-in ${pick(random, around.ports)}`, ...(base === 'FORWARD' || base === 'POSTROUTING' ? [`${not()}--physdev-out ${pick(random, around.ports)}`, `${not()}--physdev-is-bridged`] : ['--physdev-is-in'])])}`)
  if (chancy) {
    // the way back hangs on more than sets are asked for
    if ((table === 'raw' || table === 'mangle') && base === 'PREROUTING') maybe(0.15, () => `-m rpfilter ${pick(random, ['', '--loose ', '--validmark '])}${pick(random, ['', '--invert'])}`.trim())
    maybe(0.15, () => '-m limit --limit 5/min')
    maybe(0.15, () => `-m statistic --mode ${pick(random, ['random --probability 0.5', 'nth --every 3 --packet 0'])}`)
    maybe(0.05, () => '-m string --string "GET" --algo bm')
    maybe(0.05, () => `-m recent --name seen ${pick(random, ['--set', '--rcheck', '--update --seconds 60'])}`)
  }
  return [...words, '-j', target].join(' ')
} // biome-ignore format: one line each

/** `192.0.2.1` to `192.0.2.1-192.0.2.x`; the same of IPv6. */
const rangeOf = (ip: string, by = 3): string =>
  ip.includes(':')
    ? `${ip}-${ip.replace(/[0-9a-f]*$/, (last) => (Number.parseInt(last || '0', 16) + by).toString(16))}`
    : `${ip}-${ip.replace(/\d+$/, (last) => `${Number(last) + by}`)}`

function targetOf(random: () => number, around: Surroundings, table: TableName, base: string, level: number, chancy: boolean): string {
  const { family } = around
  // which of several it becomes is drawn
  const drawn = (...targets: string[]) => (chancy ? targets : [])
  const jump = level < 2 && random() < 0.15 ? [level === 0 ? 'one' : 'two'] : []
  const [address, port] = [pick(random, around.addresses), pick(random, around.services)]
  const plain = ['ACCEPT', 'RETURN', ...jump]
  const at = (ports: string | number) => `${family === 4 ? address : `[${address}]`}:${ports}`
  const net = family === 4 ? '172.17.0.0/24' : 'fd00:17::/64'
  switch (table) {
    case 'raw':
      return pick(random, [...plain, 'CT --notrack', 'DROP'])
    case 'mangle':
      return pick(random, [...plain, ...jump, 'MARK --set-xmark 0x1/0xffffffff', 'MARK --set-xmark 0x2/0x3', 'MARK --or-mark 0x4', 'CONNMARK --set-xmark 0x1/0xffffffff', 'CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'DSCP --set-dscp 0x08', family === 4 ? 'TTL --ttl-dec 2' : 'HL --hl-dec 2', family === 4 ? 'TTL --ttl-set 64' : 'HL --hl-set 64', 'MARK --set-xmark 0x1/0xffffffff'])
    case 'nat':
      // in a chain of its own a rule stands for any hook
      if (base === '') return pick(random, plain)
      if (base === 'PREROUTING' || base === 'OUTPUT')
        return pick(random, [...plain, ...jump, `DNAT --to-destination ${address}`, `DNAT --to-destination ${at(port)}`, `DNAT --to-destination ${at(port)}`, ...drawn(`DNAT --to-destination ${rangeOf(address, 2)}`, `DNAT --to-destination ${at(`${port}-${port + 1}`)}`), `REDIRECT --to-ports ${port}`, ...(base === 'PREROUTING' ? [...drawn('REDIRECT --to-ports 8000-8002'), `NETMAP --to ${net}`] : [`NETMAP --to ${net}`])])
      return pick(random, [...plain, ...jump, `SNAT --to-source ${address}`, `SNAT --to-source ${at(port)}`, ...drawn(`SNAT --to-source ${rangeOf(address, 1)}`, `SNAT --to-source ${at('50000-50002')}`), `NETMAP --to ${net}`, ...(base === 'POSTROUTING' ? ['MASQUERADE', 'MASQUERADE', ...drawn('MASQUERADE --random', 'MASQUERADE --to-ports 60000-60001')] : [])])
    case 'filter':
      return pick(random, [...plain, ...jump, 'DROP', 'DROP', 'ACCEPT', `REJECT --reject-with ${family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'}`, 'LOG'])
  }
} // biome-ignore format: one line each
