import { describe, expect, test } from 'vitest'
import { plainText } from './line.js'
import { type PacketVerdict, verdictOf, verifyText } from './verify.js'

const agrees: PacketVerdict = {
  packet: 'tcp > 10.0.0.1:80 from host',
  namespace: 'host',
  at: 'local',
  verdict: 'agrees',
  outcome: 'sent',
  why: 'leaves host through eth0',
  kernel: [{ interface: 'eth0', frame: 'aabb' }],
  model: [{ interface: 'eth0', frame: 'aabb' }],
  counters: [],
}
const none = { packets: 0, bytes: 0 }
const one = { packets: 1, bytes: 40 }
const differs: PacketVerdict = {
  ...agrees,
  verdict: 'differs',
  kernel: [],
  counters: [
    { table: 'filter', chain: 'OUTPUT', rule: 2, text: '-A OUTPUT -j DROP', kernel: one, model: none },
    { table: 'filter', chain: 'OUTPUT', rule: 0, text: 'policy ACCEPT', kernel: none, model: one },
  ],
}
const undecided: PacketVerdict = { ...agrees, verdict: 'undecided', outcome: 'undecided', why: 'queue 0' }
const result = (...packets: PacketVerdict[]) => ({ kernel: '6.18.0', notes: [], packets })

describe('what all packets come to', () => {
  test.each([
    [[agrees, agrees], 'agrees'],
    [[agrees, undecided], 'undecided'],
    [[undecided, differs, agrees], 'differs'],
    [[], 'undecided'],
  ] as const)('%#: %s', (packets, verdict) => expect(verdictOf(result(...packets))).toBe(verdict))
})

test('a difference shows what both sent and counted; agreement only that', () => {
  const notes = ['wg0 (wireguard) is stood in for by a veth']
  expect(plainText(verifyText({ ...result(agrees, differs, undecided), notes }, 100, false))).toBe(
    `note: wg0 (wireguard) is stood in for by a veth
agrees    tcp > 10.0.0.1:80 from host (host): sent, leaves host through eth0
differs   tcp > 10.0.0.1:80 from host (host): sent, leaves host through eth0
  kernel sends: nothing
  model sends:  eth0 aabb
  counted: filter -A OUTPUT -j DROP: kernel [1:40], model [0:0]
  counted: filter OUTPUT policy ACCEPT: kernel [0:0], model [1:40]
undecided tcp > 10.0.0.1:80 from host (host): undecided, queue 0
Linux 6.18.0: 1 of 3 packets agree, 1 differ, 1 undecided
`,
  )
})
