import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { packetwalk } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const UFW = join(root, 'samples/docker-ufw-host')
const K8S = join(root, 'samples/k8s-cluster')

const ask = async (...args: string[]) => {
  const { status, out, err } = await packetwalk(['reach', ...args, '--json'])
  expect(err).toBe('')
  const schema = JSON.parse(readFileSync(join(root, 'schema/reach.schema.json'), 'utf8'))
  const validate = new Ajv2020({ allErrors: true }).compile(schema)
  const document = JSON.parse(out)
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  return { status, ...document } as {
    status: number
    answer: string
    packets: string[]
    ways: {
      from: string
      sent: boolean
      to: string
      sources: string[]
      packets: string[]
      example: { rules: { text: string }[] }
    }[]
    examples: { packet: string; sees: string }[]
  }
}

test('nothing outside reaches the database of the docker host, and ufw does not matter to the web server', async () => {
  expect(await ask(UFW, '--to', '172.18.0.2:5432/tcp')).toMatchObject({ status: 1, answer: 'none', packets: [] })
  const { status, packets, examples } = await ask(UFW, '--from', 'internet', '--to', '172.17.0.2:80/tcp')
  expect(status).toBe(0)
  expect(packets.some((text) => text.includes('192.0.2.10:8080'))).toBe(true)
  for (const { packet } of examples) expect((await packetwalk(['trace', UFW, packet, '-q'])).status).toBe(0)
  // the example is what somebody outside would try: the published port, which ufw denies
  expect(examples.map(({ packet }) => packet)).toEqual([
    'tcp 198.51.100.9:40000 > 192.0.2.10:8080 syn in docker-ufw-host:eth0',
  ])
  const input = (await packetwalk(['reach', UFW, '--from', 'internet', '--to', '192.0.2.10:8080/tcp'])).out
  expect(input).toContain('no new connection gets to 192.0.2.10:8080/tcp')
})

test('the database is reached from its own network', async () => {
  const { status, ways } = await ask(UFW, '--from', '172.18.0.0/16', '--to', 'db:5432/tcp')
  expect(status).toBe(0)
  expect(ways.map(({ from, sent }) => `${from} ${sent}`)).toEqual(['docker-ufw-host true', 'docker-ufw-host/db true'])
})

test('a pod is reached through its Service, its node port and straight; the node shows its own address', async () => {
  const { status, packets, examples } = await ask(K8S, '--at', 'node2', '--to', '10.244.1.3:8080/tcp')
  expect(status).toBe(0)
  for (const way of ['10.96.100.7:80', ':30080', '10.244.1.3:8080'])
    expect(
      packets.some((text) => text.includes(way)),
      way,
    ).toBe(true)
  expect(new Set(examples.map(({ sees }) => sees))).toEqual(new Set(['10.244.0.4', '10.244.1.1']))
})

test('what comes back over connections: replies and errors to the address that the target is seen from', async () => {
  const { replies } = (await ask(UFW, '--from', 'internet', '--to', 'web', '--replies')) as unknown as {
    replies: Record<
      'begun' | 'established' | 'related',
      { ways: { from: string; to: string; packets: string[]; perhaps: string[] }[] }
    >
  }
  expect(replies.begun.ways.map(({ to }) => to)).toEqual(['docker-ufw-host'])
  const [established, related] = [replies.established, replies.related].map(({ ways }) => ways)
  expect(established!.map(({ from, to }) => `${from} ${to}`)).toEqual(['docker-ufw-host docker-ufw-host/web'])
  // the container is masqueraded: nothing comes back to its own address
  for (const text of established![0]!.packets) expect(text).toContain('→ 192.0.2.10')
  expect(related!.flatMap(({ packets }) => packets)).toEqual(['icmp any → 192.0.2.10 type 3,11-12 in eth0'])
})

test('no replies come back where what belongs to a connection is dropped', async () => {
  const shut = [
    '--with',
    'docker-ufw-host: iptables -t raw -I PREROUTING -i eth0 -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP',
  ]
  const { replies } = (await ask(UFW, '--from', 'internet', '--to', 'web', '--replies', ...shut)) as unknown as {
    replies: { begun: { answer: string }; established: { packets: string[] } }
  }
  expect(replies.begun.answer).toBe('some')
  expect(replies.established.packets.filter((text) => text.startsWith('tcp'))).toEqual([])
})

test('what a change would close', async () => {
  const close = ['--with', 'docker-ufw-host: iptables -I DOCKER-USER -i eth0 -j DROP']
  expect(await ask(UFW, '--to', '172.17.0.2:80/tcp', ...close)).toMatchObject({ status: 1, answer: 'none' })
})

test.each<[string, string[]]>([
  ['no target', []],
  ['no address', ['--to', 'nonsense']],
  ['a port without a protocol', ['--to', '10.0.0.1:80']],
  ['an interface that does not exist', ['--to', '10.0.0.1', '--from', 'eth99']],
  ['a host that does not exist', ['--to', '10.0.0.1', '--at', 'nowhere']],
])('%s is bad usage', async (_, args) => {
  const { status, err } = await packetwalk(['reach', UFW, ...args])
  expect(status).toBe(2)
  expect(err).toMatch(/^packetwalk: /)
})
