import { randomTraffic } from './cases/flows.js'
import { randomLab } from './cases/labs.js'
import { randomRuleset, restoreText } from './cases/ruleset.js'
import { scene } from './cases/scene.js'
import { judge } from './judge.js'
import { Lab } from './lab.js'
import { Random } from './prng.js'
const seed = process.argv[2] ?? '1', n = Number(process.argv[3] ?? 20), backend = (process.argv[4] ?? 'legacy') as 'legacy', family = (process.argv[5] === '6' ? 6 : 4)
const random = new Random(seed)
const spec = randomLab(random.fork('lab'), family, backend)
const pair = await Promise.all([Lab.build(spec), Lab.build(spec)])
const ids = { next: 1 }
const t0 = Date.now(); let packets = 0, sent = 0; const why: Record<string, number> = {}
for (let i = 0; i < n; i++) {
  const r = random.fork(`case${i}`)
  const sc = scene(spec, r, 256 + 4 * i)
  const rs = randomRuleset(r.fork('rules'), sc)
  const j = await judge(pair, `${seed}:${i}`, rs, randomTraffic({ random: r.fork('traffic'), scene: sc, ids }))
  if (j.is === 'unstable') { why[j.why] = (why[j.why] ?? 0) + 1; continue }
  packets += j.verdict.packets.length; sent += j.verdict.sent.flat().length
  if (rs !== j.ruleset) console.log('repaired', i, rs.flatMap((t) => t.rules).filter((x) => !j.ruleset.some((t) => t.rules.includes(x))))
  if (i === 3) console.log(JSON.stringify(j.verdict, null, 1).slice(0, 6000))
}
console.log({ ms: Date.now() - t0, packets, sent, why })
await Promise.all(pair.map((l) => l.close()))
