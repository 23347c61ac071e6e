import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printIp } from '../address/ip.js'
import { seededRandom } from '../path/choices.js'
import { type Hosts, placeName } from '../path/world.js'
import type { Node } from '../sets/bdd.js'
import { readFolder } from '../snapshot/files.js'
import { readSnapshot } from '../snapshot/index.js'
import { randomServices } from '../testing/random-services.js'
import { beginnings } from '../testing/random-walks.js'
import { agreement } from '../testing/walk-agreement.js'
import { sourcesOf } from './reach.js'
import { type Asker, askersOf, type Cell, matrix, type Target, targetsOf } from './reach-matrix.js'
import { answer, groundsOf } from './reach-walk.js'
import { SetWalk } from './walk.js'
import { Ground } from './walk-ground.js'

/** Rulesets, each with so many Services, and cells of each that are asked for one by one. */
const CASES = Number(process.env['PACKETWALK_CASES'] ?? 4)
const SERVICES = 12
const CELLS = 12
/** Packets from each place where some set out. */
const PACKETS = 20
const SOURCES = [
  '198.51.100.9',
  '198.51.100.20',
  '10.244.0.3',
  '10.244.1.3',
  '10.244.1.78',
  '10.244.9.9',
  '192.168.50.12',
]
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

const RULES = /node1\/iptables-save$/

/** Where packets to one target end, and with which sources, worked out for that target alone. */
function alone(hosts: Hosts, { from }: Asker, { address, protocol, port }: Target) {
  const { ground, arrivals } = answer(hosts, { from, to: { address, protocol, port, sentTo: true } }, 4)
  const { bdd } = ground.space
  const seen = new Map<string, Node>()
  for (const one of arrivals) {
    // out of the snapshot there is no receiver
    if (one.outcome !== 'delivered') continue
    const place = placeName(one.place)
    const before = seen.get(place)
    seen.set(place, before === undefined ? one.seen : bdd.or(before, one.seen))
  }
  return {
    receivers: [...seen].map(([place, set]) => ({ place, sources: sourcesOf(ground, set) })),
    // who leaves the snapshot gets where he wants to go as far as a question is concerned
    isSure: arrivals.every(({ possible, sure, outcome }) => possible === sure && outcome === 'delivered'),
  }
}

const byPlace = (one: { readonly place: string }, other: { readonly place: string }) =>
  one.place < other.place ? -1 : 1

/** The Kubernetes sample, with other rules on its first node. */
async function cluster(): Promise<(rules: string) => Hosts> {
  const all = await readFolder(join(import.meta.dirname, '../../samples/k8s-cluster'))
  const files = all.filter(({ path }) => !/(nft-ruleset[^/]*|conntrack)$/.test(path))
  return (text) => {
    const read = readSnapshot(
      files.map((file) => (RULES.test(file.path) ? { ...file, text } : file)),
      { now: 0 },
    )
    if (!read.ok) throw new Error(read.problems[0]?.message)
    return read.hosts
  }
}

test(`cells are what single questions answer (${CASES} rulesets, seed ${SEED})`, { timeout: 3_600_000 }, async () => {
  const hostsOf = await cluster()
  const found: Record<Cell['reach'], number> = { all: 0, some: 0, perhaps: 0, none: 0 }
  for (let n = 0; n < CASES; n++) {
    const seed = SEED * 100_000 + n
    const random = seededRandom(seed)
    const hosts = hostsOf(randomServices(random, SERVICES))
    const targets = targetsOf(groundsOf(hosts, 4).grounds[0]!.ground)
    const askers = askersOf(hosts, 4)
    const { cells } = matrix(hosts, { targets, askers })
    for (let i = 0; i < CELLS; i++) {
      const [row, column] = [Math.floor(random() * askers.length), Math.floor(random() * targets.length)]
      const { reach, receivers } = cells[row]![column]!
      const { isSure, ...single } = alone(hosts, askers[row]!, targets[column]!)
      const shown = receivers.map(({ place, sources }) => ({ place, sources }))
      const about = `seed ${seed}: ${askers[row]!.label} to ${targets[column]!.label}`
      expect(shown.toSorted(byPlace), about).toEqual(single.receivers.toSorted(byPlace))
      expect(reach === 'none', about).toBe(single.receivers.length === 0)
      if (reach === 'perhaps') expect(isSure, about).toBe(false)
      found[reach]++
    }
  }
  expect(found.none).toBeGreaterThan(CASES)
  expect(found.all + found.some + found.perhaps).toBeGreaterThan(CASES)
})

test(`packets to Services walk in sets as they walk alone (${CASES} rulesets, seed ${SEED})`, {
  timeout: 3_600_000,
}, async () => {
  const hostsOf = await cluster()
  let [same, others] = [0, 0]
  for (let n = 0; n < CASES; n++) {
    const seed = SEED * 100_000 + n
    const random = seededRandom(seed)
    const hosts = hostsOf(randomServices(random, SERVICES))
    const ground = new Ground(hosts, 4)
    const targets = targetsOf(ground)
    for (const beginning of beginnings(ground)) {
      const ends = new SetWalk(ground).walk([beginning.group])
      for (let i = 0; i < PACKETS; i++) {
        const { address, protocol, port } = targets[Math.floor(random() * targets.length)]!
        const source = SOURCES[Math.floor(random() * SOURCES.length)]!
        const from = beginning.origin.iif === undefined ? '' : ` ${source}:40000`
        const to = `${printIp(address)}:${port}`
        const result = agreement(
          ground,
          beginning,
          ends,
          protocol === 6 ? `tcp${from} > ${to} syn` : `udp${from} > ${to}`,
        )
        expect(typeof result === 'string' ? undefined : result, `seed ${seed}`).toBeUndefined()
        if (result === 'same') same++
        else others++
      }
    }
  }
  expect(same).toBeGreaterThan(others)
})
