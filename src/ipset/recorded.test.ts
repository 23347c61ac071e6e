import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { applyIpset } from './apply.js'
import { Sets } from './sets.js'

interface Answer {
  readonly command: readonly string[]
  readonly input: string
  readonly out: string
  readonly err: string
  readonly status: number
}

const blocks: readonly (readonly Answer[])[] = JSON.parse(
  readFileSync(new URL('recordings/answers.json', import.meta.url), 'utf8'),
)

/** What nobody but a kernel knows (its memory), and the milliseconds that had gone by. */
const masked = (text: string): string =>
  text
    .replaceAll(/^Size in memory: .*\n/gm, '')
    .replaceAll(/timeout (499|999|2147482)\b/g, (_, left) => `timeout ${Number(left) + 1}`)

describe('ipset 7.17 on Linux 6.18 answers the same', () => {
  for (const [index, block] of blocks.entries()) {
    test(`namespace ${index + 1}, ${block.length} commands`, () => {
      let sets = new Sets()
      for (const { command, input, ...answer } of block) {
        const applied = applyIpset(command, sets, { now: 1_700_000_000, input })
        sets = applied.sets
        const said = [...command, input].join(' ')
        expect.soft({ out: applied.out, err: applied.err, status: applied.status }, said).toEqual({
          ...answer,
          out: masked(answer.out),
        })
      }
    })
  }
})
