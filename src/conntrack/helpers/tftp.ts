import { u16 } from '../../packet/packet.js'
import { followMaster } from './follow.js'
import { ACCEPT, announce, drop, expect, type Helper, isTranslated } from './helper.js'

const [READ, WRITE] = [1, 2]

/** RFC 1350: the server answers from a port of its own. net/netfilter/nf_conntrack_tftp.c, nf_nat_tftp.c. */
export const tftp: Helper = {
  name: 'tftp',
  families: [4, 6],
  protocol: 17,
  port: 69,
  policies: [{ maxExpected: 1, timeout: 300 }],
  help(context) {
    const { packet, offset, attachment } = context
    const { entry } = attachment
    const code = u16(packet.bytes, offset + 8)
    if (code !== READ && code !== WRITE) return ACCEPT
    const { reply, original } = entry
    const follow = isTranslated(entry) ? { follow: followMaster(entry, 'reply', original.sport, context) } : {}
    const tuple = { ...reply, protocol: 17 }
    const expectation = announce(entry, { tuple, src: reply.src, sport: undefined, ...follow })
    return expect(tftp, expectation, context) === 'expected' ? ACCEPT : drop('the answer cannot be expected')
  },
}
