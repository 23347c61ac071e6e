import type { Table } from '../../rules/program.js'
import { isUsed } from './helpers.js'
import type { LintRule } from './types.js'

export const bothBackends: LintRule = {
  id: 'both-backends',
  level: 'warning',
  summary: 'rules stand in legacy tables and in nft tables: a packet has to pass both',
  *check({ tables, family }) {
    const used = tables.filter(({ chains }) => [...chains.values()].some(isUsed))
    const legacy = used.find(({ backend }) => backend === 'legacy')
    const nft = used.find(({ backend }) => backend === 'nft')
    if (!legacy || !nft) return
    const first = (table: Table) => [...table.chains.values()].find(({ rules }) => rules.length > 0)?.rules[0]
    const spot = (table: Table) => ({
      chain: undefined,
      number: undefined,
      text: `${table.backend} table ${table.name}`,
      source: first(table)?.source,
    })
    const program = family === 4 ? 'iptables' : 'ip6tables'
    yield {
      message: `${program} rules are loaded by both backends: every packet passes the legacy and the nft rules, and one of ${program}-legacy and ${program}-nft never shows all of them`,
      at: spot(legacy),
      related: [{ ...spot(nft), how: 'stands on the same hooks' }],
    }
  },
}
