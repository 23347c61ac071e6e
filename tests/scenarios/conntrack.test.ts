import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printIp } from '../../src/address/ip.js'
import type { Entry } from '../../src/conntrack/entry.js'
import { PROTOCOLS } from '../../src/packet/fields.js'
import { begin } from '../../src/path/begin.js'
import { explore } from '../../src/path/choices.js'
import { connect } from '../../src/path/connect.js'
import { ownerOf } from '../../src/path/resolve.js'
import { questionRun } from '../../src/path/trace.js'
import { walk } from '../../src/path/walk.js'
import type { Hosts } from '../../src/path/world.js'
import { readFolder } from '../../src/snapshot/files.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { packet } from './state.js'

/**
 * The samples' conntrack files are what the kernel made of real connections. The model walks the same connections, from where they began, over
 * the same hosts without any connection, and must make the same entries. A port that the kernel drew is not the same number, but drawn as well.
 */
const TUNNEL = 8472

const isFlow = ({ original }: Entry) => PROTOCOLS[original.protocol] !== 'igmp' && original.dport !== TUNNEL

/** `node1: tcp 10.0.0.1 > 10.0.0.2:80, reply 10.0.0.3:8080 > 10.0.0.1, port kept`. */
function shape(host: string, { original, reply }: Entry): string {
  const port = original.sport === reply.dport ? 'kept' : 'drawn'
  return `${host}: ${PROTOCOLS[original.protocol]} ${printIp(original.src)} > ${printIp(original.dst)}:${original.dport}, reply ${printIp(reply.src)}:${reply.sport} > ${printIp(reply.dst)}, port ${port}`
}

async function load(name: string): Promise<Hosts> {
  const read = readSnapshot(await readFolder(join(import.meta.dirname, '../../samples', name)), { now: 1e9 })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.hosts
}

/** A connection's first entry is on the host that its source belongs to, or on the host that an outsider came to. */
function beginsHere(hosts: Hosts, host: string, { original }: Entry): boolean {
  const owner = ownerOf(hosts, original.src)
  if (owner) return owner.namespace.host === host && !isTunnelAddress(hosts, original.src)
  return original.src === 0x7f000001 || ownerOf(hosts, original.dst)?.namespace.host === host
}

/** flannel.1's own address appears as a source only once masquerading has put it there. */
const isTunnelAddress = (hosts: Hosts, ip: Entry['original']['src']) => ownerOf(hosts, ip)?.link.kind === 'vxlan'

/** Every entry that the model makes of one connection, over all ways that lots may go. */
function madeBy(hosts: Hosts, question: string): string[] {
  const made: string[] = []
  explore((chooser) => {
    const run = questionRun(hosts, chooser, { now: 1e9 })
    const { cursor, stage } = begin(run, walk, packet(question))
    walk(cursor, stage)
    for (const namespace of hosts.namespaces.filter((one) => one.namespace === ''))
      made.push(
        ...run
          .netns(namespace)
          .connections.entries()
          .filter(isFlow)
          .map((entry) => shape(namespace.host, entry)),
      )
  })
  return made
}

test.each(['k8s-cluster', 'docker-host', 'docker-ufw-host'])('%s: the entries that the kernel made', async (name) => {
  const hosts = await load(name)
  const empty: Hosts = {
    ...hosts,
    namespaces: hosts.namespaces.map((namespace) => ({ ...namespace, connections: [] })),
  }
  const seen = hosts.namespaces.flatMap((namespace) =>
    (namespace.connections ?? []).filter(isFlow).map((entry) => ({ host: namespace.host, entry })),
  )
  const questions = seen
    .filter(({ host, entry }) => beginsHere(hosts, host, entry))
    .map(({ host, entry: { original } }) => {
      const from = original.src === 0x7f000001 ? ` from ${host}` : ''
      return `${PROTOCOLS[original.protocol]} ${printIp(original.src)}:${original.sport} > ${printIp(original.dst)}:${original.dport}${from}`
    })
  const made = new Set(questions.flatMap((question) => madeBy(empty, question)))
  const kernel = new Set(seen.map(({ host, entry }) => shape(host, entry)))
  expect([...kernel].filter((entry) => !made.has(entry))).toEqual([])
  expect([...made].filter((entry) => !kernel.has(entry))).toEqual([])
  for (const question of questions)
    for (const { works } of connect(empty, packet(question)).branches) expect(works, question).toBe(true)
})
