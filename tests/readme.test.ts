import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../src/cli/commands/index.js'
import { packetwalk } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe.each(['README.md', 'README.zh-CN.md'])('%s', (file) => {
  const text = read(file)

  test('the output shown is the output given', async () => {
    const [, command, shown] = /```console\n\$ packetwalk (.*)\n([\s\S]*?)```/.exec(text)!
    const words = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
    // vitest runs in the project's folder
    const { out } = await packetwalk(words)
    expect(out).toBe(shown)
  })

  test('every command of the table exists', async () => {
    const names = [...text.matchAll(/^\| `packetwalk (\w+)/gm)].map(([, name]) => name!)
    // the forms of iptables share a row
    const rows = COMMANDS.map(({ name }) => name).filter((name) => !/^ip6tables|-restore$/.test(name))
    expect([...names].sort()).toEqual([...rows].sort())
    for (const name of names) expect((await packetwalk([name, '--help'])).status).toBe(0)
  })
})

test.each(['README.md', 'README.zh-CN.md', 'docs/design.md', 'docs/dependencies.md'])(
  'links of %s lead somewhere',
  (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => link!)
    expect(links.filter((link) => !existsSync(join(root, dirname(file), link)))).toEqual([])
  },
)

test('docs/design.md and the layer test say the same', () => {
  const rows = [...read('docs/design.md').matchAll(/^\| `(\w+)` \|([^|]*)\|$/gm)]
  const documented = Object.fromEntries(
    rows.map(([, folder, may]) => [
      folder,
      may!
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    ]),
  )
  const table = /MAY_IMPORT[^{]*\{([\s\S]*?)\n\}/.exec(read('tests/layers.test.ts'))![1]!
  for (const [, folder, list] of table.matchAll(/^ {2}(\w+): \[([^\]]*)\]/gm)) {
    if (folder === 'testing' || folder === 'cli') continue
    expect([folder, documented[folder!]]).toEqual([folder, [...list!.matchAll(/'(\w+)'/g)].map(([, name]) => name)])
  }
})

test('every dependency has its row in docs/dependencies.md', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
  for (const name of Object.keys(dependencies)) expect(read('docs/dependencies.md')).toContain(`| \`${name}\``)
})
