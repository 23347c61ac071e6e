import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changeHosts } from '../src/snapshot/change/index.js'
import { readFolder } from '../src/snapshot/files.js'
import { readSnapshot } from '../src/snapshot/index.js'
import { holds } from '../web/engine/facts.js'
import { LESSONS } from '../web/learn/index.js'
import type { Lesson } from '../web/learn/lesson.js'
import { packet } from './scenarios/state.js'

async function hostsOf({ snapshot }: Lesson) {
  const files =
    typeof snapshot === 'string' ? await readFolder(join(import.meta.dirname, '../samples', snapshot)) : snapshot
  const read = readSnapshot(files)
  if (!read.ok)
    throw new Error(read.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'))
  return read.hosts
}

describe.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))('%s', (_, lesson) => {
  test('one answer is right', async () => {
    const hosts = await hostsOf(lesson)
    const right = lesson.choices.filter(({ fact }) => holds(hosts, packet(lesson.packet), fact))
    expect(right.map(({ en }) => en)).toHaveLength(1)
  })

  test('the task is not done yet', async () => {
    const hosts = await hostsOf(lesson)
    expect(lesson.task.checks.every(({ packet: line, ...fact }) => holds(hosts, packet(line), fact))).toBe(false)
  })

  test('the solution does it', async () => {
    const hosts = await hostsOf(lesson)
    const changes = lesson.task.solution.map((text, i) => ({ text, name: `solution ${i + 1}` }))
    const changed = changeHosts(hosts, changes, () => hosts.namespaces[0]!)
    expect(changed).toMatchObject({ ok: true })
    if (!changed.ok) return
    for (const { packet: line, ...fact } of lesson.task.checks)
      expect([line, fact, holds(changed.hosts, packet(line), fact)]).toEqual([line, fact, true])
  })
})
