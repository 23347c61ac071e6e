import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Conversation, compare } from './compare.js'

/** Real sockets through a router of the kernel's own: does the model send the same frames, in the same order? */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    show: { type: 'string', default: '3' },
    record: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
  },
})

const lab = fileURLToPath(new URL('../../kernel/conversations/lab.py', import.meta.url))
const python = (...args: readonly string[]) =>
  execFileSync('python3', [lab, ...args], { encoding: 'utf8', maxBuffer: 1 << 30 })
/** Longer ones are not recorded. */
const RECORDED = 150_000

let differ = 0
for (const name of values.only?.split(',') ?? python('--list').trim().split('\n'))
  for (let n = 0; n < Number(values.times); n++) {
    const text = python(name)
    const conversation: Conversation = JSON.parse(text)
    const { received, sent, differences } = compare(conversation)
    console.log(`${name}: ${received} frames received, ${sent} sent, ${differences.length} differences`)
    for (const one of differences.slice(0, Number(values.show))) console.log(one)
    differ += differences.length
    if (values.record && differences.length === 0 && text.length < RECORDED)
      writeFileSync(`tests/conversations/${name}.json`, recordingText(conversation))
  }
process.exitCode = differ > 0 ? 1 : 0

/** One frame a line. */
function recordingText({ frames, ...head }: Conversation): string {
  const lines = frames.map((frame) => `  ${JSON.stringify(frame)}`).join(',\n')
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "frames": [\n${lines}\n ]\n}\n`
}
