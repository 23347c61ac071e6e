// node bench/fuzz-packets.mjs [--frames 100000] [--captures 10000] [--seed 1]: mutated frames through the rulesets of the recorded kernel cases, and
// mutated capture files. No exception, no frame twice, right checksums, every connection its own inverse. A smaller count runs with npm test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    captures: { type: 'string', default: '10000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    verbose: { type: 'boolean', default: false },
  },
})
const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'packetwalk-fuzz-'))
try {
  const built = async (name) => {
    const bundle = await rolldown({
      input: join(root, `src/testing/${name}.ts`),
      platform: 'node',
      resolve: { mainFields: ['module', 'main'] },
    })
    const file = join(work, `${name}.mjs`)
    await bundle.write({ file, format: 'esm' })
    return import(file)
  }
  const { fuzzFrames } = await built('fuzz-packets')
  const { fuzzCaptures } = await built('fuzz-captures')
  const seed = Number(values.seed)
  const tell = (failures) => {
    for (const { where, input, what } of failures) console.log(`${where}: ${what}\n  ${input}`)
    if (failures.length > 0) process.exitCode = 1
  }
  const frames = fuzzFrames(root, Number(values.frames), seed)
  tell(frames.failures)
  console.log(
    `${frames.frames} frames (seed ${seed}), ${frames.sent} sent, ${frames.connections} connections held against their inverse, ${frames.failures.length} failures`,
  )
  if (values.verbose)
    for (const [reason, times] of [...frames.reasons].sort((a, b) => b[1] - a[1])) console.log(`  ${reason}: ${times}`)
  const captures = fuzzCaptures(root, Number(values.captures), seed)
  tell(captures.failures)
  console.log(
    `${captures.files} captures, ${captures.refused} refused, ${captures.packets} packets read, ${captures.failures.length} failures`,
  )
} finally {
  rmSync(work, { recursive: true, force: true })
}
