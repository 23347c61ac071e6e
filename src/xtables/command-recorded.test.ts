import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applyCommand, printSave, readSave, type SaveFile } from './index.js'

interface Answer {
  readonly status: number
  readonly out?: string
  readonly err?: string
  /** iptables-save -c afterwards, where it is another one. */
  readonly after?: readonly string[]
}

interface Recorded {
  readonly command: string
  readonly legacy: Answer
  readonly nft?: Answer
}

const folder = join(import.meta.dirname, 'recordings')
const recorded = (JSON.parse(readFileSync(join(folder, 'commands.json'), 'utf8')) as readonly Recorded[])
  // which sets there are is another file
  .filter(({ command }) => !command.includes('-m set'))
const rules = readFileSync(join(folder, 'command-rules.txt'), 'utf8')

const start = (backend: 'legacy' | 'nft'): SaveFile => {
  const read = readSave(rules, { file: 'f', family: 4, backend })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  return read.save
}

/** An extension's own complaint, or the kernel's about it, is worded in our way: it says more, and where. */
const OWN_WORDS =
  /--dport 5 --dport 6|-m (multiport|state|limit|set|mark)|-p all -m tcp|-m tcp --dport 5|-j (REJECT|LOG|MARK|MASQUERADE|TCPMSS)|iptables -6|-v -X/

/** A table as text: chains in any order, since the real programs sort them when they load. */
const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort()

/** Without tables that have nothing in them: legacy makes one whenever it is asked for. */
function tablesOf(lines: readonly string[]): readonly string[] {
  const tables = lines.join('\n').split(/(?<=^COMMIT)\n/m)
  return tables.filter((table) => /^\[|^-A|^:\S+ (DROP|-)/m.test(table)).flatMap((table) => table.split('\n'))
}

/** The first line of what the real one says, without its name and its version. */
const said = (err: string): string =>
  err.split('\n')[0]!.replace(/^iptables v1\.8\.9 \((legacy|nf_tables)\): (?! )/, '')

describe.each(['legacy', 'nft'] as const)('%s', (backend) => {
  test.each(recorded.map((row) => [row.command, row[backend] ?? row.legacy] as const))('%s', (command, answer) => {
    const save = start(backend)
    const applied = applyCommand(save, command)
    if (answer.status !== 0) {
      if (applied.ok) {
        expect([answer.err, applied.found]).toEqual(['iptables: Bad rule (does a matching rule exist in that chain?).\n', false])
        return
      }
      const { message } = applied.problems[0]!
      if (!OWN_WORDS.test(command)) expect(message.slice(0, said(answer.err!).length)).toBe(said(answer.err!))
      return
    }
    if (!applied.ok) throw new Error(applied.problems[0]!.message)
    expect(applied.output).toBe(answer.out ?? '')
    // legacy makes a table when it is looked at
    const wanted = applied.changes ? (answer.after ?? printSave(save).trimEnd().split('\n')) : printSave(save).trimEnd().split('\n')
    expect(sorted(tablesOf(printSave(applied.save).trimEnd().split('\n')))).toEqual(sorted(tablesOf(wanted)))
  })
}) // biome-ignore format: one thing
