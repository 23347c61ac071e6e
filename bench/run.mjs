// npm run bench: medians of whole commands, each beside an empty Node in the same run. `--write` stores the table in docs/benchmarks.md.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { clusterIp, kubeRules } from './kube-rules.mjs'

const root = join(import.meta.dirname, '..')
const cli = join(root, 'dist/cli.js')
const SERVICES = 10_000
const work = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'))

/** What one run of Node with these arguments used, and the status it ended with. */
function measure(args) {
  const file = join(work, 'usage.json')
  const began = process.hrtime.bigint()
  const { status, stderr } = spawnSync(process.execPath, ['--require', join(root, 'bench/usage.cjs'), ...args], {
    cwd: root,
    env: { ...process.env, BENCH_USAGE: file },
    maxBuffer: 2 ** 30,
  })
  const wallMs = Number(process.hrtime.bigint() - began) / 1e6
  if (status !== 0) throw new Error(`${args.join(' ')}: exit status ${status}\n${stderr}`)
  return { ...JSON.parse(readFileSync(file, 'utf8')), wallMs }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Runs the commands in turn, so that what else the machine does meets all of them alike. */
function medians(commands, rounds) {
  const runs = commands.map(() => [])
  for (const args of commands) measure(args)
  for (let round = 0; round < rounds; round++) for (const [i, args] of commands.entries()) runs[i].push(measure(args))
  return runs.map((all) => ({
    cpuMs: median(all.map(({ cpuMs }) => cpuMs)),
    wallMs: median(all.map(({ wallMs }) => wallMs)),
    rssMb: median(all.map(({ rssMb }) => rssMb)),
  }))
}

function largeSnapshot() {
  const folder = join(work, 'large')
  cpSync(join(root, 'samples/k8s-cluster'), folder, { recursive: true })
  const rules = kubeRules(SERVICES)
  writeFileSync(join(folder, 'node1/iptables-save'), rules)
  return { folder, lines: rules.split('\n').length - 1 }
}

function main() {
  if (!existsSync(cli)) throw new Error('dist/cli.js is missing: npm run build')
  const empty = ['-e', '0']
  const sample = [cli, 'trace', 'samples/k8s-cluster', 'tcp > 10.96.100.7:80 from node1']
  const [nothing, small] = medians([empty, sample], 15)
  const { folder, lines } = largeSnapshot()
  const packet = `tcp > ${clusterIp(SERVICES - 1)}:80 from node1`
  const [large] = medians([[cli, 'trace', folder, packet, '--quiet']], 5)
  const rows = [
    ['node -e 0', nothing],
    ['trace samples/k8s-cluster', small],
    [`trace, ${SERVICES.toLocaleString('en')} Services (${lines.toLocaleString('en')} lines)`, large],
  ]
  const cells = rows.map(([name, { cpuMs, wallMs, rssMb }]) => [
    name,
    `${cpuMs.toFixed(0)} ms`,
    `${wallMs.toFixed(0)} ms`,
    `${rssMb.toFixed(0)} MB`,
  ])
  const text = markdown([['command', 'CPU', 'wall', 'peak memory'], ...cells])
  process.stdout.write(
    `${text}\nA trace of the sample costs ${(small.cpuMs - nothing.cpuMs).toFixed(0)} ms of CPU more than an empty Node.\n`,
  )
  if (process.argv.includes('--write')) writeFileSync(join(root, 'docs/benchmarks.md'), page(text))
}

function markdown([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i === 0 ? '-' : ':'}`).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

const page = (table) => `# Benchmarks

Medians of whole commands (\`npm run build && npm run bench -- --write\`), Node ${process.version} on ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'},
${Math.round(totalmem() / 2 ** 30)} GB. CPU is user and system time of the process; the empty Node is measured in the same run.

${table}

The large snapshot is \`samples/k8s-cluster\` with node1's rules replaced by what kube-proxy writes for ${SERVICES.toLocaleString('en')} Services with four
endpoints each (\`bench/kube-rules.mjs\`); the packet goes to the last Service, so every rule of KUBE-SERVICES before it is looked at.
`

try {
  main()
} finally {
  rmSync(work, { recursive: true, force: true })
}
