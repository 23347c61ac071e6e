import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shellWords } from '../shell-words.js'
import { applyLinkWords, emptyLinkFile, linkProgramOf, linkTableText } from './command.js'
import { type LinkFile, printLink, readLink } from './file.js'
import type { LinkProgram } from './language.js'

/** Random commands and what ebtables-nft and arptables-nft 1.8.9 did (kernel/link-commands.ts --record). */
interface Recorded {
  readonly program: LinkProgram
  readonly steps: readonly {
    readonly command: string
    readonly ok: boolean
    readonly out?: string
    /** In the words of the program; what an extension says is worded in our own way. */
    readonly complaint?: string
  }[]
  /** The tables at the end that have rules, chains or policies of their own. */
  readonly saved: string
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../recordings/link-commands.json'), 'utf8'),
)

const apply = (file: LinkFile, command: string) =>
  applyLinkWords(file, shellWords(command).words, 'command', command.length + 1)

const tablesOf = (file: LinkFile): string =>
  linkTableText(
    file,
    file.tables.map(({ name }) => name),
  )
    .split(/^(?=\*)/m)
    .filter((table) => /^-A|^:\S+ (DROP|RETURN|-)|^:[ABC] /m.test(table))
    .map((table) =>
      table
        .trimEnd()
        .split('\n')
        .filter((line) => /^[-:*]/.test(line))
        .join('\n'),
    )
    .sort()
    .join('\n')

/** Of a rule with two faults another may be told first. */
const OWN_WORDS = / needs |^bad |^Illegal option|^! not allowed/

test.each(recorded.map((one, i) => [`${i}: ${one.program}, ${one.steps.length} commands`, one] as const))(
  '%s',
  (_, { program, steps, saved }) => {
    let file = emptyLinkFile(program)
    for (const { command, ok, out = '', complaint } of steps) {
      const applied = apply(file, command)
      expect(applied.ok && applied.found, command).toBe(ok)
      if (applied.ok) {
        expect(applied.output, command).toBe(out)
        file = applied.file
      } else if (complaint !== undefined && !OWN_WORDS.test(applied.problems[0]!.message))
        expect(applied.problems[0]!.message.slice(0, complaint.length), command).toBe(complaint)
    }
    expect(tablesOf(file)).toBe(saved)
  },
)

test('a command is known by its name', () => {
  expect(linkProgramOf('ebtables -L')).toBe('ebtables')
  expect(linkProgramOf('/usr/sbin/arptables-nft')).toBe('arptables')
  expect(linkProgramOf('iptables')).toBeUndefined()
})

const SAVED = '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n[1:28] -A FORWARD -p ARP -j DROP\n'

test.each([
  ['ebtables -A FORWARD -p IPv4 -j DROP', `${SAVED}[0:0] -A FORWARD -p IPv4 -j DROP\n`],
  ['ebtables -I FORWARD -p IPv4 -j DROP -c 5 6', SAVED.replace('[1:28]', '[5:6] -A FORWARD -p IPv4 -j DROP\n[1:28]')],
  ['ebtables -Z', SAVED.replace('1:28', '0:0')],
  ['ebtables -D FORWARD -p ARP -j DROP', SAVED.replace(/^\[.*\n/m, '')],
  ['ebtables --init-table', SAVED.replace(/^\[.*\n/m, '')],
])('counters stand where they stood: %s', (command, text) => {
  const read = readLink(SAVED, { file: 'f', program: 'ebtables' })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  const applied = apply(read.file, command)
  if (!applied.ok) throw new Error(applied.problems[0]!.message)
  expect(printLink(applied.file)).toBe(text)
  expect(printLink(read.file), 'the file given stays as it is').toBe(SAVED)
})

test.each([
  ['ebtables -A FORWARD -p nonsense', 24, /Ethernet protocol 'nonsense'/],
  ['ebtables -t raw -L', 13, /table 'raw' does not exist/],
  ['ebtables -A FORWARD -j none', 10, /Chain 'none' does not exist/],
  ['ebtables -A FORWARD -j snat', 10, /You must specify proper arguments/],
  ['ebtables -A', 10, /requires an argument/],
  ['ebtables', 9, /No command specified/],
  ['ebtables -C FORWARD 1 2', 10, /refused/],
  ['ebtables -A FORWARD -j dnat --to-dst 1:2:3:4:5:6', 10, /dnat stands in PREROUTING and OUTPUT of nat/],
])('where it is wrong: %s', (command, column, message) => {
  const applied = apply(emptyLinkFile('ebtables'), command)
  expect(applied).toMatchObject({
    ok: false,
    problems: [{ file: 'command', line: 1, column, message: expect.stringMatching(message) }],
  })
})
