import type { AnyTarget } from '../target.js'
import { audit } from './audit.js'
import { checksum } from './checksum.js'
import { classify } from './classify.js'
import { connmark } from './connmark.js'
import { ct } from './ct.js'
import { dscp } from './dscp.js'
import { hl } from './hl.js'
import { log } from './log.js'
import { mark } from './mark.js'
import { dnat, masquerade, redirect, snat } from './nat.js'
import { netmap } from './netmap.js'
import { nflog } from './nflog.js'
import { nfqueue } from './nfqueue.js'
import { notrack } from './notrack.js'
import { reject } from './reject.js'
import { set } from './set.js'
import { tcpmss } from './tcpmss.js'
import { tee } from './tee.js'
import { tos } from './tos.js'
import { trace } from './trace.js'
import { ttl } from './ttl.js'
import { accept, drop, queue, returns } from './verdicts.js'

/** Every target of iptables that the model knows. Adding one: its file, its test, one line here. */
export const targets: Readonly<Record<string, AnyTarget>> = {
  ACCEPT: accept,
  AUDIT: audit,
  CHECKSUM: checksum,
  CLASSIFY: classify,
  CONNMARK: connmark,
  CT: ct,
  DNAT: dnat,
  DROP: drop,
  DSCP: dscp,
  HL: hl,
  LOG: log,
  MARK: mark,
  MASQUERADE: masquerade,
  NETMAP: netmap,
  NFLOG: nflog,
  NFQUEUE: nfqueue,
  NOTRACK: notrack,
  QUEUE: queue,
  REDIRECT: redirect,
  REJECT: reject,
  RETURN: returns,
  SET: set,
  SNAT: snat,
  TCPMSS: tcpmss,
  TEE: tee,
  TOS: tos,
  TRACE: trace,
  TTL: ttl,
}
