import { u16, u32 } from '../../packet/packet.js'
import { ACCEPT, announce, drop, expect, type Helper, payloadOf } from './helper.js'

const NET_START = 7
const SUCCESS = 0
const REQUEST = 8

/** The scanner daemon's answer to SANE_NET_START names the port for the picture. net/netfilter/nf_conntrack_sane.c; NAT leaves it alone. */
export const sane: Helper = {
  name: 'sane',
  families: [4, 6],
  protocol: 6,
  port: 6566,
  policies: [{ maxExpected: 1, timeout: 300 }],
  help(context) {
    const { entry, direction, state } = context.attachment
    if (state !== 'ESTABLISHED') return ACCEPT
    const data = payloadOf(context)?.data
    if (!data) return ACCEPT
    entry.helping ??= { original: [], reply: [], listed: true }
    const { helping } = entry
    if (direction === 'original') {
      if (data.length === REQUEST) helping.started = u32(data, 0) === NET_START
      return ACCEPT
    }
    if (helping.started === undefined && helping.listed && u32(data, 0) === SUCCESS)
      return { is: 'unknown', reason: 'what the SANE helper had seen of the connection when the snapshot was taken' }
    if (!helping.started) return ACCEPT
    helping.started = false
    if (data.length < REQUEST || u32(data, 0) !== SUCCESS || u16(data, 4) !== 0) return ACCEPT
    const { original } = entry
    const tuple = { ...original, protocol: 6, dport: u16(data, 6)! }
    const made = expect(sane, announce(entry, { tuple, src: original.src, sport: undefined }), context)
    return made === 'expected' ? ACCEPT : drop('the announced connection cannot be expected')
  },
}
