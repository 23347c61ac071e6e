import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { applyCommand, readSave } from '../src/xtables/index.js'
import { randomLab } from './cases/labs.js'
import { BASE_CHAINS, type Ruleset, randomRuleset, restoreText } from './cases/ruleset.js'
import { scene } from './cases/scene.js'
import { randomSets } from './cases/sets.js'
import { Random } from './prng.js'

/**
 * Random rules, loaded by the real iptables-restore: what iptables-save prints of them must be what we print after reading it, and every listing
 * (-L -n -v, with -x, with line numbers, without -n; -S, -S -v) must be ours, byte for byte.
 *
 *     node dist/kernel/listings.js --cases 200 --seed 1 [--family 4] [--backend nft] [--failures 20]
 *
 * Needs root.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '200' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    family: { type: 'string', default: '4,6' },
    backend: { type: 'string', default: 'legacy,nft' },
    failures: { type: 'string', default: '20' },
  },
})

const LISTINGS = ['-nvL', '-nvxL --line-numbers', '-nL', '-S', '-v -S'] as const
const MARK = '=====packetwalk====='

interface Answer {
  /** iptables-save -c. */
  readonly saved: string
  /** By table and listing. */
  readonly listed: ReadonlyMap<string, string>
}

/** What the real programs say of rules in a fresh namespace; rules that are refused are left out, one after the other. */
function ask(program: string, backend: string, rules: string, sets: readonly string[]): Answer {
  const tables = Object.keys(BASE_CHAINS)
  const lists = tables.flatMap((table) => LISTINGS.map((options) => `${program}-${backend} -t ${table} ${options}`))
  const script = [
    `printf '%s' "$SETS" | ipset restore`,
    `${program}-${backend}-restore -c || exit 9`,
    ...[`${program}-${backend}-save -c`, ...lists].map((command) => `${command}; echo '${MARK}'`),
  ].join('\n')
  let text = rules
  for (let tries = 0; tries < 200; tries++) {
    const done = spawnSync('unshare', ['-n', '-m', 'sh', '-c', `mount -t tmpfs none /run\n${script}`], {
      input: text,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      env: { ...process.env, SETS: sets.map((line) => `${line}\n`).join('') },
    })
    if (done.status !== 9) {
      const [saved = '', ...rest] = done.stdout.split(`${MARK}\n`)
      const keys = tables.flatMap((table) => LISTINGS.map((options) => `${table} ${options}`))
      return { saved, listed: new Map(keys.map((key, i) => [key, rest[i] ?? ''])) }
    }
    text = without(text, done.stderr)
  }
  throw new Error('no end of rules that are refused')
}

/** Without the line that a complaint names; a COMMIT that fails names itself: then the last rule before it goes. */
function without(text: string, complaint: string): string {
  const lines = text.split('\n')
  const found = /line:? (\d+)/i.exec(complaint)
  let at = Number(found?.[1] ?? lines.length) - 1
  while (at >= 0 && !lines[at]?.startsWith('[') && !lines[at]?.startsWith('-A')) at--
  if (at < 0) throw new Error(`what is refused? ${complaint}`)
  return lines.filter((_, i) => i !== at).join('\n')
}

function counted(rules: Ruleset, backend: 'legacy' | 'nft', random: Random): string {
  const counters = () => `[${random.int(0, 2_000_000)}:${random.int(0, 2_000_000_000)}]`
  return restoreText(rules, backend)
    .replace(/^-A/gm, () => `${counters()} -A`)
    .replace(/^(:\S+ \S+)$/gm, (line) => `${line} ${line.endsWith('-') ? '[0:0]' : counters()}`)
}

/** Everything, inverted: iptables-save does not print it, so that we cannot know. */
const LOST = /(?<= frag )ids:!0:4294967295| ?\w+:!0:(65535|4294967295)/g

interface Difference {
  readonly what: string
  readonly real: string
  readonly ours: string
}

function* differences(
  { saved, listed }: Answer,
  program: string,
  family: 4 | 6,
  backend: 'legacy' | 'nft',
): Generator<Difference> {
  const read = readSave(saved, { file: 'saved', family, backend })
  if (!read.ok) {
    const { line, column, message } = read.problems[0]!
    yield { what: 'read', real: saved.split('\n')[line - 1] ?? '', ours: `${column}: ${message}` }
    return
  }
  for (const [key, real] of listed) {
    const [table = '', ...options] = key.split(' ')
    const done = applyCommand(read.save, `${program} -t ${table} ${options.join(' ')}`)
    const ours = done.ok ? done.output : done.problems[0]!.message
    const shown = real.replace(LOST, '')
    if (ours === shown) continue
    const [a, b] = [shown.split('\n'), ours.split('\n')]
    const at = a.findIndex((line, i) => line !== b[i])
    yield { what: key, real: a[at] ?? '', ours: b[at] ?? '' }
  }
}

const families = values.family.split(',').map(Number) as (4 | 6)[]
const backends = values.backend.split(',') as ('legacy' | 'nft')[]
let rules = 0
let failed = 0
const cases = Number(values.cases)
let done = 0
for (; done < cases && failed < Number(values.failures); done++) {
  const random = new Random(`${values.seed}:${done}`)
  const family = families[done % families.length]!
  const backend = backends[Math.floor(done / families.length) % backends.length]!
  const program = family === 6 ? 'ip6tables' : 'iptables'
  const spec = randomLab(random.fork('lab'), family, backend)
  const bare = scene(spec, random.fork('scene'), 256)
  const where = { ...bare, sets: randomSets(random.fork('sets'), bare, 0.3) }
  const text = counted(randomRuleset(random.fork('rules'), where), backend, random.fork('counters'))
  const answer = ask(
    program,
    backend,
    text,
    where.sets.flatMap(({ lines }) => lines.filter((line) => line.startsWith('create '))),
  )
  rules += answer.saved.match(/^\[/gm)?.length ?? 0
  const found = [...differences(answer, program, family, backend)]
  if (found.length === 0) continue
  failed++
  console.log(`${values.seed}:${done} ${program}-${backend}`)
  for (const { what, real, ours } of found.slice(0, 3)) console.log(`  ${what}\n    real |${real}|\n    ours |${ours}|`)
}

console.log(
  `${done} rulesets, ${rules} rules, ${LISTINGS.length} listings of each table: ${failed} rulesets differ (seed ${values.seed})`,
)
process.exitCode = failed === 0 ? 0 : 1
