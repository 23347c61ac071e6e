import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../../src/cli/program.js'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

interface Given {
  readonly stdin?: string
  readonly env?: { readonly NO_COLOR?: string; readonly TERM?: string; readonly PACKETWALK_DEBUG?: string }
  readonly terminal?: boolean
  readonly columns?: number
}

/** Runs a command line in this process, its streams caught. */
export async function packetwalk(args: readonly string[], given: Given = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const status = await run(args, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    stdin: async () => new TextEncoder().encode(given.stdin ?? ''),
    env: given.env ?? {},
    outIsTerminal: given.terminal ?? false,
    errIsTerminal: given.terminal ?? false,
    columns: given.columns,
  })
  return { status, out, err }
}

/** Makes a folder of files for as long as `use` runs. */
export async function withFiles<T>(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'packetwalk-test-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
