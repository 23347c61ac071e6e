import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { isArchive, unpack } from './archive.js'
import type { InputFile } from './problem.js'

/**
 * A snapshot folder, an archive of one, or one file, as text, in the order of the names. Paths begin with `path` as it was given, so that a message
 * names a file that can be opened from here; `.` and the like become the folder's own path, since hosts are called by their folders' names. Archives
 * within a folder are unpacked too. What is no text (a capture) comes as an empty text. Hidden files are left out. Rejects with the file system's own
 * error, and with ArchiveError.
 */
export async function readFolder(path: string): Promise<InputFile[]> {
  const named = /^[./\\]*$/.test(basename(path)) ? resolve(path) : path
  if (!statSync(named).isDirectory()) {
    const bytes = readFileSync(named)
    return isArchive(bytes) ? unpack(named, bytes) : [{ path: named, text: textOfBuffer(bytes) }]
  }
  const files: Found[] = []
  collect(named, new Set(), files)
  if (files.every((file): file is InputFile => 'text' in file)) return files
  const all = await Promise.all(
    files.map(async (file) =>
      // something packed that cannot be read lies beside a snapshot without harm
      'text' in file ? [file] : unpack(file.path, file.packed).catch(() => [{ path: file.path, text: '' }]),
    ),
  )
  return all.flat()
}

type Found = InputFile | { readonly path: string; readonly packed: Uint8Array }

/** Synchronous on purpose: a hundred small files cost half as much as through the thread pool. */
function collect(folder: string, above: ReadonlySet<string>, into: Found[]): void {
  const real = realpathSync(folder)
  if (above.has(real)) return
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'))
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    const kind = kindOf(entry, path)
    if (kind === 'folder') collect(path, new Set([...above, real]), into)
    else if (kind === 'file') into.push(readFile(path))
  }
}

function kindOf(entry: Dirent, path: string): 'folder' | 'file' | undefined {
  const info = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry
  return info?.isDirectory() ? 'folder' : info?.isFile() ? 'file' : undefined
}

const LOOKED_AT = 4096

function readFile(path: string): Found {
  const bytes = readFileSync(path)
  if (!bytes.subarray(0, LOOKED_AT).includes(0)) return { path, text: bytes.toString('utf8') }
  return isArchive(bytes) ? { path, packed: bytes } : { path, text: '' }
}

const textOfBuffer = (bytes: Buffer): string => (bytes.subarray(0, LOOKED_AT).includes(0) ? '' : bytes.toString('utf8'))
