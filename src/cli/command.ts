import type { Command } from 'commander'
import type { Io } from './io.js'

/** A subcommand whole: what it takes, how it is shown in `--help`, what it does. */
export interface CommandSpec<Options = Record<string, unknown>> {
  readonly name: string
  /** As commander writes them: `<snapshot> [packet...]`. */
  readonly arguments: string
  readonly summary: string
  readonly examples: readonly string[]
  /** What the exit statuses mean, for `--help`. */
  readonly exits: string
  /** Not in the list of commands: a twin of one that is. */
  readonly hidden?: boolean
  options(command: Command): void
  /** Gives the exit status. `args`: the operands in order, a variadic one as an array. `program`: the whole command line. */
  run(args: readonly (string | readonly string[])[], options: Options, io: Io, program: Command): Promise<number>
}

// biome-ignore lint/suspicious/noExplicitAny: each command knows its own options; the registry does not
export type AnyCommandSpec = CommandSpec<any>
