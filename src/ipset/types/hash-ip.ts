import type { Ip } from '../../address/ip.js'
import { and, maskOf } from '../../address/prefix.js'
import type { FieldValue } from '../../packet/fields.js'
import { type Data, KernelError } from '../data.js'
import type { Element } from '../element.js'
import { printAddress } from '../print.js'
import { addresses, single6, span } from '../ranges.js'
import { ADD, address, type Header, hashOptions, ipWords, plain, type SetType } from '../type.js'

/** What of an address is kept: `netmask 24`, `bitmask 255.255.0.255`. */
export function keptOf({ family, netmask, bitmask }: Header): Ip {
  return bitmask ?? maskOf(family ?? 4, netmask ?? (family === 6 ? 128 : 32))
}

export const isZero = (ip: Ip): boolean => ip === 0 || ip === 0n

/** net/netfilter/ipset/ip_set_hash_ip.c */
export const hashIp: SetType = {
  ...plain,
  name: 'hash:ip',
  aliases: ['iphash'],
  revision: 6,
  families: 'both',
  parts: [{ read: 'ip4-single6', print: ({ ip, cidr }) => printAddress(ip!, cidr) }],
  options: {
    create: hashOptions({ middle: ['netmask', 'bitmask'], old: 'gc' }),
    add: ADD,
    del: [],
    test: [],
  },
  allowed: { create: [], add: ['ip', 'ipTo'], del: ['ip', 'ipTo'], test: ['ip', 'ipTo'] },
  needed: { create: [], add: ['ip'], del: ['ip'], test: ['ip'] },
  *elements(header, data, adt) {
    const kept = keptOf(header)
    const ip = and(data.ip!, kept)
    if (header.family === 6) single6(data)
    if (isZero(ip)) throw new KernelError('HASH_ELEM')
    if (typeof ip === 'bigint' || adt === 'test') yield { ip }
    else yield* elements4(header, data, ip)
  },
  words: ({ ip }) => ipWords(ip!),
  key: ([one], family) => [address(one, family)],
  fromKey(header, [ip]: readonly FieldValue[]) {
    const kept = and(ip!, keptOf(header))
    return isZero(kept) ? undefined : { ip: kept }
  },
  print: ({ ip }) => printAddress(ip!),
}

function* elements4({ netmask }: Header, { ipTo, cidr }: Data, ip: number): Generator<Element> {
  if (ipTo === 0 && ip > 0) throw new KernelError('HASH_ELEM')
  for (const one of addresses(span(ip, ipTo, cidr), 2 ** (32 - (netmask ?? 32)))) yield { ip: one }
}
