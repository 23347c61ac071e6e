import { type Command, InvalidArgumentError } from 'commander'
import type { Hosts } from '../../path/world.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts, withChanges } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { paint } from '../paint.js'

interface Options extends ColourOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly nodes?: number
  readonly with: readonly string[]
  readonly withOld: readonly string[]
  readonly git?: boolean
}

export const diff: CommandSpec<Options> = {
  name: 'diff',
  arguments: '<old> [new] [more...]',
  summary: 'which packets fare differently in two rulesets: all of them, with the rules responsible',
  exits:
    '0 none does, 1 some do, 2 bad usage or unreadable input, 3 not everything could be compared. With --git: 0, whatever was found, because git gives up otherwise.',
  examples: [
    'diff rules.v4.old rules.v4',
    "diff samples/docker-host --with 'docker-host: iptables -I FORWARD -s 10.0.0.0/8 -j DROP'",
    "diff rules.v4 --with-old 'iptables -A INPUT -j DROP' --with 'iptables -P INPUT DROP'",
    "git config diff.packetwalk.command 'packetwalk diff --git'",
  ],
  options(command: Command) {
    jsonOption(command)
      .option('-q, --quiet', 'only the exit status')
      .option('--nodes <number>', 'memory at most, as nodes of decision diagrams', positive)
    withOption(command)
      .option(
        '--with-old <command>',
        'as --with, but on the old side: two changes of one snapshot against each other (repeatable)',
        collect,
        [],
      )
      .option('--git', 'both sides as git gives them to the command of a diff driver')
      .addHelpText('after', GIT_HELP)
    colourOption(command)
  },
  async run(args, options, io) {
    const { before, after, heading } = options.git
      ? await fromGit(args.flat(), io)
      : await fromArguments(args, options, io)
    const { diff: compare } = await import('../../analysis/diff.js')
    const result = compare(before, after, options.nodes === undefined ? {} : { limit: options.nodes })
    if (!options.quiet) {
      const report = await import('../../report/diff.js')
      if (options.json) io.out(`${JSON.stringify(report.diffJson(result), undefined, 2)}\n`)
      else io.out(`${heading}${paint(report.diffText(result), io, options.color)}`)
    }
    if (options.git) return EXIT.yes
    if (result.differences.length > 0 || result.onlyBefore.length > 0 || result.onlyAfter.length > 0) return EXIT.no
    return result.incomplete.length > 0 ? EXIT.undecided : EXIT.yes
  },
}

interface Sides {
  readonly before: Hosts
  readonly after: Hosts
  readonly heading: string
}

async function fromArguments(
  [old, now, more]: readonly (string | readonly string[] | undefined)[],
  options: Options,
  io: Io,
): Promise<Sides> {
  if (Array.isArray(more) && more.length > 0) throw new UserError('packetwalk: diff: two snapshots at most')
  if (now === undefined && options.with.length === 0 && options.withOld.length === 0)
    throw new UserError('packetwalk: diff: with what? Give a second snapshot, or changes (--with)')
  const before = await loadHosts(old as string, options.withOld, io)
  // the same snapshot once more is read once: what no command touches is the same object then
  const after =
    now === undefined && options.withOld.length === 0
      ? await withChanges(before, options.with, io)
      : await loadHosts((now ?? old) as string, options.with, io)
  return { before, after, heading: '' }
}

async function fromGit(args: readonly string[], io: Io): Promise<Sides> {
  const { gitVersions } = await import('../git-diff.js')
  const { path, before, after } = await gitVersions(args, io)
  return { before, after, heading: `packetwalk diff ${path}\n` }
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const GIT_HELP = `
With git, of rules that iptables-save printed:

  $ echo '*.v4 diff=packetwalk' >> .gitattributes
  $ git config diff.packetwalk.command 'packetwalk diff --git'      git diff tells packets
  $ git config diff.packetwalk.textconv 'packetwalk fmt --plain'    git log -p tells lines, but not counters and comments of the program
  $ git config difftool.packetwalk.cmd 'packetwalk diff "$LOCAL" "$REMOTE"'
  $ git difftool --tool packetwalk
  $ git archive HEAD~1:hosts/gw | packetwalk diff - hosts/gw        a whole snapshot against an earlier one
`

function positive(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value < 1000) throw new InvalidArgumentError('It must be a number of at least 1000.')
  return value
}
