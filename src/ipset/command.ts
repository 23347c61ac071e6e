import { type Command, type Data, type ErrorKind, IpsetError, KernelError, kernelMessage } from './data.js'
import { at, readElement, readOptions } from './parse.js'
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

const FLAGS = {
  '-s': 'sorted', '-sorted': 'sorted', '-q': 'quiet', '-quiet': 'quiet', '-r': 'resolve', '-resolve': 'resolve', '-!': 'exist', '-exist': 'exist',
  '-n': 'names', '-name': 'names', '-t': 'terse', '-terse': 'terse',
} as const // biome-ignore format: a table
const VALUES = { '-o': 'output', '-output': 'output', '-f': 'file', '-file': 'file' } as const

interface Settings {
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
  /** `-exist` was said for all lines. */
  readonly exist?: boolean
}

/** What a command comes to: what it prints, and its exit status. */
export interface Ran {
  readonly out: string
  readonly status: number
  /** `restore` is to be done by the caller, with `-exist` or not. */
  readonly restore?: { readonly exist: boolean }
  /** A line of `restore` that is not done yet: several of them go to the kernel at once. */
  readonly later?: { readonly of: string; readonly change: () => void }
  /** A test ends the program, in a `restore` too. */
  readonly ends?: boolean
}

const fail = (message: string, kind: ErrorKind, word?: number): never => {
  throw new IpsetError(message, kind, word)
}

/** Carries one command out on `sets`. Throws IpsetError with what the real program would complain about. */
export function runCommand(words: readonly string[], sets: Sets, around: Surroundings): Ran {
  const { rest, settings } = takeSettings(words)
  if (around.exist) settings.exist = true
  const [first] = rest
  if (!first) return fail('No command specified.', 'parameter')
  const command = COMMANDS.find(({ spellings }) => spellings.some((spelling) => begins(first.text, spelling)))
  if (!command) return fail(`No command specified: unknown argument ${first.text}`, 'parameter', first.index)
  const { name, takes } = command
  if (around.line !== undefined && (name === 'restore' || name === 'version' || name === 'help'))
    return fail(`Command \`${name}' is invalid in restore mode.`, 'parameter', first.index)
  if (takes === 2 && !rest[1]) return fail(`Missing mandatory argument to command ${name}`, 'parameter')
  if (takes === 2 && !rest[2]) return fail(`Missing second mandatory argument to command ${name}`, 'parameter')
  if (name === 'help' || name === 'quit') return { out: '', status: 0 }
  if (name === 'version') return { out: 'ipset v7.17, protocol version: 7\n', status: 0 }
  if (name === 'restore') {
    if (rest[1]) return fail(`Unknown argument ${rest[1].text}`, 'parameter', rest[1].index)
    return { out: '', status: 0, restore: { exist: settings.exist ?? false } }
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

/** Options of the program itself may stand anywhere, one by one in the order of its table. */
function takeSettings(words: readonly string[]): { rest: readonly Placed[]; settings: Settings } {
  const settings: Settings = {}
  const rest: Placed[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    const bare = word.startsWith('--') ? word.slice(1) : word
    const flag = Object.hasOwn(FLAGS, bare) ? FLAGS[bare as keyof typeof FLAGS] : undefined
    const key = Object.hasOwn(VALUES, bare) ? VALUES[bare as keyof typeof VALUES] : undefined
    if (flag) settings[flag] = true
    else if (key) {
      if (i + 1 >= words.length)
        fail(`Missing mandatory argument to option ${key === 'file' ? '-f' : '-o'}`, 'parameter', i)
      const value = words[++i]!
      if (key === 'file') settings.file = value
      else if (value === 'plain' || value === 'save') settings.output = value
      else
        fail(
          value === 'xml' ? 'The output mode xml is not modelled.' : `Syntax error: unknown output mode '${value}'`,
          'session',
          i,
        )
    } else rest.push({ text: word, index: i })
  }
  return { rest, settings }
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
  switch (name) {
    case 'create': {
      const set = nameOf(one!)
      const type = typeOf(two!)
      const data: Data = type.families === 'inet' ? { family: 4 } : {}
      readOptions(type, 'create', texts, more[0]?.index ?? 0, data)
      sets.create(set, type, data, exist)
      return none
    }
    case 'add':
    case 'del':
    case 'test': {
      const set = nameOf(one!)
      const { type, header } = sets.need(set)
      const data: Data = header.family === undefined ? {} : { family: header.family }
      at(two!.index, () => remembering(type, name, () => readElement(type, two!.text, data)))
      readOptions(type, name, texts, more[0]?.index ?? 0, data)
      if (name === 'test') return tested(set, type, data, sets.test(set, data, around.now), settings)
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
      if (name === 'destroy') sets.destroy(set, exist, around.held)
      else sets.flush(set)
      return none
    }
    case 'rename':
      alone(more[0])
      sets.rename(nameOf(one!), nameOf(two!), around.held)
      return none
    case 'swap':
      alone(more[0])
      sets.swap(nameOf(one!), nameOf(two!))
      return none
    case 'list':
    case 'save': {
      const set = one && nameOf(one)
      alone(two)
      if (set !== undefined) sets.need(set)
      return { out: shown(name, set, sets, settings, around), status: 0 }
    }
  }
}

/** What the real program does after it has complained of a protocol and lost what it had read: it goes on. */
function remembering(type: SetType, name: 'add' | 'del' | 'test', read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof IpsetError) || error.kind !== 'forgets') throw error
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
  const { cidr, cidr2, ...rest } = data
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
    .filter((part) => part !== '')
    .join(',')}${to}${where}`
  const out = found ? `Warning: ${text} is in set ${set}.\n` : `${text} is NOT in set ${set}.\n`
  return { out: quiet ? '' : out, status: found ? 0 : 1, ends: true }
}

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
