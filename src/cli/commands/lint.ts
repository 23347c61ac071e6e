import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LintResult } from '../../analysis/lint/lint.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { paint, widthOf } from '../paint.js'
import { VERSION } from '../version.js'

const FORMATS = ['pretty', 'json', 'sarif', 'github'] as const
const LEVELS = ['error', 'warning', 'note'] as const

interface Options extends ColourOptions {
  readonly format: (typeof FORMATS)[number]
  readonly json?: boolean
  readonly failOn?: (typeof LEVELS)[number] | 'never'
  readonly config?: string
  readonly ignore: readonly string[]
  readonly rules?: boolean
  readonly nodes?: number
  readonly with: readonly string[]
}

export const lint: CommandSpec<Options> = {
  name: 'lint',
  arguments: '[snapshot]',
  summary: 'what is wrong, dead or dangerous in the rules, over all packets',
  exits:
    '0 clean, 1 findings (--fail-on says of which level), 2 bad usage or unreadable input, 3 none found, but not everything could be looked at (not with --fail-on never).',
  examples: [
    'lint samples/docker-ufw-host',
    'lint rules.v4 --fail-on error --format github',
    'lint samples/k8s-cluster --format sarif > packetwalk.sarif',
    'lint --rules',
  ],
  options(command: Command) {
    jsonOption(command)
      .addOption(new Option('--format <format>', 'how findings are shown').choices([...FORMATS]).default('pretty'))
      .addOption(
        new Option(
          '--fail-on <level>',
          'exit with 1 where something of this level, or a worse one, is found (default: note)',
        ).choices([...LEVELS, 'never']),
      )
      .option('--config <file>', 'levels of lint rules; left out: packetwalk.lint.json, where there is one')
      .option('--ignore <id>', 'do not look for this (repeatable, or with commas)', ids, [])
      .option('--rules', 'list everything that is looked for')
      .option('--nodes <number>', 'memory at most, as nodes of decision diagrams', positive)
    withOption(command)
    colourOption(command)
  },
  async run([snapshot], options, io) {
    const { LINT_RULES } = await import('../../analysis/lint/index.js')
    const unknown = options.ignore.find((id) => !LINT_RULES.some((rule) => rule.id === id))
    if (unknown !== undefined)
      throw new UserError(`packetwalk: --ignore ${unknown}: there is no such lint rule (lint --rules lists them)`)
    if (options.rules) {
      io.out(LINT_RULES.map(({ id, level, summary }) => `${id.padEnd(30)} ${level.padEnd(8)} ${summary}\n`).join(''))
      return EXIT.yes
    }
    const { lintConfig } = await import('../lint-config.js')
    const config = await lintConfig(
      options.config,
      LINT_RULES.map(({ id }) => id),
      io,
    )
    if (snapshot === undefined) throw new UserError('packetwalk: lint: which snapshot?')
    const hosts = await loadHosts(snapshot as string, options.with, io)
    const { lint: find } = await import('../../analysis/lint/lint.js')
    const result = find(hosts, {
      ignore: options.ignore,
      ...(config ? { levels: config.rules } : {}),
      ...(options.nodes === undefined ? {} : { limit: options.nodes }),
    })
    io.out(await shown(result, options, io))
    const failOn = options.failOn ?? config?.failOn ?? 'note'
    if (fails(result, failOn)) return EXIT.no
    return result.incomplete.length > 0 && failOn !== 'never' ? EXIT.undecided : EXIT.yes
  },
}

async function shown(result: LintResult, options: Options, io: Io): Promise<string> {
  const report = await import('../../report/lint.js')
  const format = options.json ? 'json' : options.format
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
  switch (format) {
    case 'pretty':
      return paint(report.lintText(result, widthOf(io)), io, options.color)
    case 'json':
      return json(report.lintJson(result))
    case 'github':
      return report.lintGithub(result)
    case 'sarif': {
      const { lintSarif } = await import('../../report/sarif.js')
      const { LINT_RULES } = await import('../../analysis/lint/index.js')
      return json(lintSarif(result, LINT_RULES, VERSION))
    }
  }
}

function fails({ findings }: LintResult, failOn: NonNullable<Options['failOn']>): boolean {
  if (failOn === 'never') return false
  const worst = LEVELS.indexOf(failOn)
  return findings.some(({ level }) => LEVELS.indexOf(level) <= worst)
}

const ids = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  ...value.split(',').filter((id) => id !== ''),
]

function positive(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value < 1000) throw new InvalidArgumentError('It must be a number of at least 1000.')
  return value
}
