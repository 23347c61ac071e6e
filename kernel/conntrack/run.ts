import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { PLANS, type Plan } from './plans.js'
import { Router } from './router.js'

/**
 * Random conversations through a router of the kernel's own and through src/conntrack alone: states, translation, draws, the table with its timeouts.
 * `--record` writes src/conntrack/recordings/kernel.json anew; without it the cases are only compared.
 */
const { values } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    seed: { type: 'string', default: 'a' },
    cases: { type: 'string' },
    only: { type: 'string' },
    show: { type: 'string', default: '3' },
  },
})

const RECORDINGS = new URL('../../src/conntrack/recordings/kernel.json', import.meta.url)
const kept: string[] = []
let differ = 0
for (const plan of PLANS) {
  if (values.only !== undefined && plan.name !== values.only) continue
  const planned: Plan = values.cases === undefined ? plan : { ...plan, cases: Number(values.cases) }
  const router = await Router.build(planned)
  try {
    const told = await router.campaign(values.seed, Number(values.show))
    kept.push(...told.kept)
    differ += told.differ
    console.log(`${plan.name}: ${planned.cases} cases, ${told.packets} packets, ${told.differ} differ`)
  } finally {
    await router.close()
  }
}
if (values.record && differ === 0) writeFileSync(RECORDINGS, `[\n${kept.join(',\n')}\n]\n`)
if (values.record && differ > 0) console.log('nothing recorded: the model differs')
process.exitCode = differ > 0 ? 1 : 0
