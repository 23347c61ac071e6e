import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { applyIpset } from '../src/ipset/apply.js'
import { Sets } from '../src/ipset/sets.js'
import { printSets } from '../src/ipset/text.js'
import { type Asked, randomIpset } from './cases/ipset-commands.js'
import { Random } from './prng.js'

/**
 * Random `ipset` commands, one after the other in a namespace of their own: what the real program prints, how it complains, and what `ipset save` shows
 * after each, must be ours.
 *
 *     node dist/kernel/ipsets.js --cases 100 --seed 1 [--commands 50] [--failures 20] [--verbose]
 *
 * Needs root.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    commands: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    failures: { type: 'string', default: '20' },
    verbose: { type: 'boolean', default: false },
  },
})

interface Answer {
  readonly out: string
  readonly err: string
  readonly status: number
  readonly saved: string
}

const MARK = '=====packetwalk====='
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** All of them in one shell, and what `ipset save` prints behind each. */
function ask(commands: readonly Asked[]): readonly Answer[] {
  const script = [
    'mount -t tmpfs none /run',
    ...commands.map(({ words, input }) => {
      const real = `printf '%s' ${quoted(input ?? '')} | ipset ${words.map(quoted).join(' ')}`
      return `${real} 2>/run/err; printf '%s' "${MARK}$?${MARK}"; cat /run/err; printf '%s' '${MARK}'; ipset save; printf '%s' '${MARK}'`
    }),
  ].join('\n')
  const done = spawnSync('unshare', ['-n', '-m', 'sh'], { input: script, encoding: 'utf8', maxBuffer: 1 << 28 })
  const parts = done.stdout.split(MARK)
  return commands.map((_, i) => {
    const [out = '', status = '', err = '', saved = ''] = parts.slice(i * 4, i * 4 + 4)
    return { out, status: Number(status), err, saved }
  })
}

const NOW = 1_700_000_000
/** Nobody but a kernel knows its memory; seconds go by; a bitmask is printed with a length that is left over from something else (7.17). */
const compared = (text: string): string =>
  text
    .replaceAll(/^Size in memory: .*\n/gm, '')
    .replaceAll(/( bitmask [^\s/]+)\/\d+/g, '$1')
    .replaceAll(/ timeout (\d+)/g, (whole, left) =>
      Number(left) >= 100 ? ` timeout ${Math.ceil(Number(left) / 100)}..` : whole,
    )

let asked = 0
let refused = 0
let failed = 0
/** Of a bitmap of ports and an ICMP message, say, the real program dies. */
let crashed = 0
const types = new Map<string, number>()
for (let number = 0; number < Number(values.cases) && failed < Number(values.failures); number++) {
  const random = new Random(`${values.seed}:${number}`)
  const commands: Asked[] = []
  let sets = new Sets()
  const ours: Omit<Answer, 'err'>[] & { err?: string }[] = []
  for (let i = 0; i < Number(values.commands); i++) {
    const command = randomIpset(random, sets)
    commands.push(command)
    const applied = applyIpset(command.words, sets, { now: NOW, input: command.input ?? '' })
    sets = applied.sets
    ours.push({
      out: applied.out,
      err: applied.err,
      status: applied.status,
      saved: printSets(sets, { now: NOW }),
    } as never)
  }
  for (const [i, real] of ask(commands).entries()) {
    asked++
    const { words, input } = commands[i]!
    if (real.status !== 0) refused++
    else if (words[0] === 'create') types.set(words[2]!, (types.get(words[2]!) ?? 0) + 1)
    const own = ours[i] as unknown as Answer
    const wrong = (['status', 'err', 'out', 'saved'] as const).find((key) =>
      key === 'status' ? real.status !== own.status : compared(real[key]) !== compared(own[key]),
    )
    if (real.status >= 128) {
      crashed++
      break
    }
    if (values.verbose) console.log(`${words.join(' ')}\n${real.err || real.out}`)
    if (!wrong) continue
    failed++
    const told = `  ${wrong}\n    real |${real[wrong]}|\n    ours |${own[wrong]}|\n  said |${real.err}| |${own.err}|`
    console.log(
      `${values.seed}:${number} after ${i} commands: ipset ${words.join(' ')}${input === undefined ? '' : ` <<<${input}`}\n${told}`,
    )
    break
  }
}
console.log(
  `${asked} commands, ${refused} of them refused, ${crashed} crashed: ${failed} sequences differ (seed ${values.seed})`,
)
console.log([...types].map(([type, count]) => `${type} ${count}`).join(', '))
process.exitCode = failed === 0 ? 0 : 1
