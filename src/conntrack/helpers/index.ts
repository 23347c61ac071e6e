import type { Family } from '../../address/ip.js'
import type { Tuple } from '../tuple.js'
import { amanda } from './amanda.js'
import { netbiosNs, snmp } from './broadcast.js'
import { ftp } from './ftp.js'
import { h245, q931, ras } from './h323/index.js'
import type { Helper } from './helper.js'
import { irc } from './irc.js'
import { pptp } from './pptp.js'
import { sane } from './sane.js'
import { sipOverTcp, sipOverUdp } from './sip/index.js'
import { tftp } from './tftp.js'

/** Every helper of the kernel. */
export const HELPERS: readonly Helper[] = [
  ftp,
  tftp,
  irc,
  amanda,
  netbiosNs,
  snmp,
  sane,
  pptp,
  sipOverUdp,
  sipOverTcp,
  q931,
  h245,
  ras,
]

/** What `CT --helper NAME` attaches to a connection of this protocol. */
export const helperNamed = (name: string, family: Family, protocol: number): Helper | undefined =>
  HELPERS.find((one) => one.name === name && one.protocol === protocol && one.families.includes(family))

/** __nf_ct_helper_find: what the automatic assignment of kernels before 6.0 chooses, by where the replies come from. */
export const helperOfPort = ({ family, protocol, sport }: Tuple): Helper | undefined =>
  HELPERS.find((one) => one.port === sport && one.protocol === protocol && one.families.includes(family))
