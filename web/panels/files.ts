import type { TextFile } from '../engine/protocol.js'
import { open } from '../state.js'

/** What is no text (a capture, an archive) comes as an empty text, as the command's reader has it. */
async function textOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return bytes.subarray(0, 4096).includes(0) ? '' : new TextDecoder().decode(bytes)
}

export async function openFiles(files: readonly File[]): Promise<void> {
  const texts = await Promise.all(
    files.map(
      async (file): Promise<TextFile> => ({ path: file.webkitRelativePath || file.name, text: await textOf(file) }),
    ),
  )
  if (texts.length > 0) await open({ files: texts })
}

/** What is dropped: files, and folders with all that is in them. */
export async function filesOfDrop(items: DataTransferItemList): Promise<readonly TextFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  return (await Promise.all(entries.map(filesOf))).flat()
}

async function filesOf(entry: FileSystemEntry): Promise<TextFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ path: entry.fullPath.slice(1), text: await textOf(file) }]
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
