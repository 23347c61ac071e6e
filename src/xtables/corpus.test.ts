import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSave } from './save.js'
import { TABLES } from './tables.js'

/** The test files of iptables itself (extensions/*.t): read where they lie, never copied. IPTABLES_T names another folder of them. */
const FOLDER = process.env['IPTABLES_T'] ?? join(import.meta.dirname, '../../../shared/corpora/iptables-t')

interface Case {
  readonly file: string
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
  readonly expected: string
  readonly ok: boolean
}

/** libxt_osf.c registers for IPv4 alone. */
const IPV4_ONLY = /^libxt_osf\.t$/

/** `:CHAIN,CHAIN`, `*TABLE`, `@command`, `%command`, `RULE;EXPECTED or =;OK or FAIL`. */
function casesOf(file: string, text: string): readonly Case[] {
  const families: readonly (4 | 6)[] =
    file.startsWith('libipt_') || IPV4_ONLY.test(file) ? [4] : file.startsWith('libip6t_') ? [6] : [4, 6]
  let chains: readonly string[] = []
  let table = 'filter'
  const cases: Case[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) chains = line.slice(1).split(',')
    else if (line.startsWith('*')) table = line.slice(1).split(',')[0]!
    else if (line.includes(';') && !/^[#@%]/.test(line)) {
      const [rule = '', printed = '', outcome = ''] = line.split(';')
      const ofRule = /\d+\.\d+\.\d+\.\d+/.test(rule) ? families.filter((family) => family === 4) : families
      for (const family of ofRule)
        for (const chain of chains) {
          const expected = printed === '=' || printed === '' ? rule : printed
          cases.push({ file, family, table, chain, rule, expected, ok: outcome === 'OK' })
        }
    }
  }
  return cases
}

const title = ({ file, family, chain, rule }: Case) => `${file} IPv${family} ${chain}: ${rule}`

describe.skipIf(!existsSync(FOLDER))('the test files of iptables', () => {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((file) => /^lib(xt|ipt|ip6t)_.*\.t$/.test(file)) : []
  if (files.length === 0) console.log(`skipped: ${FOLDER} is not there`)
  const cases = files.flatMap((file) => casesOf(file, readFileSync(join(FOLDER, file), 'utf8')))

  test.each(cases.map((one) => [title(one), one] as const))('%s', (_, one) => {
    const { family, table, chain, rule, expected, ok } = one
    const chains = Object.keys(TABLES[table]!).map((name) => `:${name} ACCEPT [0:0]`)
    const text = [`*${table}`, ...chains, `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n')
    const read = readSave(text, { file: 'case', family, backend: 'legacy' })
    if (!ok) {
      expect(read.ok, 'refused').toBe(false)
    } else if (!read.ok) expect(read.problems[0]!.message).toBe('no problem')
    else expect(read.save.tables[0]!.chains.get(chain)!.rules[0]!.text).toBe(`-A ${chain} ${expected}`)
  })
})
