import { join } from 'node:path'
import { expect, test } from 'vitest'
import { STAGES, type Stage } from '../src/path/stages.js'
import { trace } from '../src/path/trace.js'
import type { Step, Way } from '../src/path/trail.js'
import { readFolder } from '../src/snapshot/files.js'
import { readSnapshot } from '../src/snapshot/index.js'
import { packet } from './scenarios/state.js'

const QUESTIONS: readonly (readonly [sample: string, packet: string])[] = [
  ['k8s-cluster', 'tcp > 10.96.100.7:80 from node1'],
  ['k8s-cluster', 'tcp > 10.96.100.7:80 from node1/shell'],
  ['k8s-cluster', 'udp > 10.96.0.10:53 from node1/shell'],
  ['k8s-cluster', 'icmp 10.244.0.3 > 10.244.1.2 echo-request'],
  ['docker-host', 'tcp 198.51.100.9 > 203.0.113.7:8080 in eth0'],
  ['docker-host', 'tcp > 172.17.0.2:80'],
  ['docker-ufw-host', 'tcp 198.51.100.9 > 203.0.113.7:23 in eth0'],
]

const stage = (name: Way[number]['stage']): Stage => STAGES[name]

/** The way follows the graph, and what a hook did was recorded while the packet was on a stage that runs this hook. */
function check(way: Way, steps: readonly Step[]): void {
  way.forEach((visit, i) => {
    const next = way[i + 1]
    if (!next) return
    expect(Object.values(stage(visit.stage).exits)).toContain(next.stage)
    expect(next.step).toBeGreaterThanOrEqual(visit.step)
  })
  steps.forEach((step, i) => {
    const visit = way.findLast(({ step: first }) => first <= i)
    if (step.kind === 'hook') expect(stage(visit!.stage).hook).toBe(step.hook)
    if (step.kind === 'reply') check(step.way, step.walked)
  })
}

test.each(QUESTIONS)('%s: %s passes stages that the graph joins', async (sample, question) => {
  const read = readSnapshot(await readFolder(join(import.meta.dirname, '../samples', sample)))
  if (!read.ok) throw new Error('the sample cannot be read')
  const { branches } = trace(read.hosts, packet(question))
  for (const { way, steps } of branches) {
    expect(way.length).toBeGreaterThan(3)
    check(way, steps)
  }
})
