import type { Ip } from '../../address/ip.js'
import { and } from '../../address/prefix.js'
import { type Data, type DataKey, KernelError } from '../data.js'
import type { Element } from '../element.js'
import { printAddress } from '../print.js'
import { bounded, checkCidr, prefixes, single6, span } from '../ranges.js'
import { ADD_NET, address, cut, type Header, hashOptions, ipWords, type Part, plain, type SetType } from '../type.js'
import { isZero, keptOf } from './hash-ip.js'
import { printParts } from './hash-ip-port.js'
import { netPart } from './hash-net.js'

const ALLOWED: readonly DataKey[] = ['ip', 'cidr', 'ipTo', 'ip2', 'cidr2', 'ip2To']
export const secondNetPart: Part = { read: 'ip4-net6-2', print: ({ ip2, cidr2 }) => printAddress(ip2!, cidr2) }
const parts = [netPart, secondNetPart]

/** net/netfilter/ipset/ip_set_hash_netnet.c */
export const hashNetNet: SetType = {
  ...plain,
  name: 'hash:net,net',
  aliases: ['netnethash'],
  revision: 4,
  families: 'both',
  parts,
  options: {
    create: hashOptions({ last: ['bitmask', 'netmask'], old: 'none' }),
    add: ADD_NET,
    del: [],
    test: ['nomatch'],
  },
  allowed: { create: [], add: ALLOWED, del: ALLOWED, test: ['ip', 'cidr', 'ip2', 'cidr2'] },
  needed: { create: [], add: ['ip', 'ip2'], del: ['ip', 'ip2'], test: ['ip', 'ip2'] },
  nomatch: true,
  *elements(header, data, adt) {
    const { family = 4 } = header
    if (family === 6) single6(data, true)
    const [cidr, cidr2] = [checkCidr(data.cidr, family), checkCidr(data.cidr2, family)]
    if (adt === 'test' || (data.ipTo === undefined && data.ip2To === undefined)) {
      const one = twoNets(header, data.ip!, cidr, data.ip2!, cidr2)
      if (family === 6 && cidr === 128 && isZero(one.ip!)) throw new KernelError('HASH_ELEM')
      yield one
    } else yield* ranges4(data, cidr, cidr2)
  },
  lengths: ({ cidr, cidr2 }) => [cidr!, cidr2!],
  masked: ({ ip, ip2 }, [length, length2]) => ({
    ip: cut(ip!, length!),
    cidr: length!,
    ip2: cut(ip2!, length2!),
    cidr2: length2!,
  }),
  words: ({ ip, ip2, cidr, cidr2 }) => [
    ...ipWords(ip!),
    ...ipWords(ip2!),
    (cidr! << 16) | (cidr2! << 24),
    // the IPv4 element is aligned to eight bytes
    ...(typeof ip === 'number' ? [0] : []),
  ],
  key: ([one, two], family) => [address(one, family), address(two, family)],
  fromKey(header, [ip, ip2], [length, length2]) {
    const one = twoNets(header, ip!, length!, ip2!, length2!)
    return header.family === 6 && length === 128 && isZero(one.ip!) ? undefined : one
  },
  print: printParts(parts),
}

function twoNets(header: Header, ip: Ip, cidr: number, ip2: Ip, cidr2: number): Element {
  const kept = keptOf(header)
  return { ip: and(cut(ip, cidr), kept), cidr, ip2: and(cut(ip2, cidr2), kept), cidr2 }
}

function* ranges4({ ip, ipTo, ip2, ip2To }: Data, cidr: number, cidr2: number): Generator<Element> {
  const range = (from: number, to: Ip | undefined, length: number) =>
    to === undefined ? span(from, undefined, length) : bounded(span(from, to, undefined))
  const second = [...prefixes(range(ip2 as number, ip2To, cidr2))]
  for (const one of prefixes(range(ip as number, ipTo, cidr)))
    for (const other of second) yield { ip: one.ip, cidr: one.length, ip2: other.ip, cidr2: other.length }
}
