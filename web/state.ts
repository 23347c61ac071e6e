import { batch, computed, effect, signal } from '@preact/signals'
import {
  type Branch,
  type Conversation,
  type Lane,
  laneOf,
  type PathMap,
  placeOf,
  type Shown,
  stepsAt,
  type Trace,
} from './engine/answers.js'
import { startEngine } from './engine/client.js'
import { Obscurer } from './engine/obscure.js'
import type { ChainAddress, Complaint, TextFile } from './engine/protocol.js'
import { PRESETS, readSample, type SampleName } from './samples.js'
import { readFragment, type Shared } from './share.js'

export const engine = startEngine()

/** What is open. A sample is named instead of carried along. */
export type Opened = { readonly sample: SampleName } | { readonly files: readonly TextFile[] }

export const opened = signal<Opened | undefined>(undefined)
/** The text of what is open. */
export const files = signal<readonly TextFile[]>([])
export const shown = signal<Shown | undefined>(undefined)
export const snapshotProblems = signal<readonly Complaint[]>([])

export const line = signal('')
export const asked = signal<{ readonly trace: Trace; readonly connect: Conversation | undefined } | undefined>(
  undefined,
)
export const lineProblems = signal<readonly Complaint[]>([])
export const failure = signal<string | undefined>(undefined)
export const busy = signal(false)

export type LaneName = 'request' | 'reply'
export const laneName = signal<LaneName>('request')
export const branchIndex = signal(0)
/** Index of the stage, on the lane's way, at which the packet stands. */
export const at = signal(0)
export const playing = signal(false)

export const replyOf = (connect: Conversation | undefined, index: number): Branch | undefined =>
  (connect?.branches[index] ?? connect?.branches[0])?.reply ?? undefined

export const lane = computed((): Lane | undefined => {
  const answer = asked.value
  if (!answer) return undefined
  const branch =
    laneName.value === 'reply' ? replyOf(answer.connect, branchIndex.value) : answer.trace.branches[branchIndex.value]
  return branch && laneOf(branch)
})

/** The namespaces that the lane passes, each time that it enters one. */
export const journey = computed(() => {
  const all: { readonly place: string; readonly first: number }[] = []
  lane.value?.way.forEach((visit, index) => {
    if (all.at(-1)?.place !== placeOf(visit)) all.push({ place: placeOf(visit), first: index })
  })
  return all
})

export const place = computed((): string | undefined => {
  const visit = lane.value?.way[at.value]
  if (visit) return placeOf(visit)
  const first = shown.value?.namespaces[0]
  return first && placeOf(first as { host: string; namespace: string })
})

export const family = computed((): 4 | 6 => (asked.value?.trace.packet.src.includes(':') ? 6 : 4))

export const map = signal<PathMap | undefined>(undefined)
export const focus = signal<ChainAddress | undefined>(undefined)

effect(() => {
  const [where, which] = [place.value, family.value]
  if (!shown.value || where === undefined) return
  engine.map(where, which).then((found) => {
    if (place.peek() === where && family.peek() === which) map.value = found
  }, fail)
})

/** The rules follow the packet: the chain that decided on the hook at which it stands. */
effect(() => {
  const now = lane.value
  const index = at.value
  if (!now) return
  const step = stepsAt(now, index).findLast(({ chains }) => chains !== undefined)
  const visit =
    step?.chains?.findLast(({ decided }) => decided.rule !== null) ??
    step?.chains?.findLast(({ skipped }) => skipped === null)
  if (!step || !visit) return
  focus.value = {
    place: placeOf(step),
    family: family.peek(),
    backend: visit.backend,
    table: visit.table,
    chain: visit.decided.rule === null ? visit.chain : visit.decided.chain,
  }
})

function fail(error: unknown): void {
  failure.value = error instanceof Error ? error.message : String(error)
  busy.value = false
}

/** Opens a snapshot; the packet's line is walked again, or the sample's first question. */
export async function open(what: Opened, question?: string, position = 0): Promise<void> {
  busy.value = true
  failure.value = undefined
  try {
    const texts = 'sample' in what ? await readSample(what.sample) : what.files
    const answer = await engine.open(texts)
    batch(() => {
      snapshotProblems.value = answer.ok ? [] : answer.problems
      if (!answer.ok) return
      opened.value = what
      files.value = texts
      shown.value = answer.value
      focus.value = undefined
      asked.value = undefined
      changes.all.value = []
    })
    busy.value = false
    if (!answer.ok) return
    if (question !== undefined) line.value = question
    else if ('sample' in what) line.value = PRESETS[what.sample][0]!.packet
    if (line.value !== '') await ask(position)
  } catch (error) {
    fail(error)
  }
}

/** A file of the snapshot has been changed by hand. What cannot be read changes nothing but the list of what is wrong. */
export async function edit(path: string, text: string): Promise<void> {
  const texts = files.peek().map((file) => (file.path === path ? { path, text } : file))
  try {
    const answer = await engine.open(texts)
    if (!answer.ok) {
      snapshotProblems.value = answer.problems
      return
    }
    batch(() => {
      snapshotProblems.value = []
      opened.value = { files: texts }
      files.value = texts
      shown.value = answer.value
    })
    if (changes.all.peek().length > 0) await set(changes.all.peek())
    else if (line.peek() !== '') await ask()
  } catch (error) {
    fail(error)
  }
}

const verdict = (): string | undefined =>
  asked
    .peek()
    ?.trace.branches.map(({ outcome, where }) => `${outcome} (${where.text})`)
    .join(' / ')

/** The commands of the console. They are carried out anew on the snapshot as it was read, so that the last one can be taken back. */
export const changes = {
  all: signal<readonly string[]>([]),
  /** The verdict without them, and with them. */
  before: signal<string | undefined>(undefined),
  now: signal<string | undefined>(undefined),

  add: (command: string) => set([...changes.all.peek(), command]),
  undo: () => set(changes.all.peek().slice(0, -1)),
}

async function set(commands: readonly string[]): Promise<readonly Complaint[]> {
  const first = lane.peek()?.way[0]
  const usual = first ? placeOf(first) : (place.peek() ?? '')
  const before = changes.all.peek().length === 0 ? verdict() : changes.before.peek()
  try {
    const answer = await engine.change(commands, usual)
    if (!answer.ok) return answer.problems
    batch(() => {
      shown.value = answer.value
      changes.all.value = commands
      changes.before.value = before
    })
    if (line.peek() !== '') await ask()
    changes.now.value = verdict()
  } catch (error) {
    fail(error)
  }
  return []
}

/** Walks the packet of the line. */
export async function ask(position = 0): Promise<void> {
  busy.value = true
  failure.value = undefined
  const question = line.value
  try {
    const trace = await engine.trace(question)
    if (!trace.ok) {
      batch(() => {
        lineProblems.value = trace.problems
        asked.value = undefined
        busy.value = false
      })
      return
    }
    batch(() => {
      lineProblems.value = []
      asked.value = { trace: trace.value, connect: undefined }
      laneName.value = 'request'
      branchIndex.value = 0
      at.value = position
      busy.value = false
    })
    const connect = await engine.connect(question)
    if (connect.ok && line.peek() === question && asked.peek()?.trace === trace.value)
      asked.value = { trace: trace.value, connect: connect.value }
  } catch (error) {
    fail(error)
  }
}

export function goTo(index: number): void {
  at.value = Math.max(0, Math.min(index, (lane.value?.way.length ?? 1) - 1))
}

export function choose(name: LaneName, index: number): void {
  batch(() => {
    laneName.value = name
    branchIndex.value = index
    at.value = 0
    playing.value = false
  })
}

const PACE = 650

effect(() => {
  if (!playing.value) return
  const timer = setInterval(() => {
    if (at.value + 1 >= (lane.value?.way.length ?? 0)) playing.value = false
    else goTo(at.value + 1)
  }, PACE)
  return () => clearInterval(timer)
})

/** The whole state as it is shared; `obscured`: with other addresses and names. */
export function sharedState(obscured: boolean): Shared | undefined {
  const what = opened.value
  if (!what) return undefined
  const rest = { line: line.value, at: at.value, commands: changes.all.value }
  if (!obscured) return { ...what, ...rest }
  const obscurer = new Obscurer()
  const others = obscurer.files(files.value)
  const of = (text: string) => obscurer.text(text)
  return { files: others, line: of(rest.line), at: rest.at, commands: rest.commands.map(of) }
}

/** `packetwalk ui SNAPSHOT` puts the snapshot beside the page and says so in the fragment. */
const SERVED = '#served'

export async function start(): Promise<void> {
  if (location.hash === SERVED) {
    const files = await fetch('./snapshot.json').then((answer) => answer.json() as Promise<TextFile[]>)
    return open({ files })
  }
  const given = await readFragment(location.hash)
  if (given) {
    await open('sample' in given ? { sample: given.sample } : { files: given.files }, given.line, given.at)
    if (given.commands.length > 0) await set(given.commands)
    goTo(given.at)
  } else await open({ sample: 'k8s-cluster' })
}
