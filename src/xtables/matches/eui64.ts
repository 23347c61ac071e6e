import { THERE } from '../../packet/probe.js'
import { all, dropIf, equals, probed } from '../../rules/condition.js'
import { defineMatch } from '../match.js'

/** PACKET_LOOPBACK. */
const LOOPBACK = 5

export const eui64 = defineMatch({
  name: 'eui64',
  families: [6],
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: {},
  listed: [[/eui64(?= |$)/y, () => '']],
  doc: {
    summary:
      'Matches where the interface half of the source address is made of the MAC address that the packet comes from.',
    notes: [
      'What comes through a device without Ethernet headers does not match.',
      'A copy of what the host sends to a group comes back without an Ethernet header: it is dropped, whatever its address.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_eui64.c: eui64_mt6',
  },
  /** It has no way to print itself: legacy says its name then. */
  list: (_, { backend }) => (backend === 'legacy' ? 'eui64 ' : ''),
  lower: () => all(dropIf(equals('meta.pkttype', LOOPBACK)), equals(probed({ find: 'eui64' }), THERE)),
})
