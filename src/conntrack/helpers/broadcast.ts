import { ACCEPT, announce, expect, type Helper } from './helper.js'

/**
 * This host asks a whole subnet, and everybody in it may answer from the server's port. net/netfilter/nf_conntrack_broadcast.c, for
 * nf_conntrack_netbios_ns.c (RFC 1002) and nf_conntrack_snmp.c. The connection lives as long as what it expects.
 */
function broadcastHelper(name: string, port: number, timeout: number): Helper {
  const helper: Helper = {
    name,
    families: [4],
    protocol: 17,
    port,
    policies: [{ maxExpected: 1, timeout }],
    help(context) {
      const { attachment, table, now } = context
      const { entry } = attachment
      const mask = context.broadcastMask()
      if (mask === undefined || attachment.direction !== 'original') return ACCEPT
      const { reply } = entry
      const expectation = announce(entry, {
        tuple: { ...reply, sport: port },
        src: reply.src,
        sport: port,
        permanent: true,
      })
      expect(helper, { ...expectation, mask: { src: mask, sport: 0xffff } }, context)
      table.refresh(entry, now + timeout)
      return ACCEPT
    },
  }
  return helper
}

export const netbiosNs: Helper = broadcastHelper('netbios-ns', 137, 3)
export const snmp: Helper = broadcastHelper('snmp', 161, 30)
