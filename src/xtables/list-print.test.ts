import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applyCommand, readSave } from './index.js'
import { matches } from './matches/index.js'
import { targets } from './targets/index.js'

interface Lines {
  /** With -n. */
  readonly n: readonly string[]
  /** Without, where that differs. */
  readonly names?: readonly string[]
}

interface Recorded {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
  readonly legacy?: Lines
  /** Absent: as legacy. */
  readonly nft?: Lines
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recordings', 'tails.json'), 'utf8'),
)

/** Listed by iptables 1.8.9 in another way. */
const OTHERWISE: Readonly<Record<string, string>> = {
  '-c 3 400 -j ACCEPT': 'ip6tables-nft-restore forgets -c',
  '-p tcp ! --dport 0:65535 -j ACCEPT': 'nft forgets the match',
  '-p tcp -m tcp --dport 80 -m tcp --sport 81 -j ACCEPT': 'nft makes one match of two',
  '-m limit --limit 5/min --limit-burst 0 -j ACCEPT': 'nft takes it as 5',
  '-m conntrack ! --ctorigdst 10.0.0.0/8 --ctreplsrc 10.0.0.1/255.0.255.0 ! --ctrepldst 1.2.3.4/32 -j ACCEPT':
    'iptables forgets a mask with holes when it prints',
}

/** Names that are another file's: users and groups; a few services that we do not have. */
const LOOKED_UP = /-m owner|--dports 1,2,3,4,5,6,7|--dports 1:2,3:4/

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN', 'TRACE'])
const all = [...Object.values(matches), ...Object.values(targets)]

describe.each(['legacy', 'nft'] as const)('iptables-%s -L -v', (backend) => {
  const rows = recorded.flatMap((row) => {
    const lines = row[backend] ?? (backend === 'nft' ? row.legacy : undefined)
    return lines === undefined || row.rule in OTHERWISE ? [] : [[row, lines] as const]
  })

  test.each(rows.map(([row, lines]) => [`IPv${row.family} ${row.table} ${row.rule}`, row, lines] as const))(
    '%s',
    (_, { family, table, chain, rule }, { n, names = n }) => {
      const text = `*${table}\n:${chain} ACCEPT [0:0]\n:USER - [0:0]\n-A ${chain} ${rule}\nCOMMIT\n`
      const read = readSave(text, { file: 'f', family, backend })
      // what we refuse, or have no listing for, is told by other tests
      if (!read.ok) return
      const uses = read.save.tables[0]!.chains.get(chain)!.rules.flatMap(({ fields }) => [...fields.matches, fields.target])
      if (uses.some((use) => use && !use.extension)) return
      const list = (options: string): readonly string[] => {
        const done = applyCommand(read.save, `${family === 6 ? 'ip6tables' : 'iptables'} -t ${table} ${options} ${chain}`)
        return done.ok ? done.output.split('\n').slice(2, -1) : [done.problems[0]!.message]
      }
      expect(list('-nvL')).toEqual(n)
      if (!LOOKED_UP.test(rule)) expect(list('-vL')).toEqual(names)
    },
  ) // biome-ignore format: one table
})

test('every extension says how it is listed', () => {
  expect(all.filter(({ name, list }) => !list && !VERDICTS.has(name)).map(({ name }) => name)).toEqual([])
})
