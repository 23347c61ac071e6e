import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'

/** Who may import whom, types included: docs/design.md has the same table. A folder may always import from itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  address: [],
  packet: ['address'],
  rules: ['address', 'packet'],
  conntrack: ['address', 'packet'],
  routing: ['address', 'packet'],
  xtables: ['address', 'packet', 'rules'],
  ipset: ['address', 'packet', 'rules'],
  path: ['address', 'packet', 'rules', 'conntrack', 'routing'],
  sets: ['address', 'packet', 'rules', 'conntrack', 'routing', 'path'],
  analysis: ['address', 'packet', 'rules', 'conntrack', 'routing', 'path', 'sets'],
  snapshot: ['address', 'packet', 'rules', 'conntrack', 'routing', 'xtables', 'ipset', 'path'],
  report: ['address', 'packet', 'rules', 'conntrack', 'path', 'sets', 'analysis'],
  cli: [
    'address',
    'packet',
    'rules',
    'conntrack',
    'routing',
    'xtables',
    'ipset',
    'path',
    'sets',
    'analysis',
    'snapshot',
    'report',
  ],
  testing: [
    'address',
    'packet',
    'rules',
    'conntrack',
    'routing',
    'xtables',
    'path',
    'sets',
    'analysis',
    'snapshot',
    'report',
  ],
}

/** What besides its own layers a file may import: packages, and `node:` modules where it is allowed to know Node. */
const PACKAGES: readonly { readonly files: RegExp; readonly may: RegExp }[] = [
  { files: /^snapshot\/files\.ts$/, may: /^(node:|jsonc-parser$)/ },
  { files: /^snapshot\/archive\.ts$/, may: /^(modern-tar|fflate|xz-decompress)$/ },
  { files: /^snapshot\//, may: /^jsonc-parser$/ },
  { files: /^cli\/lint-config\.ts$/, may: /^(node:fs$|jsonc-parser$)/ },
  { files: /^cli\//, may: /^(node:|commander$)/ },
  { files: /^testing\//, may: /^(node:|vitest$|fast-check$)/ },
  { files: /^node\.ts$/, may: /^node:/ },
]

/** Standing beside the folders: the two faces of the library, and declarations of what every platform has. */
const FACES: Readonly<Record<string, RegExp>> = {
  'index.ts': /^\.\/(?!cli\/|testing\/|node\.js|snapshot\/files\.js)/,
  'node.ts': /^\.\/(?!cli\/|testing\/)/,
  'platform.d.ts': /^$/,
}

const root = join(import.meta.dirname, '../src')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)
const folder = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '')
const target = (file: string, specifier: string) => normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts')

/** Every specifier of a module: imports, re-exports, dynamic imports, types included. */
function specifiers(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const { module, errors } = parseSync(file, text)
  expect(errors, file).toEqual([])
  return [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap((found) =>
      found.entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
      text.slice(start, end).replace(/^['"]|['"]$/g, ''),
    ),
  ]
}

const imports = new Map(files.map((file) => [file, specifiers(file)]))

test('every folder has a row in the table', () => {
  expect([...new Set(files.map(folder))].filter((name) => name !== '' && !(name in MAY_IMPORT))).toEqual([])
})

test.each(files)('%s imports only what its layer may', (file) => {
  for (const specifier of imports.get(file) ?? []) {
    if (!specifier.startsWith('.')) {
      const allowed = PACKAGES.find(({ files: of }) => of.test(file))?.may ?? /^$/
      expect(specifier, `the core has no packages and no node: modules (${file})`).toMatch(allowed)
    } else if (folder(file) === '') expect(specifier).toMatch(FACES[file] ?? /^$/)
    else if (specifier.endsWith('package.json')) expect(folder(file)).toBe('cli')
    else {
      const to = folder(target(file, specifier))
      expect([folder(file), ...(MAY_IMPORT[folder(file)] ?? [])], `import of ${specifier}`).toContain(to)
      if (target(file, specifier) === 'snapshot/files.ts') expect(folder(file), 'knows the file system').toBe('cli')
    }
  }
})

test('no file imports itself, however long the way', () => {
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    expect(path, [...path, file].join(' -> ')).not.toContain(file)
    if (done.has(file)) return
    for (const specifier of imports.get(file) ?? [])
      if (specifier.startsWith('.') && specifier.endsWith('.js')) walk(target(file, specifier), [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
})

test('an import names a file that exists', () => {
  const missing = files.flatMap((file) =>
    (imports.get(file) ?? [])
      .filter(
        (specifier) =>
          specifier.endsWith('.js') && specifier.startsWith('.') && !files.includes(target(file, specifier)),
      )
      .map((specifier) => `${file}: ${specifier}`),
  )
  expect(missing).toEqual([])
})

describe('the library is safe in a browser', () => {
  /** Everything that index.ts reaches. */
  const reached = new Set<string>()
  const reach = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const specifier of imports.get(file) ?? []) if (specifier.startsWith('.')) reach(target(file, specifier))
  }
  reach('index.ts')

  test('index.ts reaches the model, and nothing that knows Node', () => {
    const folders = new Set([...reached].map(folder))
    for (const name of ['path', 'snapshot', 'report', 'xtables', 'conntrack', 'routing'])
      expect(folders).toContain(name)
    expect([...reached].filter((file) => folder(file) === 'cli' || folder(file) === 'testing')).toEqual([])
    expect([...reached].flatMap((file) => imports.get(file) ?? []).filter((name) => name.startsWith('node:'))).toEqual(
      [],
    )
  })
})
