import { all, type Condition } from '../../rules/condition.js'
import { type Codec, flag, integer, numberRange, parsedAddresses } from '../codec.js'
import { defineMatch } from '../match.js'

const addresses: Codec<readonly bigint[]> = parsedAddresses(16)

/** Whether an IPv6 routing header is there is not among the fields yet: a packet without extension headers has none. */
const noExtensionHeader: Condition = { is: 'in', value: 'ip6.routing', ranges: [[1, 1]] }

export const rt = defineMatch({
  name: 'rt',
  families: [6],
  options: {
    type: { flag: '--rt-type', invertible: true, value: integer(0xffffffff), doc: 'the type of the routing header' },
    segsleft: { flag: '--rt-segsleft', invertible: true, value: numberRange(0xffffffff), doc: 'segments left' },
    len: { flag: '--rt-len', invertible: true, value: integer(0xffffffff), doc: 'its length' },
    res: { flag: '--rt-0-res', value: flag, doc: 'the reserved field is looked at' },
    addrs: { flag: '--rt-0-addrs', value: addresses, doc: 'addresses of a type 0 header' },
    strict: { flag: '--rt-0-not-strict', value: flag, doc: 'the list may be longer' },
  },
  doc: {
    summary: 'Matches the IPv6 routing header.',
    notes: ['A packet without one never matches.'],
    kernel: 'net/ipv6/netfilter/ip6t_rt.c: rt_mt6',
  },
  lower({ type, segsleft, len, res, addrs }) {
    const parts: Condition[] = [noExtensionHeader]
    const field = (
      value: 'ip6.routing.type' | 'ip6.routing.left',
      range: readonly [number, number],
      inverted: boolean,
    ) => {
      const inside: Condition = { is: 'in', value, ranges: [range] }
      parts.push(inverted ? { is: 'not', of: inside } : inside)
    }
    if (segsleft) field('ip6.routing.left', segsleft.value, segsleft.inverted)
    if (type) field('ip6.routing.type', [type.value, type.value], type.inverted)
    if (len || res || addrs)
      parts.push({ is: 'unknown', text: 'rt', needs: 'length and addresses of a routing header are not looked at yet' })
    return all(...parts)
  },
})
