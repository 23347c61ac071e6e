import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { differences, report } from '../../kernel/compare.js'
import type { Recording } from '../../kernel/verdict.js'

const folder = import.meta.dirname
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, recording: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recording }))

test('there are verdicts', () => {
  expect(recordings.reduce((sum, { recording }) => sum + recording.verdicts.length, 0)).toBeGreaterThan(300)
})

// what the kernel did, asked of the model: frames, counters, connections, and where it is there the kernel's own trace
describe.each(recordings)('$name', ({ recording }) => {
  test.each(recording.verdicts)('$name', (verdict) => {
    const found = differences(recording, verdict)
    if (verdict.skipped === undefined) expect(report(verdict.name, found)).toBe(report(verdict.name, []))
    else expect(found, `no longer differs, "skipped" can go: ${verdict.skipped}`).not.toEqual([])
  })
})
