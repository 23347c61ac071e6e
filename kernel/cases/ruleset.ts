import { matches } from '../../src/xtables/matches/index.js'
import { targets } from '../../src/xtables/targets/index.js'
import type { Random } from '../prng.js'
import { HEADER_MATCHES } from './header-matches.js'
import { basics, MATCHES, protocolOf } from './matches.js'
import { MORE_MATCHES } from './more-matches.js'
import type { Scene } from './scene.js'
import { setMatch, setTarget } from './sets.js'
import type { Spot } from './spot.js'
import { TARGETS } from './targets.js'

/** A rule in pieces, so that shrinking can leave some out: `-p tcp`, `-m tcp --dport 80`; the target with its options, or nothing. */
export interface RuleSpec {
  readonly chain: string
  readonly parts: readonly string[]
  readonly target: string
}

export interface TableSpec {
  readonly name: string
  /** Of the second router. */
  readonly second?: boolean
  /** Policy `-`: a user chain. */
  readonly chains: readonly { readonly name: string; readonly policy: 'ACCEPT' | 'DROP' | '-' }[]
  readonly rules: readonly RuleSpec[]
}

export type Ruleset = readonly TableSpec[]
type Hook = Exclude<Spot['hook'], 'any'>

/** The tables of one router. */
export const tablesOf = (ruleset: Ruleset, which: 0 | 1): Ruleset =>
  ruleset.filter(({ second = false }) => second === (which === 1))

export const BASE_CHAINS: Readonly<Record<string, readonly Hook[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

export const ruleText = ({ chain, parts, target }: RuleSpec): string =>
  ['-A', chain, ...parts, ...(target === '' ? [] : [target])].join(' ')

/** What iptables-restore reads. Tables that are not there are emptied: legacy ones would keep the rules of the case before. */
export function restoreText(ruleset: Ruleset, backend: 'legacy' | 'nft'): string {
  const missing =
    backend === 'nft' ? [] : Object.keys(BASE_CHAINS).filter((name) => !ruleset.some((table) => table.name === name))
  const empty = missing.map((name): TableSpec => ({ name, chains: baseChains(name), rules: [] }))
  return [...ruleset, ...empty]
    .map(({ name, chains, rules }) => `*${name}\n${chains.map((chain) => `:${chain.name} ${chain.policy}\n`).join('')}${rules.map((rule) => `${ruleText(rule)}\n`).join('')}COMMIT\n`)
    .join('') // biome-ignore format: one thing
}

const baseChains = (table: string) => BASE_CHAINS[table]!.map((name) => ({ name, policy: 'ACCEPT' as const }))

export function randomRuleset(random: Random, scene: Scene): Ruleset {
  const names = ['raw', 'mangle', 'nat', 'filter', ...(random.chance(0.1) ? ['security'] : [])]
  const wanted = { raw: 0.5, mangle: 0.6, nat: 0.75, filter: 0.85, security: 1 }
  const chosen = names.filter((name) => random.chance(wanted[name as keyof typeof wanted]))
  return ending((chosen.length > 0 ? chosen : ['filter']).map((name) => randomTable(random.fork(name), scene, name)))
}

/** A copy that OUTPUT routes anew can come back to the rule that made it: it has to grow old on the way. */
function ending(ruleset: Ruleset): Ruleset {
  if (!ruleset.some(({ rules }) => rules.some(({ target }) => target.startsWith('-j TEE ')))) return ruleset
  const aging = (target: string) => target.replace(/--(hl|ttl)-(set|inc) \d+/, '--$1-dec 1')
  return ruleset.map((table) => ({
    ...table,
    rules: table.rules.map((rule) => ({ ...rule, target: aging(rule.target) })),
  }))
}

function randomTable(random: Random, scene: Scene, name: string): TableSpec {
  const hooks = BASE_CHAINS[name]!
  const users = Array.from(
    {
      length: random.weighted([
        [3, 0],
        [3, 1],
        [2, 2],
        [1, 4],
      ]),
    },
    (_, i) => ({
      name: `${name === 'nat' ? 'KUBE' : 'U'}-${i + 1}`,
      hook: random.chance(0.75) ? random.pick(hooks) : ('any' as const),
    }),
  )
  const chains = [
    ...hooks.map((hook) => ({
      name: hook as string,
      policy: random.chance(name === 'filter' ? 0.15 : name === 'nat' ? 0 : 0.02)
        ? ('DROP' as const)
        : ('ACCEPT' as const),
    })),
    ...users.map((user) => ({ name: user.name, policy: '-' as const })),
  ]
  const rules: RuleSpec[] = []
  for (const hook of hooks) {
    const spot = { random, scene, table: name, hook, protocol: undefined }
    const jumps = users.filter((user) => user.hook === hook || user.hook === 'any').map((user) => user.name)
    for (
      let n = random.weighted([
        [3, 0],
        [3, 1],
        [3, 2],
        [2, 4],
        [1, 6],
      ]);
      n > 0;
      n--
    )
      rules.push(randomRule(spot, hook, jumps))
  }
  users.forEach((user, i) => {
    const spot = { random, scene, table: name, hook: user.hook, protocol: undefined }
    const below = users
      .slice(i + 1)
      .filter((other) => other.hook === user.hook || other.hook === 'any')
      .map((other) => other.name)
    for (let n = random.int(0, 4); n > 0; n--) rules.push(randomRule(spot, user.name, below))
  })
  return { name, chains, rules }
}

/** Of these the model says that it cannot tell: a case with one that matters compares nothing, so they are few. */
const UNDECIDED: ReadonlySet<string> = new Set(['cpu', 'osf', 'policy', 'cgroup'])

function randomRule(place: Spot, chain: string, jumps: readonly string[]): RuleSpec {
  const { random, scene } = place
  const protocol = protocolOf(random, scene.family)
  const spot: Spot = { ...place, protocol }
  const parts: string[] = [...basics(spot)]
  const inverted = protocol !== undefined && random.chance(0.08)
  if (protocol !== undefined) parts.push(`${inverted ? '! ' : ''}-p ${protocol}`)
  const inside: Spot = inverted ? { ...spot, protocol: undefined } : spot
  const own = protocol === 'ipv6-icmp' ? 'icmp6' : protocol
  if (own !== undefined && !inverted && own in MATCHES && random.chance(0.6))
    parts.push(`-m ${own} ${MATCHES[own]!(inside)}`)
  const others = Object.keys(MATCHES).filter(
    (name) => name in matches && !['tcp', 'udp', 'icmp', 'icmp6'].includes(name),
  )
  const rare = (name: string) => name in MORE_MATCHES || name in HEADER_MATCHES
  const often = others.filter((name) => !rare(name))
  const rarely = others.filter((name) => rare(name) && !UNDECIDED.has(name))
  const pool = random.weighted([
    [65, often],
    [32, rarely],
    [1, others],
  ])
  for (const name of random.some(
    pool,
    random.weighted([
      [5, 0],
      [5, 1],
      [1, 2],
    ]),
  )) {
    const options = MATCHES[name]!(inside)
    if (options !== undefined) parts.push(`-m ${name} ${options}`)
  }
  // where a case has sets, they are what it is about
  const about = scene.sets.length > 0
  if (about && random.chance(0.5) && !parts.some((part) => part.startsWith('-m set ')))
    parts.push(`-m set ${setMatch(inside)}`)
  const target = about && random.chance(0.35) ? `-j SET ${setTarget(inside)}` : randomTarget(inside, jumps)
  // The kernel takes TCPMSS only behind a match on SYN. Of two conditions on flags iptables-nft-save 1.8.9 prints one, and of two `-m tcp` it
  // makes one, in the place of the first: they stand side by side, so that nothing is asked in between.
  if (target.startsWith('-j TCPMSS')) {
    const rest = parts.filter((part) => !/^-m tcp .*--(syn|tcp-flags)/.test(part))
    const at = rest.findLastIndex((part) => part.startsWith('-m tcp ')) + 1 || rest.length
    return { chain, parts: rest.toSpliced(at, 0, '-m tcp --tcp-flags SYN,RST SYN'), target }
  }
  return { chain, parts, target }
}

const WEIGHT: Readonly<Record<string, number>> = {
  ACCEPT: 3, DROP: 1.5, REJECT: 3, RETURN: 1, MARK: 4, CONNMARK: 3, CT: 3, NOTRACK: 1, LOG: 0.7, NFLOG: 0.5, QUEUE: 0.05,
  AUDIT: 0.3, CHECKSUM: 0.5, CLASSIFY: 0.5, NETMAP: 3, NFQUEUE: 0.1, SYNPROXY: 0.1, TPROXY: 0.5, IDLETIMER: 0.2, RATEEST: 0.2, CONNSECMARK: 0.2, TEE: 0.5, DNAT: 14, SNAT: 10, MASQUERADE: 8, REDIRECT: 5, TTL: 1.5, HL: 1.5,
} // biome-ignore format: a table

function randomTarget(spot: Spot, jumps: readonly string[]): string {
  const { random } = spot
  if (jumps.length > 0 && random.chance(0.3)) return `${random.chance(0.15) ? '-g' : '-j'} ${random.pick(jumps)}`
  if (random.chance(0.25)) return ''
  const possible = Object.keys(TARGETS).flatMap((name): (readonly [number, string])[] => {
    const options = name in targets ? TARGETS[name]!(spot) : undefined
    return options === undefined
      ? []
      : [[Math.round(10 * (WEIGHT[name] ?? 1)), `-j ${name}${options === '' ? '' : ` ${options}`}`]]
  })
  return random.weighted(possible)
}
