import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect } from '../../src/path/connect.js'
import { trace } from '../../src/path/trace.js'
import type { Step } from '../../src/path/trail.js'
import type { Hosts } from '../../src/path/world.js'
import { readFolder } from '../../src/snapshot/files.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { packet } from './state.js'

const samples = join(import.meta.dirname, '../../samples')

async function load(name: string): Promise<Hosts> {
  const read = readSnapshot(await readFolder(join(samples, name)))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.hosts
}

const one = <T>(all: readonly T[]): T => {
  if (all.length !== 1) throw new Error(`${all.length} branches`)
  return all[0]!
}

/** What happened, one line a step, without the parts that tell nothing new. */
const outline = (steps: readonly Step[]) =>
  steps.flatMap((step) => {
    const at = step.namespace === '' ? step.host : `${step.host}/${step.namespace}`
    switch (step.kind) {
      case 'route':
      case 'reroute':
      case 'nat':
      case 'encapsulate':
      case 'decapsulate':
      case 'deliver':
      case 'drop':
        return [`${at} ${step.kind}: ${step.text}`]
      default:
        return []
    }
  })

describe('a Kubernetes cluster of two nodes', async () => {
  const hosts = await load('k8s-cluster')

  test('the seed question: from a node to a Service', () => {
    const branch = one(trace(hosts, packet('tcp > 10.96.100.7:80 from node1')).branches)
    expect(branch).toMatchObject({
      outcome: 'delivered',
      probability: 1,
      where: { host: 'node2', namespace: 'web' },
      final: { src: '10.244.0.0', dst: '10.244.1.3', dport: 8080 },
    })
    const { steps } = branch
    expect(steps.find(({ kind }) => kind === 'route')).toMatchObject({
      host: 'node1',
      lookup: { sourceChosen: '192.168.50.11', dev: 'eth0' },
    })
    const nats = steps.filter((step) => step.kind === 'nat')
    expect(nats).toMatchObject([
      { hook: 'output', manip: 'dst', before: '10.96.100.7:80', after: '10.244.1.3:8080' },
      { hook: 'postrouting', manip: 'src', before: '192.168.50.11:40000', ports: [1024, 65535] },
    ])
    expect(steps.find(({ kind }) => kind === 'reroute')).toMatchObject({ lookup: { dev: 'flannel.1' } })
    const marks = steps
      .flatMap((step) =>
        step.kind === 'hook' ? step.chains.flatMap(({ visits }) => visits.flatMap(({ did }) => did)) : [],
      )
      .filter((did) => did.startsWith('mark'))
    expect(marks).toEqual(['mark 0x0 → 0x4000', 'mark 0x4000 → 0x0'])
    expect(steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      host: 'node1',
      outer: { src: '192.168.50.11', dst: '192.168.50.12', protocol: 'udp', dport: 8472 },
    })
    const outer = steps.slice(steps.findIndex(({ kind }) => kind === 'encapsulate'))
    expect(
      outer
        .filter((step) => step.kind === 'hook' && step.host === 'node1')
        .map((step) => (step.kind === 'hook' ? step.hook : '')),
    ).toContain('output')
    expect(steps.find(({ kind }) => kind === 'decapsulate')).toMatchObject({ host: 'node2', interface: 'flannel.1' })
  })

  test('and the reply, all the way back', () => {
    const connection = one(connect(hosts, packet('tcp > 10.96.100.7:80 from node1')).branches)
    expect(connection).toMatchObject({
      works: true,
      symptom: 'connected',
      sender: { src: '192.168.50.11', dst: '10.96.100.7', dport: 80 },
      receiver: { host: 'node2', namespace: 'web', src: '10.244.0.0', dst: '10.244.1.3', dport: 8080 },
      reply: { outcome: 'delivered', final: { src: '10.96.100.7', sport: 80, dst: '192.168.50.11', dport: 40000 } },
    })
  })

  test.each([
    [
      'a pod → Service',
      'tcp > 10.96.100.7:80 from node1/shell',
      { host: 'node2', namespace: 'web', src: '10.244.0.3', dst: '10.244.1.3', dport: 8080 },
    ],
    [
      'a pod → its own Service: hairpin',
      'tcp > 10.96.100.7:80 from node2/web',
      { host: 'node2', namespace: 'web', src: '10.244.1.1', dst: '10.244.1.3', dport: 8080 },
    ],
    [
      'outside → NodePort of node1',
      'tcp 192.168.50.100:40000 > 192.168.50.11:30080',
      { host: 'node2', namespace: 'web', src: '10.244.0.0', dst: '10.244.1.3' },
    ],
    [
      'outside → NodePort of node2',
      'tcp 192.168.50.100:40000 > 192.168.50.12:30080',
      { host: 'node2', namespace: 'web', src: '10.244.1.1', dst: '10.244.1.3' },
    ],
    [
      'a pod → the API server',
      'tcp > 10.96.0.1:443 from node1/shell',
      { host: 'node1', namespace: '', dst: '192.168.50.11', dport: 6443 },
    ],
    [
      'node2 → the API server by its Service',
      'tcp > 10.96.0.1:443 from node2',
      { host: 'node1', namespace: '', src: '192.168.50.12', dst: '192.168.50.11', dport: 6443 },
    ],
  ])('%s', (_, question, receiver) => {
    expect(one(connect(hosts, packet(question)).branches)).toMatchObject({ works: true, receiver })
  })

  test('a pod → a Service without endpoints: refused at once', () => {
    expect(one(trace(hosts, packet('tcp > 10.96.100.8:80 from node1/shell')).branches)).toMatchObject({
      outcome: 'rejected',
      symptom: 'connection refused',
      where: { host: 'node1', table: 'filter', chain: 'KUBE-SERVICES', rule: 1, reason: 'rule-reject' },
    })
  })

  test('DNS: both endpoints, one chance in two each', () => {
    const { branches } = connect(hosts, packet('udp > 10.96.0.10:53 from node1/shell'))
    expect(
      branches.map(({ probability, works, receiver }) => [probability, works, receiver?.host, receiver?.namespace]),
    ).toEqual([
      [0.5, true, 'node1', 'coredns-a'],
      [0.5, true, 'node2', 'coredns-b'],
    ])
  })
})

describe('a Docker host', async () => {
  const plain = await load('docker-host')
  const ufw = await load('docker-ufw-host')

  test.each([
    [
      'published port from outside',
      'tcp 192.0.2.1:40000 > 192.0.2.10:8080 in eth0',
      { namespace: 'web', src: '192.0.2.1', dst: '172.17.0.2', dport: 80 },
    ],
    [
      'from the host by its own address',
      'tcp > 192.0.2.10:8080 from docker-host',
      { namespace: 'web', src: '192.0.2.10', dst: '172.17.0.2' },
    ],
    [
      'from the host by 127.0.0.1: the proxy process takes it',
      'tcp > 127.0.0.1:8080 from docker-host',
      { namespace: '', src: '127.0.0.1', dst: '127.0.0.1', dport: 8080 },
    ],
    [
      'from the container to its own published port: the proxy takes it',
      'tcp > 192.0.2.10:8080 from docker-host/web',
      { namespace: '', src: '172.17.0.2', dst: '192.0.2.10', dport: 8080 },
    ],
    [
      'container to the internet',
      'tcp > 198.51.100.80:443 from docker-host/web',
      { namespace: '', src: '192.0.2.10', dst: '198.51.100.80' },
    ],
  ])('%s', (_, question, receiver) => {
    expect(one(connect(plain, packet(question)).branches)).toMatchObject({ works: true, receiver })
  })

  test('a container to the isolated network: dropped', () => {
    expect(one(trace(plain, packet('tcp > 172.18.0.2:5432 from docker-host/web')).branches)).toMatchObject({
      outcome: 'dropped',
      symptom: 'timeout',
      where: { chain: 'DOCKER-ISOLATION-STAGE-1', rule: 1 },
    })
  })

  test('an unpublished port: refused without ufw, nothing comes back with it', () => {
    expect(one(trace(plain, packet('tcp 192.0.2.1:40000 > 192.0.2.10:9999 in eth0')).branches)).toMatchObject({
      outcome: 'rejected',
      symptom: 'connection refused',
      where: { reason: 'no-socket' },
    })
    expect(one(trace(ufw, packet('tcp 192.0.2.1:40000 > 192.0.2.10:9999 in eth0')).branches)).toMatchObject({
      outcome: 'dropped',
      symptom: 'timeout',
      where: { hook: 'input', chain: 'INPUT', reason: 'policy-drop' },
    })
  })

  test('with ufw denying, the published port still connects; INPUT is not run', () => {
    const connection = one(connect(ufw, packet('tcp 192.0.2.1:40000 > 192.0.2.10:8080 in eth0')).branches)
    expect(connection).toMatchObject({ works: true, receiver: { namespace: 'web', dst: '172.17.0.2', dport: 80 } })
    const hooks = connection.request.steps.flatMap((step) =>
      step.kind === 'hook' && step.namespace === '' ? [step.hook] : [],
    )
    expect(hooks).not.toContain('input')
  })

  test('the way of the published port, line by line', () => {
    expect(outline(one(trace(plain, packet('tcp 192.0.2.1:40000 > 192.0.2.10:8080 in eth0')).branches).steps)).toEqual([
      'docker-host nat: destination 192.0.2.10:8080 → 172.17.0.2:80',
      'docker-host route: forward to dev docker0',
      'docker-host/web route: for this host',
      'docker-host/web deliver: to tcp *:80',
    ])
  })
})
