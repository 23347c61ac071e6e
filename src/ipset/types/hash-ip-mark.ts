import { KernelError } from '../data.js'
import { hex8, printAddress } from '../print.js'
import { addresses, single6, span } from '../ranges.js'
import { ADD, address, type Header, hashOptions, ipWords, plain, type SetType } from '../type.js'

const masked = (mark: number, { markmask = 0xffffffff }: Header): number => (mark & (markmask ?? 0xffffffff)) >>> 0

/** net/netfilter/ipset/ip_set_hash_ipmark.c */
export const hashIpMark: SetType = {
  ...plain,
  name: 'hash:ip,mark',
  aliases: ['ipmarkhash'],
  revision: 3,
  families: 'both',
  parts: [
    { read: 'ip4-single6', print: ({ ip }) => printAddress(ip!) },
    { read: 'mark', print: ({ mark }) => hex8(mark!) },
  ],
  options: { create: hashOptions({ first: ['markmask'], old: 'ip' }), add: ADD, del: [], test: [] },
  allowed: {
    create: [],
    add: ['ip', 'ipTo', 'mark'],
    del: ['ip', 'ipTo', 'mark'],
    test: ['ip', 'ipTo', 'mark'],
  },
  needed: { create: [], add: ['ip', 'mark'], del: ['ip', 'mark'], test: ['ip', 'mark'] },
  *elements(header, data, adt) {
    const mark = masked(data.mark!, header)
    const { ip, ipTo, cidr } = data
    if (header.family === 6) single6(data)
    if (typeof ip === 'bigint' || adt === 'test') {
      if (ip === 0 && mark === 0) throw new KernelError('HASH_ELEM')
      yield { ip: ip!, mark }
      return
    }
    if (mark === 0 && (ip === 0 || ipTo === 0)) throw new KernelError('HASH_ELEM')
    for (const one of addresses(span(ip!, ipTo, cidr))) yield { ip: one, mark }
  },
  words: ({ ip, mark }) => [...ipWords(ip!), mark! | 0],
  key: ([one], family) => [address(one, family), 'meta.mark'],
  fromKey: (header, [ip, mark]) => ({ ip: ip!, mark: masked(Number(mark), header) }),
  print: ({ ip, mark }) => `${printAddress(ip!)},${hex8(mark!)}`,
}
