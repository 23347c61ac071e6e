import type { Family } from '../../address/ip.js'
import { findPlace } from '../../path/resolve.js'
import { type Hosts, type Namespace, type Place, placeName } from '../../path/world.js'
import { familyOfCommand, linkProgramOf, type ShellWord, shellWords } from '../../xtables/index.js'
import type { Problem } from '../problem.js'
import { joinSegments } from '../segment.js'
import { changeTables } from './iptables.js'
import { changeAddresses, changeLinks, changeNeighbours } from './link.js'
import { changeLinkTables } from './link-tables.js'
import { Arguments, beginning, Refusal } from './refusal.js'
import { isRestore, readRestoreCommand, restoreTables } from './restore.js'
import { changeRoutes } from './route.js'
import { changeRules } from './rule.js'
import { changeSets, readsFrom } from './sets.js'
import { changeSysctls } from './sysctl.js'

/** A command to be carried out on the snapshot: what if somebody typed it there? */
export interface Change {
  /** `iptables …`, `ip …`, `ipset …`, `sysctl …`, in front of it perhaps `HOST[/NETNS]: `. */
  readonly text: string
  /** What it is called in messages, and what its rules have as their file. */
  readonly name: string
  /** Gives the text of a file that it reads (iptables-restore); undefined where there is none. */
  readonly read?: (path: string) => string | undefined
}

/** The file that a command reads, if it reads one. */
export function fileOf(text: string): string | undefined {
  const prefix = NAMED.exec(text)
  const { words } = unwrapped(shellWords(prefix ? text.slice(prefix[0].length) : text).words)
  if (words[0]?.text === 'ipset') return readsFrom(words)?.path
  if (!isRestore(words[0]?.text ?? '')) return undefined
  try {
    return readRestoreCommand(words).path
  } catch {
    return undefined
  }
}

export type Changed =
  /** `output`: what the commands print: a listing, the answer to `ipset test`. */
  | { readonly ok: true; readonly hosts: Hosts; readonly output: string }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * The hosts after some commands, one after the other; those given stay as they are. A command without a place in front is carried out where
 * `usual` says; it is asked only then, and may throw. `ip netns exec NAME …` and `ip -n NAME …` name a namespace of that host.
 */
export function changeHosts(hosts: Hosts, changes: readonly Change[], usual: () => Place): Changed {
  let now = hosts
  let output = ''
  for (const change of changes) {
    const { name } = change
    try {
      const done = changed(now, change, usual)
      now = done.hosts
      output += done.output
    } catch (error) {
      if (error instanceof FileProblem) return { ok: false, problems: [error.problem] }
      if (!(error instanceof Refusal)) throw error
      return { ok: false, problems: [{ file: name, line: 1, column: error.column, message: error.message }] }
    }
  }
  return { ok: true, hosts: now, output }
}

const NAMED = /^\s*([^\s:'"]+):\s+/

/** Something in a file that a command reads. */
class FileProblem extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

function changed(hosts: Hosts, change: Change, usual: () => Place): { readonly hosts: Hosts; readonly output: string } {
  const { text } = change
  const prefix = NAMED.exec(text)
  const { words: all, open } = shellWords(prefix ? `${' '.repeat(prefix[0].length)}${text.slice(prefix[0].length)}` : text)
  if (open !== undefined) throw new Refusal('this quote is never closed', open)
  const place = prefix ? named(hosts, prefix[1]!, 1) : undefined
  const { words, namespace: inner } = unwrapped(all)
  if (words.length === 0) throw new Refusal('a command is needed: iptables …, ip …, ipset …, sysctl …', text.length + 1)
  const host = place ?? findPlace(hosts, placeName(usual()))!
  const namespace = inner ? named(hosts, `${host.host}/${inner.text}`, inner.column) : host
  const { namespace: made, output } = applied(namespace, words, change)
  const namespaces = hosts.namespaces.map((one) => (one === namespace ? made : one))
  if (made.links === namespace.links) return { hosts: { ...hosts, namespaces }, output }
  // who hears whom outside of the hosts hangs on addresses
  const pairs = hosts.wires.filter(({ kind }) => kind === 'veth')
  const wires = [...pairs, ...joinSegments(namespaces, pairs).wires]
  return { hosts: { ...hosts, namespaces, wires }, output }
} // biome-ignore format: one thing

function named(hosts: Hosts, name: string, column: number): Namespace {
  const found = findPlace(hosts, name)
  if (found) return found
  const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
  throw new Refusal(`nothing in the snapshot is called "${name}": it holds ${known}`, column)
}

/** Without `sudo`, and without `ip netns exec NAME`. */
function unwrapped(given: readonly ShellWord[]): { words: readonly ShellWord[]; namespace: ShellWord | undefined } {
  const words = given[0]?.text === 'sudo' ? given.slice(1) : given
  const [ip, netns, exec, name] = words
  return ip?.text === 'ip' && netns?.text === 'netns' && exec?.text === 'exec' && name
    ? { words: words.slice(4), namespace: name }
    : ip?.text === 'ip' && (netns?.text === '-n' || netns?.text === '-netns') && exec
      ? { words: [ip, ...words.slice(3)], namespace: exec }
      : { words, namespace: undefined }
}

interface Applied {
  readonly namespace: Namespace
  readonly output: string
}

function applied(namespace: Namespace, words: readonly ShellWord[], change: Change): Applied {
  const silent = (made: Namespace): Applied => ({ namespace: made, output: '' })
  const program = words[0]!.text.replace(/^.*\//, '')
  if (familyOfCommand(program) !== undefined) return changeTables(namespace, words, change.name, change.text.length + 1)
  if (linkProgramOf(program) !== undefined)
    return changeLinkTables(namespace, words, change.name, change.text.length + 1)
  if (isRestore(program)) return silent(restored(namespace, words, change))
  if (program === 'sysctl') return silent(changeSysctls(namespace, words))
  if (program === 'ipset') return changedSets(namespace, words, change)
  if (program === 'ip') return silent(changeByIp(namespace, new Arguments(words, 1)))
  throw new Refusal(
    `"${program}" is not read here: iptables, ip6tables, ebtables, arptables, ip, ipset, sysctl`,
    words[0],
  )
}

function changedSets(namespace: Namespace, words: readonly ShellWord[], { read }: Change): Applied {
  const path = readsFrom(words)?.path
  const input = path === undefined ? undefined : read?.(path)
  if (path !== undefined && input === undefined)
    throw new Refusal(`Cannot open ${path} for reading: No such file or directory`, words.at(-1))
  const done = changeSets(namespace, words, input)
  return { namespace: done.namespace, output: `${done.out}${done.err}` }
}

function restored(namespace: Namespace, words: readonly ShellWord[], { read }: Change): Namespace {
  const command = readRestoreCommand(words)
  const { path } = command
  if (path === undefined) throw new Refusal('which file? iptables-restore [--noflush] FILE', words[0])
  const text = read?.(path)
  if (text === undefined) throw new Refusal(`Can't open ${path}: No such file or directory`, words.at(-1))
  const done = restoreTables(namespace, command, text, path)
  if (!done.ok) throw new FileProblem(done.problems[0]!)
  return done.namespace
}

const OBJECTS = ['address', 'route', 'rule', 'neighbour', 'neighbor', 'link'] as const

/** `ip [-4|-6] OBJECT COMMAND …`. */
function changeByIp(namespace: Namespace, args: Arguments): Namespace {
  let family: Family | undefined
  while (args.peek()?.startsWith('-')) {
    const option = args.need()
    if (option === '-4') family = 4
    else if (option === '-6') family = 6
    else if (option === '-family' || option === '-f') family = args.need() === 'inet6' ? 6 : 4
    else throw new Refusal(`Option "${option}" is unknown, try "ip -help".`, args.last)
  }
  const object = beginning(args.need(), OBJECTS)
  switch (object) {
    case 'route':
      return changeRoutes(namespace, args, family)
    case 'rule':
      return changeRules(namespace, args, family)
    case 'address':
      return changeAddresses(namespace, args, family)
    case 'link':
      return changeLinks(namespace, args)
    case 'neighbour':
    case 'neighbor':
      return changeNeighbours(namespace, args)
    default:
      throw new Refusal(`Object "${args.last!.text}" is unknown, try "ip help".`, args.last)
  }
}
