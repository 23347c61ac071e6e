import type { DataKey } from '../data.js'
import { checkCidr, counted, networks, ports, single6 } from '../ranges.js'
import { ADD_NET, address, cut, hashOptions, ipWords, plain, port, type SetType, swap16 } from '../type.js'
import { portPart, printParts } from './hash-ip-port.js'
import { netPart } from './hash-net.js'

const NEEDED: readonly DataKey[] = ['ip', 'protocol', 'port']
const parts = [netPart, portPart]

/** net/netfilter/ipset/ip_set_hash_netport.c */
export const hashNetPort: SetType = {
  ...plain,
  name: 'hash:net,port',
  aliases: ['netporthash'],
  revision: 8,
  families: 'both',
  parts,
  options: { create: hashOptions({ old: 'none' }), add: ADD_NET, del: [], test: ['nomatch'] },
  allowed: {
    create: [],
    add: [...NEEDED, 'portTo', 'cidr', 'ipTo'],
    del: [...NEEDED, 'portTo', 'cidr', 'ipTo'],
    test: [...NEEDED, 'cidr'],
  },
  needed: { create: [], add: NEEDED, del: NEEDED, test: NEEDED },
  nomatch: true,
  *elements({ family = 4 }, data, adt) {
    if (family === 6) single6(data, true)
    const cidr = checkCidr(data.cidr, family)
    const { protocol, ports: wanted } = ports(data, family, adt)
    const nets =
      typeof data.ip === 'bigint'
        ? [{ ip: cut(data.ip, cidr), length: cidr }]
        : networks(data.ip!, adt === 'test' ? undefined : data.ipTo, cidr)
    for (const { ip, length } of nets)
      for (const one of counted(wanted)) yield { ip, cidr: length, protocol, port: one }
  },
  lengths: ({ cidr }) => [cidr!],
  masked: (element, [length]) => ({ ...element, ip: cut(element.ip!, length!), cidr: length! }),
  words: ({ ip, cidr, protocol, port: value }) => [
    ...ipWords(ip!),
    swap16(value!) | (protocol! << 16) | ((cidr! - 1) << 24),
  ],
  key: ([one, two], family) => [address(one, family), ...port(two)],
  fromKey: (_, [ip, protocol, value], [length]) => ({
    ip: cut(ip!, length!),
    cidr: length!,
    protocol: Number(protocol),
    port: Number(value),
  }),
  print: printParts(parts),
}
