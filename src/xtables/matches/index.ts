import type { AnyMatch } from '../match.js'
import { addrtype } from './addrtype.js'
import { comment } from './comment.js'
import { connmark } from './connmark.js'
import { conntrack } from './conntrack.js'
import { hl } from './hl.js'
import { icmp } from './icmp.js'
import { icmp6 } from './icmp6.js'
import { limit } from './limit.js'
import { mark } from './mark.js'
import { multiport } from './multiport.js'
import { owner } from './owner.js'
import { physdev } from './physdev.js'
import { recent } from './recent.js'
import { rt } from './rt.js'
import { state } from './state.js'
import { statistic } from './statistic.js'
import { tcp } from './tcp.js'
import { ttl } from './ttl.js'
import { udp } from './udp.js'

/** Every match of iptables that the model knows. Adding one: its file, its test, one line here. */
export const matches: Readonly<Record<string, AnyMatch>> = {
  addrtype,
  comment,
  connmark,
  conntrack,
  hl,
  icmp,
  icmp6,
  limit,
  mark,
  multiport,
  owner,
  physdev,
  recent,
  rt,
  state,
  statistic,
  tcp,
  ttl,
  udp,
}
