import { expect, test } from 'vitest'
import { connect } from '../src/path/connect.js'
import { packet, state, traced } from './scenarios/state.js'

interface Given {
  readonly loose?: number
  readonly forward?: readonly string[]
  readonly output?: readonly string[]
  readonly prerouting?: string
}

const UNTRACKED = '-A PREROUTING -i wan0 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j CT --notrack'
const PROXY =
  '-A FORWARD -i wan0 -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460'

/** A router that protects a server behind lan0. */
const hosts = ({ loose = 0, forward = [PROXY], output = [], prerouting = UNTRACKED }: Given) =>
  state({
    r: {
      links: { lan0: ['10.1.0.1/16'], wan0: ['203.0.113.7/24'] },
      routes: ['default via 203.0.113.1 dev wan0'],
      sysctl: { 'net.ipv4.ip_forward': 1, 'net.netfilter.nf_conntrack_tcp_loose': loose },
      iptables: `
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${prerouting}
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${[...forward, ...output].join('\n')}
COMMIT
`,
    },
  })

const SYN = 'tcp 198.51.100.9:40000 > 10.1.0.20:80 in wan0'

test('the SYN is answered and goes no further', () => {
  const { outcome, where, steps } = traced(hosts({}), SYN)
  expect([outcome, where.reason, where.chain]).toEqual(['dropped', 'synproxy', 'FORWARD'])
  const answers = steps.flatMap((step) => (step.kind === 'reply' ? [step.reply] : []))
  expect(answers.map(({ src, dst, flags }) => [src, dst, flags])).toEqual([['10.1.0.20', '198.51.100.9', 'syn,ack']])
})

test.each([
  ['opens', {}, true, 'connected', 'the request arrives'],
  ['an ACK that makes a connection by itself', { loose: 1 }, false, 'connection reset', 'goes past SYNPROXY'],
  ['the answer may not leave', { output: ['-A OUTPUT -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j DROP'] }, false, 'timeout', 'what SYNPROXY answers does not come back'],
  ['the call to the server may not leave', { output: ['-A OUTPUT -p tcp -m tcp --tcp-flags SYN,ACK SYN -j DROP'] }, false, 'hangs after the handshake', 'SYNPROXY calls the server'],
  ['the window may not be told', { output: ['-A OUTPUT -o wan0 -p tcp -m tcp --tcp-flags SYN,ACK ACK -j DROP'] }, false, 'hangs after the handshake', 'what SYNPROXY tells both ends'],
  ['invalid ones are dropped before', { forward: ['-A FORWARD -m conntrack --ctstate INVALID -j DROP', PROXY] }, false, 'hangs after the handshake', 'the acknowledgement'],
] as const)('connect: %s', (_, given, works, symptom, why) => {
  const [only, ...others] = connect(hosts(given), packet(SYN)).branches
  expect(others).toEqual([])
  expect(only).toMatchObject({ works, symptom })
  expect(only!.why).toContain(why)
  if (works) expect(only!.receiver).toMatchObject({ src: '198.51.100.9', dst: '10.1.0.20', dport: 80 })
}) // biome-ignore format: a table

test('an ACK by itself is undecided', () => {
  const { outcome, where } = traced(hosts({}), SYN.replace(' in ', ' ack in '))
  expect(outcome).toBe('undecided')
  expect(where.text).toContain('secret of the kernel')
})
