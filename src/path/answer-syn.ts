import { checksumOk } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import type { Cursor } from './cursor.js'

const FIN = 1
const SYN = 2
const RST = 4
const ACK = 16

/**
 * SYNPROXY (net/ipv4/netfilter/ipt_SYNPROXY.c: synproxy_tg4): a SYN is answered here and goes no further; the ACK that brings the cookie back is taken, and a
 * SYN of the kernel's own goes to the server. What to say of such a packet; `drop`: it is dropped; undefined: it goes on.
 */
export function answerSyn({ skb: { packet } }: Cursor): { readonly undecided: string } | 'drop' | undefined {
  const { bytes, transport } = packet
  if (!checksumOk(packet) || transport.offset + 20 > bytes.length) return 'drop'
  const flags = (FIELDS['tcp.flags'].read(packet) ?? 0) & (FIN | SYN | RST | ACK)
  if (flags === SYN)
    return {
      undecided:
        'SYNPROXY answers the SYN with a SYN-ACK of its own; the server hears of it only once the client has sent the cookie back',
    }
  if (flags === ACK)
    return {
      undecided: 'SYNPROXY takes an ACK whose cookie is the right one, and calls the server itself; else it is dropped',
    }
  return undefined
}
