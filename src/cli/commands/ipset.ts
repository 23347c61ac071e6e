import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'
import { fileText, loadHosts, placeNamed } from '../load.js'
import { type WithOptions, withOption } from '../options.js'
import { problemsError } from '../problems.js'

interface Options extends WithOptions {
  readonly namespace?: string
}

/** A word as a shell would have to be given it. */
const quoted = (word: string): string => (/^[\w@%+=:,./!-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Commands that change nothing. */
const ASKS = /^(--)?(t(e(st?)?)?|l(i(st?)?)?|sa(ve?)?)$|^-[TLS]$/

export const ipset: CommandSpec<Options> = {
  name: 'ipset',
  arguments: '<snapshot> [word...]',
  summary:
    'what ipset would do with the snapshot’s sets: list, save and test answer, a change prints the sets after it',
  exits: '0, 1 where a test finds nothing.',
  hidden: false,
  examples: [
    'ipset host list',
    'ipset host test blocked 192.0.2.1',
    'ipset host add blocked 192.0.2.0/24 timeout 600',
    'ipset host restore -exist < more-sets',
  ],
  options(command) {
    withOption(command)
      .option('--namespace <host[/netns]>', 'whose sets; the only host’s')
      .passThroughOptions()
      .allowUnknownOption()
  },
  async run([snapshot, words], given, io) {
    const { changeSets, readsFrom, savedSets } = await import('../../snapshot/change/sets.js')
    const { shellWords } = await import('../../xtables/index.js')
    const { Refusal } = await import('../../snapshot/change/refusal.js')
    const texts = ((words ?? []) as readonly string[]).filter((text, i) => i > 0 || text !== '--')
    const line = ['ipset', ...texts].map(quoted).join(' ')
    const said = shellWords(line).words
    const usual = (hosts: Awaited<ReturnType<typeof loadHosts>>) => placeNamed(hosts, given.namespace, '--namespace')
    const namespace = await usual(await loadHosts(snapshot as string, given.with, io, usual))
    const reads = readsFrom(said)?.path ?? (texts.some((text) => /^(--)?res|^-R$/.test(text)) ? '-' : undefined)
    const input = reads === undefined ? undefined : await fileText(reads, io)
    try {
      const done = changeSets(namespace, said, input)
      if (done.err !== '') io.err(done.err)
      io.out(texts.some((text) => ASKS.test(text)) ? done.out : done.out + savedSets(done.namespace))
      return done.status === 0 ? EXIT.yes : EXIT.no
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw problemsError([{ file: 'ipset', line: 1, column: error.column, message: error.message }], () => line, io)
    }
  },
}
