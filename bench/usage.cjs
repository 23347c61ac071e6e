// Loaded first (`node --require`): writes what the process used to the file that BENCH_USAGE names, when it ends.
const { writeFileSync } = require('node:fs')

const began = process.hrtime.bigint()
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const wallMs = Number(process.hrtime.bigint() - began) / 1e6
  writeFileSync(
    process.env.BENCH_USAGE,
    JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, rssMb: maxRSS / 1024, wallMs }),
  )
})
