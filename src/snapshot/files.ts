import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { InputFile } from './problem.js'

/**
 * A snapshot folder (or one file of one) as text, in the order of the names. Paths begin with `path` as it was given, so that a message names
 * a file that can be opened from here; `.` and the like become the folder's own path, since hosts are called by their folders' names. What is
 * no text (a capture, an archive) comes as an empty text. Hidden files are left out. Rejects with the file system's own error.
 */
export async function readFolder(path: string): Promise<InputFile[]> {
  const named = /^[./\\]*$/.test(basename(path)) ? resolve(path) : path
  if (!statSync(named).isDirectory()) return [{ path: named, text: readText(named) }]
  const files: InputFile[] = []
  collect(named, new Set(), files)
  return files
}

/** Synchronous on purpose: a hundred small files cost half as much as through the thread pool. */
function collect(folder: string, above: ReadonlySet<string>, into: InputFile[]): void {
  const real = realpathSync(folder)
  if (above.has(real)) return
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'))
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    const kind = kindOf(entry, path)
    if (kind === 'folder') collect(path, new Set([...above, real]), into)
    else if (kind === 'file') into.push({ path, text: readText(path) })
  }
}

function kindOf(entry: Dirent, path: string): 'folder' | 'file' | undefined {
  const info = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry
  return info?.isDirectory() ? 'folder' : info?.isFile() ? 'file' : undefined
}

const LOOKED_AT = 4096

function readText(path: string): string {
  const bytes = readFileSync(path)
  return bytes.subarray(0, LOOKED_AT).includes(0) ? '' : bytes.toString('utf8')
}
