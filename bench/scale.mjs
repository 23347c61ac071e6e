// node bench/scale.mjs [--write] [SERVICES…]: how the time of questions over all packets grows with the rules that kube-proxy writes.
// `--write` draws docs/images/scale.svg.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubeRules } from './kube-rules.mjs'

const root = join(import.meta.dirname, '..')
const cli = process.env.BENCH_CLI ?? join(root, 'dist/cli.js')
const work = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'))
const asked = process.argv.slice(2).map(Number).filter(Boolean)
const SIZES = asked.length > 0 ? asked : [1_000, 2_000, 5_000, 10_000]

function measure(args) {
  const usage = join(work, 'usage.json')
  const { status, stderr } = spawnSync(process.execPath, ['--require', join(root, 'bench/usage.cjs'), cli, ...args], {
    cwd: root,
    env: { ...process.env, BENCH_USAGE: usage },
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  })
  if (status === 2 || status === null) throw new Error(`${args.join(' ')}: ${stderr}`)
  return JSON.parse(readFileSync(usage, 'utf8'))
}

/** The same rules, but the last one of these chains left out: of a Service's translations, of what is forwarded. */
function withoutOne(rules, chains) {
  const lines = rules.split('\n')
  const last = lines.findLastIndex((line) => line.startsWith(`-A ${chains}`))
  return lines.filter((_, i) => i !== last).join('\n')
}

/** The sample cluster, with these rules on its first node. */
function clusterWith(rules, services) {
  const folder = join(work, `cluster-${services}`)
  cpSync(join(root, 'samples/k8s-cluster'), folder, { recursive: true })
  writeFileSync(join(folder, 'node1/iptables-save'), rules)
  return folder
}

function run() {
  return SIZES.map((services) => {
    const rules = kubeRules(services)
    const [old, nat, filter] = ['old', 'nat', 'filter'].map((name) => join(work, `${name}-${services}`))
    writeFileSync(old, rules)
    writeFileSync(nat, withoutOne(rules, 'KUBE-SVC-'))
    writeFileSync(filter, withoutOne(rules, 'KUBE-FORWARD'))
    const lines = rules.split('\n').length - 1
    const row = {
      services,
      lines,
      lint: measure(['lint', old, '--json']),
      diff: measure(['diff', old, nat, '--json']),
      filter: measure(['diff', old, filter, '--json']),
      matrix: measure(['reach', clusterWith(rules, services), '--matrix', '--format', 'csv']),
    }
    const text = ({ cpuMs, rssMb }) => `${(cpuMs / 1000).toFixed(1)} s | ${rssMb.toFixed(0)} MB`
    process.stdout.write(
      `| ${services.toLocaleString('en')} | ${lines.toLocaleString('en')} | ${text(row.lint)} | ${text(row.diff)} | ${text(row.filter)} | ${text(row.matrix)} |\n`,
    )
    return row
  })
}

/** Both axes logarithmic: what grows like n is a straight line. */
function picture(rows) {
  const [width, height, left, bottom, top, right] = [640, 400, 64, 48, 24, 150]
  const seconds = rows.flatMap(({ lint, diff, matrix }) => [lint, diff, matrix].map(({ cpuMs }) => cpuMs / 1000))
  const [x0, x1] = [rows[0].services, rows.at(-1).services]
  const y0 = 10 ** Math.floor(Math.log10(Math.min(...seconds)))
  const y1 = 10 ** Math.ceil(Math.log10(Math.max(...seconds)))
  const scale = (value, from, to) => Math.log(value / from) / Math.log(to / from)
  const x = (n) => left + scale(n, x0, x1) * (width - left - right)
  const y = (s) => height - bottom - scale(s, y0, y1) * (height - bottom - top)
  const line = (points, style) =>
    `<polyline fill="none" ${style} points="${points.map(([n, s]) => `${x(n).toFixed(1)},${y(s).toFixed(1)}`).join(' ')}"/>`
  const label = (n, s, text, colour) => `<text x="${x(n) + 8}" y="${y(s) + 4}" fill="${colour}">${text}</text>`
  const last = rows.at(-1)
  const first = rows[0]
  const nLogN = rows.map(({ services: n }) => [n, ((first.lint.cpuMs / 1000) * n * Math.log(n)) / (x0 * Math.log(x0))])
  const series = [
    ['lint', '#0b6bcb', rows.map((row) => [row.services, row.lint.cpuMs / 1000])],
    ['diff, one rule apart', '#b54708', rows.map((row) => [row.services, row.diff.cpuMs / 1000])],
    ['reach --matrix', '#2e7d32', rows.map((row) => [row.services, row.matrix.cpuMs / 1000])],
  ]
  const ticks = []
  for (let s = y0; s <= y1; s *= 10) ticks.push(s)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">
<title>CPU time by number of Services, both axes logarithmic</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${ticks.map((s) => `<line x1="${left}" x2="${width - right}" y1="${y(s)}" y2="${y(s)}" stroke="#ddd"/><text x="${left - 8}" y="${y(s) + 4}" text-anchor="end" fill="#444">${s} s</text>`).join('\n')}
${rows.map(({ services: n }) => `<text x="${x(n)}" y="${height - bottom + 20}" text-anchor="middle" fill="#444">${n.toLocaleString('en')}</text>`).join('\n')}
<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle" fill="#444">Services (kube-proxy writes 19 lines for each)</text>
${line(nLogN, 'stroke="#888" stroke-dasharray="4 4"')}
${label(last.services, nLogN.at(-1)[1], 'n log n', '#666')}
${series.map(([, colour, points]) => line(points, `stroke="${colour}" stroke-width="2"`)).join('\n')}
${series.flatMap(([, colour, points]) => points.map(([n, s]) => `<circle cx="${x(n).toFixed(1)}" cy="${y(s).toFixed(1)}" r="3.5" fill="${colour}"/>`)).join('\n')}
${series.map(([name, colour, points]) => label(last.services, points.at(-1)[1], name, colour)).join('\n')}
</svg>
`
}

if (!existsSync(cli)) throw new Error(`${cli} is missing: npm run build`)
try {
  process.stdout.write(
    '| Services | lines | lint: CPU | memory | diff, in nat: CPU | memory | diff, in filter: CPU | memory | reach --matrix: CPU | memory |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n',
  )
  const rows = run()
  if (process.argv.includes('--write')) writeFileSync(join(root, 'docs/images/scale.svg'), picture(rows))
} finally {
  rmSync(work, { recursive: true, force: true })
}
