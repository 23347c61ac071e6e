// node read-rules.mjs FILE (bundled by run.mjs): reads an iptables-save text into rules; prints what that used, without Node's own start.
import { readFileSync } from 'node:fs'
import { readSave } from '../src/xtables/index.js'

const file = process.argv[2]!
const before = process.cpuUsage()
const began = performance.now()
const read = readSave(readFileSync(file, 'utf8'), { file, family: 4 })
const wallMs = performance.now() - began
const { user, system } = process.cpuUsage(before)
if (!read.ok) throw new Error(JSON.stringify(read.problems))
process.stdout.write(
  JSON.stringify({ cpuMs: (user + system) / 1000, wallMs, rssMb: process.resourceUsage().maxRSS / 1024 }),
)
