import { KernelError } from '../data.js'
import { printAddress, printEther } from '../print.js'
import { single6 } from '../ranges.js'
import { ADD, address, hashOptions, ipWords, MAC_OPTIONS, mac, macWords, plain, type SetType } from '../type.js'

const ether = {
  read: 'ether',
  print: ({ mac: value }: { readonly mac?: number | undefined }) => printEther(value!),
} as const

/** net/netfilter/ipset/ip_set_hash_mac.c */
export const hashMac: SetType = {
  ...plain,
  name: 'hash:mac',
  aliases: ['machash'],
  revision: 1,
  families: 'none',
  parts: [ether],
  options: { create: MAC_OPTIONS, add: ADD, del: [], test: [] },
  allowed: { create: [], add: ['ether'], del: ['ether'], test: ['ether'] },
  needed: { create: [], add: ['ether'], del: ['ether'], test: ['ether'] },
  *elements(_, data) {
    if (data.ether === 0) throw new KernelError('HASH_ELEM')
    yield { mac: data.ether! }
  },
  words: (element) => macWords(element.mac!),
  key: ([one]) => [mac(one)],
  fromKey: (_, [value]) => (value === 0 ? undefined : { mac: Number(value) }),
  print: (element) => printEther(element.mac!),
}

/** net/netfilter/ipset/ip_set_hash_ipmac.c */
export const hashIpMac: SetType = {
  ...plain,
  name: 'hash:ip,mac',
  aliases: ['ipmachash'],
  revision: 1,
  families: 'both',
  parts: [{ read: 'ip4-single6', print: ({ ip }) => printAddress(ip!) }, ether],
  options: { create: hashOptions({ old: 'none' }), add: ADD, del: [], test: [] },
  allowed: { create: [], add: ['ip', 'ether'], del: ['ip', 'ether'], test: ['ip', 'ether'] },
  needed: { create: [], add: ['ip', 'ether'], del: ['ip', 'ether'], test: ['ip', 'ether'] },
  *elements(header, data) {
    if (header.family === 6) single6(data)
    if (data.ether === 0) throw new KernelError('HASH_ELEM')
    yield { ip: data.ip!, mac: data.ether! }
  },
  words: (element) => [...ipWords(element.ip!), ...macWords(element.mac!)],
  key: ([one, two], family) => [address(one, family), mac(two)],
  fromKey: (_, [ip, value]) => (value === 0 ? undefined : { ip: ip!, mac: Number(value) }),
  print: (element) => `${printAddress(element.ip!)},${printEther(element.mac!)}`,
}
