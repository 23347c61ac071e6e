import { Command, CommanderError } from 'commander'
import type { AnyCommandSpec } from './command.js'
import { COMMANDS } from './commands/index.js'
import { EXIT, UserError } from './exit.js'
import type { Io } from './io.js'
import { VERSION } from './version.js'

/** Runs one command line (without `node` and the script). Gives the exit status; never throws, never exits. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let status: number = EXIT.yes
  const program = build(io, (given) => {
    status = given
  })
  try {
    await program.parseAsync(argv.map(arrow), { from: 'user' })
    return status
  } catch (error) {
    return complain(error, io)
  }
}

/** `->` between two addresses is the same as `>`, and no option. */
const arrow = (word: string): string => (word === '->' ? '>' : word)

function build(io: Io, done: (status: number) => void): Command {
  const program = new Command('packetwalk')
    .description('Where does this packet go, and why? Linux netfilter, walked offline from a host’s own state.')
    .version(VERSION, '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .addHelpText('after', `\n${GENERAL_HELP}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHelpWidth: () => io.columns ?? 80,
      getErrHelpWidth: () => io.columns ?? 80,
      outputError: () => {},
    })
  for (const spec of COMMANDS) {
    const command = subcommand(spec, io, program, done).copyInheritedSettings(program)
    program.addCommand(command, { hidden: spec.hidden ?? false })
  }
  return program
}

function subcommand(spec: AnyCommandSpec, io: Io, program: Command, done: (status: number) => void): Command {
  const command = new Command(spec.name).summary(spec.summary).description(spec.summary)
  for (const argument of spec.arguments.split(' ').filter((name) => name !== '')) command.argument(argument)
  spec.options(command)
  const examples = spec.examples
    .map((example) => `  $ ${example.includes('packetwalk ') ? '' : 'packetwalk '}${example}\n`)
    .join('')
  command.addHelpText('after', `\nExamples:\n${examples}\nExit status: ${spec.exits}`)
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, -2) as (string | readonly string[])[]
    done(await spec.run(args, command.opts(), io, program))
  })
  return command
}

const GENERAL_HELP = `SNAPSHOT is a folder with what iptables-save, ip -j route, sysctl -a, conntrack -L … print, or a
file or standard input (-) with such output. PACKET reads like tcpdump:

  $ packetwalk trace samples/k8s-cluster 'tcp > 10.96.100.7:80 from node1'

Exit status 2: bad usage or unreadable input, with one message on standard error.`

/** One message on standard error, whatever went wrong. */
function complain(error: unknown, io: Io): number {
  if (error instanceof CommanderError) {
    // help and version end like this too, with nothing wrong
    if (error.exitCode === 0) return EXIT.yes
    if (error.code === 'commander.help') return EXIT.bad
    io.err(`packetwalk: ${error.message.replace(/^error: /, '')}\n`)
    return EXIT.bad
  }
  const debug = io.env.PACKETWALK_DEBUG === '1'
  if (error instanceof UserError) io.err(debug ? `${error.stack}\n` : `${error.message}\n`)
  else io.err(debug ? `${error instanceof Error ? error.stack : error}\n` : unexpected(error))
  return EXIT.bad
}

const unexpected = (error: unknown): string => {
  const message = error instanceof Error ? error.message : `${error}`
  return `packetwalk: unexpected error: ${message.split('\n')[0]} (PACKETWALK_DEBUG=1 shows where; please report it)\n`
}
