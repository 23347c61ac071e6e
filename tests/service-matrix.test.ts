import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, expect, test } from 'vitest'
import { packetwalk } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'packetwalk-services-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Rules alone: a router of which neither addresses nor routes are known. */
writeFileSync(
  join(folder, 'iptables-save'),
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -s 10.0.0.0/8 -d 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT',
    '-A FORWARD -d 192.0.2.80/32 -p tcp -m tcp --dport 80 -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n'),
)
const ask = (...more: string[]) => packetwalk(['reach', folder, '--matrix', ...more])

test('who may open connections to whom, for one service', async () => {
  const { status, out, err } = await ask('--service', '22/tcp', '--json')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  const document = JSON.parse(out)
  const validate = new Ajv2020({ allErrors: true }).compile(
    JSON.parse(readFileSync(join(root, 'schema/service-matrix.schema.json'), 'utf8')),
  )
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  const [forward, ...others] = document.chains
  expect(others).toEqual([])
  expect(forward).toMatchObject({ chain: 'filter/FORWARD' })
  const classes = forward.classes as { addresses: string[]; reaches: number[] }[]
  const inside = classes.findIndex(({ addresses }) => addresses.includes('10.0.0.0/8'))
  const servers = classes.findIndex(({ addresses }) => addresses.includes('192.0.2.0/24'))
  expect(classes.map(({ reaches }) => reaches)).toEqual(classes.map((_, i) => (i === inside ? [servers] : [])))
})

test('as text and as files', async () => {
  const text = (await ask('--service', 'tcp/80')).out
  expect(text).toContain('80/tcp through filter/FORWARD of ')
  expect(text).toMatch(/B +192\.0\.2\.80\n/)
  expect(text).toMatch(/from +to A +B *\n {2}A +no +yes *\n {2}B +no +yes/)
  const { out } = await ask('--service', '22/tcp', '--format', 'markdown')
  expect(out).toContain('| 10.0.0.0/8 | no | no | yes |')
  expect((await ask('--service', '22/tcp', '--format', 'csv')).out).toContain('"10.0.0.0/8","no","no","yes"')
})

test('bad usage', async () => {
  expect(await ask('--service', 'ssh')).toMatchObject({ status: 2, out: '' })
  expect((await packetwalk(['reach', folder, '--service', '22/tcp'])).err).toContain('it goes with --matrix')
})

test('an interface stands for the addresses to which routes lead over it: ufw lets in what comes by lo', async () => {
  const { out } = await packetwalk([
    'reach',
    join(root, 'samples/docker-ufw-host'),
    '--matrix',
    '--service',
    '80/tcp',
    '--json',
  ])
  const { chains } = JSON.parse(out) as {
    chains: { chain: string; classes: { addresses: string[]; reaches: number[] }[] }[]
  }
  const input = chains.find(({ chain }) => chain === 'filter/INPUT')!.classes
  const outside = input.find(({ addresses }) => addresses.includes('0.0.0.0-126.255.255.255'))
  expect(input.length).toBeGreaterThan(1)
  expect(input.filter(({ reaches }) => reaches.length > 0).flatMap(({ addresses }) => addresses)).toContain(
    '127.0.0.0/8',
  )
  expect(outside?.reaches).toEqual([])
})
