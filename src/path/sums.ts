import { checksumOk, headerWords } from '../packet/checksum.js'
import type { Hook } from '../rules/program.js'
import type { Skb } from './skb.js'

/** On the way in the sum of the whole packet still tells whether the transport's is right: nothing but addresses has changed. */
export const sumHolds = ({ packet, sum }: Skb): boolean =>
  sum.is === 'trusted' || (sum.is === 'complete' && sum.header === headerWords(packet))

/**
 * nf_ip_checksum, nf_ip6_checksum, as NAT asks them about an ICMP error. What was found good on the way in is not summed again after; what this host sends is
 * summed in OUTPUT and not again; the sum of a packet that is forwarded is given up (skb_forward_csum).
 */
export function sumsUp(skb: Skb, hook: Hook): boolean {
  const { sum } = skb
  if (sum.is === 'trusted') return true
  if (sum.is === 'complete') {
    if (hook !== 'prerouting' && hook !== 'input') return true
    if (sumHolds(skb)) {
      skb.sum = { is: 'trusted' }
      return true
    }
  }
  if (!checksumOk(skb.packet)) return false
  skb.sum = { is: 'complete', header: headerWords(skb.packet) }
  return true
}
