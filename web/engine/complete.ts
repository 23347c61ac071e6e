import { printIp } from '../../src/address/ip.js'
import { printPrefix } from '../../src/address/prefix.js'
import type { Namespace } from '../../src/path/world.js'
import type { AnyExtension, OptionTable } from '../../src/xtables/extension.js'
import { matches as allMatches } from '../../src/xtables/matches/index.js'
import { targets as allTargets } from '../../src/xtables/targets/index.js'
import { switches } from './switches.js'

const matches: readonly AnyExtension[] = Object.values(allMatches)
const targets: readonly AnyExtension[] = Object.values(allTargets)

const MOST = 40
const PROGRAMS = [
  'iptables',
  'ip6tables',
  'ip route',
  'ip rule',
  'ip addr',
  'ip link',
  'ip neigh',
  'ipset',
  'sysctl -w',
]
const COMMANDS = ['-A', '-I', '-D', '-R', '-F', '-P', '-N', '-X', '-E', '-Z']
const OPTIONS = ['-p', '-s', '-d', '-i', '-o', '-m', '-j', '-g', '-t', '!', '-f']
const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 'all']
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'RELATED,ESTABLISHED', 'SNAT', 'DNAT']
const TABLES = ['filter', 'nat', 'mangle', 'raw', 'security']

/** The line with its last word completed, by what the namespace and the language of iptables have. */
export function complete(text: string, namespace: Namespace): readonly string[] {
  const start = text.lastIndexOf(' ') + 1
  const [done, last] = [text.slice(0, start), text.slice(start)]
  const words = done
    .replace(/^\s*\S+:\s+/, '')
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
  const found = [...new Set(candidates(words, namespace))].filter((word) => word.startsWith(last) && word !== last)
  return found.slice(0, MOST).map((word) => done + word)
}

function candidates(words: readonly string[], namespace: Namespace): readonly string[] {
  const [program] = words
  if (program === undefined) return PROGRAMS
  if (/^ip6?tables/.test(program)) return ofTables(words, namespace, program.startsWith('ip6') ? 6 : 4)
  if (program === 'sysctl') return ['-w', ...switches(namespace).map(({ key }) => `${key}=`)]
  if (program === 'ip') return ofIp(words, namespace)
  if (program === 'ipset')
    return words.length === 1 ? ['add', 'del', 'create', 'destroy', 'flush', 'swap'] : setNames(namespace)
  return []
}

function ofTables(words: readonly string[], namespace: Namespace, family: 4 | 6): readonly string[] {
  const table = words[words.indexOf('-t') + 1]
  const chosen = words.includes('-t') && table !== undefined ? table : 'filter'
  const chains = namespace.tables
    .filter((one) => one.family === family && one.name === chosen)
    .flatMap((one) => [...one.chains.values()])
  const before = words.at(-1) ?? ''
  switch (before) {
    case '-t':
      return TABLES
    case '-A': case '-I': case '-D': case '-R': case '-F': case '-Z': case '-X': case '-E': case '-L':
      return chains.map(({ name }) => name)
    case '-P':
      return chains.flatMap(({ name, base }) => (base ? [name] : []))
    case '-j': case '-g':
      return [...(before === '-j' ? ['ACCEPT', 'DROP', 'RETURN', ...targets.map(({ name }) => name)] : []), ...chains.flatMap(({ name, base }) => (base ? [] : [name]))]
    case '-i': case '-o':
      return namespace.links.map(({ name }) => name)
    case '-s': case '-d': case '--to-destination': case '--to-source':
      return addresses(namespace, family)
    case '-p':
      return PROTOCOLS
    case '-m':
      return matches.map(({ name }) => name)
    case '--ctstate': case '--state':
      return STATES
    case '--match-set':
      return setNames(namespace)
  }
  const policy = words.at(-2) === '-P' ? ['ACCEPT', 'DROP'] : []
  return [...policy, ...own(words), ...(words.some((word) => COMMANDS.includes(word)) ? [] : COMMANDS), ...OPTIONS]
} // biome-ignore format: lists

/** The options of the matches and of the target that stand on the line. */
function own(words: readonly string[]): readonly string[] {
  const named = (flags: readonly string[]) => words.filter((_, i) => flags.includes(words[i - 1] ?? ''))
  const used = [
    ...matches.filter(({ name }) => named(['-m', '-p']).includes(name)),
    ...targets.filter(({ name }) => named(['-j']).includes(name)),
  ]
  return used.flatMap(({ options }) => Object.values(options as OptionTable).map(({ flag }) => flag))
}

function ofIp(words: readonly string[], namespace: Namespace): readonly string[] {
  const [, object] = words.filter((word) => !word.startsWith('-'))
  if (object === undefined) return ['route', 'rule', 'addr', 'link', 'neigh', '-6', '-4']
  const before = words.at(-1) ?? ''
  if (before === 'dev' || before === 'iif' || before === 'oif' || (object === 'link' && before === 'set'))
    return namespace.links.map(({ name }) => name)
  if (before === object)
    return object === 'link'
      ? ['set']
      : ['add', 'del', ...(object === 'route' || object === 'neigh' ? ['replace'] : [])]
  if (before === 'table' || before === 'lookup') return ['main', 'local', 'default', ...tablesOf(namespace)]
  if (object === 'route')
    return before === 'add' || before === 'del' || before === 'replace'
      ? ['default', 'blackhole', 'unreachable', 'prohibit', ...prefixes(namespace)]
      : ['via', 'dev', 'src', 'metric', 'table', 'mtu', 'onlink', 'scope']
  if (object === 'rule')
    return ['from', 'to', 'fwmark', 'iif', 'oif', 'priority', 'lookup', 'table', 'blackhole', 'unreachable', 'prohibit']
  if (object === 'link') return ['up', 'down', 'mtu', 'master', 'nomaster']
  return ['dev', 'lladdr', 'nud', ...addresses(namespace, 4)]
}

const addresses = ({ links }: Namespace, family: 4 | 6): readonly string[] =>
  links
    .flatMap((link) => link.addresses.map(({ prefix }) => printIp(prefix.ip)))
    .filter((text) => text.includes(':') === (family === 6))

const prefixes = ({ links }: Namespace): readonly string[] =>
  links.flatMap((link) => link.addresses.map(({ prefix }) => printPrefix(prefix)))

const setNames = ({ sets }: Namespace): readonly string[] => sets?.listed.map(({ name }) => name) ?? []
const tablesOf = ({ routes }: Namespace): readonly string[] => [...new Set(routes.map(({ table }) => String(table)))]
