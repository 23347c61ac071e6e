import type { Family } from '../../address/ip.js'
import type { Data, DataKey } from '../data.js'
import type { Element } from '../element.js'
import { printAddress } from '../print.js'
import { addresses, bounded, checkCidr, counted, networks, ports, prefixes, single6, span } from '../ranges.js'
import {
  ADD_NET,
  type Adt,
  address,
  cut,
  hashOptions,
  ipWords,
  type Part,
  plain,
  port,
  type SetType,
  swap16,
} from '../type.js'
import { ipPart, portPart, printParts } from './hash-ip-port.js'

const NEEDED: readonly DataKey[] = ['ip', 'protocol', 'port', 'ip2']
const parts: readonly Part[] = [
  ipPart,
  portPart,
  { read: 'ip4-net6-2', print: ({ ip2, cidr2 }) => printAddress(ip2!, cidr2) },
]

/** net/netfilter/ipset/ip_set_hash_ipportnet.c */
export const hashIpPortNet: SetType = {
  ...plain,
  name: 'hash:ip,port,net',
  aliases: ['ipportnethash'],
  revision: 8,
  families: 'both',
  parts,
  options: { create: hashOptions({ old: 'ip' }), add: ADD_NET, del: [], test: ['nomatch'] },
  allowed: {
    create: [],
    add: [...NEEDED, 'ipTo', 'portTo', 'cidr2', 'ip2To'],
    del: [...NEEDED, 'ipTo', 'portTo', 'cidr2', 'ip2To'],
    test: [...NEEDED, 'cidr2'],
  },
  needed: { create: [], add: NEEDED, del: NEEDED, test: NEEDED },
  nomatch: true,
  *elements({ family = 4 }, data, adt) {
    if (family === 6) yield* elements6(data, adt)
    else yield* elements4(data, adt)
  },
  lengths: ({ cidr2 }) => [cidr2!],
  masked: (element, [length]) => ({ ...element, ip2: cut(element.ip2!, length!), cidr2: length! }),
  words: ({ ip, ip2, port: value, protocol, cidr2 }) => [
    ...ipWords(ip!),
    ...ipWords(ip2!),
    swap16(value!) | ((cidr2! - 1) << 16) | (protocol! << 24),
  ],
  key: ([one, two, three], family: Family) => [address(one, family), ...port(two), address(three, family)],
  fromKey: (_, [ip, protocol, value, ip2], [length]) => ({
    ip: ip!,
    protocol: Number(protocol),
    port: Number(value),
    ip2: cut(ip2!, length!),
    cidr2: length!,
  }),
  print: printParts(parts),
}

function* elements6(data: Data, adt: Adt): Generator<Element> {
  const { ip2To: _, ...rest } = data
  single6(rest)
  const cidr2 = checkCidr(data.cidr2, 6)
  const { protocol, ports: wanted } = ports(data, 6, adt)
  for (const one of counted(wanted)) yield { ip: data.ip!, ip2: cut(data.ip2!, cidr2), cidr2, protocol, port: one }
}

function* elements4(data: Data, adt: Adt): Generator<Element> {
  const [ip, ip2] = [data.ip as number, data.ip2 as number]
  const cidr2 = checkCidr(data.cidr2, 4)
  const { protocol, ports: wanted } = ports(data, 4, adt)
  const { ipTo, cidr, ip2To } = adt === 'test' ? { ipTo: undefined, cidr: undefined, ip2To: undefined } : data
  const second =
    ip2To === undefined ? [...networks(ip2, undefined, cidr2)] : [...prefixes(bounded(span(ip2, ip2To, undefined)))]
  for (const one of addresses(span(ip, ipTo, cidr)))
    for (const wantedPort of counted(wanted))
      for (const net of second) yield { ip: one, protocol, port: wantedPort, ip2: net.ip, cidr2: net.length }
}
