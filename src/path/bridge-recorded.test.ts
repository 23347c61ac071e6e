import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hexToBytes } from '../packet/hex.js'
import type { Rule } from '../rules/program.js'
import { readSnapshot } from '../snapshot/index.js'
import { simulate } from './simulate.js'

// Random bridges, rules and frames, and what the kernel did with them: kernel/bridges/bridges.py. BRIDGE_CASES names another file of them.

interface Case {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly frames: readonly (readonly [
    port: string,
    frame: string,
    sent: readonly (readonly [port: string, frame: string])[],
  ])[]
  readonly after: { readonly ebtables: string; readonly iptables: string; readonly ip6tables?: string }
}

const PATH = process.env['BRIDGE_CASES'] ?? join(import.meta.dirname, 'recordings/bridges.json')
const cases: readonly Case[] = existsSync(PATH) ? JSON.parse(readFileSync(PATH, 'utf8')) : []

/** The counters of a saved file's rules, in their order: `[1:28] -A FORWARD …`. */
const saved = (text: string): readonly string[] => text.split('\n').filter((line) => /^\[\d+:\d+\] -A/.test(line))

test('cases were recorded', () => expect(cases.length).toBeGreaterThan(0))

test.each(cases.map((one) => [one.name, one] as const))('%s', (_, { files, frames, after }) => {
  const read = readSnapshot(Object.entries(files).map(([name, text]) => ({ path: `h/${name}`, text })))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const place = { host: 'h', namespace: '' }
  const run = simulate(read.hosts, { now: 0, seed: 1, assumeNeighbours: false })
  for (const [i, [port, frame, sent]] of frames.entries()) {
    const got = run.receive(place, port, hexToBytes(frame)!, i / 100)
    const frameOf = (bytes: Uint8Array) =>
      [...blanked(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const text = got.sent.map(({ interface: name, frame: bytes }) => `${name} ${frameOf(bytes)}`).sort()
    const told = `frame ${i}: ${port} ${frame}: ${got.branch.where.text}`
    expect(got.branch.outcome, told).not.toBe('undecided')
    expect(text, told).toEqual(sent.map(([name, bytes]) => `${name} ${bytes}`).sort())
  }
  const counts = new Map<string, readonly [packets: number, bytes: number]>()
  for (const [rule, { packets, bytes }] of run.ruleCounters(place)) {
    const key = keyOf(rule)
    const [p, b] = counts.get(key) ?? [0, 0]
    counts.set(key, [p + packets, b + bytes])
  }
  for (const kind of ['ebtables', 'iptables', 'ip6tables'] as const) {
    if (after[kind] === undefined) continue
    const lines = files[`${kind}-save`]!.split('\n').flatMap((line, i) =>
      line.startsWith('-A') ? [`h/${kind}-save:${i + 1} ${line}`] : [],
    )
    const model = lines.map(
      (line) => `[${(counts.get(line.split(' ')[0]!) ?? [0, 0]).join(':')}] ${line.slice(line.indexOf(' ') + 1)}`,
    )
    expect(model).toEqual(saved(after[kind]))
  }
})

/** Without the IP id, and the checksum over it, of what 10.0.0.254 sends: the bridge's own host. */
function blanked(frame: Uint8Array): Uint8Array {
  const own = [12, 13, 26, 27, 28, 29].map((at) => frame[at]).join('.') === '8.0.10.0.0.254'
  return own ? frame.map((byte, at) => ([18, 19, 24, 25].includes(at) ? 0 : byte)) : frame
}

const keyOf = ({ source }: Rule): string => `${source?.file}:${source?.line}`
