import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { printIp } from '../address/ip.js'
import { seededRandom } from '../path/choices.js'
import type { Hosts } from '../path/world.js'
import { NodeLimitError } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { changeHosts } from '../snapshot/change/index.js'
import { readFolder } from '../snapshot/files.js'
import { readSnapshot } from '../snapshot/index.js'
import { randomRules } from '../testing/random-rules.js'
import { agreement } from '../testing/walk-agreement.js'
import { SetWalk } from './walk.js'
import { arriving, type Beginning, generated, outsideOf, ownedAddresses } from './walk-begin.js'
import { Ground } from './walk-ground.js'

/** Packets for each place where they set out. */
const PACKETS = Number(process.env['PACKETWALK_PACKETS'] ?? 25)
/** Random rulesets for each sample. */
const RULESETS = Number(process.env['PACKETWALK_RULESETS'] ?? 2)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

const MOST_NODES = 1_500_000
const LIMIT = 4_000_000

const SAMPLES = ['docker-host', 'docker-ufw-host', 'k8s-cluster']

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** The files of a sample, its rulesets replaced. */
async function sample(name: string, rules?: () => string): Promise<Hosts> {
  const files = await readFolder(join(import.meta.dirname, `../../samples/${name}`))
  const read = readSnapshot(
    files.flatMap((file) => {
      if (!rules || !/(iptables-save|nft-ruleset.*|conntrack)$/.test(file.path)) return [file]
      return file.path.endsWith('/iptables-save') || file.path === 'iptables-save' ? [{ ...file, text: rules() }] : []
    }),
    { now: 0 },
  )
  if (!read.ok) throw new Error(read.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'))
  return read.hosts
} // biome-ignore format: short

/** Places where packets set out: each interface that leads outside, each namespace. */
const beginnings = (ground: Ground): readonly Beginning[] => [
  ...outsideOf(ground).map(({ place, link }) => arriving(ground, place, link.name)),
  ...ground.hosts.namespaces.map((place) => generated(ground, place)),
]

const PORTS = [22, 53, 80, 443, 8080, 5432, 30080, 9153, 6443]
const OTHERS = ['198.51.100.9', '192.0.2.77', '10.96.100.7', '10.96.0.10', '10.96.0.1', '172.17.0.77']

const addressesOf = (hosts: Hosts): readonly string[] => [
  ...ownedAddresses(hosts, 4).map(printIp).filter((ip) => ip !== '127.0.0.1'),
  ...OTHERS,
] // biome-ignore format: short

function randomWords(random: () => number, addresses: readonly string[], local: boolean): string {
  const [src, dst] = [pick(random, addresses), pick(random, addresses)]
  const port = pick(random, PORTS)
  const from = (sport?: number) => (local ? '' : ` ${src}${sport === undefined ? '' : `:${sport}`}`)
  const sport = pick(random, [40000, 53, 80, 1024, 65535])
  const kind = random()
  const ttl = random() < 0.1 ? ` ttl ${pick(random, [1, 2, 3, 64])}` : ''
  if (kind < 0.15) return `icmp${from()} > ${dst} type ${pick(random, [8, 8, 8, 0, 13, 30])} code 0${ttl}`
  if (kind < 0.35) return `udp${from(sport)} > ${dst}:${port}${ttl}`
  const flags = random() < 0.8 ? 'syn' : pick(random, ['ack', 'syn,ack', 'rst', 'fin,ack', 'syn,ece,cwr'])
  return `tcp${from(sport)} > ${dst}:${port} ${flags}${ttl}`
}

/** Random packets through both walks. */
function compare(hosts: Hosts, seed: number) {
  let ground = new Ground(hosts, 4, { limit: LIMIT })
  const random = seededRandom(seed)
  const addresses = addressesOf(hosts)
  const counts = { same: 0, either: 0, outside: 0 }
  for (let n = 0; n < beginnings(ground).length; n++) {
    // what one walk leaves behind takes room from the next
    if (ground.space.bdd.size > MOST_NODES) ground = new Ground(hosts, 4, { limit: LIMIT })
    const beginning = beginnings(ground)[n]!
    const ends = new SetWalk(ground).walk([beginning.group])
    for (let i = 0; i < PACKETS; i++) {
      const result = agreement(ground, beginning, ends, randomWords(random, addresses, beginning.origin.iif === undefined))
      if (typeof result !== 'string') expect(result.symbolic, `${result.packet}\n${JSON.stringify(result)}`).toEqual(result.concrete) // biome-ignore format: one line
      else counts[result]++
    }
  }
  return counts
} // biome-ignore format: short

test.each(SAMPLES)(
  '%s: both walks agree',
  async (name) => {
    const counts = compare(await sample(name), SEED)
    expect(counts.either).toBeLessThan(counts.same / 20)
  },
  600_000,
)

function compared(hosts: Hosts, seed: number): ReturnType<typeof compare> | undefined {
  try {
    return compare(hosts, seed)
  } catch (error) {
    if (error instanceof NodeLimitError || error instanceof VisitLimitError) return undefined
    throw error
  }
}

describe.each(SAMPLES)('%s with random rules', (name) => {
  test.each(Array.from({ length: RULESETS }, (_, i) => [SEED * 100_000 + i]))(
    '%i',
    async (seed) => {
      const random = seededRandom(seed)
      const chancy = random() < 0.25
      const around = { interfaces: ['eth0', 'docker0', 'cni0', 'veth+', 'lo', 'flannel.1'], addresses: ADDRESSES[name]!, prefixes: PREFIXES, ports: PORTS } // biome-ignore format: one line
      let hosts = await sample(name, () => randomRules(random, around, chancy))
      if (random() < 0.3) {
        const [root] = hosts.namespaces
        const commands = ['ip rule add fwmark 0x1 table 100', 'ip route add unreachable 198.51.100.0/24 table 100', 'ip rule add from 172.17.0.0/16 to 192.0.2.0/24 table 100', 'ip route add blackhole 192.0.2.77 table 100'] // biome-ignore format: one line
        const changed = changeHosts(hosts, commands.map((text, i) => ({ text, name: `${i}` })), () => root!) // biome-ignore format: one line
        if (!changed.ok) throw new Error(JSON.stringify(changed))
        hosts = changed.hosts
      }
      const counts = compared(hosts, seed)
      const file = process.env['PACKETWALK_COUNT']
      if (file) appendFileSync(file, `${name} ${seed} ${chancy} ${JSON.stringify(counts ?? 'limit')}\n`)
      // rules may make sets that are too large to be written down: then there is no answer
      if (!counts) return
      // the outer source port of a tunnel is any: rules that ask for it leave open what becomes of the inner packet
      if (!chancy && name !== 'k8s-cluster') expect(counts.either, JSON.stringify(counts)).toBe(0)
      expect(counts.same + counts.either).toBeGreaterThan(0)
    },
    600_000,
  )
})

const PREFIXES = ['172.17.0.0/16', '172.18.0.0/16', '10.244.0.0/16', '10.96.0.0/12', '192.0.2.0/24', '198.51.100.0/24']
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'docker-host': ['172.17.0.2', '172.17.0.3', '172.18.0.2', '192.0.2.10', '198.51.100.9', '172.17.0.1'],
  'docker-ufw-host': ['172.17.0.2', '172.17.0.3', '172.18.0.2', '192.0.2.10', '198.51.100.9', '172.17.0.1'],
  'k8s-cluster': ['10.244.1.3', '10.244.0.2', '10.96.0.10', '192.168.50.11', '192.168.50.12', '198.51.100.9'],
}
