import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { rolldown } from 'rolldown'
import { campaign } from './campaign.js'
import { recordingOf, recordingText } from './record.js'

/** A mistake that somebody could make: one place of one module, as it is and as it must not be. */
interface Mutant {
  readonly name: string
  readonly module: string
  readonly is: string
  readonly becomes: string
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'mangle PREROUTING stands behind DNAT',
    module: 'xtables/tables.ts',
    is: "PREROUTING: { hook: 'prerouting', priority: -150",
    becomes: "PREROUTING: { hook: 'prerouting', priority: -50",
  },
  {
    name: 'no second routing decision',
    module: 'path/route.ts',
    is: '  const before = skb.oif\n',
    becomes: '  if (route.ok) return undefined\n  const before = skb.oif\n',
  },
  {
    name: 'replies are NEW',
    module: 'path/subject.ts',
    is: 'CT_STATE[attachment.state]',
    becomes: "CT_STATE[attachment.direction === 'reply' ? 'NEW' : attachment.state]",
  },
  {
    name: 'NAT forgets the transport checksum',
    module: 'packet/rewrite.ts',
    is: '  if (ADDRESSES.has(field)) updateTransport(packet, before, after, style, true)\n',
    becomes: '',
  },
  {
    name: 'a rule counts twice',
    module: 'path/netns.ts',
    is: '    bump(this.ruleCounters, rule, bytes)\n',
    becomes: '    bump(this.ruleCounters, rule, bytes)\n    bump(this.ruleCounters, rule, bytes)\n',
  },
]

const CASES = 50

/** Fifty fresh random cases as the kernel judges them; the same for every mutant. */
async function fiftyCases(seed: string): Promise<readonly string[]> {
  mkdirSync('dist/kernel', { recursive: true })
  const files: string[] = []
  let number = 0
  for await (const { pair, judgement } of campaign({
    seed,
    cases: CASES,
    families: [4],
    backends: ['legacy', 'nft'],
    perLab: 5,
  })) {
    if (judgement.is !== 'judged') continue
    const file = `dist/kernel/fifty-${++number}.json`
    writeFileSync(file, recordingText(await recordingOf(pair[0], [judgement.verdict])))
    files.push(file)
  }
  return files
}

/** The replayer with one mistake in it. Throws where the module has no such text any more. */
async function bundle(mutant: Mutant | undefined): Promise<string> {
  let planted = 0
  const plant = {
    name: 'plant',
    transform(code: string, id: string) {
      if (!mutant || !id.endsWith(`/src/${mutant.module}`)) return null
      planted = code.split(mutant.is).length - 1
      return code.replace(mutant.is, mutant.becomes)
    },
  }
  const file = `dist/kernel/mutant-${mutant?.name.replaceAll(/\W+/g, '-') ?? 'none'}.js`
  const build = await rolldown({
    input: 'kernel/replay.ts',
    platform: 'node',
    resolve: { mainFields: ['module', 'main'] },
    plugins: [plant],
  })
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
  if (mutant && planted !== 1)
    throw new Error(`${mutant.name}: src/${mutant.module} has ${planted} times: ${mutant.is}`)
  return file
}

/** The first case that tells the two apart; undefined where none does. */
function firstDifference(file: string, recordings: readonly string[]): string | undefined {
  try {
    execFileSync(process.execPath, [file, 'first-difference', ...recordings], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return undefined
  } catch (error) {
    const { status, stdout } = error as { status: number | null; stdout: string }
    if (status === 1) return stdout.trim()
    throw error
  }
}

/** The cases on which the model is right without a mistake: only they can tell. */
function agreeing(file: string, recordings: readonly string[]): readonly string[] {
  const out = execFileSync(process.execPath, [file, 'agreeing', ...recordings], { encoding: 'utf8' })
  return out.split('\n').filter((line) => line !== '')
}

const seed = process.argv[2] ?? `${Date.now() % 1_000_000}`
console.log(`${CASES} random cases, seed ${seed}`)
const all = await fiftyCases(seed)
const files = agreeing(await bundle(undefined), all)
console.log(`${files.length} of ${all.length} can tell: the model agrees on them`)
let missed = 0
for (const mutant of MUTANTS) {
  const caught = firstDifference(await bundle(mutant), files)
  if (caught === undefined) missed++
  console.log(
    `${caught === undefined ? 'MISSED' : 'caught'}  ${mutant.name}${caught === undefined ? '' : `: ${caught}`}`,
  )
}
console.log(`${MUTANTS.length - missed} of ${MUTANTS.length} planted mistakes caught within ${files.length} cases`)
process.exit(missed > 0 ? 1 : 0)
