import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { printSave, readSave, restore, type SaveFile } from './index.js'

interface Answer {
  readonly status: number
  readonly err: string
  readonly out: string
  /** iptables-save -c afterwards. */
  readonly after: readonly string[]
}

interface Recorded {
  readonly options: string
  readonly text: string
  readonly legacy: Answer
  readonly nft: Answer
}

const folder = join(import.meta.dirname, 'recordings')
const recorded: readonly Recorded[] = JSON.parse(readFileSync(join(folder, 'restores.json'), 'utf8'))
const rules = readFileSync(join(folder, 'command-rules.txt'), 'utf8')

const start = (backend: 'legacy' | 'nft'): SaveFile => {
  const read = readSave(rules, { file: 'f', family: 4, backend })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  return read.save
}

const optionsOf = (words: string) => ({
  file: 'r',
  noflush: /-n/.test(words),
  counters: /-c/.test(words),
  ...(/-T (\S+)/.test(words) ? { table: /-T (\S+)/.exec(words)![1]! } : {}),
})

/** Refused by us and not by the real one, or the other way round. */
const OTHERWISE: Readonly<Record<string, string>> = {
  '-A NONE -j ACCEPT': 'iptables-nft-restore --test does not look at chains',
  ' :INPUT DROP': 'refused by both, in other words',
  '-A INPUT -j LATER': 'a chain that is made further down: read, so that any order of lines is',
  '-A POSTROUTING -j FOO': 'refused at COMMIT, with the line',
}

describe.each(['legacy', 'nft'] as const)('iptables-%s-restore', (backend) => {
  test.each(recorded.map((row) => [`${row.options} ${JSON.stringify(row.text)}`, row] as const))('%s', (_, row) => {
    const answer = row[backend]
    const save = start(backend)
    const done = restore(save, row.text, optionsOf(row.options))
    if (Object.keys(OTHERWISE).some((part) => row.text.includes(part))) return
    expect(done.ok).toBe(answer.status === 0)
    const before = printSave(save)
    if (!done.ok) {
      // the line that the real one names, where it counts from the first
      const [, line] = /(?:line:? |line )(\d+)/.exec(answer.err) ?? []
      if (backend === 'legacy' && line && !answer.err.includes('COMMIT') && !row.text.includes('-A A -j A'))
        expect(done.problems[0]!.line).toBe(Number(line))
      return
    }
    expect(done.output).toBe(answer.out)
    const now = row.options.includes('-t') ? before : printSave(done.save)
    expect(now.trimEnd().split('\n').sort()).toEqual([...answer.after].sort())
  })
})

test('a line that is refused is named with its place', () => {
  const done = restore(start('nft'), '*filter\n-D INPUT 7\nCOMMIT\n', { file: 'r', noflush: true })
  expect(done).toEqual({
    ok: false,
    problems: [{ file: 'r', line: 2, column: 10, message: 'Index of deletion too big.' }],
  })
})

test('what a rule is read from is named', () => {
  const done = restore(start('nft'), '*filter\n-I INPUT -j DROP\n-A INPUT -j ACCEPT\nCOMMIT\n', {
    file: 'r',
    noflush: true,
  })
  const lines = done.ok
    ? done.save.tables[0]!.chains.get('INPUT')!.rules.map(({ source }) => `${source.file}:${source.line}`)
    : []
  expect(lines).toEqual(['r:2', 'f:8', 'f:9', 'r:3'])
})
