import type { AnyCommandSpec } from '../command.js'
import { completion } from './completion.js'
import { connect } from './connect.js'
import { fmt } from './fmt.js'
import { replay } from './replay.js'
import { show } from './show.js'
import { trace } from './trace.js'
import { ui } from './ui.js'

/** Every subcommand, in the order in which `--help` shows them. What runs them is loaded when they run. */
export const COMMANDS: readonly AnyCommandSpec[] = [trace, connect, show, fmt, replay, ui, completion]
