import { type Hosts, type Link, type Place, placeName } from '../path/world.js'
import { detect, isNamed, type Kind } from './detect.js'
import { isBeside, placesOf } from './layout.js'
import { type KnownFile, LACKS, type Lack, type ReadNamespace, readNamespace } from './namespace.js'
import { type Pasted, splitBlocks, splitPaste } from './paste.js'
import type { InputFile, Problem } from './problem.js'
import { joinSegments } from './segment.js'
import { joinPairs } from './veth.js'

export { LACKS, type Lack, PRINTED_BY } from './namespace.js'
export type { InputFile, Problem } from './problem.js'

/** A file of the snapshot, and the command whose output it is; undefined: not recognised. */
export interface NamedFile {
  readonly path: string
  readonly kind: Kind | undefined
  /** Whose state it holds; undefined where it is not recognised. */
  readonly place: Place | undefined
  /** Of a part of a paste: its first and last line, counted from 1. */
  readonly lines?: readonly [from: number, to: number]
}

/** Something that a snapshot does not say. */
export interface Missing {
  readonly place: Place
  readonly lack: Lack
}

export type ReadSnapshot =
  | {
      readonly ok: true
      readonly hosts: Hosts
      readonly files: readonly NamedFile[]
      readonly missing: readonly Missing[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface SnapshotOptions {
  /** Seconds since the epoch at which the snapshot was taken: the timeouts of connections count from there. The clock, where it is left out. */
  readonly now?: number
}

/**
 * The hosts that a snapshot's files describe (shape 1: a file for each command). A folder with files that are recognised is a host, called by the
 * folder's name; its `netns/NAME/` are namespaces of it. Where a file cannot be read, nothing is: all problems, each with its place.
 */
export function readSnapshot(files: readonly InputFile[], options: SnapshotOptions = {}): ReadSnapshot {
  const now = options.now ?? Date.now() / 1000
  const named = files.flatMap(({ path, text: raw }): readonly Part[] => {
    const text = raw.startsWith(BYTE_ORDER_MARK) ? raw.slice(1) : raw
    if (isBeside(path)) return [{ path, text, kind: undefined }]
    const parts = splitPaste({ path, text }) ?? (isNamed(path) ? undefined : splitBlocks({ path, text }))
    return parts
      ? parts.map((part) => ({ ...part, kind: detect(part.hint, part.text.trimStart()) }))
      : [{ path, text, kind: detect(path, text) }]
  })
  const recognised = named.filter((file): file is Part & { kind: Kind } => file.kind !== undefined)
  const placeOf = new Map(byPrompts(recognised, placesOf(recognised.map(({ path }) => path))))
  const known = recognised.map((file) => ({ ...file, place: placeOf.get(file)! }))
  if (known.length === 0) return { ok: false, problems: [nothing(files)] }
  const read = groups(known).map(([place, own]) => readNamespace(place, own, now))
  const problems = read.flatMap((one) => one.problems)
  if (problems.length > 0) return { ok: false, problems: inOrder(problems, files) }
  return {
    ok: true,
    hosts: join(read),
    files: named.map((file) => {
      const { path, kind, lines } = file
      return { path, kind, place: placeOf.get(file), ...(lines && { lines }) }
    }),
    missing: read.flatMap(({ namespace: { host, namespace }, lacks }) =>
      lacks.map((lack) => ({ place: { host, namespace }, lack })),
    ),
  }
}

/** A file, or a part of a paste. */
type Part = InputFile & Partial<Pasted> & { readonly kind: Kind | undefined }

/** Prompts say whose state a paste holds, where no other file of its folder is that host's as well. */
function* byPrompts(parts: readonly Part[], places: readonly Place[]): Generator<[Part, Place]> {
  const named = new Map<string, boolean>()
  for (const [i, { host }] of parts.entries()) {
    const folder = placeName(places[i]!)
    named.set(folder, (named.get(folder) ?? true) && host !== undefined)
  }
  for (const [i, part] of parts.entries()) {
    const place = places[i]!
    const host = named.get(placeName(place)) ? part.host! : place.host
    yield [part, { host, namespace: part.namespace || place.namespace }]
  }
}

function join(read: readonly ReadNamespace[]): Hosts {
  const namespaces = read.map(({ namespace }) => namespace)
  const foreign = new Map<Link, string>(read.flatMap((one) => [...one.foreign]))
  const pairs = joinPairs(namespaces, foreign)
  const segments = joinSegments(namespaces, pairs.wires)
  return {
    namespaces,
    wires: [...pairs.wires, ...segments.wires],
    assumptions: [...assumptions(read), ...pairs.doubts, ...segments.doubts],
  }
}

/** One line for each thing that is missing, with all namespaces that miss it, then what each one has of its own. */
function assumptions(read: readonly ReadNamespace[]): readonly string[] {
  const missing = (Object.keys(LACKS) as Lack[]).flatMap((lack) => {
    const where = read.filter(({ lacks }) => lacks.includes(lack)).map(({ namespace }) => placeName(namespace))
    return where.length === 0 ? [] : [`${where.join(', ')}: ${LACKS[lack]}`]
  })
  return [
    ...missing,
    ...read.flatMap(({ namespace, notes }) => notes.map((note) => `${placeName(namespace)}: ${note}`)),
  ]
}

/** The files of each namespace: a host's own first, then its others by name. */
function groups(files: readonly KnownFile[]): readonly (readonly [Place, readonly KnownFile[]])[] {
  const found = new Map<string, readonly [Place, KnownFile[]]>()
  for (const file of files) {
    const key = `${file.place.host}\0${file.place.namespace}`
    if (!found.has(key)) found.set(key, [file.place, []])
    found.get(key)![1].push(file)
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group)
}

/** What some editors put before UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF'

const nothing = (files: readonly InputFile[]): Problem => ({
  file: files[0]?.path ?? '.',
  line: 1,
  column: 1,
  message: 'nothing here is recognised as the output of iptables-save, ip, bridge, sysctl, conntrack or ss',
})

/** By the order of the files, then by line. */
function inOrder(problems: readonly Problem[], files: readonly InputFile[]): readonly Problem[] {
  const order = new Map(files.map(({ path }, index) => [path, index]))
  return [...problems].sort((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line)
}
