import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printIp } from '../address/ip.js'
import { seededRandom } from '../path/choices.js'
import type { Hosts } from '../path/world.js'
import { readFolder } from '../snapshot/files.js'
import { readSnapshot } from '../snapshot/index.js'
import { agreement } from '../testing/walk-agreement.js'
import { SetWalk } from './walk.js'
import { arriving, type Beginning, generated, outsideOf, ownedAddresses } from './walk-begin.js'
import { Ground } from './walk-ground.js'

const PACKETS = Number(process.env['PACKETWALK_PACKETS'] ?? 100)

async function sample(name: string): Promise<Hosts> {
  const read = readSnapshot(await readFolder(join(import.meta.dirname, `../../samples/${name}`)), { now: 0 })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  return read.hosts
}

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** Places where packets set out: each interface that leads outside, each namespace. */
export const beginnings = (ground: Ground): readonly Beginning[] => [
  ...outsideOf(ground).map(({ place, link }) => arriving(ground, place, link.name)),
  ...ground.hosts.namespaces.map((place) => generated(ground, place)),
]

function randomWords(
  random: () => number,
  addresses: readonly string[],
  ports: readonly number[],
  local: boolean,
): string {
  const [src, dst] = [pick(random, addresses), pick(random, addresses)]
  const port = pick(random, ports)
  const from = (sport?: number) => (local ? '' : ` ${src}${sport === undefined ? '' : `:${sport}`}`)
  const sport = pick(random, [40000, 53, 80, 1024, 65535])
  const kind = random()
  if (kind < 0.15) return `icmp${from()} > ${dst} type ${pick(random, [8, 8, 8, 0, 13, 30])} code 0`
  if (kind < 0.35) return `udp${from(sport)} > ${dst}:${port}`
  const flags = random() < 0.8 ? 'syn' : pick(random, ['ack', 'syn,ack', 'rst', 'fin,ack', 'syn,ece,cwr'])
  return `tcp${from(sport)} > ${dst}:${port} ${flags}${random() < 0.1 ? ` ttl ${pick(random, [1, 2, 3, 64])}` : ''}`
}

test.each(['docker-host', 'docker-ufw-host', 'k8s-cluster'])(
  '%s: both walks agree',
  async (name) => {
    const hosts = await sample(name)
    const ground = new Ground(hosts, 4)
    const walk = new SetWalk(ground)
    const random = seededRandom(1)
    const addresses = [
      ...ownedAddresses(hosts, 4)
        .map(printIp)
        .filter((ip) => ip !== '127.0.0.1'),
      '198.51.100.9',
      '192.0.2.77',
      '10.96.100.7',
      '10.96.0.10',
      '10.96.0.1',
      '172.17.0.77',
    ]
    const counts: Record<string, number> = {}
    const wrong: unknown[] = []
    for (const beginning of beginnings(ground)) {
      const ends = walk.walk([beginning.group])
      for (let i = 0; i < PACKETS; i++) {
        const words = randomWords(
          random,
          addresses,
          [22, 53, 80, 443, 8080, 5432, 30080, 9153, 6443],
          beginning.origin.iif === undefined,
        )
        const result = agreement(ground, beginning, ends, words)
        if (typeof result === 'string') counts[result] = (counts[result] ?? 0) + 1
        else wrong.push(result)
      }
    }
    expect(wrong.slice(0, 5)).toEqual([])
  },
  600_000,
)
