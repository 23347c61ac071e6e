import { THERE } from '../../packet/probe.js'
import { equals, probed } from '../../rules/condition.js'
import { defineMatch } from '../match.js'

export const eui64 = defineMatch({
  name: 'eui64',
  families: [6],
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: {},
  listed: [[/eui64(?= |$)/y, () => '']],
  doc: {
    summary:
      'Matches where the interface half of the source address is made of the MAC address that the packet comes from.',
    notes: ['What comes through a device without Ethernet headers does not match.'],
    kernel: 'net/ipv6/netfilter/ip6t_eui64.c: eui64_mt6',
  },
  /** It has no way to print itself: legacy says its name then. */
  list: (_, { backend }) => (backend === 'legacy' ? 'eui64 ' : ''),
  lower: () => equals(probed({ find: 'eui64' }), THERE),
})
