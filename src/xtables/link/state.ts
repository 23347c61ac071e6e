import type { Chain, Rule, Table } from '../../rules/program.js'
import type { LinkChain, LinkFile } from './file.js'
import { LANGUAGES, type LinkBase, type LinkProgram } from './language.js'
import type { FrameKind } from './option.js'

/** What the path walks of the link layer. */
export interface LinkState {
  readonly bridgeTables: readonly Table[]
  readonly frameTables: { readonly other: readonly Table[]; readonly tagged: readonly Table[] }
  readonly arpTables: readonly Table[]
}

/** A table that knows the file that it was made of. */
interface OwnTable extends Table {
  readonly origin: LinkFile
}

export const linkState = (files: readonly LinkFile[]): LinkState => ({
  bridgeTables: files.flatMap((file) => [...toBridgeTables(file, 4), ...toBridgeTables(file, 6)]),
  frameTables: {
    other: files.flatMap((file) => toBridgeTables(file, 'other')),
    tagged: files.flatMap((file) => toBridgeTables(file, 'tagged')),
  },
  arpTables: files.flatMap(toArpTables),
})

/** The files that tables were made of. */
export function linkFiles(tables: readonly Table[]): readonly LinkFile[] {
  const found = tables.flatMap((table) => ('origin' in table ? [(table as OwnTable).origin] : []))
  return [...new Set(found)]
}

/** The tables of a bridge as frames of a kind meet them; called `bridge filter`, so that nobody takes them for those of iptables. */
const toBridgeTables = (file: LinkFile, kind: FrameKind): readonly Table[] =>
  file.program === 'ebtables' ? toTables(file, kind, 'bridge') : []

/** Those of arptables, called `arp filter`. */
const toArpTables = (file: LinkFile): readonly Table[] =>
  file.program === 'arptables' ? toTables(file, 'other', 'arp') : []

function toTables(file: LinkFile, kind: FrameKind, prefix: string): readonly Table[] {
  const { program, backend, tables } = file
  return tables.map(({ name, chains }): OwnTable => {
    const made = [...chains.values()].map((chain): [string, Chain] => {
      const place = placeOf(program, backend, name, chain.name)
      const policy = chain.policy === 'DROP' ? 'drop' : 'accept'
      const base = place && ({ ...place, type: 'filter' as const, policy, counters: chain.counters } as const)
      const last = base || chain.policy === '-' || chain.policy === 'RETURN' ? [] : [endOf(chain)]
      return [chain.name, { name: chain.name, rules: [...chain.rules.map((rule) => rule.of(kind)), ...last], base }]
    })
    return {
      name: `${prefix} ${name}`,
      family: kind === 6 ? 6 : 4,
      backend,
      chains: new Map(made),
      needsConntrack: false,
      origin: file,
    }
  })
}

/** ebtables-nft has OUTPUT of its table filter before that of nat, legacy ebtables behind it (iptables/nft.c: xtables_bridge; frame_filter.c). */
function placeOf(program: LinkProgram, backend: 'legacy' | 'nft', table: string, chain: string): LinkBase | undefined {
  const place = LANGUAGES[program].tables[table]?.[chain]
  const early = place && program === 'ebtables' && backend === 'nft' && table === 'filter' && chain === 'OUTPUT'
  return early ? { ...place, priority: -200 } : place
}

/** Chains that users make have a policy in ebtables: at their end a frame does not return, but is accepted, as a rule (seen on 6.18 with ebtables-nft). */
const endOf = ({ name, policy }: LinkChain): Rule => ({
  steps: [{ do: { do: policy === 'DROP' ? 'drop' : 'accept' } }],
  text: `-P ${name} ${policy}`,
  comment: undefined,
  source: undefined,
  counters: undefined,
})
