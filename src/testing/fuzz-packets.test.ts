import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fuzzCaptures } from './fuzz-captures.js'
import { fuzzFrames } from './fuzz-packets.js'

const root = join(import.meta.dirname, '../..')

test('6,000 mutated frames through recorded rulesets: none throws, leaves twice, or has a checksum that was right before and is not any more', () => {
  const { frames, sent, connections, reasons, failures } = fuzzFrames(root, 6000, 11)
  expect(failures).toEqual([])
  expect(frames).toBe(6000)
  // much gets through, and much is dropped, for many reasons
  expect(sent).toBeGreaterThan(1000)
  expect(connections).toBeGreaterThan(100)
  expect(reasons.size).toBeGreaterThan(20)
  for (const reason of ['ip-header', 'ip-options', 'fragment-queued']) expect(reasons.get(reason)).toBeGreaterThan(20)
}, 60_000)

test('3,000 mutated captures: each is read, or refused at one of its bytes', () => {
  const { files, refused, packets, failures } = fuzzCaptures(root, 3000, 11)
  expect(failures).toEqual([])
  expect(files).toBe(3000)
  expect(refused).toBeGreaterThan(1000)
  expect(packets).toBeGreaterThan(300)
}, 60_000)
