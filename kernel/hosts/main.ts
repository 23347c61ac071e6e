import { readSnapshot } from '../../src/snapshot/index.js'
import { Cluster, NODES } from './cluster.js'
import { kernelTuples, modelWays, seenByKernel } from './compare.js'

/** From whom to whom; in which words the model is asked, the client's port being what it is. */
interface FlowSpec {
  readonly name: string
  readonly at: string
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  /** Behind the addresses: who sends it; nothing for somebody outside. */
  readonly from: string
}

const flow = (name: string, at: string, protocol: 'tcp' | 'udp', address: string, port: number): FlowSpec => {
  const node = NODES.find(({ pods }) => pods.some((pod) => pod.name === at))
  return { name, at, protocol, address, port, from: at === 'client' ? '' : ` from ${node ? `${node.name}/${at}` : at}` }
}

const WEB = '10.96.100.7'
const FLOWS: readonly FlowSpec[] = [
  flow('host to Service, backend on the other node', 'node1', 'tcp', WEB, 80),
  flow('host to Service, backend on the same node', 'node2', 'tcp', WEB, 80),
  flow('pod to Service', 'shell', 'tcp', WEB, 80),
  flow('pod to Service, backend on the same node', 'coredns-b', 'tcp', WEB, 80),
  flow('pod to itself through its Service', 'web', 'tcp', WEB, 80),
  flow('outside to NodePort, backend on the other node', 'client', 'tcp', '192.168.50.11', 30080),
  flow('outside to NodePort, backend on the same node', 'client', 'tcp', '192.168.50.12', 30080),
  flow('host to its own NodePort', 'node1', 'tcp', '192.168.50.11', 30080),
  flow('pod to a Service without endpoints', 'shell', 'tcp', '10.96.100.8', 80),
  flow('host to a Service without endpoints', 'node1', 'tcp', '10.96.100.8', 80),
  flow('pod to the API server', 'shell', 'tcp', '10.96.0.1', 443),
  flow('pod of the other node to the API server', 'web', 'tcp', '10.96.0.1', 443),
  flow('pod to DNS', 'shell', 'udp', '10.96.0.10', 53),
  flow('host to DNS', 'node1', 'udp', '10.96.0.10', 53),
  flow('pod to a pod of the other node', 'shell', 'tcp', '10.244.1.3', 8080),
  flow('pod to a port where nobody listens', 'shell', 'tcp', '10.244.1.3', 9999),
  flow('outside to a port where nobody listens', 'client', 'tcp', '192.168.50.11', 9999),
  flow('outside through a node that lets nobody through', 'client', 'tcp', '203.0.113.9', 443),
]

const SECONDS = 2

/** The flows in real pods by real sockets, and what the model says from a snapshot taken there: how many differ. */
export async function judgeHosts(rules: string, say: (line: string) => void = console.log): Promise<number> {
  const cluster = await Cluster.build(rules)
  try {
    const read = readSnapshot(await cluster.snapshot())
    if (!read.ok) throw new Error(`the snapshot is not read: ${JSON.stringify(read.problems[0])}`)
    const hosts = { ...read.hosts, namespaces: read.hosts.namespaces.map((one) => ({ ...one, connections: [] })) }
    let differ = 0
    for (const spec of FLOWS) {
      const { seen, difference } = await judgeFlow(cluster, hosts, spec)
      say(difference === undefined ? `agrees  ${spec.name}: ${seen}` : `DIFFERS ${spec.name}: ${difference}`)
      if (difference !== undefined) differ++
    }
    say(`two hosts: ${FLOWS.length - differ} of ${FLOWS.length} flows agree`)
    return differ
  } finally {
    await cluster.close()
  }
}

async function judgeFlow(
  cluster: Cluster,
  hosts: Parameters<typeof modelWays>[0],
  { at, protocol, address, port, from }: FlowSpec,
): Promise<{ readonly seen: string; readonly difference?: string }> {
  await cluster.forget()
  const seen = seenByKernel(await cluster.talk(at, protocol, address, port, SECONDS))
  const tuples: string[] = []
  for (const { name } of NODES) tuples.push(...kernelTuples(name, await cluster.connections(name)))
  tuples.sort()
  const source = at === 'client' ? '192.168.50.100:40000 ' : ''
  const ways = modelWays(hosts, `${protocol} ${source}> ${address}:${port}${from}`)
  if (ways.some((way) => way.seen === seen && way.tuples.join() === tuples.join())) return { seen }
  const shown = (way: { readonly seen: string; readonly tuples: readonly string[] }) =>
    [way.seen, ...way.tuples].join('\n      ')
  const model = ways.map((way) => `\n   model:  ${shown(way)}`).join('')
  return { seen, difference: `\n   kernel: ${shown({ seen, tuples })}${model}` }
}
