// node bench/fuzz.mjs [--count 1000000] [--seed 1]: mutated real lines for every parser of text. No exception, no line over 50 ms, every refusal
// with line and column. A smaller count runs with npm test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
})
const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'packetwalk-fuzz-'))
try {
  const bundle = await rolldown({
    input: join(root, 'src/testing/fuzz-parsers.ts'),
    platform: 'node',
    resolve: { mainFields: ['module', 'main'] },
  })
  const file = join(work, 'fuzz.mjs')
  await bundle.write({ file, format: 'esm' })
  const { fuzzParsers } = await import(file)
  const began = performance.now()
  const { inputs, refused, slowestMs, failures } = fuzzParsers(root, Number(values.count), Number(values.seed))
  for (const { parser, input, what } of failures) console.log(`${parser}: ${JSON.stringify(input)}\n  ${what}`)
  console.log(
    `${inputs} inputs (seed ${values.seed}), ${refused} refused, slowest ${slowestMs.toFixed(1)} ms, ${failures.length} failures, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  process.exitCode = failures.length === 0 ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
