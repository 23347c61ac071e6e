import type { AnyTarget } from '../target.js'
import { connmark } from './connmark.js'
import { ct } from './ct.js'
import { hl } from './hl.js'
import { log } from './log.js'
import { mark } from './mark.js'
import { dnat, masquerade, redirect, snat } from './nat.js'
import { nflog } from './nflog.js'
import { notrack } from './notrack.js'
import { reject } from './reject.js'
import { trace } from './trace.js'
import { ttl } from './ttl.js'
import { accept, drop, queue, returns } from './verdicts.js'

/** Every target of iptables that the model knows. Adding one: its file, its test, one line here. */
export const targets: Readonly<Record<string, AnyTarget>> = {
  ACCEPT: accept,
  CONNMARK: connmark,
  CT: ct,
  DNAT: dnat,
  DROP: drop,
  HL: hl,
  LOG: log,
  MARK: mark,
  MASQUERADE: masquerade,
  NFLOG: nflog,
  NOTRACK: notrack,
  QUEUE: queue,
  REDIRECT: redirect,
  REJECT: reject,
  RETURN: returns,
  SNAT: snat,
  TRACE: trace,
  TTL: ttl,
}
