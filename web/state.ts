import { batch, computed, effect, signal } from '@preact/signals'
import {
  type Branch,
  type ChainVisit,
  type Conversation,
  endOf,
  type Lane,
  laneOf,
  type PathMap,
  placeOf,
  type Shown,
  type Step,
  type Trace,
} from './engine/answers.js'
import { startEngine, startQuestions } from './engine/client.js'
import type { Preset } from './engine/presets.js'
import type { ChainAddress, Complaint, Lacking, Recognised, Situation, TextFile } from './engine/protocol.js'
import { PRESETS, readSample, type SampleName } from './samples.js'

export const engine = startEngine()

/** What is open. A sample is named instead of carried along. */
export type Opened = { readonly sample: SampleName } | { readonly files: readonly TextFile[] }

export const opened = signal<Opened | undefined>(undefined)
/** The text of what is open: as it was opened, and as it has been edited. */
export const base = signal<readonly TextFile[]>([])
export const files = signal<readonly TextFile[]>([])
/** The commands of the console, each with the namespace in front of it. */
export const commands = signal<readonly string[]>([])
/** Where commands are carried out that do not say where. */
export const usual = signal('')
/** What was recognised of it, and what it lacks. */
export const blocks = signal<readonly Recognised[]>([])
export const missing = signal<readonly Lacking[]>([])
/** The questions that people ask first. */
export const presets = signal<readonly Preset[]>([])
const situation = computed(
  (): Situation => ({ base: base.value, files: files.value, commands: commands.value, usual: usual.value }),
)
/** Asked of a second worker, which knows the same hosts. */
export const questions = startQuestions(() => situation.peek())

/** A moment of the snapshot that one can come back to. */
export interface Moment {
  readonly files: readonly TextFile[]
  readonly commands: readonly string[]
  /** The file whose text was edited; undefined: a command. */
  readonly edited?: string | undefined
}
export const past = signal<readonly Moment[]>([])
export const now = signal(0)
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

const isConsulted = ({ skipped }: ChainVisit): boolean => skipped === null

/**
 * The rules follow the packet: the chain that decided on the hook at which it stands, or on the last one before; before the first hook the chain
 * that decides in the end.
 */
effect(() => {
  const way = lane.value
  const index = at.value
  if (!way) return
  const hook = ({ chains }: Step) => chains?.some(isConsulted)
  const so = way.steps.slice(0, endOf(way, index)).findLast(hook) ?? way.steps.findLast(hook)
  const visit = so?.chains?.findLast(({ decided }) => decided.rule !== null) ?? so?.chains?.findLast(isConsulted)
  if (!so || !visit) return
  focus.value = {
    place: placeOf(so),
    family: family.peek(),
    backend: visit.backend,
    table: visit.table,
    chain: visit.decided.rule === null ? visit.chain : visit.decided.chain,
  }
})

export function fail(error: unknown): void {
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
      base.value = texts
      files.value = texts
      commands.value = []
      past.value = [{ files: texts, commands: [] }]
      now.value = 0
      blocks.value = answer.value.blocks
      missing.value = answer.value.missing
      presets.value = 'sample' in what ? PRESETS[what.sample] : answer.value.presets
      shown.value = answer.value.shown
      focus.value = undefined
      asked.value = undefined
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
