import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { packetwalk } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const UFW = join(root, 'samples/docker-ufw-host')

const explain = async (rule: string, ...more: string[]) => {
  const { status, out, err } = await packetwalk(['show', UFW, '--explain', rule, '--json', ...more])
  expect(err).toBe('')
  const schema = JSON.parse(readFileSync(join(root, 'schema/explain.schema.json'), 'utf8'))
  const validate = new Ajv2020({ allErrors: true }).compile(schema)
  const document = JSON.parse(out)
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  return { status, ...document }
}

test('a rule that another takes everything from', async () => {
  const shadow = [
    '--with',
    'docker-ufw-host: iptables -A INPUT -s 203.0.113.0/24 -p tcp --dport 22 -j ACCEPT',
    '--with',
    'docker-ufw-host: iptables -I INPUT -s 203.0.113.0/24 -j DROP',
  ]
  const { out } = await packetwalk(['show', UFW, '--json', ...shadow])
  expect(out).not.toBe('')
  const text = await packetwalk(['show', UFW, '--explain', 'filter/INPUT:999', ...shadow])
  expect(text).toMatchObject({ status: 2, err: expect.stringContaining('no such rule') })
  const first = await explain('filter/INPUT:1', ...shadow)
  expect(first).toMatchObject({ status: 0, hooks: ['INPUT'], missed: { lines: [] }, takers: [] })
  expect(first.example).toMatch(/^\w+ 203\.0\.113\.\d+/)
  const rules = readFileSync(join(UFW, 'iptables-save'), 'utf8')
    .split('\n')
    .filter((line) => /^(\[\d+:\d+\] )?-A INPUT /.test(line))
  const last = await explain(`filter/INPUT:${rules.length + 2}`, ...shadow)
  expect(last).toMatchObject({ status: 1, hooks: ['INPUT'], matches: { lines: [] } })
  expect(last.takers[0]).toMatchObject({ chain: 'INPUT', number: 1 })
})

test('a chain that others call', async () => {
  const found = await explain('filter/DOCKER:1')
  expect(found.status).toBe(0)
  expect(found.matches.lines.length).toBeGreaterThan(0)
  if (found.example) expect((await packetwalk(['trace', UFW, found.example, '-q'])).err).toBe('')
})

test.each(['nonsense', 'filter/FORWARD', 'nosuch/INPUT:1'])('%s is bad usage', async (rule) => {
  const { status, err } = await packetwalk(['show', UFW, '--explain', rule])
  expect(status).toBe(2)
  expect(err).toMatch(/^packetwalk: /)
})
