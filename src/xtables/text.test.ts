import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSave } from './save.js'
import { TABLES } from './tables.js'

interface Answer {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
  /** What iptables-legacy-save printed; null: refused. */
  readonly legacy: readonly string[] | null
  /** Only where it differs. */
  readonly nft?: readonly string[] | null
  readonly why?: string
}

const recordings = join(import.meta.dirname, 'recordings')
const answers: readonly Answer[] = JSON.parse(readFileSync(join(recordings, 'text.json'), 'utf8'))

/** The lines as we print them, or what we say against the rule. */
function said({ family, table, chain, rule }: Answer, backend: 'legacy' | 'nft'): readonly string[] | string {
  const chains = Object.keys(TABLES[table]!).map((name) => `:${name} ACCEPT [0:0]`)
  const text = [`*${table}`, ...chains, ':USER - [0:0]', `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n')
  const read = readSave(text, { file: 'case', family, backend })
  if (!read.ok) return read.problems[0]!.message
  return read.save.tables[0]!.chains.get(chain)!.rules.map((one) => one.text)
}

describe.each(['legacy', 'nft'] as const)('as iptables-%s 1.8.9 has it', (backend) => {
  const title = ({ family, table, chain, rule }: Answer) => `IPv${family} ${table} ${chain}: ${rule}`
  test.each(answers.map((answer) => [title(answer), answer] as const))('%s', (_, answer) => {
    const expected = backend === 'nft' && answer.nft !== undefined ? answer.nft : answer.legacy
    const got = said(answer, backend)
    if (expected === null) expect(got, `${answer.why}`).toBeTypeOf('string')
    else expect(got).toEqual(expected)
  })
})
