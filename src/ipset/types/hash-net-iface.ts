import { printIfName } from '../../address/ifname.js'
import type { DataKey } from '../data.js'
import { checkCidr, networks, single6 } from '../ranges.js'
import { ADD_IFACE, address, cut, hashOptions, ipWords, type Part, plain, type SetType } from '../type.js'
import { printParts } from './hash-ip-port.js'
import { netPart } from './hash-net.js'

const ALLOWED: readonly DataKey[] = ['ip', 'cidr', 'ipTo', 'iface', 'physdev']
const ifacePart: Part = { read: 'iface', print: ({ iface, physdev }) => `${physdev ? 'physdev:' : ''}${iface}` }
const parts = [netPart, ifacePart]

/** net/netfilter/ipset/ip_set_hash_netiface.c. No rule of iptables asks for bridge ports: elements with `physdev:` match nothing. */
export const hashNetIface: SetType = {
  ...plain,
  name: 'hash:net,iface',
  aliases: ['netifacehash'],
  revision: 8,
  families: 'both',
  parts,
  options: { create: hashOptions({ old: 'none' }), add: ADD_IFACE, del: [], test: ['nomatch'] },
  allowed: { create: [], add: ALLOWED, del: ALLOWED, test: ALLOWED.filter((key) => key !== 'ipTo') },
  needed: { create: [], add: ['ip', 'iface'], del: ['ip', 'iface'], test: ['ip', 'iface'] },
  nomatch: true,
  multi: true,
  *elements({ family = 4 }, data, adt) {
    if (family === 6) single6(data, true)
    const length = checkCidr(data.cidr, family, true)
    const rest = { iface: data.iface!, physdev: data.physdev ?? false, wildcard: data.wildcard ?? false }
    if (typeof data.ip === 'bigint') yield { ip: cut(data.ip, length), cidr: length, ...rest }
    else
      for (const net of networks(data.ip!, adt === 'test' ? undefined : data.ipTo, length))
        yield { ip: net.ip, cidr: net.length, ...rest }
  },
  lengths: ({ cidr }) => [cidr!],
  masked: (element, [length]) => ({ ...element, ip: cut(element.ip!, length!), cidr: length! }),
  words: ({ ip, cidr, physdev }) => [...ipWords(ip!), (physdev ? 1 : 0) | (cidr! << 8) | (1 << 24)],
  key: ([one, two], family) => [address(one, family), two === 'src' ? 'meta.iifname' : 'meta.oifname'],
  fromKey(_, [ip, name], [length]) {
    const iface = printIfName(BigInt(name!))
    return iface === '' ? undefined : { ip: cut(ip!, length!), cidr: length!, iface, physdev: false, wildcard: false }
  },
  print: printParts(parts),
}
