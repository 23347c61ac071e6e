import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ListedCase, listedDifferences } from '../kernel/helpers/listed.js'
import { expectListed } from '../src/conntrack/helpers/listed.js'
import { DEFAULT_SETTINGS } from '../src/conntrack/settings.js'
import { ConnectionTable } from '../src/conntrack/table.js'
import { hexToBytes } from '../src/packet/hex.js'
import { Packet } from '../src/packet/packet.js'
import { simulate } from '../src/path/simulate.js'
import type { Branch } from '../src/path/trail.js'
import { readSnapshot } from '../src/snapshot/index.js'

/** Snapshots with `conntrack -L expect`, and what Linux 6.18 did with the first packet of each connection that they announce. */
const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'expectations.json'), 'utf8')) as readonly ListedCase[]

describe('connections that a listing announces', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expect(listedDifferences(one)).toEqual({ found: [], unsure: [] })
  })

  const hostsOf = ({ files, now }: ListedCase) => {
    const read = readSnapshot(
      Object.entries(files).map(([path, text]) => ({ path, text })),
      { now },
    )
    if (!read.ok) throw new Error(read.problems[0]!.message)
    return read.hosts
  }
  const namespacesOf = (one: ListedCase) => hostsOf(one).namespaces
  const statesOf = ({ steps }: Branch) => steps.flatMap((step) => (step.kind === 'conntrack' ? [step.state] : []))
  const packets = (one: ListedCase) => {
    const { now, probes } = one
    const hosts = hostsOf(one)
    const [place] = hosts.namespaces
    const simulation = simulate(hosts, { now, seed: 1, assumeNeighbours: false })
    return probes.map(({ at, frame }) => simulation.receive(place!, at, hexToBytes(frame)!, now).branch)
  }
  const translated = cases.find(
    ({ name, files }) => name.startsWith('ftp4') && /src=10.2.0.20 dst=10.2.0.1 /.test(files['conntrack']!),
  )!

  test('are RELATED, and what NAT does with them is said to be taken for true', () => {
    const [branch] = packets(translated)
    expect(statesOf(branch!)).toContain('RELATED')
    const [place] = namespacesOf(translated)
    const table = new ConnectionTable(DEFAULT_SETTINGS, place!.connections)
    expectListed(table, place!.expectations!, () => 0)
    const packet = new Packet(hexToBytes(translated.probes[0]!.frame.slice(28))!)
    const tracking = table.inbound(packet, { prerouting: true, now: translated.now, zone: 0 })
    expect(tracking).toMatchObject({
      assumed: expect.stringMatching(/^NAT leads what helper ftp expects on port \d+ to the same port$/),
    })
  })

  test('without their masters nobody knows what becomes of them', () => {
    const alone = packets({ ...translated, files: { ...translated.files, conntrack: '' } })
    expect(alone.map(({ outcome }) => outcome)).toEqual(alone.map(() => 'undecided'))
  })

  test('without the listing they are NEW', () => {
    const { expectations: _, ...files } = translated.files
    expect(statesOf(packets({ ...translated, files })[0]!)).toContain('NEW')
  })

  test('as the kernel itself lists them, with the only master that fits', () => {
    const listing = translated.files['expectations']!.replace(
      /^(\d+) proto=(.*?) mask-src.*? class=0 helper=(\w+)$/gm,
      '$1 l3proto = 2 proto=$2 $3',
    )
    expect(listing).toContain('l3proto = 2')
    expect(listedDifferences({ ...translated, files: { ...translated.files, expectations: listing } })).toEqual({
      found: [],
      unsure: [],
    })
  })
})
