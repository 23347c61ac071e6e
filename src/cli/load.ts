import type { PacketRequest } from '../packet/request.js'
import type { Hosts, Namespace } from '../path/world.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { problemsError } from './problems.js'

/** A snapshot as it was read: what it says, and the files that it came from. */
export interface Loaded {
  readonly hosts: Hosts
  readonly files: readonly { readonly path: string; readonly kind: string | undefined }[]
}

/** Where `--with` commands without a place in front of them are carried out. */
export type UsualPlace = (hosts: Hosts) => Promise<Namespace>

/**
 * Reads SNAPSHOT: a folder, a file, or `-`, and carries out the `--with` commands on it. Throws UserError with the first problem and its line.
 * `usual`: for commands that do not say where; the only host, where it is left out.
 */
export async function load(
  snapshot: string,
  changes: readonly string[],
  io: Io,
  usual: UsualPlace = onlyHost,
): Promise<Loaded> {
  if (snapshot === '@local') throw new UserError('packetwalk: @local is not supported yet: give a snapshot folder')
  const { readSnapshot } = await import('../snapshot/index.js')
  const files = await inputFiles(snapshot, io)
  const read = readSnapshot(files)
  if (read.ok) return { hosts: await withChanges(read.hosts, changes, io, usual), files: read.files }
  throw problemsError(read.problems.slice(0, 1), (file) => files.find(({ path }) => path === file)?.text, io)
}

export const loadHosts = async (
  snapshot: string,
  changes: readonly string[],
  io: Io,
  usual?: UsualPlace,
): Promise<Hosts> => (await load(snapshot, changes, io, usual)).hosts

/** The hosts after what `--with` says. A command that is refused ends everything, with the real program's words and the number of its `--with`. */
export async function withChanges(
  hosts: Hosts,
  texts: readonly string[],
  io: Io,
  usual: UsualPlace = onlyHost,
): Promise<Hosts> {
  if (texts.length === 0) return hosts
  const { changeHosts, fileOf } = await import('../snapshot/change/index.js')
  let now = hosts
  for (const [index, text] of texts.entries()) {
    const name = texts.length === 1 ? '--with' : `--with ${index + 1}`
    const place = /^\s*[^\s:'"]+:\s/.test(text) ? undefined : await usual(now)
    const path = fileOf(text)
    const given = path === undefined ? undefined : await fileText(path, io)
    const changed = changeHosts(now, [{ text, name, read: () => given }], () => place!)
    if (!changed.ok) throw problemsError(changed.problems, (file) => (file === name ? text : given), io)
    // what a command prints is not the answer to the question
    if (changed.output !== '') io.err(changed.output)
    now = changed.hosts
  }
  return now
}

/** The text of one file, or of standard input. Throws UserError. */
export async function fileText(path: string, io: Io): Promise<string> {
  if (path === '-') return new TextDecoder().decode(await io.stdin())
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** The only host of a snapshot, or its only namespace. */
export function onlyPlace({ namespaces }: Hosts): Namespace | undefined {
  const roots = namespaces.filter(({ namespace }) => namespace === '')
  const [only, ...more] = roots.length > 0 ? roots : namespaces
  return more.length === 0 ? only : undefined
}

/** The namespace that an option names, or the only host where it names none. Throws UserError. */
export async function placeNamed(hosts: Hosts, name: string | undefined, option: string): Promise<Namespace> {
  const { findPlace } = await import('../path/resolve.js')
  const { placeName } = await import('../path/world.js')
  const found = name === undefined ? onlyPlace(hosts) : findPlace(hosts, name)
  if (found) return found
  const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
  throw new UserError(
    name === undefined
      ? `packetwalk: ${option}: which one? There are ${known}`
      : `packetwalk: ${option}: nothing in the snapshot is called "${name}": there are ${known}`,
  )
}

async function onlyHost(hosts: Hosts): Promise<Namespace> {
  const { placeName } = await import('../path/world.js')
  const only = onlyPlace(hosts)
  if (only) return only
  const names = hosts.namespaces.map(placeName).slice(0, 12)
  throw new UserError(
    `packetwalk: --with: on which host? Write "${names[0]}: iptables …"; there are ${names.join(', ')}`,
  )
}

/** Where the packet begins its way; the only host where it cannot begin before the snapshot is changed. */
export const startOf =
  (request: PacketRequest): UsualPlace =>
  async (hosts) => {
    const { startPlace } = await import('../path/start.js')
    const { QuestionError } = await import('../path/resolve.js')
    try {
      return startPlace(hosts, request)
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error
      return onlyHost(hosts)
    }
  }

/** The snapshot's files as text. Throws UserError where they cannot be read. */
export async function inputFiles(
  snapshot: string,
  io: Io,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  if (snapshot === '-') {
    const bytes = await io.stdin()
    const { isArchive, unpack } = await import('../snapshot/archive.js')
    return isArchive(bytes)
      ? unpack('-', bytes).catch((error) => Promise.reject(unreadable('standard input', error)))
      : [{ path: '-', text: new TextDecoder().decode(bytes) }]
  }
  const { readFolder } = await import('../snapshot/files.js')
  try {
    return await readFolder(snapshot)
  } catch (error) {
    throw unreadable(snapshot, error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'not a folder',
  EISDIR: 'is a folder',
}

/** What went wrong with a file, in words. Anything else than an error of the file system is a fault of ours. */
export function unreadable(path: string, error: unknown): unknown {
  if (error instanceof Error && error.name === 'ArchiveError')
    return new UserError(`packetwalk: ${path}: ${error.message}`)
  const { code, path: at } = error as NodeJS.ErrnoException
  const reason = code === undefined ? undefined : REASONS[code]
  return reason === undefined ? error : new UserError(`packetwalk: ${at ?? path}: ${reason}`)
}
