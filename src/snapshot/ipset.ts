import { restoreSets } from '../ipset/apply.js'
import { SnapshotSets } from '../ipset/named.js'
import { InputError } from './problem.js'

/** What `ipset save` or `ipset list` printed. */
export function readSets(text: string): SnapshotSets {
  const listing = /^Name: \S+\r?\nType: /m.test(text)
  const lines = listing ? fromListing(text) : undefined
  const restored = restoreSets(lines?.map(({ command }) => command).join('\n') ?? text, { now: 0, reading: true })
  if (restored.ok) return new SnapshotSets(restored.sets)
  const { message, line, column } = restored.problem
  const shift = lines?.[line - 1]?.shift ?? 0
  throw new InputError(message.replace(/^Error in line \d+: /, '').split('\n')[0]!, {
    line,
    column: Math.max(1, column - shift),
  })
}

interface ListedLine {
  readonly command: string
  /** How much longer what stands before is than on the line. */
  readonly shift: number
}

/** A listing as the commands that make its sets, line by line; what is between them becomes empty lines. */
function fromListing(text: string): readonly ListedLine[] {
  let [name, type, members] = ['', '', false]
  return text.split('\n').map((raw): ListedLine => {
    const line = raw.replace(/\r$/, '')
    const [, key, value = ''] = /^(Name|Type|Header|Members):\s*(.*)$/.exec(line) ?? []
    if (key !== undefined) members = key === 'Members'
    if (key === 'Name') name = value
    else if (key === 'Type') type = value
    else if (key === 'Header') return prefixed(`create ${name} ${type} `, value, 'Header: ')
    else if (members && line.trim() !== '' && key === undefined) return prefixed(`add ${name} `, line, '')
    return { command: '', shift: 0 }
  })
}

const prefixed = (prefix: string, value: string, instead: string): ListedLine => ({
  command: `${prefix}${value}`,
  shift: prefix.length - instead.length,
})
