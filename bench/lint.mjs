// node bench/lint.mjs: the whole lint of rulesets with random rules over networks, hosts and ports, of kube-proxy’s, and of real ones.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubeRules } from './kube-rules.mjs'

const root = join(import.meta.dirname, '..')
const cli = join(root, 'dist/cli.js')
const work = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'))

/** 0 ≤ x < 1, the same in every run. */
function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Rules between networks and hosts: most with both ends and a port, some with one. */
export function randomRules(count) {
  const random = seeded(1)
  const upTo = (last) => Math.floor(random() * (last + 1))
  const networks = Array.from({ length: 300 }, () => `${1 + upTo(222)}.${upTo(255)}.${upTo(255)}.0/24`)
  const ports = [22, 25, 53, 80, 443, 8080, 3306, 5432]
  const rules = Array.from({ length: count }, () => {
    const source = networks[upTo(299)]
    const host = `10.${upTo(30)}.${upTo(255)}.${1 + upTo(253)}/32`
    const protocol = random() < 0.5 ? 'tcp' : 'udp'
    const port = `-p ${protocol} -m ${protocol} --dport ${random() < 0.9 ? ports[upTo(7)] : 1 + upTo(65534)}`
    const kind = random()
    if (kind < 0.6) return `-A FORWARD -s ${source} -d ${host} ${port} -j ACCEPT`
    if (kind < 0.8) return `-A FORWARD -s ${source} ${port} -j ACCEPT`
    return kind < 0.9 ? `-A FORWARD -d ${host} -j DROP` : `-A FORWARD -s ${source} -d ${host} -j ACCEPT`
  })
  const head = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]']
  return [...head, '-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT', ...rules, 'COMMIT', ''].join('\n')
}

/** Real rulesets, where there is a checkout of github.com/diekmann/net-network: NET_NETWORK names it. */
const REAL = [
  'configs_ugent/iptables-save',
  'configs_openlab/stettenstr/doku/iptables-save.txt',
  'configs_sqrl_shorewall/2014_sep_iptables-saveakachan',
  'configs_medium-sized-company/iptables-save.iptables_mainfw_31.01.2016',
  'configs_chair_for_Network_Architectures_and_Services/iptables-save-2016-06-27_16-29-01',
]
/** Of so many runs the median is told. */
const RUNS = 7

function run(file) {
  const usage = join(work, 'usage.json')
  const { stdout } = spawnSync(
    process.execPath,
    ['--require', join(root, 'bench/usage.cjs'), cli, 'lint', file, '--json', '--fail-on', 'never'],
    {
      cwd: root,
      env: { ...process.env, BENCH_USAGE: usage },
      maxBuffer: 2 ** 30,
    },
  )
  return { ...JSON.parse(readFileSync(usage, 'utf8')), ...JSON.parse(stdout) }
}

function measure(name, file, runs = 1) {
  const all = Array.from({ length: runs }, () => run(file))
  const median = (of) => all.map(of).sort((a, b) => a - b)[Math.floor(runs / 2)]
  const ms = (of) => median(of).toFixed(0).padStart(7)
  const [{ findings, incomplete }] = all
  const state = incomplete.length === 0 ? 'complete' : 'incomplete'
  process.stdout.write(
    `${name.padEnd(40)} wall ${ms(({ wallMs }) => wallMs)} ms, CPU ${ms(({ cpuMs }) => cpuMs)} ms ${median(
      ({ rssMb }) => rssMb,
    )
      .toFixed(0)
      .padStart(5)} MB  ${findings.length} findings, ${state}\n`,
  )
}

function written(text) {
  const file = join(work, 'iptables-save')
  writeFileSync(file, text)
  return file
}

if (!existsSync(cli)) throw new Error('dist/cli.js is missing: npm run build')
for (const count of [100, 200, 500, 1000]) measure(`${count} random rules`, written(randomRules(count)))
for (const services of [50, 100, 200]) measure(`${services} Services of kube-proxy`, written(kubeRules(services)))
const folder = process.env.NET_NETWORK
const real = REAL.map((name) => join(folder ?? '', name))
if (folder && real.every((file) => existsSync(file)))
  for (const [i, file] of real.entries())
    measure(`${REAL[i].replace(/^configs_([^/]{1,22}).*\//, '$1… ').slice(0, 38)}`, file, RUNS)
else
  process.stdout.write(
    `${REAL.length} real rulesets: left out (NET_NETWORK names no checkout of diekmann/net-network)\n`,
  )
rmSync(work, { recursive: true, force: true })
