import { isArchive } from '../../src/snapshot/archive.js'
import type { TextFile } from '../engine/protocol.js'
import { engine, open, snapshotProblems } from '../state.js'

/** A file as the command's reader has it: archives are unpacked, what is no text comes as an empty one. */
async function read(path: string, file: File): Promise<readonly TextFile[]> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (isArchive(bytes)) {
    const unpacked = await engine.unpack(path, bytes)
    if (unpacked.ok) return unpacked.value
    snapshotProblems.value = unpacked.problems
    return []
  }
  return [{ path, text: bytes.subarray(0, 4096).includes(0) ? '' : new TextDecoder().decode(bytes) }]
}

export async function readFiles(files: readonly File[]): Promise<readonly TextFile[]> {
  return (await Promise.all(files.map((file) => read(file.webkitRelativePath || file.name, file)))).flat()
}

export async function openFiles(files: readonly File[]): Promise<void> {
  const texts = await readFiles(files)
  if (texts.length > 0) await open({ files: texts })
}

/** What is dropped: files, archives, and folders with all that is in them; or text. */
export async function filesOfDrop({ items }: DataTransfer): Promise<readonly TextFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const words = [...items].find(({ kind, type }) => kind === 'string' && type === 'text/plain')
  if (entries.length === 0 && words) {
    const text = await new Promise<string>((resolve) => words.getAsString(resolve))
    return text.trim() === '' ? [] : [{ path: 'pasted', text }]
  }
  return (await Promise.all(entries.map(filesOf))).flat()
}

async function filesOf(entry: FileSystemEntry): Promise<readonly TextFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return read(entry.fullPath.slice(1), file)
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const all: FileSystemEntry[] = []
  // a reader gives a part at a time
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return (await Promise.all(all.map(filesOf))).flat()
    all.push(...some)
  }
}
