/** /etc/protocols (netbase 6): the name that getprotobynumber(3) gives comes first, other names behind it. */
const TABLE = `
  0 ip hopopt, 1 icmp, 2 igmp, 3 ggp, 4 ipencap, 5 st, 6 tcp, 8 egp, 9 igp, 12 pup, 17 udp, 20 hmp, 22 xns-idp, 27 rdp, 29 iso-tp4,
  33 dccp, 36 xtp, 37 ddp, 38 idpr-cmtp, 41 ipv6, 43 ipv6-route, 44 ipv6-frag, 45 idrp, 46 rsvp, 47 gre, 50 esp ipsec-esp, 51 ah ipsec-ah,
  57 skip, 58 ipv6-icmp icmpv6, 59 ipv6-nonxt, 60 ipv6-opts, 73 rspf cphb, 81 vmtp, 88 eigrp, 89 ospf ospfigp, 93 ax.25, 94 ipip,
  97 etherip, 98 encap, 103 pim, 108 ipcomp, 112 vrrp, 115 l2tp, 124 isis, 132 sctp, 133 fc, 135 mobility-header ipv6-mh mh, 136 udplite,
  137 mpls-in-ip, 138 manet, 139 hip, 140 shim6, 141 wesp, 142 rohc, 143 ethernet
`

const BY_NAME = new Map<string, number>()
const BY_NUMBER = new Map<number, string>()
for (const entry of TABLE.trim().split(/,\s*/)) {
  const [number = '', ...names] = entry.split(' ')
  BY_NUMBER.set(Number(number), names[0]!)
  for (const name of names) BY_NAME.set(name, Number(number))
}

/** The number of a protocol by one of its names, in lower case. */
export const protocolByName = (name: string): number | undefined => BY_NAME.get(name)

/** The name in /etc/protocols. */
export const protocolName = (protocol: number): string | undefined => BY_NUMBER.get(protocol)
