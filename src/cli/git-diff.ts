import type { Hosts } from '../path/world.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { fileText } from './load.js'
import { problemsError } from './problems.js'

/** Both versions of one file, as git hands them to a program that compares (gitdiff-core, GIT_EXTERNAL_DIFF). */
export interface GitVersions {
  readonly path: string
  readonly before: Hosts
  readonly after: Hosts
}

/**
 * PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE, and for a file that has another name now two more. Of a file that one side does not have, git names
 * /dev/null: no rules. Rules are told by PATH:LINE. Throws UserError.
 */
export async function gitVersions(args: readonly string[], io: Io): Promise<GitVersions> {
  const [path, oldFile, , , newFile] = args
  if (path === undefined || oldFile === undefined || newFile === undefined || (args.length !== 7 && args.length !== 9))
    throw new UserError('packetwalk: diff --git: git gives PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE')
  const before = await version(oldFile, path, io)
  const after = await version(newFile, args[7] ?? path, io)
  return { path, before, after }
}

async function version(file: string, name: string, io: Io): Promise<Hosts> {
  const { readSnapshot } = await import('../snapshot/index.js')
  const text = file === '/dev/null' ? NO_RULES : await fileText(file, io)
  const read = readSnapshot([{ path: name, text }])
  if (read.ok) return read.hosts
  throw problemsError(read.problems.slice(0, 1), () => text, io)
}

const NO_RULES = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
