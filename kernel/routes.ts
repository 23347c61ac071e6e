import { mkdirSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { parseArgs } from 'node:util'
import { Agent } from './agent.js'
import { randomNamespace, randomQuery } from './cases/routes.js'
import { Random } from './prng.js'
import { answerText, Model, type RoutesRecording } from './routes-answer.js'

/**
 * Random namespaces (addresses, routes, rules, sysctls): `ip route get` and the model are asked the same.
 *
 *     node dist/kernel/routes.js --labs 20 --queries 1000 --seed 1 [--family 4] [--only 7] [--record NAME]
 *
 * Needs root. Prints every query that differs, with the commands that built the namespace.
 */
const { values } = parseArgs({
  options: {
    labs: { type: 'string', default: '10' },
    queries: { type: 'string', default: '1000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    family: { type: 'string', default: '4,6' },
    failures: { type: 'string', default: '20' },
    record: { type: 'string' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

const SYSCTLS =
  /^net\.ipv([46])\.(ip_forward|ip_nonlocal_bind|fib_|conf\.[^.]+\.(forwarding|rp_filter|accept_local|route_localnet|src_valid_mark|send_redirects|ignore_routes_with_linkdown|bc_forwarding|disable_ipv6)) /

/** Builds the namespace; a command that the kernel refuses is left out. */
async function build(agent: Agent, random: Random, family: 4 | 6): Promise<readonly string[]> {
  const { far } = await agent.ask('hello')
  const { links, commands, sysctls, carriers } = randomNamespace(random, family)
  const off = {
    'net.ipv6.conf.all.accept_dad': '0',
    'net.ipv6.conf.default.accept_dad': '0',
    'net.ipv6.conf.default.addr_gen_mode': '1',
    'net.ipv6.conf.default.accept_ra': '0',
    'net.ipv6.conf.default.router_solicitations': '0',
  }
  await agent.ask('sysctl', { values: off })
  const made = links.map(
    (name, i) => `link add ${name} address 02:00:00:00:00:1${i} type veth peer name f${name} netns ${far}`,
  )
  await agent.must(['ip', '-batch', '-'], `link set lo up\n${made.join('\n')}\n`)
  await agent.must(['ip', '-batch', '-'], carriers.map((name) => `link set f${name} up\n`).join(''), true)
  // before the routes: their next hops remember the source that was chosen under the settings of their day (fib_result_prefsrc)
  await agent.ask('sysctl', { values: sysctls })
  await agent.run(['ip', family === 4 ? '-4' : '-6', '-force', '-batch', '-'], `${commands.join('\n')}\n`)
  // IPv6 makes an address's own routes a little later (addrconf_dad_work)
  if (family === 6) await new Promise((resolve) => setTimeout(resolve, 300))
  return commands
}

async function filesOf(agent: Agent, family: 4 | 6): Promise<Readonly<Record<string, string>>> {
  const flag = family === 4 ? [] : ['-6']
  const suffix = family === 4 ? '' : '6'
  const commands: Readonly<Record<string, readonly string[]>> = {
    'ip-link.json': ['ip', '-d', '-j', 'link', 'show'],
    'ip-addr.json': ['ip', '-j', 'addr', 'show'],
    [`ip-route${suffix}.json`]: ['ip', ...flag, '-j', 'route', 'show', 'table', 'all'],
    [`ip-rule${suffix}.json`]: ['ip', ...flag, '-j', 'rule', 'show'],
  }
  const files: Record<string, string> = {}
  for (const [name, argv] of Object.entries(commands)) files[name] = await agent.must(argv)
  const { out } = await agent.run(['sysctl', '-a'])
  files['sysctl'] = `${out
    .split('\n')
    .filter((line) => SYSCTLS.exec(line)?.[1] === `${family}` || line.startsWith('net.ipv4.ip_forward '))
    .join('\n')}\n`
  return files
}

const ERRNO: Readonly<Record<string, string>> = {
  'Invalid argument': 'EINVAL',
  'Network is unreachable': 'ENETUNREACH',
  'No route to host': 'EHOSTUNREACH',
  'Permission denied': 'EACCES',
  'Invalid cross-device link': 'EXDEV',
  'Network is down': 'ENETDOWN',
  'No such device': 'ENODEV',
}

/** What the kernel says, one answer for each query. */
async function ask(agent: Agent, queries: readonly string[], family: 4 | 6): Promise<readonly string[]> {
  // a next hop keeps the last packet's route, type and all, and gives it to the next
  const input = queries.map((query) => `route flush cache\nroute get ${query}\n`).join('')
  const { out, err } = await agent.run(['ip', family === 4 ? '-4' : '-6', '-j', '-force', '-batch', '-'], input)
  const failed = new Map<number, string>()
  let why = ''
  for (const line of err.split('\n')) {
    const at = /^Command failed -:(\d+)/.exec(line)
    if (at) {
      failed.set(Number(at[1]), ERRNO[why] ?? why)
      why = ''
    } else if (line !== '') why = line.replace(/^(RTNETLINK answers|Error): /, '')
  }
  const good = out.split('\n').filter((line) => line.startsWith('['))
  if (good.length + failed.size !== queries.length)
    throw new Error(`${good.length} answers and ${failed.size} errors to ${queries.length} queries\n${err}`)
  let next = 0
  return queries.map((_, i) => failed.get(2 * i + 2) ?? textOf(JSON.parse(good[next++]!)[0], family, queries[i]!))
}

interface Shown {
  readonly type?: string
  readonly dev?: string
  readonly gateway?: string
  readonly via?: { readonly host: string }
  readonly prefsrc?: string
}

/** The source is told where it was chosen; IPv6 tells which one would have been. */
function textOf({ type = 'unicast', dev, gateway, via, prefsrc }: Shown, family: 4 | 6, query: string): string {
  const given = / iif /.test(query) || (family === 6 && / from (?!::( |$))/.test(query))
  return answerText(type, { dev, gateway: gateway ?? via?.host }, given ? undefined : prefsrc)
}

let compared = 0
let differing = 0

async function lab(name: string, family: 4 | 6): Promise<RoutesRecording> {
  const random = new Random(name)
  const agent = new Agent()
  try {
    const commands = await build(agent, random.fork('build'), family)
    const files = await filesOf(agent, family)
    const queries = Array.from({ length: Number(values.queries) }, (_, i) =>
      randomQuery(random.fork(`query ${i}`), family),
    )
    const kernel = await ask(agent, queries, family)
    const answers = queries.map((query, i) => [query, kernel[i]!] as const)
    const model = new Model({ family, files })
    const before = differing
    for (const [query, answer] of answers) {
      compared++
      const ours = model.answers(query)
      if (ours.includes(answer)) continue
      differing++
      if (differing > Number(values.failures)) continue
      if (differing - 1 === before) console.log(`\n== ${name}\n${values.verbose ? commands.join('\n') : ''}`)
      console.log(`get ${query}\n   kernel ${answer}\n   model  ${ours.join(' or ')}`)
    }
    return { kernel: release(), family, seed: name, files, answers }
  } finally {
    await agent.close()
  }
}

for (const family of [4, 6] as const) {
  if (!values.family.split(',').includes(`${family}`)) continue
  for (let i = 0; i < Number(values.labs); i++) {
    if (values.only !== undefined && values.only !== `${i}`) continue
    const recording = await lab(`${values.seed}/${family}/${i}`, family)
    if (values.record === undefined) continue
    const { answers, ...head } = recording
    const folder = 'tests/kernel/routes'
    mkdirSync(folder, { recursive: true })
    const lines = answers.map((pair) => `  ${JSON.stringify(pair)}`).join(',\n')
    const text = `${JSON.stringify(head, null, 1).slice(0, -2)},\n "answers": [\n${lines}\n ]\n}\n`
    writeFileSync(`${folder}/${values.record}${family}-${i}.json`, text)
  }
}
console.log(`${compared} answers compared, ${differing} differ`)
process.exitCode = differing > 0 ? 1 : 0
