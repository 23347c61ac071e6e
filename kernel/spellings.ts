import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readSave } from '../src/xtables/index.js'
import { TABLES } from '../src/xtables/tables.js'
import { Random } from './prng.js'

/**
 * Rules as people write them, most of them a little wrong: lines of src/xtables/recordings with options taken out, swapped, inverted, doubled, and with
 * other values. What iptables-restore refuses must be refused by us; what it takes we must print as iptables-save does.
 *
 *     node dist/kernel/spellings.js --cases 2000 --seed 1 [--backend nft] [--failures 50]
 *
 * Needs root.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    backend: { type: 'string', default: 'legacy,nft' },
    failures: { type: 'string', default: '50' },
    recordings: { type: 'string', default: 'src/xtables/recordings' },
  },
})

interface Case {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
}

/** What this kernel lacks, what stands in another file, extensions that nobody has, and what is read on purpose (text.test.ts has the reasons). */
const ELSEWHERE =
  /-m (ipvs|rateest|nosuch|connlabel|udplite|nfacct|bpf|cgroup)\b|-j (LED|ULOG|SECMARK|CLUSTERIP|RATEEST|QUEUE)\b|--map-mark|nosuch|--proto=|-ptcp|-s 010|"open| ! 22|mld-listener|limit-burst 0|tcp .*-m tcp|FRI/

const corpus: readonly Case[] = ['cases', 'matches', 'targets'].flatMap((name) =>
  readFileSync(`${values.recordings}/${name}.txt`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !ELSEWHERE.test(line))
    .flatMap((line) => {
      const [families = '', table = '', chain = '', ...rule] = line.split(' ')
      const text = (family: string) => rule.join(' ').replace(/\bsX\b/g, `s${family}`)
      return [...families].map((family) => ({ family: Number(family) as 4 | 6, table, chain, rule: text(family) }))
    }),
)

/** Words, quotes kept together. */
const wordsOf = (rule: string): string[] => rule.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []

/** What stood behind each option somewhere. */
const valuesOf = new Map<string, string[]>()
for (const { rule } of corpus) {
  const words = wordsOf(rule)
  for (const [i, word] of words.entries())
    if (word.startsWith('-') && words[i + 1] && !/^[-!]/.test(words[i + 1]!))
      valuesOf.set(word, [...(valuesOf.get(word) ?? []), words[i + 1]!])
}

const STRANGE = ['0', '1', '7', '15', '16', '31', '32', '63', '64', '127', '128', '255', '256', '65535', '65536', '4294967295', '4294967296', '-1', '0x10', '0xff/0xf', '010', '1:2', '2:1', ':5', '5:', ':', '1,2', '1,2:3', '1/2', 'http', 'all', 'any', '""', 'ABC', '10.0.0.1', '10.1/16', '10.0.0.1/255.0.255.0', '::1', 'fe80::/10', 'eth+', '1-2', '2-1', '1s', '00:11:22:33:44:55', 'UNSPEC', 'NONE', 'ALL'] // biome-ignore format: a list of words

/** An option with what follows it. */
function groups(words: readonly string[]): string[][] {
  const found: string[][] = []
  for (const [i, word] of words.entries()) {
    const opens = word === '!' || (word.startsWith('-') && /^--?[a-z]/i.test(word) && words[i - 1] !== '!')
    if (opens || found.length === 0) found.push([word])
    else found.at(-1)!.push(word)
  }
  return found
}

function changed(rule: string, random: Random): string {
  const parts = groups(wordsOf(rule))
  const at = random.int(0, parts.length - 1)
  const part = parts[at]!
  // extensions that nobody has are read and kept: they are not asked about
  if (/^(-[mjg]|--(match|jump|goto))$/.test(part[0]!)) return rule
  switch (random.int(0, 6)) {
    case 0:
      parts.splice(at, 1)
      break
    case 1: {
      const other = random.int(0, parts.length - 1)
      ;[parts[at], parts[other]] = [parts[other]!, parts[at]!]
      break
    }
    case 2:
      if (part[0] === '!') part.shift()
      else part.unshift('!')
      break
    case 3:
      parts.splice(random.int(0, parts.length), 0, [...part])
      break
    case 4: {
      const option = part.find((word) => word.startsWith('-'))
      const known = option ? valuesOf.get(option) : undefined
      if (known && part.length > 1) part[part.length - 1] = random.pick(known)
      break
    }
    case 5:
      if (part.length > 1) part[part.length - 1] = random.pick(STRANGE)
      break
    default: {
      const word = part.at(-1)!
      const i = random.int(0, word.length - 1)
      part[part.length - 1] = random.chance(0.5)
        ? word.slice(0, i) + word.slice(i + 1)
        : word.slice(0, i) +
          (/[a-z]/.test(word[i]!) ? word[i]!.toUpperCase() : word[i]!.toLowerCase()) +
          word.slice(i + 1)
    }
  }
  return parts.flat().join(' ')
}

function randomCase(random: Random): Case {
  const found = random.pick(corpus)
  let { rule } = found
  for (let times = random.int(0, 3); times > 0 && rule !== ''; times--) rule = changed(rule, random)
  return { ...found, rule }
}

const restoreText = ({ table, chain, rule }: Case): string =>
  [`*${table}`, ':USER - [0:0]', `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n')

const MARK = '=====packetwalk====='
const SETS = ['create s4 hash:ip,port', 'create s6 hash:ip,port family inet6'].map((line) => `${line}\n`).join('')

interface Answer {
  readonly taken: boolean
  readonly lines: readonly string[]
  readonly complaint: string
}

/** One after the other, each with fresh tables. */
function ask(backend: string, cases: readonly Case[]): readonly Answer[] {
  const script = [
    'mount -t tmpfs none /run',
    `printf '%s' "$SETS" | ipset restore`,
    ...cases.map((one) => {
      const program = `ip${one.family === 6 ? '6' : ''}tables-${backend}`
      return `printf '%s' '${restoreText(one).replaceAll("'", "'\\''")}' | timeout 5 ${program}-restore 2>&1 >/dev/null; echo "${MARK}$?"; ${program}-save -t ${one.table} 2>/dev/null | grep '^-A'; echo '${MARK}'; printf '*${one.table}\\nCOMMIT\\n' | ${program}-restore`
    }),
  ].join('\n')
  const done = spawnSync('unshare', ['-n', '-m', 'sh'], {
    input: script,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, SETS },
  })
  const parts = done.stdout.split(`${MARK}\n`)
  return cases.map((_, i) => {
    const [complaint = '', rest = ''] = (parts[i] ?? '').split(MARK)
    const [status = '', ...lines] = rest.split('\n')
    return {
      taken: status === '0',
      lines: lines.filter((line) => line !== ''),
      complaint: complaint.split('\n')[0] ?? '',
    }
  })
}

function ours(one: Case, backend: 'legacy' | 'nft'): Answer {
  const chains = Object.keys(TABLES[one.table]!).map((name) => `:${name} ACCEPT [0:0]`)
  const text = restoreText(one).replace(':USER', `${chains.join('\n')}\n:USER`)
  const read = readSave(text, { file: 'case', family: one.family, backend })
  if (!read.ok) return { taken: false, lines: [], complaint: read.problems[0]!.message }
  const rules = read.save.tables[0]!.chains.get(one.chain)?.rules ?? []
  return { taken: true, lines: rules.map(({ text }) => text), complaint: '' }
}

const BATCH = 100
const backends = values.backend.split(',') as ('legacy' | 'nft')[]
let asked = 0
let taken = 0
let failed = 0
const seen = new Set<string>()
for (let batch = 0; asked < Number(values.cases) && failed < Number(values.failures); batch++) {
  const backend = backends[batch % backends.length]!
  const random = new Random(`${values.seed}:${batch}`)
  const cases = Array.from({ length: BATCH }, () => randomCase(random)).filter(({ rule }) => rule !== '')
  for (const [i, real] of ask(backend, cases).entries()) {
    const one = cases[i]!
    const we = ours(one, backend)
    asked++
    if (real.taken) taken++
    if (real.taken === we.taken && real.lines.join('\n') === we.lines.join('\n')) continue
    const key = `${real.taken}${we.taken}${real.complaint || we.complaint}${real.taken && we.taken ? one.rule : ''}`
    if (seen.has(key)) continue
    seen.add(key)
    failed++
    console.log(`${backend} IPv${one.family} ${one.table} ${one.chain}: ${one.rule}`)
    console.log(`    real |${real.taken ? real.lines.join('\n          ') : `refused: ${real.complaint}`}|`)
    console.log(`    ours |${we.taken ? we.lines.join('\n          ') : `refused: ${we.complaint}`}|`)
  }
}
console.log(`${asked} rules, ${taken} taken: ${failed} kinds of differences (seed ${values.seed})`)
process.exitCode = failed === 0 ? 0 : 1
