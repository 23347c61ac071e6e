import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'
import { STAGES } from '../src/path/stages.js'
import { placeName } from '../src/path/world.js'
import { readFolder } from '../src/snapshot/files.js'
import { readSnapshot } from '../src/snapshot/index.js'
import { PageEngine } from '../web/engine/engine.js'
import type { TextFile } from '../web/engine/protocol.js'
import { Questions } from '../web/engine/questions.js'
import { COMPOSED, chinese, SENTENCES } from '../web/i18n/sentences/index.js'
import { LESSONS } from '../web/learn/index.js'
import { PRESETS } from '../web/samples.js'
import { hasEnglish } from './support/english.js'

const src = join(import.meta.dirname, '../src')
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .sort()

/** What comes to the page, besides messages about text that cannot be read. */
const SAYS =
  /^(path|rules|routing|conntrack|analysis)\/|^report\/reason\.ts$|^packet\/(fields|probe|language|words|endpoint|pairs)\.ts$|^sets\/bdd\.ts$|^snapshot\/(namespace|segment|veth|links|tables)\.ts$/

/** Words in a row, and no sentence of ours: what tools print, places in the kernel's source, stages (web/i18n/stages.ts). */
const NO_SENTENCE = [
  /^path\/stages\.ts\t/,
  /\t(src=|\{0\} sport=|\{0\} type=\{1\}|\{0\} srckey)/,
  /\tproto kernel$/,
  // what is kept by a key, routes that are made up, the end of an error, the beginning of a sentence that is looked for
  /^path\/ask-neighbour\.ts\t --src-mac $/,
  /^conntrack\/helpers\/sip\/[a-z]+\.ts\t(Via (UDP|TCP)|(audio|video|image) )$/,
  /^analysis\/walk-routes\.ts\t(local|nowhere|forward|input|no|output|addresses) \{0\}/,
  /^path\/(suppose|settle)\.ts\t(local |default dev |\{0\}\{1\} dev |\{0\}: no sysctl $)/,
  /\t( nexthop | pref (high|low))$/,
  /^snapshot\/namespace\.ts\t(0:|ip |ip6?tables-save -c|sysctl -a|conntrack -L|ipset save|bridge (-d link|\{0\}))/,
  /^snapshot\/tables\.ts\t\^#/,
]

type Node = { readonly type?: string; readonly [key: string]: unknown }

/** The texts of a file in which words stand in a row, their gaps numbered; errors that are thrown left out, but those about the question. */
function sentencesOf(file: string): readonly string[] {
  const found: string[] = []
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) walk(one)
    if (Array.isArray(node)) return
    if (typeof node !== 'object' || node === null) return
    const { type, value, quasis } = node as Node
    // a question that cannot be asked is answered with the reason; other errors are about text that cannot be read
    if (
      (type === 'ThrowStatement' &&
        !/QuestionError|Refusal/.test(JSON.stringify((node as Node)['argument']).slice(0, 300))) ||
      /^(Import|TSInterface|TSType)/.test(type ?? '')
    )
      return
    let text: string | undefined
    if (type === 'Literal' && typeof value === 'string') text = value
    if (type === 'TemplateLiteral')
      text = (quasis as readonly { readonly value: { readonly cooked: string } }[])
        .map(({ value: { cooked } }, i) => (i === 0 ? cooked : `{${i - 1}}${cooked}`))
        .join('')
    if (text !== undefined && /[a-z] | [a-z]{2,}/.test(text.replace(/\{\d\}/g, ''))) found.push(text)
    for (const child of Object.values(node)) walk(child)
  }
  walk(parseSync(file, readFileSync(join(src, file), 'utf8')).program.body)
  return found
}

const all = sources.flatMap((file) => sentencesOf(file).map((text) => ({ file, text })))

describe('every sentence of the engine has its Chinese', () => {
  test('as it stands in the source', () => {
    const lacking = all
      .filter(({ file, text }) => SAYS.test(file) && !NO_SENTENCE.some((none) => none.test(`${file}\t${text}`)))
      .filter(({ text }) => !(text in SENTENCES))
    expect(lacking.map(({ file, text }) => `${file}: ${text}`)).toEqual([])
  })

  test('what an extension lacks to know', () => {
    const needs = sources.flatMap((file) => {
      const text = readFileSync(join(src, file), 'utf8')
      return [...text.matchAll(/\bneeds: (?:'([^']*)'|`([^`]*)`)/g)].map((match) =>
        (match[1] ?? match[2]!).replace(/\$\{[^}]*\}/g, '{0}'),
      )
    })
    expect(needs.length).toBeGreaterThan(20)
    expect(needs.filter((text) => !(text in SENTENCES))).toEqual([])
  })

  test('and nothing is translated that nobody says', () => {
    const text = sources.map((file) => readFileSync(join(src, file), 'utf8')).join('\n')
    const said = new Set(all.map((one) => one.text))
    const quoted = (key: string) => text.includes(`'${key}'`) || new RegExp(`\\b${key}\\b`).test(text)
    const dead = Object.keys(SENTENCES).filter((key) => !said.has(key) && (/\{\d\}/.test(key) || !quoted(key)))
    // labels that are made of two: `type of source address`
    expect(dead.filter((key) => !/^type of (source|destination) address$|^TTL \{0\} →/.test(key))).toEqual([])
  })

  test('with the same gaps', () => {
    const gaps = (text: string) => [...text.matchAll(/\{\d\}/g)].map(([gap]) => gap)
    for (const [key, zh] of Object.entries({ ...SENTENCES, ...COMPOSED }))
      expect(gaps(key), key).toEqual(expect.arrayContaining(gaps(zh)))
  })
})

test.each([
  ['destination port 5432 ≠ 8080', '目的端口 5432 ≠ 8080'],
  ['source address 10.0.0.1 is not in 10.1.0.0/16', '源地址 10.0.0.1 不在 10.1.0.0/16 中'],
  ['connection state NEW is none of RELATED,ESTABLISHED', '连接状态 NEW 不在 RELATED,ESTABLISHED 之列'],
  ['in interface is eth0, which ! excludes', '入接口是 eth0，被 ! 排除'],
  ['mark & 0x4000 0x0 ≠ 0x4000', '标记 & 0x4000 0x0 ≠ 0x4000'],
  ['dev eth0 via 192.0.2.1, source 192.0.2.10', 'dev eth0 via 192.0.2.1，源地址 192.0.2.10'],
  ['-m bpf: the program asks for what is not in the packet', '-m bpf：程序要读取包里没有的内容'],
  ['web1', 'web1'],
  ['x'.repeat(10_000), 'x'.repeat(10_000)],
])('%s', (text, said) => {
  expect(chinese.say(text)).toBe(said)
})

const KEYS: ReadonlySet<string> = new Set([
  'text',
  'why',
  'reason',
  'skipped',
  'symptom',
  'field',
  'seen',
  'wanted',
  'message',
  'fix',
  'because',
])

/** The sentences of a document: what stands under a key that the page says. Rules and routes are quoted, and stay. */
function sentencesIn(document: unknown, into = new Set<string>()): Set<string> {
  if (Array.isArray(document)) for (const one of document) sentencesIn(one, into)
  else if (typeof document === 'object' && document !== null) {
    const quoted = 'source' in document || 'matched' in document
    for (const [key, value] of Object.entries(document)) {
      if (typeof value !== 'string') sentencesIn(value, into)
      else if (KEYS.has(key) && !(quoted && key === 'text')) into.add(value)
    }
  }
  return into
}

const lackingIn = (sentences: Iterable<string>): readonly string[] =>
  [...sentences].flatMap((text) => {
    const said = chinese.say(text)
    return hasEnglish(said) ? [`${text} → ${said}`] : []
  })

describe('a walk leaves no English sentence in the Chinese page', () => {
  const samples = readdirSync(join(import.meta.dirname, '../samples'))

  test.each(samples)(
    '%s: what it lacks, what is found wrong in it, packets from everywhere to everywhere',
    async (name) => {
      const files = await readFolder(join(import.meta.dirname, '../samples', name))
      const engine = new PageEngine()
      const opened = engine.open(files)
      if (!opened.ok) throw new Error('cannot be read')
      const said = sentencesIn([opened.value.missing, opened.value.shown.wires])
      for (const text of opened.value.shown.assumptions) said.add(text)
      const places = opened.value.shown.namespaces.map((one) => placeName(one))
      const hosts = readSnapshot(files)
      if (!hosts.ok) throw new Error('cannot be read')
      const addresses = [
        '10.96.100.7',
        '10.96.100.8',
        '10.96.0.10',
        '198.51.100.7',
        '127.0.0.1',
        '192.0.2.255',
        '224.0.0.1',
        '0.0.0.0',
        '2001:db8::1',
      ]
      for (const { links } of opened.value.shown.namespaces)
        addresses.push(...links.flatMap((link) => link.addresses.map((address) => address.replace(/\/.*/, ''))))
      const lines = [...new Set(addresses)].flatMap((to) => [
        ...places.flatMap((from) => [`tcp > ${to.includes(':') ? `[${to}]` : to}:80 from ${from}`]),
        ...(to.includes(':')
          ? [`udp > [${to}]:53`]
          : [`udp > ${to}:53`, `icmp > ${to} echo-request`, `tcp > ${to}:22 ack`, `tcp > ${to}:8080 ttl 1`]),
      ])
      lines.push(...PRESETS[name as keyof typeof PRESETS].map(({ packet }) => packet))
      for (const line of lines) {
        const [trace, connect] = [engine.trace(line), engine.connect(line)]
        if (trace.ok) for (const text of trace.value.assumptions) said.add(text)
        sentencesIn([trace, connect], said)
      }
      expect(said.size).toBeGreaterThan(100)
      expect(lackingIn(said)).toEqual([])
    },
    120_000,
  )

  test.each(samples)(
    '%s: lint',
    async (name) => {
      const files: readonly TextFile[] = await readFolder(join(import.meta.dirname, '../samples', name))
      const questions = new Questions()
      questions.sync({ base: files, files, commands: [], usual: '' })
      expect(lackingIn(sentencesIn(questions.lint()))).toEqual([])
    },
    120_000,
  )

  test('the lessons and their solutions', () => {
    const said = new Set<string>()
    for (const { snapshot, packet, task } of LESSONS) {
      if (typeof snapshot === 'string') continue
      const engine = new PageEngine()
      const opened = engine.open(snapshot)
      if (!opened.ok) throw new Error('cannot be read')
      const place = placeName(opened.value.shown.namespaces[0]!)
      for (const commands of [[], task.solution]) {
        engine.change(commands, place)
        for (const line of [packet, ...task.checks.map((check) => check.packet)])
          sentencesIn([engine.trace(line), engine.connect(line)], said)
      }
    }
    expect(lackingIn(said)).toEqual([])
  })

  test('stages', () => {
    // PREROUTING and the other hooks keep the kernel's names
    const source = readFileSync(join(import.meta.dirname, '../web/i18n/stages.ts'), 'utf8')
    for (const [stage, { label }] of Object.entries(STAGES))
      if (/[a-z]/.test(label)) expect(source, label).toMatch(new RegExp(`['\\s]${stage}'?: '[^']*[^\\x00-\\x7f]`))
  })
})
