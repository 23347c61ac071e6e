import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { applyLinkWords, emptyLinkFile, linkTableText, printLink, readLink, shellWords } from '../src/xtables/index.js'
import { Random } from './prng.js'

/**
 * Random commands of ebtables-nft and arptables-nft, one after the other on the same tables: what they print, how they complain, and what their -save
 * program shows after each, must be ours.
 *
 *     node dist/kernel/link-commands.js --cases 100 --seed 1 [--program ebtables] [--failures 20]
 *     node dist/kernel/link-commands.js --cases 8 --seed recorded --record src/xtables/recordings/link-commands.json
 *
 * Needs root.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    program: { type: 'string', default: 'ebtables,arptables' },
    failures: { type: 'string', default: '20' },
    record: { type: 'string' },
  },
})

type Program = 'ebtables' | 'arptables'
const COMMANDS = 50
const OWN = ['A', 'B', 'C']
const TABLES: Readonly<Record<Program, Readonly<Record<string, readonly string[]>>>> = {
  ebtables: { filter: ['INPUT', 'FORWARD', 'OUTPUT'], nat: ['PREROUTING', 'OUTPUT', 'POSTROUTING'] },
  arptables: { filter: ['INPUT', 'OUTPUT'] },
}
const PARTS: Readonly<Record<Program, readonly string[]>> = {
  ebtables: [
    '-p IPv4', '-p ARP', '! -p IPv6', '-p 0x88cc', '-p LENGTH', '-p 802_1Q --vlan-id 5', '-p 802_1Q --vlan-prio 3', '-p IPv4 --ip-src 10.0.0.1', '-p IPv4 ! --ip-dst 10.0.0.0/8', '-p IPv4 --ip-proto udp --ip-dport 53',
    '-p IPv6 --ip6-src fd00::1', '-p IPv6 --ip6-proto tcp ! --ip6-sport 5:', '-p ARP --arp-op Request', '-p ARP --arp-ip-src 10.0.0.1 --arp-gratuitous', '-i eth0', '-o eth1', '! -i eth+', '-s 02:00:00:00:00:01', '! -d Broadcast', '-s Unicast',
    '-d 1:2:3:4:5:6/ff:ff:ff:0:0:0', '--mark 1', '--pkttype-type host', '--limit 5/min', '--stp-type config', '--among-src 0:1:2:3:4:5,2:2:2:2:2:2', '--among-dst 0:1:2:3:4:5=10.0.0.1', '--log', '--log-prefix "a b"', '--nflog-group 2', '-p LENGTH --802_3-sap 0x42',
    '--ip-src 10.0.0.1', '-p nonsense', '-s zz', '--foo', '-p IPv4 -p ARP', '-i', 'stray', '-c 5 6',
  ],
  arptables: [
    '-s 10.0.0.1', '! -s 10.0.0.0/8', '-d 10.0.0.2', '-s 10.0.0.1,10.0.0.2', '--opcode 1', '--opcode Reply', '! --opcode 2', '-i eth0', '-o eth1', '! -i eth+', '--src-mac 02:00:00:00:00:01', '--dst-mac Broadcast', '--h-length 6', '--h-type 1', '--h-type 10',
    '--proto-type 0x800', '--proto-type ipv4', '--h-length 5', '--foo', '-s zz', '-i a -i b', 'stray', '-c 5 6', '-c 5,6', '! -s 10.0.0.1,10.0.0.2', '--source-mac zz', '--opcode 99999',
  ],
} // biome-ignore format: lists of words
const ENDS: Readonly<Record<Program, readonly string[]>> = {
  ebtables: ['-j ACCEPT', '-j DROP', '-j CONTINUE', '-j RETURN', '-j A', '-j B', '-j C', '-j none', '-j mark --mark-set 1', '-j mark --mark-or 2 --mark-target CONTINUE', '-j dnat --to-dst 1:2:3:4:5:6', '-j snat --to-src 1:2:3:4:5:6 --snat-arp', '-j redirect', '-j arpreply --arpreply-mac 1:2:3:4:5:6', '-j snat', '-j INPUT', ''],
  arptables: ['-j ACCEPT', '-j DROP', '-j RETURN', '-j A', '-j B', '-j C', '-j none', '-j mangle --mangle-ip-s 10.0.0.9', '-j MARK --set-mark 1', '-j CLASSIFY --set-class 1:2', '-j INPUT', ''],
} // biome-ignore format: lists of words

function randomRule(random: Random, program: Program): string {
  const words: string[] = []
  for (let n = random.int(0, 2); n > 0; n--)
    words.push(random.pick(PARTS[program].filter((part) => !/among/.test(part) || !words.join().includes('among'))))
  words.push(random.pick(ENDS[program]))
  return words.join(' ').trim()
}

function randomCommand(random: Random, program: Program, rules: string[]): string {
  const table = random.pick(Object.keys(TABLES[program]))
  const chain = random.pick([...TABLES[program][table]!, ...OWN, ...OWN, 'none'])
  // rules that stand there are met again, to be deleted and checked
  const rule = rules.length > 0 && random.chance(0.5) ? random.pick(rules) : randomRule(random, program)
  rules.push(rule)
  const at = random.int(0, 4)
  const policy = random.pick(['ACCEPT', 'DROP', 'RETURN', 'CONTINUE', 'A'])
  const words = random.pick([
    `-A ${chain} ${rule}`, `-A ${chain} ${rule}`, `-A ${chain} ${rule}`, `-A ${chain} ${rule}`, `-I ${chain} ${rule}`, `-I ${chain} ${at} ${rule}`, `-D ${chain} ${rule}`, `-D ${chain} ${rule}`, `-D ${chain} ${at}`,
    `-N ${random.pick(OWN)}`, `-N ${random.pick(OWN)}`, `-N ${chain}`, `-X ${random.pick([...OWN, 'none'])}`, `-F ${chain}`, `-P ${chain} ${policy}`, `-E ${random.pick(OWN)} ${chain}`, `-L ${chain}`, `-L`, `-Z ${chain}`,
    `--check ${chain} ${rule}`, `-v -A ${chain} ${rule}`,
    ...(program === 'ebtables'
      ? [`-D ${chain} ${at}:${random.int(0, 4)}`, `-D ${chain} :${at}`, `-N ${random.pick(OWN)} -P ${policy}`, '-L --Lc --Ln', `-L ${chain} -Z`, `-L --Ln ${chain}`, `-A ${chain} -L`, `-L ${rule}`, rule, `-E A`, `-P ${chain}`]
      : [`-R ${chain} ${at} ${rule}`, `-S ${chain}`, '-S', `-nvL ${chain}`, `-vL`, `-L -n --line-numbers ${chain}`, `-L ${chain} ${at}`, `-S ${chain} ${at}`, `-Z ${chain} ${at}`, `-L ${rule}`, '-N ACCEPT', `-P ${chain}`]),
  ]) // biome-ignore format: a list of commands
  return words === '' ? randomCommand(random, program, rules) : `${program} -t ${table} ${words}`.trim()
}

const MARK = '=====packetwalk====='

interface Answer {
  readonly status: number
  readonly out: string
  readonly err: string
  readonly saved: string
}

function ask(program: Program, commands: readonly string[]): readonly Answer[] {
  const script = [
    'mount -t tmpfs none /run',
    // base chains that are not there yet make other complaints
    ...Object.entries(TABLES[program]).flatMap(([table, chains]) =>
      chains.map((chain) => `${program}-nft -t ${table} -P ${chain} ACCEPT`),
    ),
    ...commands.map((command) => {
      const real = command.replace(program, `${program}-nft`)
      return `${real} 2>/run/err; echo "${MARK}$?"; cat /run/err; echo '${MARK}'; ${program}-nft-save; echo '${MARK}'`
    }),
  ].join('\n')
  const done = spawnSync('unshare', ['-n', '-m', 'sh'], { input: script, encoding: 'utf8', maxBuffer: 1 << 28 })
  const parts = done.stdout.split(MARK)
  return commands.map((_, i) => {
    const [out = '', status = '', saved = ''] = parts.slice(i * 3, i * 3 + 3)
    const [code = '', ...err] = status.split('\n')
    return { out: out.replace(/^\n/, ''), status: Number(code), err: err[0] ?? '', saved: saved.replace(/^\n/, '') }
  })
}

/** The rules as text, without remarks and tables in which there is nothing; what is printed comes back as it was. */
function tablesOf(saved: string): string {
  return saved
    .split(/^(?=\*)/m)
    .filter((table) => /^-A|^:\S+ (DROP|RETURN|-)|^:[ABC] /m.test(table))
    .map((table) =>
      table
        .split('\n')
        .filter((line) => /^[-:*]/.test(line))
        .join('\n'),
    )
    .sort()
    .join('\n')
}

/** What an extension or the kernel says of a rule is worded in our own way. */
const said = (err: string): string => err.replace(/^(eb|arp)tables v1\.8\.9 \(nf_tables\): (?! )/, '')
/** Words of the program itself, which ours have to begin with. */
const OF_THE_PROGRAM =
  /^(ebtables|arptables): (?!Incompatible|Operation not)|RULE_\w+ failed|CHAIN_DEL failed|does not exist|^No |^Multiple|^Command|^Use -|^Extensions|^Unknown policy|^Policy|^Invalid rule|^Index|^Cannot use|^Illegal option `-\w|^chain|^-P requires|^Wrong policy|^Problem with the specified rule/

/** Of a rule with two faults another may be told first. */
const OWN_WORDS = / needs |^bad |^Illegal option|^! not allowed/

/** One sequence on one line: what each command printed, its complaint where it is the program's own, and the tables at the end. */
function recordOf(program: Program, commands: readonly string[], answers: readonly Answer[]): string {
  const steps = answers.map(({ status, out, err }, i) => {
    const complaint = status !== 0 && OF_THE_PROGRAM.test(said(err)) ? said(err) : undefined
    return { command: commands[i], ok: status === 0, ...(out ? { out } : {}), ...(complaint ? { complaint } : {}) }
  })
  return JSON.stringify({ program, steps, saved: tablesOf(answers.at(-1)!.saved) })
}

const programs = values.program.split(',') as Program[]
const recorded: string[] = []
let [asked, refused, failed] = [0, 0, 0]
const cases = Number(values.cases)
for (let done = 0; done < cases && failed < Number(values.failures); done++) {
  const random = new Random(`${values.seed}:${done}`)
  const program = programs[done % programs.length]!
  const rules: string[] = []
  const begin = Object.keys(TABLES[program]).flatMap((table) =>
    OWN.filter(() => random.chance(0.7)).map((one) => `${program} -t ${table} -N ${one}`),
  )
  const commands = [...begin, ...Array.from({ length: COMMANDS }, () => randomCommand(random, program, rules))]
  let file = emptyLinkFile(program)
  const answers = ask(program, commands)
  recorded.push(recordOf(program, commands, answers))
  for (const [i, real] of answers.entries()) {
    const command = commands[i]!
    const applied = applyLinkWords(file, shellWords(command).words, 'command', command.length + 1)
    asked++
    if (real.status !== 0) refused++
    const status = applied.ok && applied.found
    const complaint = applied.ok ? '' : applied.problems[0]!.message
    if (applied.ok) file = applied.file
    const ours = tablesOf(
      linkTableText(
        file,
        file.tables.map(({ name }) => name),
      ),
    )
    const theirs = tablesOf(real.saved)
    const again = readLink(real.saved, { file: 'saved', program })
    const back = again.ok ? printLink(again.file) : again.problems[0]!.message
    const wrong =
      status !== (real.status === 0)
        ? ['status', `${real.status} ${real.err}`, `${status} ${complaint}`]
        : applied.ok && applied.output !== real.out
          ? ['output', real.out, applied.output]
          : !applied.ok &&
              !OWN_WORDS.test(complaint) &&
              OF_THE_PROGRAM.test(said(real.err)) &&
              complaint.slice(0, said(real.err).length) !== said(real.err)
            ? ['complaint', said(real.err), complaint]
            : ours !== theirs
              ? ['rules', theirs, ours]
              : back !== real.saved
                ? ['saved text', real.saved, back]
                : undefined
    if (!wrong) continue
    failed++
    console.log(
      `${values.seed}:${done} after ${i} commands: ${command}\n  ${wrong[0]}\n    real |${wrong[1]}|\n    ours |${wrong[2]}|`,
    )
    break
  }
}
if (values.record) writeFileSync(values.record, `[\n${recorded.join(',\n')}\n]\n`)
console.log(`${asked} commands, ${refused} of them refused: ${failed} sequences differ (seed ${values.seed})`)
process.exitCode = failed === 0 ? 0 : 1
