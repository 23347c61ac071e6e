import { printIp } from '../../src/address/ip.js'
import type { Entry } from '../../src/conntrack/entry.js'
import { PROTOCOLS } from '../../src/packet/fields.js'
import { parsePacketLine } from '../../src/packet/language.js'
import type { PacketRequest } from '../../src/packet/request.js'
import { begin } from '../../src/path/begin.js'
import { explore } from '../../src/path/choices.js'
import { type Connection, connect } from '../../src/path/connect.js'
import { questionRun } from '../../src/path/trace.js'
import { walk } from '../../src/path/walk.js'
import type { Hosts } from '../../src/path/world.js'
import { readConnections } from '../../src/snapshot/conntrack.js'
import type { Talk } from './cluster.js'

/** The tunnel's own packets have connections too; they are as many as there are inner ones. */
const TUNNEL = 8472

/** `node1: tcp 10.0.0.1 > 10.0.0.2:80, reply 10.0.0.3:8080 > 10.0.0.1, port kept`. */
function shape(host: string, { original, reply }: Entry): string {
  const port = original.sport === reply.dport ? 'kept' : 'drawn'
  const ends = ({ src, dst }: Entry['original']) => [printIp(src), printIp(dst)] as const
  const [[from, to], [back, there]] = [ends(original), ends(reply)]
  return `${host}: ${PROTOCOLS[original.protocol]} ${from} > ${to}:${original.dport}, reply ${back}:${reply.sport} > ${there}, port ${port}`
}

const isFlow = ({ original }: Entry) => PROTOCOLS[original.protocol] !== 'igmp' && original.dport !== TUNNEL

/** The connections that a node has, as `conntrack -L` prints them. */
export const kernelTuples = (host: string, text: string): readonly string[] =>
  readConnections(text, 0)
    .filter(isFlow)
    .map((entry) => shape(host, entry))

/** One way that lots may go: what the client and the server see, and the connections of both nodes. */
export interface Way {
  readonly seen: string
  readonly tuples: readonly string[]
}

export function requestOf(text: string): PacketRequest {
  const parsed = parsePacketLine(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem.message}`)
  return parsed.packet
}

/** Every way that the model knows for a connection. */
export function modelWays(hosts: Hosts, text: string): readonly Way[] {
  const request = requestOf(text)
  const seen = connect(hosts, request).branches.map(seenByModel)
  const tuples: (readonly string[])[] = []
  explore((chooser) => {
    const run = questionRun(hosts, chooser, {})
    const { cursor, stage } = begin(run, walk, request)
    walk(cursor, stage)
    const made = hosts.namespaces.filter(({ namespace }) => namespace === '').flatMap((namespace) =>
      run.netns(namespace).connections.entries().filter(isFlow).map((entry) => shape(namespace.host, entry))) // biome-ignore format: one thing
    tuples.push(made.sort())
  })
  return seen.flatMap((one) => tuples.map((made) => ({ seen: one, tuples: made })))
}

const seenByModel = ({ symptom, receiver, works }: Connection): string =>
  works
    ? `${symptom}, ${receiver!.namespace || receiver!.host} saw ${receiver!.src}, on port ${receiver!.dport}`
    : symptom

export const seenByKernel = ({ symptom, server, peer, to }: Talk): string =>
  server === null ? symptom : `${symptom}, ${server} saw ${peer![0]}, on port ${to![1]}`
