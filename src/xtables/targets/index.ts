import type { AnyTarget } from '../target.js'
import { audit } from './audit.js'
import { checksum } from './checksum.js'
import { classify } from './classify.js'
import { clusterip } from './clusterip.js'
import { connmark } from './connmark.js'
import { connsecmark } from './connsecmark.js'
import { ct } from './ct.js'
import { dscp } from './dscp.js'
import { ecn } from './ecn.js'
import { hmark } from './hmark.js'
import { hl, ttl } from './hop-limit.js'
import { idletimer } from './idletimer.js'
import { led } from './led.js'
import { log } from './log.js'
import { mark } from './mark.js'
import { dnat, masquerade, redirect, snat } from './nat.js'
import { netmap } from './netmap.js'
import { nflog } from './nflog.js'
import { nfqueue } from './nfqueue.js'
import { notrack } from './notrack.js'
import { dnpt, snpt } from './npt.js'
import { rateest } from './rateest.js'
import { reject } from './reject.js'
import { secmark } from './secmark.js'
import { set } from './set.js'
import { synproxy } from './synproxy.js'
import { tcpmss } from './tcpmss.js'
import { tcpoptstrip } from './tcpoptstrip.js'
import { tee } from './tee.js'
import { tos } from './tos.js'
import { tproxy } from './tproxy.js'
import { trace } from './trace.js'
import { ulog } from './ulog.js'
import { accept, drop, queue, returns } from './verdicts.js'

/** Every target of iptables that the model knows. Adding one: its file, its test, one line here. */
export const targets: Readonly<Record<string, AnyTarget>> = {
  ACCEPT: accept,
  AUDIT: audit,
  CHECKSUM: checksum,
  CLASSIFY: classify,
  CLUSTERIP: clusterip,
  CONNMARK: connmark,
  CONNSECMARK: connsecmark,
  CT: ct,
  DNAT: dnat,
  DNPT: dnpt,
  DROP: drop,
  DSCP: dscp,
  ECN: ecn,
  HL: hl,
  HMARK: hmark,
  IDLETIMER: idletimer,
  LED: led,
  LOG: log,
  MARK: mark,
  MASQUERADE: masquerade,
  NETMAP: netmap,
  NFLOG: nflog,
  NFQUEUE: nfqueue,
  NOTRACK: notrack,
  QUEUE: queue,
  RATEEST: rateest,
  REDIRECT: redirect,
  REJECT: reject,
  RETURN: returns,
  SECMARK: secmark,
  SET: set,
  SNAT: snat,
  SNPT: snpt,
  SYNPROXY: synproxy,
  TCPMSS: tcpmss,
  TCPOPTSTRIP: tcpoptstrip,
  TEE: tee,
  TOS: tos,
  TPROXY: tproxy,
  TRACE: trace,
  TTL: ttl,
  ULOG: ulog,
}
