import type { Place } from '../path/world.js'
import { ARCHIVE_NAME } from './archive.js'
import { bundled } from './bundle.js'

/** For input that comes from no folder. */
const NAMELESS = 'host'
const NAMESPACES = 'netns'

const segmentsOf = (path: string): readonly string[] =>
  path.split(/[/\\]+/).filter((part) => part !== '' && part !== '.')

export const baseName = (path: string): string => segmentsOf(path).at(-1) ?? ''

interface Lying {
  /** The folders above the host's files. */
  readonly folders: readonly string[]
  readonly namespace: string
}

/** An archive is a folder that is called as the archive is, without its ending. */
const foldersOf = (path: string): readonly string[] =>
  segmentsOf(path)
    .slice(0, -1)
    .map((folder) => folder.replace(ARCHIVE_NAME, ''))

/** Part of a support bundle, but not what the kernel had: configuration, logs. */
export const isBeside = (path: string): boolean => bundled(foldersOf(path), baseName(path)) === false

function lying(path: string): Lying {
  const folders = foldersOf(path)
  const part = bundled(folders, baseName(path))
  if (part) return part
  const at = folders.lastIndexOf(NAMESPACES)
  return at >= 0 && at === folders.length - 2
    ? { folders: folders.slice(0, at), namespace: folders.at(-1)! }
    : { folders, namespace: '' }
}

/**
 * Whose state each file holds. A host is called by its folder's name, a namespace of it lies in `netns/NAME` within. Hosts whose folders are called
 * the same get the folders above in front: `east-node1`, `west-node1`.
 */
export function placesOf(paths: readonly string[]): readonly Place[] {
  const found = paths.map(lying)
  const folders = new Map(found.map(({ folders: above }) => [above.join('/'), above]))
  const names = new Map([...folders].map(([key, above]) => [key, nameOf(above, [...folders.values()])]))
  return found.map(({ folders: above, namespace }) => ({ host: names.get(above.join('/'))!, namespace }))
}

function nameOf(folders: readonly string[], all: readonly (readonly string[])[]): string {
  for (let length = 1; length < folders.length; length++) {
    const name = folders.slice(-length).join('-')
    if (all.filter((others) => others.slice(-length).join('-') === name).length === 1) return name
  }
  return folders.length === 0 || (folders.length === 1 && folders[0] === '..') ? NAMELESS : folders.join('-')
}
