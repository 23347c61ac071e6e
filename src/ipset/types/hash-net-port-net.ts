import type { Ip } from '../../address/ip.js'
import type { Data, DataKey } from '../data.js'
import type { Element } from '../element.js'
import { bounded, checkCidr, counted, ports, prefixes, type Span, single6, span } from '../ranges.js'
import { ADD_NET, address, cut, hashOptions, ipWords, plain, port, type SetType, swap16 } from '../type.js'
import { portPart, printParts } from './hash-ip-port.js'
import { netPart } from './hash-net.js'
import { secondNetPart } from './hash-net-net.js'

const NEEDED: readonly DataKey[] = ['ip', 'protocol', 'port', 'ip2']
const ALLOWED: readonly DataKey[] = [...NEEDED, 'portTo', 'cidr', 'ipTo', 'cidr2', 'ip2To']
const parts = [netPart, portPart, secondNetPart]

/** net/netfilter/ipset/ip_set_hash_netportnet.c */
export const hashNetPortNet: SetType = {
  ...plain,
  name: 'hash:net,port,net',
  aliases: ['netportnethash'],
  revision: 3,
  families: 'both',
  parts,
  options: { create: hashOptions({ old: 'none' }), add: ADD_NET, del: [], test: ['nomatch'] },
  allowed: { create: [], add: ALLOWED, del: ALLOWED, test: [...NEEDED, 'cidr', 'cidr2'] },
  needed: { create: [], add: NEEDED, del: NEEDED, test: NEEDED },
  nomatch: true,
  *elements({ family = 4 }, data, adt) {
    if (family === 6) single6(data, true)
    const [cidr, cidr2] = [checkCidr(data.cidr, family, true), checkCidr(data.cidr2, family, true)]
    const { protocol, ports: wanted } = ports(data, family, adt)
    const single = family === 6 || adt === 'test' || (!data.ipTo && !data.ip2To && wanted[0] === wanted[1])
    if (!single) yield* ranges4(data, cidr, cidr2, protocol, wanted)
    else
      for (const one of counted(wanted))
        yield { ip: cut(data.ip!, cidr), cidr, protocol, port: one, ip2: cut(data.ip2!, cidr2), cidr2 }
  },
  lengths: ({ cidr, cidr2 }) => [cidr!, cidr2!],
  masked: (element, [length, length2]) => ({
    ...element,
    ip: cut(element.ip!, length!),
    cidr: length!,
    ip2: cut(element.ip2!, length2!),
    cidr2: length2!,
  }),
  words: ({ ip, ip2, port: value, protocol, cidr, cidr2 }) => [
    ...ipWords(ip!),
    ...ipWords(ip2!),
    swap16(value!) | (cidr! << 16) | (cidr2! << 24),
    protocol! << 24,
  ],
  key: ([one, two, three], family) => [address(one, family), ...port(two), address(three, family)],
  fromKey: (_, [ip, protocol, value, ip2], [length, length2]) => ({
    ip: cut(ip!, length!),
    cidr: length!,
    protocol: Number(protocol),
    port: Number(value),
    ip2: cut(ip2!, length2!),
    cidr2: length2!,
  }),
  print: printParts(parts),
}

/** A whole address space stays one network here. */
const netsOf = ([from, to]: Span) =>
  from === 0 && to === 0xffffffff ? [{ ip: 0, length: 0 }] : [...prefixes([from, to])]

function* ranges4(
  { ip, ipTo, ip2, ip2To }: Data,
  cidr: number,
  cidr2: number,
  protocol: number,
  wanted: Span,
): Generator<Element> {
  const range = (from: number, to: Ip | undefined, length: number): Span =>
    to !== undefined
      ? bounded(span(from, to, undefined))
      : length === 0
        ? [0, 0xffffffff]
        : span(from, undefined, length)
  const second = netsOf(range(ip2 as number, ip2To, cidr2))
  for (const one of netsOf(range(ip as number, ipTo, cidr)))
    for (const value of counted(wanted))
      for (const other of second)
        yield { ip: one.ip, cidr: one.length, protocol, port: value, ip2: other.ip, cidr2: other.length }
}
