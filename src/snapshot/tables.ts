import type { Family } from '../address/ip.js'
import type { Unmodelled } from '../path/world.js'
import type { Table } from '../rules/program.js'
import type { Kind } from './detect.js'
import { type BaseChain, nativeChains } from './nft.js'
import type { Problem } from './problem.js'
import { type Listed, readListed, readTables } from './rules.js'

export interface SaveInput extends Listed {
  readonly kind: Kind
}

export interface CollectedTables {
  readonly tables: readonly Table[]
  readonly unmodelled: readonly Unmodelled[]
  readonly notes: readonly string[]
  readonly problems: readonly Problem[]
}

const FAMILIES: readonly Family[] = [4, 6]
const program = (family: Family): string => (family === 4 ? 'iptables' : 'ip6tables')

/**
 * Packet filter tables of one namespace, legacy ones first: that module is what was there first, wherever both are loaded. A table that several
 * files hold (`iptables-save` of the legacy backend beside `iptables-legacy-save`) counts once.
 */
export function collectTables(files: readonly SaveInput[], nft: readonly BaseChain[]): CollectedTables {
  const problems: Problem[] = []
  const notes: string[] = []
  const tables = new Map<string, { readonly table: Table; readonly file: string }>()
  const isListing = ({ kind }: SaveInput) => kind === 'iptables-list' || kind === 'ip6tables-list'
  for (const file of files.filter((one) => !isListing(one))) {
    const read = readTables(file, file.kind === 'iptables-save' ? 4 : 6)
    if (!read.ok) problems.push(...read.problems)
    for (const table of read.ok ? read.tables : []) {
      const key = `${table.family} ${table.backend} ${table.name}`
      const known = tables.get(key)
      if (!known) tables.set(key, { table, file: file.path })
      else if (ruleTexts(known.table) !== ruleTexts(table))
        notes.push(`table ${table.name} of ${file.path} is left out: ${known.file} has one, with other rules`)
    }
  }
  // a listing says less than the rules themselves: it counts for tables that nothing else tells of
  for (const file of files.filter(isListing)) {
    const read = readListed(file, file.kind === 'iptables-list' ? 4 : 6)
    if (!read.ok) problems.push(...read.problems)
    else {
      const news = read.tables.filter(
        ({ family, name }) => ![...tables.values()].some(({ table }) => table.family === family && table.name === name),
      )
      for (const table of news) tables.set(`${table.family} ${table.backend} ${table.name}`, { table, file: file.path })
      if (news.length > 0) notes.push(...read.notes)
    }
  }
  const all = [...tables.values()].map(({ table }) => table)
  const ordered = [
    ...all.filter(({ backend }) => backend === 'legacy'),
    ...all.filter(({ backend }) => backend === 'nft'),
  ]
  return {
    tables: ordered,
    unmodelled: [...nativeChains(nft, ordered).filter(decides).map(unmodelledChain), ...unseenLegacy(files, ordered)],
    notes: [
      ...notes,
      ...FAMILIES.flatMap((family) => bothBackends(ordered, family)),
      ...(nft.length > 0 ? [] : FAMILIES.flatMap((family) => notGiven(files, ordered, family))),
    ],
    problems,
  }
}

const ruleTexts = ({ chains }: Table): string =>
  [...chains.values()]
    .map(({ name, base, rules }) => [name, base?.policy, ...rules.map(({ text }) => text)].join('\n'))
    .sort()
    .join('\n')

/** Of these somebody who is asked for one table does not see that the others have rules too. */
const USUAL = ['raw', 'mangle', 'nat', 'filter']

/** `iptables -L`, `-S` and `iptables-save -t` tell of one table each. */
function notGiven(files: readonly SaveInput[], tables: readonly Table[], family: Family): string[] {
  const own = files.filter(({ kind }) => kind.startsWith(`${program(family)}-`))
  const whole = own.some(({ text, path, hint }) => /^\*\w/m.test(text) && !/_(-t|--table)_/.test(hint ?? path))
  const given = tables.filter((table) => table.family === family).map(({ name }) => name)
  const missing = USUAL.filter((name) => !given.includes(name))
  if (own.length === 0 || whole || missing.length === 0) return []
  return [`of ${program(family)} only ${given.join(', ')} was given: ${missing.join(', ')} taken as without rules`]
}

const hasRules = ({ chains }: Table): boolean =>
  [...chains.values()].some(({ rules, base }) => rules.length > 0 || base?.policy === 'drop')

function bothBackends(tables: readonly Table[], family: Family): string[] {
  const used = tables.filter((table) => table.family === family && hasRules(table))
  return new Set(used.map(({ backend }) => backend)).size < 2
    ? []
    : [
        `legacy and nft tables of ${program(family)} are both in use: at equal priority the legacy ones are taken to come first`,
      ]
}

/** nft's names for priorities of the families ip, ip6 and inet (nft(8), standard priority names). */
const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
}

/** `filter - 10`, `-300`, `dstnat`. */
function priorityNumber(text: string): number {
  const [, name, sign, offset] = /^\s*([a-z]*)\s*([+-]?)\s*(\d*)\s*$/.exec(text) ?? []
  return (PRIORITIES[name ?? ''] ?? 0) + Number(`${sign ?? ''}${offset || 0}`)
}

/** An empty chain that accepts changes nothing. */
const decides = ({ rules, policy }: BaseChain): boolean => rules > 0 || policy !== 'accept'

const unmodelledChain = ({ family, table, name, hook, priority, rules }: BaseChain): Unmodelled => ({
  family,
  hook,
  priority: priorityNumber(priority),
  text: `nft chain ${family} ${table} ${name} (hook ${hook}, priority ${priority}, ${rules} ${rules === 1 ? 'rule' : 'rules'})`,
})

/** iptables-nft-save ends with a remark where legacy tables exist as well (iptables/xtables-save.c). */
function unseenLegacy(files: readonly SaveInput[], tables: readonly Table[]): Unmodelled[] {
  return FAMILIES.filter((family) => {
    const remark = new RegExp(`^# Warning: ${program(family)}-legacy tables present`, 'm')
    const seen = tables.some((table) => table.family === family && table.backend === 'legacy')
    return !seen && files.some(({ text }) => remark.test(text))
  }).map((family) => ({
    family: family === 4 ? 'ip' : 'ip6',
    hook: undefined,
    text: `the legacy tables that ${program(family)}-save mentions (${program(family)}-legacy-save is missing)`,
  }))
}
