import type { Simulation } from '../path/simulation.js'
import type { Namespace } from '../path/world.js'
import type { Chain, Counters, Table } from '../rules/program.js'

type Run = Pick<Simulation, 'ruleCounters' | 'policyCounters'>

/** All tables of a namespace with their counters after a run, the snapshot's own added, as `iptables-save -c` prints them (IPv4, then IPv6). */
export function countersText(run: Run, namespace: Namespace): string {
  const rules = run.ruleCounters(namespace)
  const policies = run.policyCounters(namespace)
  const families = ([4, 6] as const).flatMap((family) => {
    const tables = namespace.tables.filter((table) => table.family === family)
    return tables.length === 0 ? [] : [heading(family), ...tables.flatMap(tableLines)]
  })
  return families.map((line) => `${line}\n`).join('')

  function tableLines(table: Table): string[] {
    const chains = [...table.chains.values()]
    return [
      `*${table.name}`,
      ...chains.map(
        (chain) => `:${chain.name} ${chain.base?.policy.toUpperCase() ?? '-'} ${counted(policyCounters(table, chain))}`,
      ),
      ...chains.flatMap((chain) =>
        chain.rules.map((rule) => `${counted(plus(rule.counters, rules.get(rule)))} ${rule.text}`),
      ),
      'COMMIT',
    ]
  }

  function policyCounters({ family, backend, name }: Table, chain: Chain): Counters {
    return plus(chain.base?.counters, policies.get(`${family} ${backend} ${name} ${chain.name}`))
  }
}

const heading = (family: 4 | 6): string => `# As ${family === 4 ? 'iptables' : 'ip6tables'}-save -c prints it`

const plus = (a: Counters | undefined, b: Counters | undefined): Counters => ({
  packets: (a?.packets ?? 0) + (b?.packets ?? 0),
  bytes: (a?.bytes ?? 0) + (b?.bytes ?? 0),
})

const counted = ({ packets, bytes }: Counters): string => `[${packets}:${bytes}]`
