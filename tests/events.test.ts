import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type EventsCase, modelEvents, sameEvents } from '../kernel/helpers/events.js'

/** Conversations, and what `conntrack -E -o extended` printed meanwhile on Linux 6.18. */
const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'events.json'), 'utf8')) as readonly EventsCase[]

describe('what connections do', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const model = modelEvents(one)!
    if (!sameEvents(one.events, model)) expect(model).toEqual(one.events)
  })
  test('begins, goes on and ends among the recorded ones', () => {
    const all = cases.flatMap(({ events }) => events)
    for (const kind of ['[NEW]', '[UPDATE]', '[DESTROY]']) expect(all.some((line) => line.includes(kind))).toBe(true)
  })
})
