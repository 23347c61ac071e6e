import type { Family } from '../../address/ip.js'
import type { Chain, Counters, Rule, Table } from '../../rules/program.js'

export interface TableSave {
  readonly backend: Table['backend']
  readonly family: Family
  readonly text: string
}

export const toolOf = (backend: Table['backend'], family: Family): string =>
  `${family === 4 ? 'iptables' : 'ip6tables'}-${backend}`

/** Rules as `iptables-restore` reads them, one text for each backend and family that has some; counters are zero. */
export function restoreTexts(tables: readonly Table[]): readonly TableSave[] {
  const kinds = [...new Set(tables.map(({ backend, family }) => `${backend} ${family}` as const))]
  return kinds.map((kind) => {
    const mine = tables.filter(({ backend, family }) => `${backend} ${family}` === kind)
    const { backend, family } = mine[0]!
    return { backend, family, text: mine.map(tableText).join('') }
  })
}

function tableText({ name, chains }: Table): string {
  const all = [...chains.values()]
  const lines = [
    `*${name}`,
    ...all.map(({ name: chain, base }) => `:${chain} ${base?.policy.toUpperCase() ?? '-'} [0:0]`),
    ...all.flatMap(({ rules }) => rules.map(({ text }) => text)),
    'COMMIT',
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** One rule, or (number 0) a policy, with what it has counted. */
export interface Count extends Counters {
  readonly table: Pick<Table, 'name' | 'backend' | 'family'>
  readonly chain: string
  /** From 1; 0 is the policy. */
  readonly number: number
  readonly text: string
}

/** What an `iptables-save -c` has counted: `table chain number` to packets and bytes. */
export function countsOf({ text }: TableSave): ReadonlyMap<string, Counters> {
  const counts = new Map<string, Counters>()
  const numbers = new Map<string, number>()
  let table = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = line.slice(1)
      numbers.clear()
    }
    const policy = /^:(\S+) (?!-)\S+ \[(\d+):(\d+)\]/.exec(line)
    if (policy) counts.set(`${table} ${policy[1]} 0`, { packets: Number(policy[2]), bytes: Number(policy[3]) })
    const rule = /^\[(\d+):(\d+)\] -A (\S+)/.exec(line)
    if (!rule) continue
    const chain = rule[3]!
    const number = (numbers.get(chain) ?? 0) + 1
    numbers.set(chain, number)
    counts.set(`${table} ${chain} ${number}`, { packets: Number(rule[1]), bytes: Number(rule[2]) })
  }
  return counts
}

/** Every rule and policy of some tables with what a run has counted. */
export function modelCounts(
  tables: readonly Table[],
  rules: ReadonlyMap<Rule, Counters>,
  policies: ReadonlyMap<string, Counters>,
): readonly Count[] {
  return tables.flatMap((table) => [...table.chains.values()].flatMap((chain) => chainCounts(table, chain)))

  function chainCounts(table: Table, chain: Chain): readonly Count[] {
    const at = { table, chain: chain.name }
    const policy = policies.get(`${table.family} ${table.backend} ${table.name} ${chain.name}`)
    return [
      ...(chain.base
        ? [{ ...at, number: 0, text: `policy ${chain.base.policy.toUpperCase()}`, ...NONE, ...policy }]
        : []),
      ...chain.rules.map((rule, i) => ({ ...at, number: i + 1, text: rule.text, ...NONE, ...rules.get(rule) })),
    ]
  }
}

export const NONE: Counters = { packets: 0, bytes: 0 }
