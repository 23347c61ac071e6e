import { type Command, type Data, type ErrorKind, IpsetError, KernelError, kernelMessage } from './data.js'
import { at, readElement, readOptions, readWords } from './parse.js'
import { printAddress } from './print.js'
import type { Sets } from './sets.js'
import { listSets, printSets } from './text.js'
import type { SetType } from './type.js'
import { setTypeOf } from './types/index.js'
import { setName } from './values.js'

type Name = Command | 'restore' | 'help' | 'version' | 'quit'

interface CommandSpec {
  readonly name: Name
  readonly spellings: readonly string[]
  /** How many words it needs behind it, or how many it may have. */
  readonly takes: 0 | 'optional' | 2
}

/** In the order in which the real program looks for the beginning of a name. */
const COMMANDS: readonly CommandSpec[] = [
  { name: 'create', spellings: ['create', 'new', '-N'], takes: 2 },
  { name: 'add', spellings: ['add', '-A'], takes: 2 },
  { name: 'del', spellings: ['del', '-D'], takes: 2 },
  { name: 'test', spellings: ['test', '-T'], takes: 2 },
  { name: 'destroy', spellings: ['destroy', 'x', '-X'], takes: 'optional' },
  { name: 'list', spellings: ['list', '-L'], takes: 'optional' },
  { name: 'save', spellings: ['save', '-S'], takes: 'optional' },
  { name: 'restore', spellings: ['restore', '-R'], takes: 0 },
  { name: 'flush', spellings: ['flush', '-F'], takes: 'optional' },
  { name: 'rename', spellings: ['rename', 'e', '-E'], takes: 2 },
  { name: 'swap', spellings: ['swap', 'w', '-W'], takes: 2 },
  { name: 'help', spellings: ['help', '-h', '-H'], takes: 'optional' },
  { name: 'version', spellings: ['version', '-v', '-V'], takes: 0 },
  { name: 'quit', spellings: ['quit'], takes: 0 },
]

/** Options of the program itself, in the order in which it looks for them. */
const SETTINGS = [
  { spellings: ['-o', '-output'], key: 'output', takes: true },
  { spellings: ['-s', '-sorted'], key: 'sorted', takes: false },
  { spellings: ['-q', '-quiet'], key: 'quiet', takes: false },
  { spellings: ['-r', '-resolve'], key: 'resolve', takes: false },
  { spellings: ['-!', '-exist'], key: 'exist', takes: false },
  { spellings: ['-n', '-name'], key: 'names', takes: false },
  { spellings: ['-t', '-terse'], key: 'terse', takes: false },
  { spellings: ['-f', '-file'], key: 'file', takes: true },
] as const

/** Said once, they hold for all lines of a `restore` from there on. */
export interface Settings {
  sorted?: boolean
  quiet?: boolean
  resolve?: boolean
  exist?: boolean
  names?: boolean
  terse?: boolean
  output?: 'plain' | 'save'
  file?: string
}

export interface Surroundings {
  /** Seconds since the epoch. */
  readonly now: number
  /** How many rules use a set. */
  readonly held?: (name: string) => number
  /** What `restore` reads. */
  readonly input?: string
  /** As a line of `restore`, of this number. */
  readonly line?: number
  /** What earlier lines have said. Changed in place. */
  readonly settings?: Settings
  /** A saved text is read, not carried out: warnings of older options end nothing. */
  readonly reading?: boolean
  /** Has done what waits: called before a command that was understood is carried out. */
  readonly flush?: () => void
}

/** What a command comes to: what it prints, and its exit status. */
export interface Ran {
  readonly out: string
  /** What the real program writes to its standard error though nothing is wrong. */
  readonly err?: string
  readonly status: number
  /** `restore` is to be done by the caller, with these settings. */
  readonly restore?: Settings
  /** A line of `restore` that is not done yet: several of them go to the kernel at once. */
  readonly later?: { readonly of: string; readonly change: () => void }
  /** A test or a warning ends the program, in a `restore` too. */
  readonly ends?: boolean
}

const fail = (message: string, kind: ErrorKind, word?: number): never => {
  throw new IpsetError(message, kind, word)
}

/** Carries one command out on `sets`. Throws IpsetError with what the real program would complain about. */
export function runCommand(words: readonly string[], sets: Sets, around: Surroundings): Ran {
  const settings = around.settings ?? {}
  try {
    return runWith(settings, words, sets, around)
  } catch (error) {
    if (error instanceof IpsetError) error.quiet = settings.quiet ?? false
    throw error
  }
}

function runWith(settings: Settings, words: readonly string[], sets: Sets, around: Surroundings): Ran {
  const rest = takeSettings(words, settings)
  const [first] = rest
  if (!first) return fail('No command specified.', 'parameter')
  const command = COMMANDS.find(({ spellings }) => spellings.some((spelling) => begins(first.text, spelling)))
  if (!command) return fail(`No command specified: unknown argument ${first.text}`, 'parameter', first.index)
  const { name, takes } = command
  if (around.line !== undefined && (name === 'restore' || name === 'version' || name === 'help'))
    return fail(`Command \`${name}' is invalid in restore mode.`, 'parameter', first.index)
  if (takes === 2 && !rest[1]) return fail(`Missing mandatory argument to command ${name}`, 'parameter')
  if (takes === 2 && !rest[2]) return fail(`Missing second mandatory argument to command ${name}`, 'parameter')
  if (name === 'help' || name === 'quit') return { out: '', status: 0, ends: name === 'quit' }
  if (name === 'version') return { out: 'ipset v7.17, protocol version: 7\n', status: 0 }
  if (name === 'restore') {
    if (rest[1]) return fail(`Unknown argument ${rest[1].text}`, 'parameter', rest[1].index)
    return { out: '', status: 0, restore: settings }
  }
  try {
    return run(name, rest.slice(1), sets, settings, around)
  } catch (error) {
    if (error instanceof KernelError) throw new IpsetError(kernelMessage(error.code, name), 'session')
    throw error
  }
}

interface Placed {
  readonly text: string
  /** Which word of the command it is, from 0. */
  readonly index: number
}

/** Options of the program itself may stand anywhere. What is left is the command. */
function takeSettings(words: readonly string[], settings: Settings): readonly Placed[] {
  const rest: Placed[] = words.map((text, index) => ({ text, index }))
  for (const { spellings, key, takes } of SETTINGS)
    for (let i = 0; i < rest.length; ) {
      const { text, index } = rest[i]!
      const bare = text.startsWith('--') ? text.slice(1) : text
      if (!spellings.some((spelling) => spelling === bare)) i++
      else if (!takes) {
        settings[key] = true
        rest.splice(i, 1)
      } else {
        const value = rest[i + 1]
        if (!value) return fail(`Missing mandatory argument to option ${spellings[0]}`, 'parameter', index)
        if (key === 'file') settings.file = value.text
        else settings.output = outputMode(value)
        rest.splice(i, 2)
      }
    }
  return rest
}

function outputMode({ text, index }: Placed): 'plain' | 'save' {
  if (text === 'plain' || text === 'save') return text
  const why = text === 'xml' ? 'The output mode xml is not modelled.' : `Syntax error: unknown output mode '${text}'`
  return fail(why, 'session', index)
}

/** Any beginning of a command's name stands for it; two dashes in front are left out. */
function begins(word: string, spelling: string): boolean {
  const bare = word.startsWith('--') ? word.slice(2) : word
  return bare !== '' && bare !== '-' && spelling.startsWith(bare)
}

function run(name: Command, words: readonly Placed[], sets: Sets, settings: Settings, around: Surroundings): Ran {
  const [one, two, ...more] = words
  const exist = settings.exist ?? false
  const texts = more.map(({ text }) => text)
  const nameOf = ({ text, index }: Placed) => at(index, () => setName(text))
  const none = { out: '', status: 0 }
  const alone = (extra: Placed | undefined) => {
    if (extra) fail(`Unknown argument ${extra.text}`, 'parameter', extra.index)
  }
  const flush = () => around.flush?.()
  const named = (from: Placed, to: Placed, extra: Placed | undefined, act: (from: string, to: string) => void) => {
    const names = [nameOf(from), nameOf(to)] as const
    alone(extra)
    flush()
    act(...names)
    return none
  }
  switch (name) {
    case 'create': {
      const set = nameOf(one!)
      const type = typeOf(two!)
      const data: Data = type.families === 'inet' ? { family: 4 } : {}
      readOptions(type, 'create', texts, more[0]?.index ?? 0, data)
      flush()
      sets.create(set, type, data, exist)
      return data.ignored ? { out: '', err: settings.quiet ? '' : warning(data.ignored), status: 0, ends: true } : none
    }
    case 'add':
    case 'del':
    case 'test': {
      const set = nameOf(one!)
      const { type, header } = sets.need(set)
      const data: Data = header.family === undefined ? {} : { family: header.family }
      const rest = () => readWords(type, name, texts, more[0]?.index ?? 0, { family: 4 })
      at(two!.index, () => remembering(type, name, () => readElement(type, two!.text, data), rest))
      readOptions(type, name, texts, more[0]?.index ?? 0, data)
      if (name === 'test') {
        flush()
        return tested(set, type, data, sets.test(set, data, around.now), settings)
      }
      const change = () =>
        name === 'add' ? sets.add(set, data, exist, around.now) : sets.delete(set, data, exist, around.now)
      if (around.line !== undefined) return { ...none, later: { of: `${name} ${set}`, change } }
      change()
      return none
    }
    case 'destroy':
    case 'flush': {
      const set = one && nameOf(one)
      alone(two)
      flush()
      if (name === 'destroy') sets.destroy(set, exist, around.held)
      else sets.flush(set)
      return none
    }
    case 'rename':
      return named(one!, two!, more[0], (from, to) => sets.rename(from, to, around.held))
    case 'swap':
      return named(one!, two!, more[0], (from, to) => sets.swap(from, to))
    case 'list':
    case 'save': {
      const set = one && nameOf(one)
      alone(two)
      flush()
      if (set !== undefined) sets.need(set)
      return { out: shown(name, set, sets, settings, around), status: 0 }
    }
  }
}

/** What the real program does after it has complained of a protocol and lost what it had read: it goes on. */
function remembering(type: SetType, name: 'add' | 'del' | 'test', read: () => void, rest: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof IpsetError) || error.kind !== 'forgets') throw error
    try {
      rest()
    } catch (next) {
      if (next instanceof IpsetError && next.kind === 'session')
        throw new IpsetError(`${error.message}\n${next.message}`, 'session', next.word)
      throw next
    }
    if (type.options[name].length === 0)
      fail("There are missing mandatory flags but can't check them. It's a bug, please report the problem.", 'other')
    fail(`${error.message}\nInvalid ${name} command: missing setname`, 'session')
  }
}

function typeOf({ text, index }: Placed): SetType {
  if (new TextEncoder().encode(text).length > 31)
    return fail(`Syntax error: typename '${text}' is longer than 31 characters`, 'session', index)
  return setTypeOf(text) ?? fail(`Syntax error: typename '${text}' is unknown`, 'session', index)
}

/** The element as it was asked for: with its length, and in the words of `save`. */
function tested(set: string, type: SetType, data: Data, found: boolean, { quiet }: Settings): Ran {
  // it does not say that an interface is a bridge port
  const { cidr, cidr2, physdev: _, ...rest } = data
  const element = {
    ...rest,
    ...(cidr === undefined ? {} : { cidr }),
    ...(cidr2 === undefined ? {} : { cidr2 }),
    ...(data.ether === undefined ? {} : { mac: data.ether }),
    ...(data.name === undefined ? {} : { set: data.name }),
  }
  // it says `after` whatever was asked
  const where = data.nameref === undefined ? '' : ` after ${data.nameref}`
  const to = data.ipTo === undefined ? '' : `-${printAddress(data.ipTo)}`
  const text = `${type.parts
    .map((part) => part.print(element as Parameters<typeof part.print>[0]))
    .filter((part) => part !== '' || !type.lastOptional)
    .join(',')}${to}${where}`
  const err = found ? `Warning: ${text} is in set ${set}.\n` : `${text} is NOT in set ${set}.\n`
  return { out: '', err: quiet ? '' : err, status: found ? 0 : 1, ends: !(found && quiet) }
}

const warning = (options: readonly string[]): string =>
  `Warning: ${options.map((option) => `Option '${option}' is ignored. Please upgrade your syntax.\n`).join('')}`

function shown(
  command: 'list' | 'save',
  name: string | undefined,
  sets: Sets,
  { output, names, terse, sorted }: Settings,
  { now, held }: Surroundings,
): string {
  const options = { now, ...(name === undefined ? {} : { name }), sorted: sorted ?? false }
  const mode = output ?? (command === 'save' ? 'save' : 'plain')
  if (mode === 'save') return printSets(sets, options)
  if (names)
    return sets.listed
      .filter((one) => name === undefined || one.name === name)
      .map((one) => `${one.name}\n`)
      .join('')
  return listSets(sets, { ...options, terse: terse ?? false, ...(held ? { held } : {}) })
}
