import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Difference, differences } from './compare.js'
import type { Recording, Verdict } from './verdict.js'

export interface Replayed {
  readonly recording: Recording
  readonly verdict: Verdict
  readonly found: readonly Difference[]
}

export const readRecording = (path: string): Recording => JSON.parse(readFileSync(path, 'utf8')) as Recording

/** Every recorded verdict, with what the model has against it. */
export function* replayAll(paths: readonly string[]): Generator<Replayed> {
  for (const path of paths) {
    const recording = readRecording(path)
    for (const verdict of recording.verdicts) yield { recording, verdict, found: differences(recording, verdict) }
  }
}

export const recordings = (folder = 'tests/kernel'): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${folder}/${name}`)

const differs = (found: readonly Difference[]): boolean => found.length > 0 && found[0]!.about !== 'unknown'

/**
 * Run by itself. `first-difference FILE…` says how many verdicts it took to find one: planted mistakes are looked for with it.
 * `agreeing FILE…` prints the files of which nothing differs.
 */
function main(what: string, files: readonly string[]): number {
  if (what === 'agreeing') {
    console.log(files.filter((file) => [...replayAll([file])].every(({ found }) => found.length === 0)).join('\n'))
    return 0
  }
  let looked = 0
  for (const { verdict, found } of replayAll(files)) {
    looked++
    if (!differs(found) || verdict.skipped !== undefined) continue
    console.log(`case ${looked} (${verdict.name}), ${found[0]!.about}: ${found[0]!.text.split('\n')[0]}`)
    return 1
  }
  console.log('nothing differs')
  return 0
}

if (process.argv[1] === fileURLToPath(import.meta.url) && ['first-difference', 'agreeing'].includes(process.argv[2]!))
  process.exit(main(process.argv[2]!, process.argv.slice(3)))
