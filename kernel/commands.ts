import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { applyCommand, printSave, readSave } from '../src/xtables/index.js'
import { BASE_CHAINS } from './cases/ruleset.js'
import { Random } from './prng.js'

/**
 * Random commands, one after the other on the same tables: what iptables prints, how it complains, and what iptables-save shows after each, must be
 * ours.
 *
 *     node dist/kernel/commands.js --cases 100 --seed 1 [--family 4] [--backend nft] [--failures 20]
 *
 * Needs root.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    family: { type: 'string', default: '4,6' },
    backend: { type: 'string', default: 'legacy,nft' },
    failures: { type: 'string', default: '20' },
  },
})

const COMMANDS = 50
const TABLES = ['filter', 'filter', 'filter', 'nat', 'mangle', 'raw']
const CHAINS = ['INPUT', 'OUTPUT', 'FORWARD', 'PREROUTING', 'POSTROUTING', 'A', 'A', 'B', 'B', 'C', 'none']
const OWN = ['A', 'B', 'C']
const PARTS = ['-p tcp', '-p udp --dport 53', '-p tcp --dport 22', '-i eth0', '-o eth1', '-m mark --mark 1', '! -i lo', '-m conntrack --ctstate NEW', '-m comment --comment "a b"', '-p icmp'] // biome-ignore format: a list of words
const ENDS = ['-j ACCEPT', '-j DROP', '-j RETURN', '-j A', '-j B', '-j C', '-g B', '-j LOG --log-prefix x', '-j MARK --set-mark 1', '-j MASQUERADE', '-j none', ''] // biome-ignore format: a list of words
const ADDRESSES = { 4: ['-s 10.0.0.1', '-d 10.0.0.0/8', '! -s 10.1.2.3/16', '-s 10.0.0.1,10.0.0.2'], 6: ['-s fd00::1', '-d fd00::/8', '-s fd00::1,fd00::2'] } // biome-ignore format: a table

function randomRule(random: Random, family: 4 | 6): string {
  const words: string[] = []
  if (random.chance(0.4)) words.push(random.pick(ADDRESSES[family]))
  for (let n = random.int(0, 2); n > 0; n--) words.push(random.pick(PARTS))
  words.push(random.pick(ENDS))
  return words.join(' ').trim()
}

function randomCommand(random: Random, program: string, family: 4 | 6, nft: boolean, rules: string[]): string {
  const table = random.pick(TABLES)
  const chain = random.pick(CHAINS)
  // rules that stand there are met again, to be deleted, checked and replaced
  const rule = rules.length > 0 && random.chance(0.5) ? random.pick(rules) : randomRule(random, family)
  rules.push(rule)
  const at = random.int(0, 4)
  const words = random.pick([
    `-A ${chain} ${rule}`, `-A ${chain} ${rule}`, `-A ${chain} ${rule}`, `-I ${chain} ${rule}`, `-I ${chain} ${at} ${rule}`, `-D ${chain} ${rule}`,
    `-D ${chain} ${at}`, `-R ${chain} ${at} ${rule}`, `-C ${chain} ${rule}`, `-N ${random.pick(OWN)}`, `-N ${random.pick(OWN)}`, `-N ${chain}`,
    `-X ${chain}`, '-X', `-F ${chain}`, `-P ${chain} ${random.pick(['ACCEPT', 'DROP', 'RETURN', 'A'])}`, `-E ${random.pick(OWN)} ${random.pick(CHAINS)}`,
    `-Z ${chain}`, `-Z ${chain} ${at}`, `-S ${chain}`, `-S`, `-nvL ${chain}`, `-nL ${chain} --line-numbers`, `-S ${chain} ${at}`, `-L ${chain} ${at} -n`,
  ]) // biome-ignore format: a list of commands
  // in these iptables-nft tells of an errno that is left over from something else, or the base chain is gone afterwards
  if (nft && /^-Z \S+ \d|^-X (?!A|B|C|none)\S|^-X$/.test(words))
    return randomCommand(random, program, family, nft, rules)
  return `${program} -t ${table} ${words}`.trim()
}

/** Tables that are there: iptables-nft makes one only when it needs it, and has other words until then. */
const BEGINNING = Object.entries(BASE_CHAINS)
  .map(([table, chains]) => [`*${table}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), 'COMMIT', ''].join('\n'))
  .join('')

const MARK = '=====packetwalk====='

interface Answer {
  readonly status: number
  readonly out: string
  readonly err: string
  readonly saved: string
}

function ask(program: string, backend: string, commands: readonly string[]): readonly Answer[] {
  const script = [
    'mount -t tmpfs none /run',
    `printf '%s' '${BEGINNING}' | ${program}-${backend}-restore`,
    ...commands.map((command) => {
      const real = command.replace(program, `${program}-${backend}`)
      return `${real} 2>/run/err; echo "${MARK}$?"; cat /run/err; echo '${MARK}'; ${program}-${backend}-save; echo '${MARK}'`
    }),
  ].join('\n')
  const done = spawnSync('unshare', ['-n', '-m', 'sh'], { input: script, encoding: 'utf8', maxBuffer: 1 << 28 })
  const parts = done.stdout.split(MARK)
  return commands.map((_, i) => {
    const [out = '', status = '', saved = ''] = parts.slice(i * 3, i * 3 + 3)
    const [code = '', ...err] = status.split('\n')
    return { out: out.replace(/^\n/, ''), status: Number(code), err: err[0] ?? '', saved }
  })
}

/** The rules as text, without remarks, counters and tables in which there is nothing. */
const tablesOf = (saved: string): string =>
  saved
    .split(/(?<=^COMMIT)\n/m)
    .filter((table) => /^-A|^:\S+ (DROP|-)/m.test(table))
    .map((table) =>
      table
        .split('\n')
        .filter((line) => /^[-:*]/.test(line))
        .map((line) => line.replace(/ \[\d+:\d+\]$/, ''))
        .sort()
        .join('\n'),
    )
    .sort()
    .join('\n')

/** What an extension or the kernel says of a rule is worded in our own way. */
const OWN_WORDS = /-j (MASQUERADE|LOG|MARK)|-m |--dport|-p icmp/

const said = (err: string): string => err.replace(/^ip6?tables v1\.8\.9 \((legacy|nf_tables)\): (?! )/, '')

const families = values.family.split(',').map(Number) as (4 | 6)[]
const backends = values.backend.split(',') as ('legacy' | 'nft')[]
let asked = 0
let refused = 0
let failed = 0
const cases = Number(values.cases)
for (let done = 0; done < cases && failed < Number(values.failures); done++) {
  const random = new Random(`${values.seed}:${done}`)
  const family = families[done % families.length]!
  const backend = backends[Math.floor(done / families.length) % backends.length]!
  const program = family === 6 ? 'ip6tables' : 'iptables'
  const rules: string[] = []
  const commands = Array.from({ length: COMMANDS }, () =>
    randomCommand(random, program, family, backend === 'nft', rules),
  )
  const empty = readSave(BEGINNING, { file: 'nothing', family, backend })
  if (!empty.ok) throw new Error(empty.problems[0]!.message)
  let { save } = empty
  for (const [i, real] of ask(program, backend, commands).entries()) {
    const command = commands[i]!
    const applied = applyCommand(save, command)
    asked++
    if (real.status !== 0) refused++
    const status = applied.ok && applied.found !== false
    const complaint = applied.ok ? '' : applied.problems[0]!.message
    if (applied.ok) save = applied.save
    const ours = tablesOf(printSave(save))
    const theirs = tablesOf(real.saved)
    const wrong =
      status !== (real.status === 0)
        ? ['status', `${real.status} ${real.err}`, `${status} ${complaint}`]
        : applied.ok && applied.output !== real.out
          ? ['output', real.out, applied.output]
          : !applied.ok && !OWN_WORDS.test(command) && complaint.slice(0, said(real.err).length) !== said(real.err)
            ? ['complaint', said(real.err), complaint]
            : ours !== theirs
              ? ['rules', theirs, ours]
              : undefined
    if (!wrong) continue
    failed++
    console.log(
      `${values.seed}:${done} ${backend} after ${i} commands: ${command}\n  ${wrong[0]}\n    real |${wrong[1]}|\n    ours |${wrong[2]}|`,
    )
    break
  }
}
console.log(`${asked} commands, ${refused} of them refused: ${failed} sequences differ (seed ${values.seed})`)
process.exitCode = failed === 0 ? 0 : 1
