import { type Command, InvalidArgumentError } from 'commander'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import { loadHosts } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { paint } from '../paint.js'

interface Options extends ColourOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly nodes?: number
  readonly with: readonly string[]
}

export const diff: CommandSpec<Options> = {
  name: 'diff',
  arguments: '<old> [new]',
  summary: 'which packets fare differently in two rulesets: all of them, with the rules responsible',
  exits: '0 none does, 1 some do, 2 bad usage or unreadable input, 3 not everything could be compared.',
  examples: [
    'diff rules.v4.old rules.v4',
    "diff samples/docker-host --with 'docker-host: iptables -I FORWARD -s 10.0.0.0/8 -j DROP'",
  ],
  options(command: Command) {
    jsonOption(command)
      .option('-q, --quiet', 'only the exit status')
      .option('--nodes <number>', 'memory at most, as nodes of decision diagrams', positive)
    withOption(command)
    colourOption(command)
  },
  async run([old, now], options, io) {
    if (now === undefined && options.with.length === 0)
      throw new UserError('packetwalk: diff: with what? Give a second snapshot, or changes (--with)')
    const before = await loadHosts(old as string, [], io)
    const after = await loadHosts((now ?? old) as string, options.with, io)
    const { diff: compare } = await import('../../analysis/diff.js')
    const result = compare(before, after, options.nodes === undefined ? {} : { limit: options.nodes })
    if (!options.quiet) {
      const report = await import('../../report/diff.js')
      if (options.json) io.out(`${JSON.stringify(report.diffJson(result), undefined, 2)}\n`)
      else io.out(paint(report.diffText(result), io, options.color))
    }
    if (result.differences.length > 0 || result.onlyBefore.length > 0 || result.onlyAfter.length > 0) return EXIT.no
    return result.incomplete.length > 0 ? EXIT.undecided : EXIT.yes
  },
}

function positive(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value < 1000) throw new InvalidArgumentError('It must be a number of at least 1000.')
  return value
}
