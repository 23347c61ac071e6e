import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { readFolder } from './files.js'
import { type InputFile, readSnapshot } from './index.js'

const samples = join(import.meta.dirname, '../../samples')
const recordings = join(import.meta.dirname, 'recordings')
const NOW = 1_700_000_000
let files: readonly InputFile[] = []

beforeAll(async () => {
  const node = (await readFolder(join(samples, 'k8s-cluster/node1'))).filter(({ path }) => !path.includes('netns'))
  files = [...node, ...(await readFolder(recordings))]
})

/** Either hosts, or problems that each name a place in a file that was given. */
function isSound(given: readonly InputFile[]): void {
  const read = readSnapshot(given, { now: NOW })
  if (read.ok) return
  expect(read.problems.length).toBeGreaterThan(0)
  for (const { file, line, column, message } of read.problems) {
    const text = given.find(({ path }) => path === file)?.text ?? expect.fail(`no file ${file}`)
    const lines = text.split('\n')
    expect(line).toBeGreaterThanOrEqual(1)
    expect(line).toBeLessThanOrEqual(lines.length)
    expect(column).toBeGreaterThanOrEqual(1)
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    expect(message).not.toBe('')
  }
}

describe('whatever the bytes are, nothing is thrown', () => {
  test('any text, under any name of a snapshot', () => {
    const name = fc.constantFrom(
      'iptables-save',
      'ip-link.json',
      'ip-route',
      'ip-rule',
      'sysctl',
      'conntrack',
      'sockets',
      'x',
    )
    fc.assert(
      fc.property(name, fc.string({ unit: 'binary', maxLength: 300 }), (path, text) =>
        isSound([{ path: `h/${path}`, text }]),
      ),
      { numRuns: 500 },
    )
  })
  test('a real file with a piece cut out or put in', () => {
    const mutation = fc.record({
      which: fc.nat(),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom('"', '[', '}', '\n', ' ', '/', '9', ':', 'null', '-'),
      ),
    })
    fc.assert(
      fc.property(mutation, ({ which, at, cut, put }) => {
        const { path, text } = files[which % files.length]!
        const from = Math.floor(at * text.length)
        isSound([{ path, text: text.slice(0, from) + put + text.slice(from + cut) }])
      }),
      { numRuns: 1500 },
    )
  })
  test('a real file that ends too early', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (which, at) => {
        const { path, text } = files[which % files.length]!
        isSound([{ path, text: text.slice(0, Math.floor(at * text.length)) }])
      }),
      { numRuns: 800 },
    )
  })
})

describe('half of a file is no file', () => {
  test.each([
    'ip-link.json', 'ip-addr.json', 'ip-route.json', 'ip-route6.json', 'ip-rule.json', 'ip-neigh.json', 'bridge-fdb.json', 'bridge-link.json', 'nft-ruleset.json',
  ])('%s', (name) => {
    const whole = files.find(({ path }) => path.endsWith(`node1/${name}`))!
    const half = { path: whole.path, text: whole.text.trimEnd().slice(0, Math.floor(whole.text.length / 2)) }
    const read = readSnapshot([...files.filter(({ path }) => path.includes('node1') && path !== whole.path), half])
    expect(read.ok ? 'read' : read.problems.map(({ file }) => file)).toEqual([whole.path])
  }) // biome-ignore format: a table
})
