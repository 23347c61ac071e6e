import type { AnyCommandSpec } from '../command.js'
import { completion } from './completion.js'
import { connect } from './connect.js'
import { diff } from './diff.js'
import { fmt } from './fmt.js'
import { ipset } from './ipset.js'
import { arptables, ebtables, ip6tables, ip6tablesRestore, iptables, iptablesRestore } from './iptables.js'
import { lint } from './lint.js'
import { reach } from './reach.js'
import { replay } from './replay.js'
import { show } from './show.js'
import { trace } from './trace.js'
import { ui } from './ui.js'
import { verify } from './verify.js'

/** Every subcommand, in the order in which `--help` shows them. What runs them is loaded when they run. */
export const COMMANDS: readonly AnyCommandSpec[] = [
  trace,
  connect,
  reach,
  lint,
  diff,
  show,
  fmt,
  iptables,
  ip6tables,
  iptablesRestore,
  ip6tablesRestore,
  ebtables,
  arptables,
  ipset,
  replay,
  verify,
  ui,
  completion,
]
