import { expect, test } from 'vitest'
import { parseIpv4 } from '../address/ip.js'
import type { Entry } from '../conntrack/entry.js'
import { CT_STATUS } from '../packet/fields.js'
import { connectionsText } from './connections.js'

const ip = (text: string) => parseIpv4(text)!
const entry = (protocol: number, more: Partial<Entry> = {}): Entry => ({
  original: { family: 4, protocol, src: ip('10.244.0.3'), dst: ip('10.96.0.10'), sport: 41752, dport: 53 },
  reply: { family: 4, protocol, src: ip('10.244.1.2'), dst: ip('10.244.0.3'), sport: 53, dport: 41752 },
  status: CT_STATUS.CONFIRMED | CT_STATUS.SEEN_REPLY,
  mark: 0,
  zone: 0,
  expires: 1029.9,
  protocol: { kind: 'udp', stream: false, streamSince: 0 },
  counters: { original: { packets: 1, bytes: 30 }, reply: { packets: 1, bytes: 30 } },
  master: undefined,
  helper: undefined,
  ...more,
})

/** Lines of samples/k8s-cluster/node1/conntrack, which conntrack(8) printed. */
test.each<[string, Entry, boolean]>([
  [
    'ipv4     2 udp      17 29 src=10.244.0.3 dst=10.96.0.10 sport=41752 dport=53 packets=1 bytes=30 src=10.244.1.2 dst=10.244.0.3 sport=53 dport=41752 packets=1 bytes=30 mark=0 use=1',
    entry(17),
    true,
  ],
  [
    'ipv4     2 unknown  2 29 src=10.244.0.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.244.0.1 mark=0 use=1',
    entry(2, {
      original: { family: 4, protocol: 2, src: ip('10.244.0.1'), dst: ip('224.0.0.22'), sport: 0, dport: 0 },
      reply: { family: 4, protocol: 2, src: ip('224.0.0.22'), dst: ip('10.244.0.1'), sport: 0, dport: 0 },
      status: CT_STATUS.CONFIRMED,
      protocol: { kind: 'other', state: '' },
    }),
    false,
  ],
  [
    'ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=16384 zone=3 use=1',
    entry(1, {
      original: { family: 4, protocol: 1, src: ip('10.0.0.1'), dst: ip('10.0.0.2'), sport: 7, dport: 8 << 8 },
      reply: { family: 4, protocol: 1, src: ip('10.0.0.2'), dst: ip('10.0.0.1'), sport: 7, dport: 0 },
      protocol: { kind: 'other', state: '' },
      mark: 0x4000,
      zone: 3,
    }),
    false,
  ],
])('%s', (line, connection, accounting) => {
  expect(connectionsText([connection], { now: 1000, accounting })).toBe(`${line}\n`)
})
