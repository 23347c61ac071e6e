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

/** Run by itself: `first-difference FILE…` says how many verdicts it took to find one. Planted mistakes are looked for with it. */
if (
  process.argv[1] !== undefined &&
  process.argv[2] === 'first-difference' &&
  fileURLToPath(import.meta.url) === process.argv[1]
) {
  let looked = 0
  let answer = 'nothing differs'
  for (const { verdict, found } of replayAll(process.argv.slice(3))) {
    looked++
    const [difference] = found
    if (!difference || verdict.skipped !== undefined) continue
    answer = `case ${looked} (${verdict.name}), ${difference.about}: ${difference.text.split('\n')[0]}`
    break
  }
  console.log(answer)
  process.exit(answer === 'nothing differs' ? 0 : 1)
}
