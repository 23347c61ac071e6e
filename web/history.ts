import { batch, computed, signal } from '@preact/signals'
import { placeOf } from './engine/answers.js'
import type { Complaint, TextFile } from './engine/protocol.js'
import {
  ask,
  commands,
  engine,
  fail,
  files,
  lane,
  line,
  type Moment,
  now,
  opened,
  past,
  place,
  shown,
  snapshotProblems,
  usual,
} from './state.js'

export const canUndo = computed(() => now.value > 0)
export const canRedo = computed(() => now.value + 1 < past.value.length)
export const isChanged = computed(() => now.value > 0)

/** Counts up when a moment is come back to: what stands in the editor is not what was typed there. */
export const returns = signal(0)

/** One change after the other: what is typed fast must not overtake itself. */
let queue: Promise<unknown> = Promise.resolve()
function inTurn<T>(what: () => Promise<T>): Promise<T> {
  const next = queue.then(what, what)
  queue = next.catch(() => undefined)
  return next
}

/** Makes the snapshot what it is at a moment. Where something cannot be read or carried out, everything stays as it was. */
async function become({ files: texts, commands: typed }: Moment): Promise<readonly Complaint[]> {
  const [oldFiles, oldCommands] = [files.peek(), commands.peek()]
  let seen = shown.peek()
  if (texts !== oldFiles) {
    const read = await engine.open(texts)
    if (!read.ok) return read.problems
    seen = read.value.shown
  }
  if (typed.length > 0 || texts === oldFiles) {
    const changed = await engine.change(typed, usual.peek())
    if (!changed.ok) {
      if (texts !== oldFiles) await engine.open(oldFiles)
      await engine.change(oldCommands, usual.peek())
      return changed.problems
    }
    seen = changed.value
  }
  batch(() => {
    if (texts !== oldFiles) opened.value = { files: texts }
    files.value = texts
    commands.value = typed
    shown.value = seen
    snapshotProblems.value = []
  })
  if (line.peek() !== '') await ask()
  return []
}

async function go(to: number): Promise<void> {
  const moment = past.peek()[to]
  if (!moment) return
  const problems = await become(moment)
  if (problems.length === 0) {
    now.value = to
    returns.value++
  }
  snapshotProblems.value = problems
}

const add = async (moment: Moment, instead: boolean): Promise<readonly Complaint[]> => {
  const problems = await become(moment)
  if (problems.length > 0) return problems
  const kept = past.peek().slice(0, now.peek() + (instead ? 0 : 1))
  batch(() => {
    past.value = [...kept, moment]
    now.value = kept.length
  })
  return []
}

const careful = async (what: () => Promise<readonly Complaint[]>): Promise<readonly Complaint[]> => {
  try {
    return await inTurn(what)
  } catch (error) {
    fail(error)
    return []
  }
}

/** Does a command say where? `node1: iptables …`. */
const SAYS_WHERE = /^\s*[^\s:'"]+:\s/

/** Carries out a command of the console, in the namespace in which the packet begins where it does not say. */
export function run(typed: string): Promise<readonly Complaint[]> {
  const first = lane.peek()?.way[0]
  const where = first ? placeOf(first) : (place.peek() ?? '')
  const command = SAYS_WHERE.test(typed) ? typed : `${where}: ${typed}`
  return careful(async () => {
    const problems = await add({ files: files.peek(), commands: [...commands.peek(), command] }, false)
    // columns are those of what was typed
    const shift = command.length - typed.length
    return problems.map((one) => (one.column === undefined ? one : { ...one, column: Math.max(1, one.column - shift) }))
  })
}

/** A link's commands, all at once. */
export const runAll = (typed: readonly string[], where: string): Promise<readonly Complaint[]> => {
  usual.value = where
  return careful(() => add({ files: files.peek(), commands: typed }, false))
}

/** A file of the snapshot has been edited. What cannot be read changes nothing but the list of what is wrong. */
export async function edit(path: string, text: string): Promise<void> {
  const problems = await careful(async () => {
    const texts: readonly TextFile[] = files.peek().map((file) => (file.path === path ? { path, text } : file))
    // typing in one file is one step back
    const instead = past.peek()[now.peek()]?.edited === path && now.peek() > 0
    return add({ files: texts, commands: commands.peek(), edited: path }, instead)
  })
  snapshotProblems.value = problems
}

export const undo = (): Promise<unknown> => careful(() => go(now.peek() - 1).then(() => []))
export const redo = (): Promise<unknown> => careful(() => go(now.peek() + 1).then(() => []))
