import { describe, expect, test } from 'vitest'
import { connected1, state, traced } from '../scenarios/state.js'

/** Three hosts with a VXLAN device each, in one subnet. */
const host = (n: number, data: Readonly<Record<string, unknown>>, fdb: readonly string[] = []) => ({
  links: {
    eth0: { addresses: [`192.0.2.${n}/24`], mac: `02:00:00:00:0${n}:01` },
    vx0: {
      addresses: [`10.0.0.${n}/24`],
      kind: 'vxlan',
      mac: `02:00:00:00:0${n}:02`,
      mtu: 1450,
      data: { id: 7, port: 4789, link: 'eth0', ...data },
    },
  },
  neighbours: [1, 2, 3].flatMap((m) => (m === n ? [] : [`10.0.0.${m} dev vx0 lladdr 02:00:00:00:0${m}:02 REACHABLE`])),
  fdb,
  sysctl: {},
  sockets: ['tcp 0.0.0.0:80'],
})
const FLOOD = [
  '00:00:00:00:00:00 dev vx0 dst 192.0.2.2 self permanent',
  '00:00:00:00:00:00 dev vx0 dst 192.0.2.3 self permanent',
]
const question = 'tcp > 10.0.0.3:80 from a'

describe('a MAC address that the table does not have', () => {
  test('is flooded to all; the one who has it takes the frame, and what it learned shows the way back', () => {
    const hosts = state({ a: host(1, {}, FLOOD), b: host(2, {}), c: host(3, {}) })
    const branch = traced(hosts, question)
    expect(branch).toMatchObject({ outcome: 'delivered', where: { host: 'c' } })
    expect(branch.steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      outer: { dst: '192.0.2.3' },
      text: expect.stringContaining('flooded'),
    })
    const copy = branch.steps.find((step) => step.kind === 'copy')
    expect(copy).toMatchObject({ copy: { dst: '192.0.2.2' } })
    expect(copy?.kind === 'copy' && copy.walked.at(-1)).toMatchObject({ kind: 'drop', host: 'b', reason: 'other-host' })
    expect(connected1(hosts, question)).toMatchObject({ works: true })
  })
  test('without learning the far end has no way back', () => {
    const hosts = state({ a: host(1, {}, FLOOD), c: host(3, { learning: false }) })
    expect(connected1(hosts, question)).toMatchObject({ works: false, reply: { where: { reason: 'no-vtep' } } })
  })
})

test('what the table has for good is not learned anew: the frame is dropped', () => {
  const fixed = ['02:00:00:00:01:02 dev vx0 dst 192.0.2.9 self permanent']
  const hosts = state({ a: host(1, {}, FLOOD), c: host(3, {}, fixed) })
  expect(traced(hosts, question)).toMatchObject({ outcome: 'dropped', where: { host: 'c', reason: 'vxlan-entry' } })
})

test('a group leaves with TTL 1', () => {
  const branch = traced(state({ a: host(1, { group: '239.1.1.1' }) }), question)
  expect(branch.steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({ outer: { dst: '239.1.1.1', ttl: 1 } })
})
