import { saveText } from './planted.js'

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** What random rules are about. */
export interface Surroundings {
  readonly interfaces: readonly string[]
  readonly addresses: readonly string[]
  readonly prefixes: readonly string[]
  readonly ports: readonly number[]
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
 * The text of a random ruleset of iptables: marks, NAT of all kinds, chains that call chains, connection states. `chancy`: with limits and lots, which leave
 * open what becomes of a packet.
 */
export function randomRules(random: () => number, around: Surroundings, chancy: boolean): string {
  const lines: string[] = []
  for (const table of Object.keys(BASES) as TableName[]) {
    for (const base of BASES[table]) {
      if (table === 'filter' && random() < 0.3) lines.push(`${base} DROP`)
      const count = Math.floor(random() * (table === 'filter' || table === 'nat' ? 5 : 2))
      for (let i = 0; i < count; i++) lines.push(`${table}: -A ${base} ${rule(random, around, table, base, chancy, 0)}`)
    }
    for (const [level, chain] of ['one', 'two'].entries())
      if (lines.some((line) => line.startsWith(`${table}: `) && line.includes(` -j ${chain}`)))
        for (let i = 0; i < 3; i++)
          lines.push(`${table}: -A ${chain} ${rule(random, around, table, '', chancy, level + 1)}`)
  }
  return saveText(lines)
}

function rule(random: () => number, around: Surroundings, table: TableName, base: string, chancy: boolean, level: number): string {
  const words: string[] = []
  const maybe = (chance: number, word: () => string) => {
    if (random() < chance) words.push(word())
  }
  const not = () => (random() < 0.2 ? '! ' : '')
  const target = targetOf(random, around, table, base, level)
  const needsPorts = /--to-(destination|ports|source) \S*:?\d+$/.test(target) && /:\d+$|--to-ports/.test(target)
  const protocol = needsPorts ? pick(random, ['tcp', 'udp']) : random() < 0.5 ? pick(random, ['tcp', 'udp', 'icmp']) : ''
  maybe(0.35, () => `${not()}-s ${pick(random, random() < 0.5 ? around.prefixes : around.addresses.map((ip) => `${ip}/32`))}`)
  maybe(0.4, () => `${not()}-d ${pick(random, random() < 0.5 ? around.prefixes : around.addresses.map((ip) => `${ip}/32`))}`)
  if (IN.has(base)) maybe(0.25, () => `${not()}-i ${pick(random, around.interfaces)}`)
  if (OUT.has(base)) maybe(0.25, () => `${not()}-o ${pick(random, around.interfaces)}`)
  if (protocol !== '') words.push(`-p ${protocol}`)
  if (protocol === 'tcp' || protocol === 'udp') {
    words.push(`-m ${protocol}`)
    maybe(0.6, () => `${not()}--dport ${random() < 0.2 ? '79:8080' : pick(random, around.ports)}`)
    maybe(0.15, () => '--sport 1024:65535')
    if (protocol === 'tcp') maybe(0.15, () => `${not()}--tcp-flags FIN,SYN,RST,ACK SYN`)
  }
  if (protocol === 'icmp') maybe(0.5, () => `-m icmp --icmp-type ${pick(random, [8, 0, 13])}`)
  if (table !== 'raw') {
    maybe(0.25, () => `-m conntrack ${not()}--ctstate ${pick(random, ['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'DNAT', 'SNAT', 'NEW,UNTRACKED'])}`)
    maybe(0.1, () => `-m conntrack --ctorigdst ${pick(random, around.addresses)}/32`)
  }
  maybe(0.15, () => `-m mark ${not()}--mark ${pick(random, ['0x1/0x1', '0x2', '0x0/0xff'])}`)
  maybe(0.1, () => `-m addrtype --dst-type ${pick(random, ['LOCAL', 'UNICAST'])}`)
  maybe(0.1, () => `-m ttl --ttl-${pick(random, ['lt 5', 'gt 62', 'eq 63'])}`)
  if (chancy) {
    maybe(0.15, () => '-m limit --limit 5/min')
    maybe(0.15, () => '-m statistic --mode random --probability 0.5')
  }
  return [...words, '-j', target].join(' ')
} // biome-ignore format: one line each

function targetOf(random: () => number, { addresses, ports }: Surroundings, table: TableName, base: string, level: number): string {
  const jump = level < 2 && random() < 0.15 ? [level === 0 ? 'one' : 'two'] : []
  const [address, port] = [pick(random, addresses), pick(random, ports)]
  const plain = ['ACCEPT', 'RETURN', ...jump]
  switch (table) {
    case 'raw':
      return pick(random, [...plain, 'CT --notrack', 'DROP'])
    case 'mangle':
      return pick(random, [...plain, ...jump, 'MARK --set-xmark 0x1/0xffffffff', 'MARK --set-xmark 0x2/0x3', 'CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'DSCP --set-dscp 0x08', 'TTL --ttl-dec 2', 'TTL --ttl-set 64', 'MARK --set-xmark 0x1/0xffffffff'])
    case 'nat':
      // in a chain of its own a rule stands for any hook
      if (base === '') return pick(random, plain)
      if (base === 'PREROUTING' || base === 'OUTPUT')
        return pick(random, [...plain, ...jump, `DNAT --to-destination ${address}`, `DNAT --to-destination ${address}:${port}`, `REDIRECT --to-ports ${port}`, `DNAT --to-destination ${address}:${port}`, 'NETMAP --to 172.17.0.0/24'])
      return pick(random, [...plain, ...jump, `SNAT --to-source ${address}`, ...(base === 'POSTROUTING' ? ['MASQUERADE', 'MASQUERADE'] : []), `SNAT --to-source ${address}:${port}`])
    case 'filter':
      return pick(random, [...plain, ...jump, 'DROP', 'DROP', 'ACCEPT', 'REJECT --reject-with icmp-port-unreachable', 'LOG'])
  }
} // biome-ignore format: one line each
