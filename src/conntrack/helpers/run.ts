import { CT_STATUS } from '../../packet/fields.js'
import { adjustSequence } from '../sequence.js'
import { isIcmp, locateL4 } from '../tuple.js'
import { ACCEPT, drop, type HelpContext, type Helped, type Helper, payloadOf } from './helper.js'
import { helperNamed, helperOfPort } from './index.js'

export type Surroundings = Omit<HelpContext, 'offset'> & {
  /** The packet comes back in through lo: its numbers were shifted on the way out. */
  readonly loopback: boolean
}

/** What nf_confirm does before the connection is confirmed: its helper looks at the packet, and sequence numbers are shifted. */
export function help(around: Surroundings): Helped {
  const { packet, attachment, table } = around
  const { entry, direction, state } = attachment
  const confirmed = (entry.status & CT_STATUS.CONFIRMED) !== 0
  // the address of the server may have changed since the connection began (nf_conntrack_alter_reply before 6.0)
  if (table.settings.automaticHelpers && !confirmed && !entry.master && !(entry.status & CT_STATUS.HELPER))
    entry.helper = helperOfPort(entry.reply)?.name
  // a helper that changes this very packet has no say in its numbers
  const shifted = (entry.status & CT_STATUS.SEQ_ADJUST) !== 0 && !around.loopback
  if (entry.helper === undefined && !shifted) return ACCEPT
  // an ICMP error of the reply direction; one of the original direction is handed to helpers that take it for something else
  if (state === 'RELATED' && direction === 'reply') return ACCEPT
  const l4 = locateL4(packet.bytes, packet.family)
  if (!l4) return ACCEPT
  const { helper: name, original } = entry
  if (name !== undefined) {
    const helper = helperNamed(name, original.family, original.protocol)
    const context = { ...around, offset: l4.offset }
    if (!confirmed) entry.helping ??= { original: [], reply: [], listed: false }
    const helped = helper && !isIcmp(l4.protocol) ? helper.help(context) : notModelled(name, context, helper)
    // with a packet that never gets in goes its connection, and what that expects (nf_ct_destroy)
    if (helped.is === 'drop' && !confirmed) table.expectations.removeOf(entry)
    if (helped.is !== 'accept') return helped
  }
  if (shifted && !adjustSequence(packet, l4.offset, entry, direction))
    return drop('TCP options are cut off where sequence numbers are shifted')
  return ACCEPT
}

/** None of the modelled helpers finds anything in an ICMP error. */
function notModelled(name: string, context: HelpContext, helper: Helper | undefined): Helped {
  if (helper || !payloadOf(context)) return ACCEPT
  return { is: 'unknown', reason: `conntrack helper ${name} is not modelled` }
}
