import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SRC = join(import.meta.dirname, '..')
/** Node has these in memory when it has started. */
const AT_HAND: ReadonlySet<string> = new Set(['node:fs', 'node:path', 'node:url'])

test('nothing that every start of the bundled command would load is imported at the head of a file', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing'),
  )
  const found = files.flatMap((file) =>
    [...readFileSync(join(SRC, file), 'utf8').matchAll(/^(?:import|export) (?!type )[^'"]*from '(node:[^']+)'/gm)]
      .filter(([, module]) => !AT_HAND.has(module!))
      .map(([line]) => `${file}: ${line}`),
  )
  expect(files.length).toBeGreaterThan(100)
  expect(found).toEqual([])
})
