import type { Base, Hook } from '../rules/program.js'

/** The base chains that each table has, in the order in which iptables-save prints them, with the kernel's priorities (enum nf_ip_hook_priorities). */
export const TABLES: Readonly<Record<string, Readonly<Record<string, Pick<Base, 'hook' | 'priority' | 'type'>>>>> = {
  raw: {
    PREROUTING: { hook: 'prerouting', priority: -300, type: 'filter' },
    OUTPUT: { hook: 'output', priority: -300, type: 'filter' },
  },
  mangle: {
    PREROUTING: { hook: 'prerouting', priority: -150, type: 'filter' },
    INPUT: { hook: 'input', priority: -150, type: 'filter' },
    FORWARD: { hook: 'forward', priority: -150, type: 'filter' },
    OUTPUT: { hook: 'output', priority: -150, type: 'route' },
    POSTROUTING: { hook: 'postrouting', priority: -150, type: 'filter' },
  },
  nat: {
    PREROUTING: { hook: 'prerouting', priority: -100, type: 'nat' },
    INPUT: { hook: 'input', priority: 100, type: 'nat' },
    OUTPUT: { hook: 'output', priority: -100, type: 'nat' },
    POSTROUTING: { hook: 'postrouting', priority: 100, type: 'nat' },
  },
  filter: {
    INPUT: { hook: 'input', priority: 0, type: 'filter' },
    FORWARD: { hook: 'forward', priority: 0, type: 'filter' },
    OUTPUT: { hook: 'output', priority: 0, type: 'filter' },
  },
  security: {
    INPUT: { hook: 'input', priority: 50, type: 'filter' },
    FORWARD: { hook: 'forward', priority: 50, type: 'filter' },
    OUTPUT: { hook: 'output', priority: 50, type: 'filter' },
  },
}

const BITS: ReadonlyMap<string, number> = new Map([
  ['PREROUTING', 1],
  ['INPUT', 2],
  ['FORWARD', 4],
  ['OUTPUT', 8],
  ['POSTROUTING', 16],
])

/** The name of a base chain as one bit; 0 for any other. */
export const baseChainBit = (name: string): number => BITS.get(name) ?? 0
/** All of them. */
export const BASE_CHAINS = 31
export const BASE_NAMES = [...BITS.keys()]

const BUILTIN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(TABLES).map(([table, chains]) => [table, new Set(Object.keys(chains))]),
)

export const isBuiltin = (table: string, chain: string): boolean => BUILTIN.get(table)?.has(chain) ?? false
export const hookOf = (table: string, chain: string): Hook | undefined => TABLES[table]?.[chain]?.hook

/** XT_EXTENSION_MAXNAMELEN counts the final NUL. */
const LONGEST_CHAIN = 28

/** What is wrong with the name of a chain, or undefined (iptables/xshared.c: assert_valid_chain_name). */
export function chainNameProblem(name: string): string | undefined {
  if (name === '') return 'a chain has a name'
  if (/^[-!]/.test(name)) return `chain name not allowed to start with \`${name[0]}'`
  if (name.length > LONGEST_CHAIN) return `chain name \`${name}' too long (must be under ${LONGEST_CHAIN + 1} chars)`
  if (/\s/.test(name)) return `Invalid chain name \`${name}'`
  return undefined
}
