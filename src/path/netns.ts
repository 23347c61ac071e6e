import { type Family, type Ip, printIp } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import { contains } from '../address/prefix.js'
import { ConnectionTable } from '../conntrack/table.js'
import { FIELDS, type FieldValue } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import type { Outcome } from '../rules/condition.js'
import { evaluate, type Stateful, type Subject, UNKNOWN } from '../rules/interpret.js'
import { advance, freshState, type MachineState } from '../rules/machines.js'
import type { Counters, Rule } from '../rules/program.js'
import { type ChainEntry, type Hooks, registerHooks } from './hooks.js'
import type { Link, Namespace, Socket } from './world.js'

/** What a namespace needs of the run that it belongs to. */
export interface Surroundings {
  readonly now: number
  assume(text: string): void
}

interface Prepared {
  readonly links: ReadonlyMap<string, Link>
  readonly hooks: Readonly<Record<Family, ReturnType<typeof registerHooks>>>
  readonly own: ReadonlySet<Ip>
}

/** What is derived from a namespace's state once, however many runs walk it. */
const prepared = new WeakMap<Namespace, Prepared>()

function prepare(state: Namespace): Prepared {
  return {
    links: new Map(state.links.map((link) => [link.name, link])),
    hooks: { 4: registerHooks(state.tables, 4), 6: registerHooks(state.tables, 6) },
    own: new Set(state.links.flatMap(({ addresses }) => addresses.map(({ prefix }) => prefix.ip))),
  }
}
