import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { saveText } from '../src/testing/planted.js'
import { packetwalk, withFiles } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const UFW = join(root, 'samples/docker-ufw-host')
const shadowed = saveText(['INPUT ACCEPT', '-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 10.1.0.0/16 -j DROP'])

/** Sets of packets that no small number of diagram nodes holds. */
const crossing = saveText([
  'INPUT DROP',
  ...Array.from({ length: 32 }, (_, i) => {
    const bit = [0, 1, 2, 3].map((byte) => (Math.floor(i / 8) === byte ? 1 << (i % 8) : 0)).join('.')
    return `-A INPUT -s ${bit}/${bit} -d ${bit}/${bit} -j DROP`
  }),
])

const lint = (save: string, ...args: readonly string[]) =>
  withFiles({ 'iptables-save': save }, async (folder) => {
    const { status, out, err } = await packetwalk(['lint', join(folder, 'iptables-save'), ...args])
    return { status, err, out: out.replaceAll(folder, 'host') }
  })

describe('exit status', () => {
  test.each<[number, string, string[]]>([
    [1, shadowed, []],
    [0, saveText(['-A INPUT -s 10.0.0.0/8 -j DROP']), []],
    [0, shadowed, ['--fail-on', 'error']],
    [1, shadowed, ['--fail-on', 'warning']],
    [0, shadowed, ['--fail-on', 'never']],
    [0, shadowed, ['--ignore', 'rule-shadowed,rule-redundant']],
    [3, crossing, ['--nodes', '20000', '--fail-on', 'warning']],
    [0, crossing, ['--nodes', '20000', '--fail-on', 'never']],
    [2, shadowed, ['--ignore', 'nonsense']],
    [2, '*filter\n:INPUT ACCEPT\n-A INPUT -p nonsense -j DROP\nCOMMIT\n', []],
  ])('%i: %#', async (status, save, args) => {
    const ran = await lint(save, ...args)
    expect(ran.status).toBe(status)
    expect(ran.err === '').toBe(status !== 2)
  })
})

describe('a configuration file', () => {
  const config = (text: string, ...args: readonly string[]) =>
    withFiles({ 'iptables-save': shadowed, 'lint.json': text }, async (folder) => {
      const file = join(folder, 'lint.json')
      const ran = await packetwalk([
        'lint',
        join(folder, 'iptables-save'),
        '--config',
        file,
        '--format',
        'github',
        ...args,
      ])
      return { ...ran, err: ran.err.replaceAll(folder, 'host') }
    })

  test('gives lint rules other levels, or switches them off', async () => {
    const { status, out } = await config(
      '{\n  // ours\n  "rules": { "rule-shadowed": "error", "rule-redundant": "off" },\n}',
    )
    expect([status, out.match(/^::\w+ .*title=\S+?::/gm)?.length, out.startsWith('::error ')]).toEqual([1, 1, true])
  })

  test('says from which level on the exit status is 1, unless the command line does', async () => {
    const text = '{ "fail-on": "error" }'
    expect((await config(text)).status).toBe(0)
    expect((await config(text, '--fail-on', 'warning')).status).toBe(1)
  })

  test.each([
    ['{ "rules": { "nonsense": "off" } }', 'host/lint.json:1:14: there is no lint rule "nonsense"'],
    ['{\n  "rules": { "rule-shadowed": "loud" } }', 'host/lint.json:2:31: one of error, warning, note, off is needed'],
    ['{ "rules": [] }', 'host/lint.json:1:12: an object is needed'],
    ['{ "fail": "error" }', 'host/lint.json:1:3: unknown key "fail"'],
    ['{ "rules": ', 'host/lint.json:1:12: this is no JSON'],
    ['', 'host/lint.json:1:1: this is no JSON'],
  ])('is refused at its place: %s', async (text, complaint) => {
    const { status, err } = await config(text)
    expect([status, err.slice(0, complaint.length)]).toEqual([2, complaint])
  })
})

test('findings as people read them', async () => {
  const { out } = await packetwalk(['lint', '-', '--ignore', 'rule-redundant'], { stdin: shadowed })
  expect(out).toBe(`-:7: warning: no packet gets to match this rule: rule 1 before it lets none of
  them past [rule-shadowed]
    -A INPUT -s 10.1.0.0/16 -j DROP
  -:6 rule 1 of filter/INPUT decides packets that this rule would match:
    -A INPUT -s 10.0.0.0/8 -j DROP

1 warning
`)
})

test('findings as annotations of GitHub Actions', async () => {
  const { out } = await lint(shadowed, '--ignore', 'rule-redundant', '--format', 'github')
  expect(out).toBe(
    '::warning file=host/iptables-save,line=7,title=rule-shadowed::no packet gets to match this rule: rule 1 before it lets none of them past\n',
  )
})

test('an annotation has the fix on a line of its own', async () => {
  const { out } = await lint(saveText(['-A INPUT -j LOG']), '--format', 'github')
  expect(out).toBe(
    '::notice file=host/iptables-save,line=6,title=log-without-limit::every packet that matches is logged: whoever sends them fills the log%0Afix: -m limit --limit 10/minute\n',
  )
})

test('--json is what schema/lint.schema.json says', async () => {
  const schema = JSON.parse(readFileSync(join(root, 'schema/lint.schema.json'), 'utf8'))
  const { status, out } = await packetwalk(['lint', UFW, '--json'])
  expect(status).toBe(1)
  const document = JSON.parse(out)
  const validate = new Ajv2020({ allErrors: true }).compile(schema)
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  expect(document.findings.length).toBeGreaterThan(10)
})

test('SARIF: paths from the root have a scheme', async () => {
  await withFiles({ 'a b/iptables-save': shadowed }, async (folder) => {
    const { out } = await packetwalk(['lint', join(folder, 'a b/iptables-save'), '--format', 'sarif'])
    const [run] = JSON.parse(out).runs
    expect(run.results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(
      `file://${folder}/a%20b/iptables-save`,
    )
    expect(new URL(run.results[0].locations[0].physicalLocation.artifactLocation.uri).pathname).toMatch(/a%20b/)
  })
})

test('SARIF names the rule, both places and the packet', async () => {
  const { out } = await packetwalk(['lint', UFW, '--format', 'sarif'])
  const [run] = JSON.parse(out).runs
  const ids = run.tool.driver.rules.map(({ id }: { id: string }) => id)
  for (const result of run.results) {
    expect(ids[result.ruleIndex]).toBe(result.ruleId)
    expect(result.locations[0].physicalLocation.region.startLine).toBeGreaterThan(0)
  }
  const invalid = run.results.find(({ ruleId }: { ruleId: string }) => ruleId === 'invalid-not-translated')
  expect(invalid.relatedLocations[0].physicalLocation.region.snippet.text).toMatch(/-A FORWARD/)
  expect(invalid.message.text).toContain('for example tcp ')
})

describe('what the docker sample is known for', () => {
  test('ufw denies the published port, and it is open: the packet shown gets through', async () => {
    const { findings } = JSON.parse((await packetwalk(['lint', UFW, '--json'])).out)
    const [found, ...more] = findings.filter(({ id }: { id: string }) => id === 'published-port-bypasses-input')
    expect(more).toEqual([])
    expect(found.at.text).toBe(
      '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    )
    const { status, out } = await packetwalk(['trace', UFW, found.packet, '-q'])
    expect([status, out]).toEqual([0, expect.stringMatching(/^delivered .*172\.17\.0\.2:80/)])
  })
})

test('--rules lists everything that is looked for', async () => {
  const { status, out } = await packetwalk(['lint', '--rules'])
  expect(status).toBe(0)
  expect(out).toMatch(/^rule-shadowed +warning /m)
})

test('--with: what a change would do to the rules', async () => {
  const count = async (...args: string[]) =>
    JSON.parse((await packetwalk(['lint', UFW, '--json', ...args])).out).findings.filter(
      ({ id }: { id: string }) => id === 'catch-all-not-last',
    ).length
  expect(await count()).toBe(0)
  expect(await count('--with', 'docker-ufw-host: iptables -I INPUT -j DROP')).toBeGreaterThan(0)
})
