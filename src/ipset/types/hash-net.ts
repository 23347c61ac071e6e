import type { DataKey } from '../data.js'
import { printAddress } from '../print.js'
import { checkCidr, networks, single6 } from '../ranges.js'
import { ADD_NET, address, cut, hashOptions, ipWords, type Part, plain, type SetType } from '../type.js'

export const netPart: Part = { read: 'ip4-net6', print: ({ ip, cidr }) => printAddress(ip!, cidr) }
const ALLOWED: readonly DataKey[] = ['ip', 'cidr', 'ipTo']

/** net/netfilter/ipset/ip_set_hash_net.c */
export const hashNet: SetType = {
  ...plain,
  name: 'hash:net',
  aliases: ['nethash'],
  revision: 7,
  families: 'both',
  parts: [netPart],
  options: { create: hashOptions({ old: 'some' }), add: ADD_NET, del: [], test: ['nomatch'] },
  allowed: { create: [], add: ALLOWED, del: ALLOWED, test: ['ip', 'cidr'] },
  needed: { create: [], add: ['ip'], del: ['ip'], test: ['ip'] },
  nomatch: true,
  *elements({ family }, data, adt) {
    if (family === 6) single6(data, true)
    const length = checkCidr(data.cidr, family ?? 4)
    if (typeof data.ip === 'bigint') yield { ip: cut(data.ip, length), cidr: length }
    else
      for (const net of networks(data.ip!, adt === 'test' ? undefined : data.ipTo, length))
        yield { ip: net.ip, cidr: net.length }
  },
  lengths: ({ cidr }) => [cidr!],
  masked: ({ ip }, [length]) => ({ ip: cut(ip!, length!), cidr: length! }),
  words: ({ ip, cidr }) => [...ipWords(ip!), cidr! << 24],
  key: ([one], family) => [address(one, family)],
  fromKey: (_, [ip], [length]) => ({ ip: cut(ip!, length!), cidr: length! }),
  print: netPart.print,
}
