import { isList } from '../xtables/index.js'
import { baseName } from './layout.js'

/** The command whose output a text is. */
export type Kind =
  | 'iptables-save'
  | 'ip6tables-save'
  | 'iptables-list'
  | 'ip6tables-list'
  | 'ebtables-save'
  | 'arptables-save'
  | 'nft-json'
  | 'nft'
  | 'ipset-save'
  | 'ip-link'
  | 'ip-addr'
  | 'ip-route'
  | 'ip-rule'
  | 'ip-neigh'
  | 'bridge-link'
  | 'bridge-fdb'
  | 'bridge-vlan'
  | 'sysctl'
  | 'conntrack'
  | 'expectations'
  | 'sockets'
  | 'wireguard'
  | 'ip-nexthop'
  | 'xfrm-policy'
  | 'xfrm-state'

/** What a file holds: its content decides; its name only where the content leaves it open (an empty list, rules without addresses). */
export const detect = (path: string, text: string): Kind | undefined => byContent(text, baseName(path).toLowerCase())

function byContent(text: string, name: string): Kind | undefined {
  if (isEmpty(text)) return byName(name)
  const head = text.slice(0, LOOKED_AT)
  return /^\s*[[{]/.test(head) ? jsonKind(head, name) : textKind(text, head, name)
}

const LOOKED_AT = 65_536

/** Nothing at all, or the list without entries that `ip -j` prints; older versions leave empty objects in it. */
const isEmpty = (text: string): boolean => text.length < LOOKED_AT && /^\s*(\[[\s{},]*\]\s*)*$/.test(text)

/**
 * The names that collect.sh gives, and their like. A file of such a name is what it says even where its content is not to be made out: a damaged
 * `iptables-save` must be complained of, and not passed over as something unknown.
 */
const NAMES: readonly (readonly [RegExp, Kind])[] = [
  [/^ebtables-?save$/, 'ebtables-save'],
  [/^arptables-?save$/, 'arptables-save'],
  [/^ip6tables(-nft|-legacy)?-?save$/, 'ip6tables-save'],
  [/^iptables(-nft|-legacy)?-?save$/, 'iptables-save'],
  [/^(nft-ruleset|nft-list-ruleset|nftables)$/, 'nft'],
  [/^ipset(-save)?$/, 'ipset-save'],
  [/^(conntrack(-l)?|nf-conntrack)$/, 'conntrack'],
  [/^(conntrack(-+l|-+dump)?-+expect(ations?)?|nf-conntrack-expect|expectations?)$/, 'expectations'],
  [/^sysctl(-a|s)?$/, 'sysctl'],
  [/^(sockets|netstat|ss)(-[a-z]+)?$/, 'sockets'],
  [/^bridge-link$/, 'bridge-link'],
  [/^bridge-fdb$/, 'bridge-fdb'],
  [/^bridge-vlan$/, 'bridge-vlan'],
  [/^ip6?-?next-?hops?$/, 'ip-nexthop'],
  [/^(ip-)?xfrm-policy$/, 'xfrm-policy'],
  [/^(ip-)?xfrm-state$/, 'xfrm-state'],
  [/^(wg(-show(-all)?(-dump)?)?|wireguard)$/, 'wireguard'],
  [/^ip6?-?rules?6?$/, 'ip-rule'],
  [/^ip6?-?routes?6?$/, 'ip-route'],
  [/^(ip6?-neigh(bou?rs?)?6?|arp)$/, 'ip-neigh'],
  [/^ip-addr(ess(es)?)?$/, 'ip-addr'],
  [/^ip-links?$/, 'ip-link'],
]

/** Does the name already say what the file holds? */
export const isNamed = (path: string): boolean => byName(baseName(path).toLowerCase()) !== undefined

function byName(name: string): Kind | undefined {
  const plain = name.replace(/\.(json|txt|nft|log|out|conf)$/, '').replaceAll('_', '-')
  return NAMES.find(([pattern]) => pattern.test(plain))?.[1]
}

/** The keys of the first object tell; a file that is cut in half is still told apart. */
function jsonKind(head: string, name: string): Kind | undefined {
  const has = (...keys: string[]) => keys.every((key) => head.includes(`"${key}"`))
  if (has('nftables')) return 'nft-json'
  if (!/^\s*\[/.test(head)) return byName(name)
  if (has('ifindex', 'addr_info')) return 'ip-addr'
  if (has('ifindex', 'link_type')) return 'ip-link'
  if (has('vlans')) return 'bridge-vlan'
  if (has('ifindex', 'ifname')) return 'bridge-link'
  if (has('mac', 'ifname')) return 'bridge-fdb'
  if (/^\s*\[\s*\{\s*"id"\s*:\s*\d+\s*,\s*"(gateway|dev|group|blackhole)"/.test(head)) return 'ip-nexthop'
  if (has('priority', 'src')) return 'ip-rule'
  if (/"state"\s*:\s*\[/.test(head) || (has('dst', 'lladdr') && !has('flags'))) return 'ip-neigh'
  if (has('dst')) return 'ip-route'
  return byName(name)
}

const IP = '(?:\\d+\\.\\d+\\.\\d+\\.\\d+|[\\da-fA-F]*:[\\da-fA-F:.]+)'
const MAC = '(?:[\\da-f]{2}:){5}[\\da-f]{2}'
const ROUTE_TYPES = 'unicast|local|broadcast|anycast|multicast|blackhole|unreachable|prohibit|throw'
const LINK = /^\d+: \S+ (<[^>]*> )?mtu \d+/m

/** Lines that only this command prints, most telling first. */
const TEXTS: readonly (readonly [RegExp, Kind])[] = [
  [/^table (ip|ip6|inet|arp|bridge|netdev) \S+ \{/m, 'nft'],
  [/^create \S+ (hash|bitmap|list):|^Name: \S+\r?\nType: (hash|bitmap|list):/m, 'ipset-save'],
  [new RegExp(`^(ipv[46] +\\d+ +)?[a-z][\\w-]* +\\d+ .*\\bsrc=${IP} dst=`, 'm'), 'conntrack'],
  [/^(\d+|-) (l3proto = \d+ )?proto=\d+ src=/m, 'expectations'],
  [/^(Netid +)?State +Recv-Q|^Active Internet connections|^Proto +Recv-Q/m, 'sockets'],
  [new RegExp(`^${MAC} dev \\S+`, 'm'), 'bridge-fdb'],
  [/^interface: \S+\n( {2}|$)|^\S+\t\S+\t[\w+/]{43}=\t\d+\t(off|0x[\da-f]+)$/m, 'wireguard'],
  [/^src \S+ dst \S+.*\n\s+(dir (in|out|fwd)|socket (in|out|fwd)) /m, 'xfrm-policy'],
  [/^src \S+ dst \S+\s*\n\s+proto \S+ spi /m, 'xfrm-state'],
  [/^id \d+ (via|dev|group|blackhole)\b/m, 'ip-nexthop'],
  [/^port\s+vlan/m, 'bridge-vlan'],
  [/^\d+: \S+ .*\bmaster \S+ state [a-z]+ priority \d+/m, 'bridge-link'],
  [/^\d+:\s+\S+\s+inet6? \S|^ +inet6? \S/m, 'ip-addr'],
  [LINK, 'ip-link'],
  [/^\d+:\s*(not )?from \S/m, 'ip-rule'],
  [new RegExp(`^${IP} dev \\S+ .*\\b(PERMANENT|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|NOARP|NONE)\\b`, 'm'), 'ip-neigh'],
  [new RegExp(`^((${ROUTE_TYPES}) )?(default|all|${IP}(/\\d+)?)( .*)? (via|dev|proto|scope|metric|table|nhid)\\b`, 'm'), 'ip-route'],
  [new RegExp(`^(${ROUTE_TYPES}) (default|${IP}(/\\d+)?)`, 'm'), 'ip-route'],
  [/^[a-z]\w*[./][\w/.-]+ ?=/m, 'sysctl'],
] // biome-ignore format: a table

function textKind(text: string, head: string, name: string): Kind | undefined {
  if (/^-?[a-z]\w*[./][\w/.-]+ ?= ?/.test(head)) return 'sysctl'
  const header = /^# Generated by (iptables|ip6tables|ebtables|arptables)(-nft|-legacy)?-save/m.exec(head)
  if (header) return `${header[1] as 'iptables'}-save`
  if (isList(head)) return /::\/\d|\d::|^ip6|ip6tables/m.test(`${name}\n${head}`) ? 'ip6tables-list' : 'iptables-list'
  if (/^\*(filter|nat|mangle|raw|security|broute)\s*$/m.test(head) || /^-[PNA] \S/m.test(head))
    return xtables(text, name)
  return TEXTS.find(([pattern]) => pattern.test(head))?.[1] ?? byName(name)
}

/** Rules without the header that says whose they are. */
function xtables(text: string, name: string): Kind {
  const named = /(ebtables|arptables|ip6tables)/.exec(name)?.[1]
  if (named) return `${named as 'ebtables'}-save`
  if (/^\*broute\s*$|^-A \S+ .*(--logical-|-p (IPv[46]|ARP)\b)/m.test(text)) return 'ebtables-save'
  if (/^-A \S+ .*--opcode /m.test(text)) return 'arptables-save'
  if (showsIpv6(text)) return 'ip6tables-save'
  // Debian's rules.v6; a name says nothing against an IPv4 address
  return /6/.test(name) && !/ -[sd] \d+\.\d+\.\d+\.\d+/.test(text) ? 'ip6tables-save' : 'iptables-save'
}

const IPV6_WORDS =
  /(^| )(-[sd] [\da-f]*:[\da-f:.]*\/\d+|-p (ipv6-icmp|icmpv6)|-m (icmp6|rt|hl|eui64|ipv6header|frag|hbh|dst|mh)|--reject-with icmp6-\S+)( |$)/

/** Comments and log prefixes may hold anything: what stands in quotes does not count. Nor do lines that no rule can have. */
const showsIpv6 = (text: string): boolean =>
  text
    .split('\n')
    .some((line) => line.length < LOOKED_AT && IPV6_WORDS.test(line.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '""')))
