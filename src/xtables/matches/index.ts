import type { AnyMatch } from '../match.js'
import { addrtype } from './addrtype.js'
import { cluster } from './cluster.js'
import { comment } from './comment.js'
import { connbytes } from './connbytes.js'
import { connlabel } from './connlabel.js'
import { connlimit } from './connlimit.js'
import { connmark } from './connmark.js'
import { conntrack } from './conntrack.js'
import { cpu } from './cpu.js'
import { dccp } from './dccp.js'
import { devgroup } from './devgroup.js'
import { dscp } from './dscp.js'
import { esp } from './esp.js'
import { hashlimit } from './hashlimit.js'
import { helper } from './helper.js'
import { hl } from './hl.js'
import { icmp } from './icmp.js'
import { icmp6 } from './icmp6.js'
import { iprange } from './iprange.js'
import { length } from './length.js'
import { limit } from './limit.js'
import { mac } from './mac.js'
import { mark } from './mark.js'
import { multiport } from './multiport.js'
import { owner } from './owner.js'
import { physdev } from './physdev.js'
import { pkttype } from './pkttype.js'
import { quota } from './quota.js'
import { realm } from './realm.js'
import { recent } from './recent.js'
import { rpfilter } from './rpfilter.js'
import { rt } from './rt.js'
import { sctp } from './sctp.js'
import { set } from './set.js'
import { state } from './state.js'
import { statistic } from './statistic.js'
import { tcp } from './tcp.js'
import { tcpmss } from './tcpmss.js'
import { time } from './time.js'
import { tos } from './tos.js'
import { ttl } from './ttl.js'
import { udp } from './udp.js'

/** Every match of iptables that the model knows. Adding one: its file, its test, one line here. */
export const matches: Readonly<Record<string, AnyMatch>> = {
  addrtype,
  cluster,
  comment,
  connbytes,
  connlabel,
  connlimit,
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  esp,
  hashlimit,
  helper,
  hl,
  icmp,
  icmp6,
  iprange,
  length,
  limit,
  mac,
  mark,
  multiport,
  owner,
  physdev,
  pkttype,
  quota,
  realm,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  state,
  statistic,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  udp,
}

/** Other names under which iptables finds a match (libxtables/xtables.c: xtables_find_match). */
export const matchAliases: Readonly<Record<string, AnyMatch>> = { icmpv6: icmp6, 'ipv6-icmp': icmp6 }
