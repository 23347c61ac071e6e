import { Argument, type Command } from 'commander'
import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export const completion: CommandSpec = {
  name: 'completion',
  arguments: '',
  summary: 'prints a script that completes packetwalk’s commands and options in bash, zsh or fish',
  exits: '0.',
  examples: [
    'completion bash > /etc/bash_completion.d/packetwalk',
    'completion zsh > ~/.zfunc/_packetwalk',
    'completion fish > ~/.config/fish/completions/packetwalk.fish',
  ],
  options(command) {
    command.addArgument(new Argument('<shell>').choices([...SHELLS]))
  },
  async run([shell], _options, io, program) {
    io.out(SCRIPTS[shell as Shell](wordsOf(program)))
    return EXIT.yes
  },
}

interface Words {
  readonly name: string
  readonly summary: string
  readonly options: readonly { readonly flag: string; readonly description: string; readonly takesValue: boolean }[]
}

const wordsOf = (program: Command): readonly Words[] =>
  program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: command.options
      .filter(({ long }) => long)
      .map(({ long, description, required }) => ({ flag: long!, description, takesValue: required })),
  }))

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Words[]) => string>> = { bash, zsh, fish }

/** Behind an option that takes a value, and for operands: files. */
function bash(commands: readonly Words[]): string {
  const cases = commands.map(
    ({ name, options }) => `    ${name}) words="${options.map(({ flag }) => flag).join(' ')} --help" ;;`,
  )
  return `_packetwalk() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${commands.map(({ name }) => name).join(' ')} --help --version" ;;
  esac
  if [[ "$cur" == -* || COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -o filenames -F _packetwalk packetwalk
`
}

function zsh(commands: readonly Words[]): string {
  const quote = (text: string) => text.replace(/[[\]:]/g, '\\$&').replace(/'/g, "'\\''")
  const names = commands.map(({ name, summary }) => `    '${name}:${quote(summary)}'`)
  const cases = commands.map(({ name, options }) => {
    const specs = options.map(
      ({ flag, description, takesValue }) => `'${flag}[${quote(description)}]${takesValue ? ':value:' : ''}'`,
    )
    return `    ${name}) _arguments ${[...specs, "'*:file:_files'"].join(' ')} ;;`
  })
  return `#compdef packetwalk
_packetwalk() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
_packetwalk "$@"
`
}

function fish(commands: readonly Words[]): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`
  const names = commands.map(
    ({ name, summary }) => `complete -c packetwalk -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
  )
  const flags = commands.flatMap(({ name, options }) =>
    options.map(({ flag, description, takesValue }) => {
      const value = takesValue ? ' -r' : ''
      return `complete -c packetwalk -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${value} -d ${quote(description)}`
    }),
  )
  return `${[...names, ...flags].join('\n')}\n`
}
