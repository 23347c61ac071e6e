// npm run bench: medians of whole commands, each beside an empty Node in the same run. `--write` stores the table in docs/benchmarks.md.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { writeCapture } from './capture.mjs'
import { clusterIp, kubeRules } from './kube-rules.mjs'

const root = join(import.meta.dirname, '..')
const cli = join(root, 'dist/start.cjs')
const SERVICES = 10_000
const PACKETS = 300_000
const work = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'))

/** Certificates that an environment gives to Node cost more than the rest of its start: they are none of ours. */
const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...plainEnvironment } = process.env

/** What one run of Node with these arguments used, and the status it ended with. */
function measure(args) {
  const file = join(work, 'usage.json')
  const began = process.hrtime.bigint()
  const { status, stderr } = spawnSync(process.execPath, ['--require', join(root, 'bench/usage.cjs'), ...args], {
    cwd: root,
    env: { ...plainEnvironment, BENCH_USAGE: file },
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
  return runs.map(mediansOf)
}

function largeSnapshot() {
  const folder = join(work, 'large')
  cpSync(join(root, 'samples/k8s-cluster'), folder, { recursive: true })
  const rules = kubeRules(SERVICES)
  writeFileSync(join(folder, 'node1/iptables-save'), rules)
  return { folder, lines: rules.split('\n').length - 1 }
}

/** Connections from outside to the published port of samples/docker-host, both directions. */
function captureOfDocker() {
  const links = JSON.parse(readFileSync(join(root, 'samples/docker-host/ip-link.json'), 'utf8'))
  const macOf = (name) => links.find(({ ifname }) => ifname === name).address.replaceAll(':', '')
  const { ifname } = links.find(({ ifname, master }) => ifname.startsWith('veth') && master === 'docker0')
  const file = join(work, 'docker.pcapng')
  writeCapture(file, PACKETS, {
    outside: { name: 'eth0', mac: macOf('eth0'), peer: 'e2150aca5840' },
    inside: { name: ifname, mac: macOf('docker0'), peer: '0242ac110002' },
  })
  return file
}

/** What reading the file into rules uses, in a process of its own. */
async function reader() {
  const file = join(work, 'read-rules.mjs')
  const bundle = await rolldown({ input: join(root, 'bench/read-rules.ts'), platform: 'node' })
  await bundle.write({ file, format: 'esm' })
  return (rules) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, rules], {
      encoding: 'utf8',
      env: plainEnvironment,
    })
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  }
}

/** What the real `iptables-restore --test` uses on the file, in a network namespace of its own; nothing where it cannot be run. */
function real(program, file) {
  const script = `
import json, os, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(['unshare', '-rn', sys.argv[1], '--test', sys.argv[2]], capture_output=True)
wall = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({'status': done.returncode, 'cpuMs': (used.ru_utime + used.ru_stime) * 1e3, 'wallMs': wall * 1e3, 'rssMb': used.ru_maxrss / 1024}))
`
  const { status, stdout } = spawnSync('python3', ['-c', script, program, file], { encoding: 'utf8' })
  const run = status === 0 ? JSON.parse(stdout) : { status: 1 }
  return run.status === 0 ? run : undefined
}

/** Our reader and the real programs on the same file, in turn. */
async function readings(file, rounds) {
  const programs = ['iptables-nft-restore', 'iptables-legacy-restore']
  const ours = await reader()
  const runs = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    runs[0].push(ours(file))
    for (const [i, program] of programs.entries()) runs[i + 1].push(real(program, file))
  }
  const rows = ['reading the same file into rules', ...programs.map((program) => `${program} --test of the same file`)]
  return rows.flatMap((name, i) => (runs[i].every((run) => run) ? [[name, mediansOf(runs[i])]] : []))
}

const mediansOf = (runs) =>
  Object.fromEntries(['cpuMs', 'wallMs', 'rssMb'].map((key) => [key, median(runs.map((run) => run[key]))]))

async function main() {
  if (!existsSync(cli)) throw new Error('dist/start.cjs is missing: npm run build')
  const empty = ['-e', '0']
  const sample = [cli, 'trace', 'samples/k8s-cluster', 'tcp > 10.96.100.7:80 from node1']
  const [nothing, small] = medians([empty, sample], 15)
  const { folder, lines } = largeSnapshot()
  const packet = `tcp > ${clusterIp(SERVICES - 1)}:80 from node1`
  const [large] = medians([[cli, 'trace', folder, packet, '--quiet']], 5)
  const file = join(folder, 'node1/iptables-save')
  const [parsed] = medians([[cli, 'fmt', file]], 5)
  const capture = captureOfDocker()
  const [replayed] = medians([[cli, 'replay', 'samples/docker-host', capture, '--namespace', 'docker-host']], 3)
  const [reading, ...beside] = await readings(file, 5)
  const rows = [
    ['node -e 0', nothing],
    ['trace samples/k8s-cluster', small],
    [`trace, ${SERVICES.toLocaleString('en')} Services (${lines.toLocaleString('en')} lines)`, large],
    ['fmt of the same file', parsed],
    [`replay of ${PACKETS.toLocaleString('en')} packets, samples/docker-host`, replayed],
    reading,
    ...beside,
  ]
  const cells = rows.map(([name, { cpuMs, wallMs, rssMb }]) => [
    name,
    `${cpuMs.toFixed(0)} ms`,
    `${wallMs.toFixed(0)} ms`,
    `${rssMb.toFixed(0)} MB`,
  ])
  const text = markdown([['command', 'CPU', 'wall', 'peak memory'], ...cells])
  const ratios = beside.map(([name, { cpuMs }]) => `${(reading[1].cpuMs / cpuMs).toFixed(2)} of ${name.split(' ')[0]}`)
  const more = `${(small.cpuMs - nothing.cpuMs).toFixed(0)} ms of CPU more than an empty Node`
  process.stdout.write(`${text}\nA trace of the sample costs ${more}. Reading: ${ratios.join(', ')}.\n`)
  if (process.argv.includes('--write')) writeFileSync(join(root, 'docs/benchmarks.md'), page(text, ratios))
}

function markdown([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i === 0 ? '-' : ':'}`).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

const page = (table, ratios) => `# Benchmarks

Medians of whole commands (\`npm run build && npm run bench -- --write\`), Node ${process.version} on ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'},
${Math.round(totalmem() / 2 ** 30)} GB. CPU is user and system time of the process; the empty Node is measured in the same run.

${table}

The large snapshot is \`samples/k8s-cluster\` with node1's rules replaced by what kube-proxy writes for ${SERVICES.toLocaleString('en')} Services with four
endpoints each (\`bench/kube-rules.mjs\`); the packet goes to the last Service, so every rule of KUBE-SERVICES before it is looked at.

Reading takes the file apart into rules and checks them, ready to be printed or evaluated: CPU and wall time without the start of Node, memory of the
whole process. The real programs ran in turn with it. CPU of reading: ${ratios.join(', ')}.

The capture (\`bench/capture.mjs\`) is what 200 TCP connections at a time, to the container's published port, bring to the host on both sides: DNAT, the
FORWARD chains, the bridge. Every frame that leaves is printed. Memory does not grow with the capture, but with the connections that are in it.
`

try {
  await main()
} finally {
  rmSync(work, { recursive: true, force: true })
}
