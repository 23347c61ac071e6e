import type { Family } from '../address/ip.js'
import type { InputFile } from './problem.js'

/** The command whose output a text is. */
export type Kind =
  | 'iptables-save' | 'ip6tables-save' | 'ebtables-save' | 'arptables-save' | 'nft-ruleset' | 'ipset-save'
  | 'ip-link' | 'ip-addr' | 'ip-route' | 'ip-rule' | 'ip-neigh' | 'bridge-link' | 'bridge-fdb' | 'bridge-vlan'
  | 'sysctl' | 'conntrack' | 'sockets' // biome-ignore format: one line

export interface Detected {
  readonly kind: Kind
  /** Of what does not always show it: routes and rules. */
  readonly family: Family
  /** The file's name says `legacy` or `nft`. */
  readonly backend: 'legacy' | 'nft' | undefined
}

/** What a file holds: its content decides; its name only where the content leaves it open (an empty list, rules without addresses). */
export function detect({ path, text }: InputFile): Detected | undefined {
  const name = path.slice(path.search(/[^/\\]*$/)).toLowerCase()
  const found = byContent(text, name)
  return found && { kind: found, family: familyOf(found, name, text), backend: backendOf(name) }
}

function byContent(text: string, name: string): Kind | undefined {
  if (isEmpty(text)) return byName(name)
  const head = text.slice(0, LOOKED_AT)
  return /^\s*[[{]/.test(head) ? jsonKind(head, name) : textKind(text, head, name)
}

const LOOKED_AT = 65_536

/** Nothing at all, or the list without entries that `ip -j` prints; older versions leave empty objects in it. */
const isEmpty = (text: string): boolean => text.length < LOOKED_AT && /^\s*(\[[\s{},]*\]\s*)*$/.test(text)

const backendOf = (name: string): Detected['backend'] =>
  name.includes('legacy') ? 'legacy' : /tables-nft/.test(name) ? 'nft' : undefined

/**
 * The names that collect.sh gives, and their like. A file of such a name is what it says even where its content is not to be made out: a damaged
 * `iptables-save` must be complained of, and not passed over as something unknown.
 */
const NAMES: readonly (readonly [RegExp, Kind])[] = [
  [/^ebtables-?save$/, 'ebtables-save'],
  [/^arptables-?save$/, 'arptables-save'],
  [/^ip6tables(-nft|-legacy)?-?save$/, 'ip6tables-save'],
  [/^iptables(-nft|-legacy)?-?save$/, 'iptables-save'],
  [/^(nft-ruleset|nft-list-ruleset|nftables)$/, 'nft-ruleset'],
  [/^ipset(-save)?$/, 'ipset-save'],
  [/^(conntrack(-l)?|nf-conntrack)$/, 'conntrack'],
  [/^sysctl(-a|s)?$/, 'sysctl'],
  [/^(sockets|ss(-tulnp?)?)$/, 'sockets'],
  [/^bridge-link$/, 'bridge-link'],
  [/^bridge-fdb$/, 'bridge-fdb'],
  [/^bridge-vlan$/, 'bridge-vlan'],
  [/^ip6?-?rules?6?$/, 'ip-rule'],
  [/^ip6?-?routes?6?$/, 'ip-route'],
  [/^ip-neigh(bou?rs?)?6?$/, 'ip-neigh'],
  [/^ip-addr(ess(es)?)?$/, 'ip-addr'],
  [/^ip-links?$/, 'ip-link'],
]

function byName(name: string): Kind | undefined {
  const plain = name.replace(/\.(json|txt|nft|log|out|conf)$/, '').replaceAll('_', '-')
  return NAMES.find(([pattern]) => pattern.test(plain))?.[1]
}

/** The keys of the first object tell; a file that is cut in half is still told apart. */
function jsonKind(head: string, name: string): Kind | undefined {
  const has = (...keys: string[]) => keys.every((key) => head.includes(`"${key}"`))
  if (has('nftables')) return 'nft-ruleset'
  if (!/^\s*\[/.test(head)) return byName(name)
  if (has('ifindex', 'addr_info')) return 'ip-addr'
  if (has('ifindex', 'link_type')) return 'ip-link'
  if (has('vlans')) return 'bridge-vlan'
  if (has('ifindex', 'ifname')) return 'bridge-link'
  if (has('mac', 'ifname')) return 'bridge-fdb'
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
  [/^table (ip|ip6|inet|arp|bridge|netdev) \S+ \{/m, 'nft-ruleset'],
  [/^create \S+ (hash|bitmap|list):/m, 'ipset-save'],
  [new RegExp(`^(ipv[46] +\\d+ +)?[a-z][\\w-]* +\\d+ .*\\bsrc=${IP} dst=`, 'm'), 'conntrack'],
  [/^(Netid +)?State +Recv-Q|^Active Internet connections|^Proto +Recv-Q/m, 'sockets'],
  [new RegExp(`^${MAC} dev \\S+`, 'm'), 'bridge-fdb'],
  [/^port\s+vlan/m, 'bridge-vlan'],
  [/^\d+: \S+ .*\bmaster \S+ state [a-z]+ priority \d+/m, 'bridge-link'],
  [/^\d+:\s+\S+\s+inet6? \S|^ +inet6? \S/m, 'ip-addr'],
  [LINK, 'ip-link'],
  [/^\d+:\s*(not )?from \S/m, 'ip-rule'],
  [new RegExp(`^${IP} dev \\S+ .*\\b(PERMANENT|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|NOARP|NONE)\\b`, 'm'), 'ip-neigh'],
  [new RegExp(`^((${ROUTE_TYPES}) )?(default|all|${IP}(/\\d+)?)( .*)? (via|dev|proto|scope|metric|table|nhid)\\b`, 'm'), 'ip-route'],
  [new RegExp(`^(${ROUTE_TYPES}) (default|${IP}(/\\d+)?)`, 'm'), 'ip-route'],
  [/^[a-z]\w*([./][\w/.-]+)+ ?=/m, 'sysctl'],
] // biome-ignore format: a table

function textKind(text: string, head: string, name: string): Kind | undefined {
  const header = /^# Generated by (iptables|ip6tables|ebtables|arptables)(-nft|-legacy)?-save/m.exec(head)
  if (header) return `${header[1] as 'iptables'}-save`
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
  return showsIpv6(text) ? 'ip6tables-save' : 'iptables-save'
}

/** Comments and log prefixes may hold anything: what stands in quotes does not count. */
const showsIpv6 = (text: string): boolean =>
  /(^| )(-[sd] [\da-f]*:[\da-f:.]*\/\d+|-p (ipv6-icmp|icmpv6)|-m (icmp6|rt|hl|eui64|ipv6header|frag|hbh|dst|mh))( |$)/m.test(
    text.replace(/"(\\.|[^"\\])*"/g, '""'),
  )

function familyOf(kind: Kind, name: string, text: string): Family {
  if (kind === 'ip6tables-save') return 6
  if (kind === 'iptables-save') return 4
  if (kind === 'ip-rule') return ruleFamily(name, text)
  return hint(name) ?? 4
}

/** `ip-route6.json`, `ip_-6_route_show_table_all`, `ip6_rule`. */
const hint = (name: string): Family | undefined =>
  /6/.test(name) ? 6 : /(^|\W|_)-?4(\W|_|$)|route|rule/.test(name) ? 4 : undefined

/** Rules show their family only where they name an address; of the kernel's own rules, only IPv4 has one for the table `default`. */
function ruleFamily(name: string, text: string): Family {
  const selectors = [...text.matchAll(/(?:\b(?:from|to) |"(?:src|dst)"\s*:\s*")([^\s"]+)/g)].map((match) => match[1]!)
  if (selectors.some((word) => word.includes(':'))) return 6
  if (selectors.some((word) => /^\d+\.\d/.test(word))) return 4
  if (/lookup default|"table"\s*:\s*"default"/.test(text)) return 4
  return hint(name) ?? 6
}
