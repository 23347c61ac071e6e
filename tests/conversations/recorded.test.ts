import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Conversation, compare } from '../../kernel/conversations/compare.js'

const folder = import.meta.dirname
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Conversation] as const)

// real sockets through a router: what it received goes to the model, which has to send what it sent, in its order
test.each(recordings)('%s', (_, recording) => {
  const { received, sent, differences } = compare(recording)
  expect(differences).toEqual([])
  expect(received).toBeGreaterThan(10)
  expect(sent).toBeGreaterThan(10)
})

test('FTP in both modes, DNS, TFTP, traceroute and SYNPROXY are there', () => {
  const names = recordings.map(([name]) => name)
  for (const name of [
    'ftp-active',
    'ftp-passive',
    'ftp-active6',
    'ftp-passive6',
    'dns',
    'tftp',
    'traceroute',
    'synproxy',
    'synproxy6',
  ])
    expect(names).toContain(`${name}.json`)
})
