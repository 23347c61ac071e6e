import { Option } from 'commander'
import type { Hosts, Namespace } from '../../path/world.js'
import type { LinkProgram, SaveFile } from '../../xtables/index.js'
import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'
import type { Io } from '../io.js'
import { fileText, loadHosts, placeNamed } from '../load.js'
import { type WithOptions, withOption } from '../options.js'
import { problemsError } from '../problems.js'

interface Options extends WithOptions {
  readonly namespace?: string
  readonly backend?: 'legacy' | 'nft'
}

type Program = 'iptables' | 'ip6tables'

const BACKENDS = ['legacy', 'nft'] as const

/** Options stand before SNAPSHOT: what stands behind it belongs to the real program. */
function options(command: Parameters<CommandSpec['options']>[0]): void {
  withOption(command)
    .option('--namespace <host[/netns]>', 'whose tables; the only host’s')
    .addOption(new Option('--backend <name>', 'where both are in use: which one').choices([...BACKENDS]))
    .passThroughOptions()
    .allowUnknownOption()
}

const tableText = async (save: SaveFile, tables: readonly string[]): Promise<string> => {
  const { printSave } = await import('../../xtables/index.js')
  const own = save.tables.filter(({ name }) => tables.includes(name))
  return printSave({ ...save, parts: own, tables: own })
}

/** `--` may stand in front: there are no options of ours behind SNAPSHOT. */
const wordsOf = (words: unknown): readonly string[] => {
  const given = (words ?? []) as readonly string[]
  return given[0] === '--' ? given.slice(1) : given
}

/** A word as a shell would have to be given it. */
const quoted = (word: string): string => (/^[\w@%+=:,./!-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

async function place(snapshot: string, given: Options, io: Io): Promise<Namespace> {
  const usual = (hosts: Hosts) => placeNamed(hosts, given.namespace, '--namespace')
  return usual(await loadHosts(snapshot, given.with, io, usual))
}

const command = (program: Program): CommandSpec<Options> => ({
  name: program,
  arguments: '<snapshot> [word...]',
  summary: `what ${program} would do with the snapshot’s rules: -L and -S print, a change prints the table after it`,
  exits: '0, 1 where -C asks for a rule that is not there.',
  hidden: program === 'ip6tables',
  examples: [
    `${program} samples/docker-host -t nat -L -n -v --line-numbers`,
    `${program} samples/docker-host -S DOCKER`,
    `${program} samples/docker-host -I FORWARD -i eth0 -j DROP`,
    `${program} --namespace node1 samples/k8s-cluster -C FORWARD -j KUBE-FORWARD`,
  ],
  options,
  async run([snapshot, words], given, io) {
    const namespace = await place(snapshot as string, given, io)
    const { changeTables } = await import('../../snapshot/change/iptables.js')
    const { shellWords } = await import('../../xtables/index.js')
    const { Refusal } = await import('../../snapshot/change/refusal.js')
    const name = given.backend === undefined ? program : `${program}-${given.backend}`
    const line = [name, ...wordsOf(words)].map(quoted).join(' ')
    try {
      const done = changeTables(namespace, shellWords(line).words, program, line.length + 1)
      io.out(done.changes ? await tableText(done.save, [done.table]) : done.output)
      return done.found ? EXIT.yes : EXIT.no
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { column, message } = error
      throw problemsError([{ file: program, line: 1, column, message }], () => line, io)
    }
  },
})

const restore = (program: Program): CommandSpec<Options> => ({
  name: `${program}-restore`,
  arguments: '<snapshot> [word...]',
  summary: `the tables after ${program}-restore [-n] [-c] [-t] [-T TABLE] [FILE] on the snapshot`,
  exits: '0.',
  hidden: program === 'ip6tables',
  examples: [
    `${program}-restore samples/docker-host --noflush rules.txt`,
    `${program}-restore samples/docker-host --test < rules.txt`,
  ],
  options,
  async run([snapshot, words], given, io) {
    const { readRestoreCommand, restoreTables } = await import('../../snapshot/change/restore.js')
    const { Refusal } = await import('../../snapshot/change/refusal.js')
    const { shellWords } = await import('../../xtables/index.js')
    const name = `${program}${given.backend === undefined ? '' : `-${given.backend}`}-restore`
    const line = [name, ...wordsOf(words)].map(quoted).join(' ')
    try {
      const said = readRestoreCommand(shellWords(line).words)
      const file = said.path ?? '-'
      const text = await fileText(file, io)
      const done = restoreTables(await place(snapshot as string, given, io), said, text, file)
      if (!done.ok) throw problemsError(done.problems, () => text, io)
      io.out(said.test ? done.output : done.output + (await tableText(done.save, done.tables)))
      return EXIT.yes
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw problemsError([{ file: name, line: 1, column: error.column, message: error.message }], () => line, io)
    }
  },
})

/** ebtables and arptables, in their nft variants. */
const linkCommand = (program: LinkProgram): CommandSpec<Omit<Options, 'backend'>> => ({
  name: program,
  arguments: '<snapshot> [word...]',
  summary: `what ${program} would do with the snapshot’s rules: -L prints, a change prints the table after it`,
  exits: `0, 1 where ${program === 'ebtables' ? '--check' : '-C'} asks for a rule that is not there.`,
  examples:
    program === 'ebtables'
      ? [
          'ebtables samples/docker-host -A FORWARD -p IPv4 --ip-dst 172.17.0.2 -j DROP',
          'ebtables samples/docker-host -L --Lc',
        ]
      : ['arptables samples/docker-host -A INPUT -i eth0 -s 10.0.0.1 -j DROP', 'arptables samples/docker-host -nvL'],
  options(command) {
    withOption(command)
      .option('--namespace <host[/netns]>', 'whose tables; the only host’s')
      .passThroughOptions()
      .allowUnknownOption()
  },
  async run([snapshot, words], given, io) {
    const namespace = await place(snapshot as string, given, io)
    const { changeLinkTables } = await import('../../snapshot/change/link-tables.js')
    const { linkTableText, shellWords } = await import('../../xtables/index.js')
    const { Refusal } = await import('../../snapshot/change/refusal.js')
    const line = [program, ...wordsOf(words)].map(quoted).join(' ')
    try {
      const done = changeLinkTables(namespace, shellWords(line).words, program, line.length + 1)
      io.out(done.changes ? linkTableText(done.file, [done.table]) : done.output)
      return done.found ? EXIT.yes : EXIT.no
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { column, message } = error
      throw problemsError([{ file: program, line: 1, column, message }], () => line, io)
    }
  },
})

export const ebtables = linkCommand('ebtables')
export const arptables = linkCommand('arptables')
export const iptables = command('iptables')
export const ip6tables = command('ip6tables')
export const iptablesRestore = restore('iptables')
export const ip6tablesRestore = restore('ip6tables')
