import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { InputFile } from './problem.js'

/**
 * A snapshot folder (or one file of one) as text, in the order of the names. Paths begin with `path` as it was given, so that a message names
 * a file that can be opened from here; `.` and the like become the folder's own path, since hosts are called by their folders' names. What is
 * no text (a capture, an archive) comes as an empty text. Hidden files are left out. Rejects with the file system's own error.
 */
export async function readFolder(path: string): Promise<InputFile[]> {
  const named = /^[./\\]*$/.test(basename(path)) ? resolve(path) : path
  const info = await stat(named)
  if (!info.isDirectory()) return [{ path: named, text: await readText(named) }]
  const files: InputFile[] = []
  await collect(named, new Set(), files)
  return files
}

async function collect(folder: string, above: ReadonlySet<string>, into: InputFile[]): Promise<void> {
  const real = await realpath(folder)
  if (above.has(real)) return
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  for (const name of names) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (info?.isDirectory()) await collect(path, new Set([...above, real]), into)
    else if (info?.isFile()) into.push({ path, text: await readText(path) })
  }
}

const LOOKED_AT = 4096

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path)
  return bytes.subarray(0, LOOKED_AT).includes(0) ? '' : new TextDecoder().decode(bytes)
}
