import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../path/choices.js'
import type { Hosts } from '../path/world.js'
import { NodeLimitError } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { readFolder } from '../snapshot/files.js'
import { addressesOf, plainSample, randomHosts, randomWords, type Sample } from '../testing/random-walks.js'
import { backAgreement } from '../testing/walk-back.js'
import { SetWalk } from './walk.js'
import { generated } from './walk-begin.js'
import { Ground } from './walk-ground.js'

/** Connections whose replies both walks are asked about, for each sample and family. */
const CHECKS = Number(process.env['PACKETWALK_CHECKS'] ?? 150)
const PACKETS = Number(process.env['PACKETWALK_PACKETS'] ?? 30)
const SEED = Number(process.env['PACKETWALK_SEED'] ?? 1)

const LIMIT = 4_000_000

const filesOf = (name: Sample) => readFolder(join(import.meta.dirname, `../../samples/${name}`))

function compare(name: Sample, hosts: Hosts, family: 4 | 6, random: () => number) {
  const counts = { same: 0, either: 0, none: 0 }
  const addresses = addressesOf(name, hosts, family)
  for (const place of hosts.namespaces) {
    const ground = new Ground(hosts, family, { limit: LIMIT })
    const beginning = generated(ground, place)
    const ends = new SetWalk(ground).walk([beginning.group])
    const back = backAgreement(ground, beginning, ends)
    for (let i = 0; i < PACKETS; i++) {
      // what begins a connection
      const words = randomWords(random, family, addresses, true).replace(
        / (ack|syn,ack|rst|fin,ack|syn,ece,cwr)\b/,
        ' syn',
      )
      const result = back(words)
      if (typeof result !== 'string') expect(result.symbolic, JSON.stringify(result)).toContain(result.concrete)
      else counts[result]++
    }
  }
  return counts
}

test.each(['docker-host', 'docker-ufw-host', 'k8s-cluster'] as const)(
  '%s: the sets of replies hold those that come back',
  async (name) => {
    const { same, either } = compare(name, plainSample(name, await filesOf(name)), 4, seededRandom(SEED))
    expect(same).toBeGreaterThan(20)
    expect(either).toBeLessThan(same / 4)
  },
  600_000,
)

test.each(
  (['docker-host', 'k8s-cluster'] as const).flatMap((name) =>
    ([4, 6] as const).map((family) => [name, family] as const),
  ),
)(
  '%s, IPv%i: the sets of replies hold those that come back under random rules',
  async (name, family) => {
    const files = await filesOf(name)
    const all = { same: 0, either: 0 }
    for (let seed = SEED * 100_000; all.same + all.either < CHECKS; seed++) {
      const random = seededRandom(seed)
      const { hosts } = randomHosts(name, files, family, random)
      try {
        const { same, either } = compare(name, hosts, family, random)
        all.same += same
        all.either += either
      } catch (error) {
        if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
      }
    }
    if (process.env['PACKETWALK_CHECKS']) console.log(name, family, all)
    // replies that may belong to several connections: each may go its own way
    expect(all.either).toBeLessThan(all.same)
  },
  7_200_000,
)
