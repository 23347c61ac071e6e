import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parsePacketLine } from '../src/packet/language.js'
import { trace } from '../src/path/trace.js'
import { placeName } from '../src/path/world.js'
import { readFolder } from '../src/snapshot/files.js'
import { readSnapshot } from '../src/snapshot/index.js'
import { packetwalk } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const sample = (name: string) => join(root, 'samples', name)

interface Cell {
  readonly reach: string
  readonly receivers: readonly {
    readonly place: string
    readonly sources: readonly string[]
    readonly listens: boolean | null
    readonly example: { readonly packet: string; readonly sees: string } | null
  }[]
}
interface Document {
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly cells: readonly (readonly Cell[])[]
}

async function matrixOf(
  name: string,
  ...more: string[]
): Promise<{ readonly cell: (from: string, to: string) => Cell; readonly document: Document }> {
  const { status, out, err } = await packetwalk(['reach', sample(name), '--matrix', '--json', ...more])
  expect({ status, err }).toEqual({ status: 0, err: '' })
  const document = JSON.parse(out) as Document
  const validate = new Ajv2020({ allErrors: true }).compile(
    JSON.parse(readFileSync(join(root, 'schema/reach-matrix.schema.json'), 'utf8')),
  )
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  const cell = (from: string, to: string) => {
    const [row, column] = [document.from.indexOf(from), document.to.findIndex((label) => label.includes(to))]
    expect({ from: row >= 0, to: column >= 0 }, `${from} ${to}`).toEqual({ from: true, to: true })
    return document.cells[row]![column]!
  }
  return { cell, document }
}

const seen = ({ reach, receivers }: Cell) =>
  `${reach}: ${receivers.map(({ place, sources }) => `${place} ${sources.join()}`).join('; ')}`

/** Every packet that is shown ends, by `trace`, where the cell says, with the source that the cell says. */
async function examplesWalk(name: string, { cells }: Document): Promise<number> {
  const read = readSnapshot(await readFolder(sample(name)), { now: 0 })
  if (!read.ok) throw new Error()
  let count = 0
  for (const { place, listens, example } of cells.flat().flatMap(({ receivers }) => receivers)) {
    expect(example, place).not.toBeNull()
    const parsed = parsePacketLine(example!.packet)
    if (!parsed.ok) throw new Error(example!.packet)
    const { branches } = trace(read.hosts, parsed.packet, { now: 0 })
    expect(
      branches.map(({ where, final }) => `${placeName(where)} ${final.src}`),
      example!.packet,
    ).toContain(`${place} ${example!.sees}`)
    // where nobody listens, trace says so too
    const here = branches.filter(({ where }) => placeName(where) === place)
    if (listens !== null)
      expect(
        here.some(({ outcome }) => outcome === 'delivered'),
        example!.packet,
      ).toBe(listens)
    count++
  }
  return count
}

describe('Kubernetes', () => {
  test('pods by Services, with the source address that each receiver sees', async () => {
    const { cell, document } = await matrixOf('k8s-cluster')
    // a pod of the other node is seen as it is, the pod behind the Service itself through the bridge's address, a node by its tunnel's
    expect(seen(cell('node1/shell', '10.96.100.7:80/tcp'))).toBe('all: node2/web 10.244.0.3')
    expect(seen(cell('node2/web', '10.96.100.7:80/tcp'))).toBe('all: node2/web 10.244.1.1')
    expect(seen(cell('node2/coredns-b', '10.96.100.7:80/tcp'))).toBe('all: node2/web 10.244.1.2')
    expect(seen(cell('node1', '10.96.100.7:80/tcp'))).toBe('all: node2/web 10.244.0.0')
    // a node port hides who asks
    expect(seen(cell('node1/shell', '192.168.50.12:30080/tcp'))).toBe('all: node2/web 10.244.1.1')
    // DNS has two pods: either answers
    expect(cell('node1/shell', '10.96.0.10:53/udp').receivers.map(({ place }) => place)).toEqual([
      'node1/coredns-a',
      'node2/coredns-b',
    ])
    expect(await examplesWalk('k8s-cluster', document)).toBeGreaterThan(90)
  }, 300_000)
})

describe('Docker with ufw', () => {
  test("ufw's deny does not keep anybody from the published port; the database is closed", async () => {
    const { cell, document } = await matrixOf('docker-ufw-host')
    expect(cell('internet', '192.0.2.10:8080/tcp').reach).not.toBe('none')
    expect(cell('internet', '192.0.2.10:8080/tcp').receivers.map(({ place }) => place)).toEqual(['docker-ufw-host/web'])
    // docker publishes a port of 127.0.0.1 on which nobody listens in the container
    expect(cell('internet', '127.0.0.1:5353/udp').receivers).toMatchObject([
      { place: 'docker-ufw-host/dns', listens: false },
    ])
    expect(cell('docker-ufw-host', '127.0.0.1:5353/udp').receivers).toMatchObject([
      { place: 'docker-ufw-host', listens: true },
    ])
    const { out } = await packetwalk(['reach', sample('docker-ufw-host'), '--matrix'])
    expect(out).toMatch(/\ninternet +yes +closed +yes/)
    const database = await matrixOf('docker-ufw-host', '--to', 'db:5432/tcp')
    expect(database.cell('internet', 'db:5432/tcp')).toEqual({ reach: 'none', receivers: [] })
    expect(database.cell('docker-ufw-host/web', 'db:5432/tcp').reach).toBe('none')
    expect(database.cell('docker-ufw-host', 'db:5432/tcp').reach).toBe('all')
    expect(await examplesWalk('docker-ufw-host', document)).toBeGreaterThan(5)
  }, 300_000)
})

test.each([
  ['markdown', /^\| from \| .*\n\|---\|/],
  ['csv', /^"from","[^"]+"/],
  ['html', /^<!doctype html>\n[\s\S]*<th scope="row">internet<\/th><td class="(all|some|perhaps|none)">/],
])(
  'as %s',
  async (format, shape) => {
    for (const view of ['reach', 'sources']) {
      const { status, out } = await packetwalk([
        'reach',
        sample('docker-ufw-host'),
        '--matrix',
        '--format',
        format,
        '--view',
        view,
      ])
      expect(status).toBe(0)
      expect(out).toMatch(shape)
    }
  },
  120_000,
)

test('a column has an address', async () => {
  expect((await packetwalk(['reach', sample('docker-host'), '--matrix', '--to', 'internet:80/tcp'])).status).toBe(2)
})
