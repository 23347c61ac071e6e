import type { Hosts } from '../path/world.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { problemsError } from './problems.js'

/** A snapshot as it was read: what it says, and the files that it came from. */
export interface Loaded {
  readonly hosts: Hosts
  readonly files: readonly { readonly path: string; readonly kind: string | undefined }[]
}

/** Reads SNAPSHOT: a folder, a file, or `-`. Throws UserError with the first problem and its line. */
export async function load(snapshot: string, changes: readonly string[], io: Io): Promise<Loaded> {
  if (changes.length > 0) throw new UserError('packetwalk: --with is not supported yet')
  if (snapshot === '@local') throw new UserError('packetwalk: @local is not supported yet: give a snapshot folder')
  const { readSnapshot } = await import('../snapshot/index.js')
  const files = await inputFiles(snapshot, io)
  const read = readSnapshot(files)
  if (read.ok) return { hosts: read.hosts, files: read.files }
  throw problemsError(read.problems.slice(0, 1), (file) => files.find(({ path }) => path === file)?.text, io)
}

export const loadHosts = async (snapshot: string, changes: readonly string[], io: Io): Promise<Hosts> =>
  (await load(snapshot, changes, io)).hosts

/** The snapshot's files as text. Throws UserError where they cannot be read. */
export async function inputFiles(
  snapshot: string,
  io: Io,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  if (snapshot === '-') return [{ path: '-', text: new TextDecoder().decode(await io.stdin()) }]
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
  const { code, path: at } = error as NodeJS.ErrnoException
  const reason = code === undefined ? undefined : REASONS[code]
  return reason === undefined ? error : new UserError(`packetwalk: ${at ?? path}: ${reason}`)
}
