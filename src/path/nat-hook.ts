import type { Attachment } from '../conntrack/entry.js'
import { concerns, isIcmpError, translate, translateIcmpError } from '../conntrack/nat/manip.js'
import {
  isInitialised,
  leftByAnotherDevice,
  type Manip,
  mustConsult,
  nullBinding,
  type Setup,
} from '../conntrack/nat/setup.js'
import { isIcmp } from '../conntrack/tuple.js'
import { FIELDS } from '../packet/fields.js'
import { type Headers, headersOf } from '../packet/headers.js'
import type { Hook } from '../rules/program.js'
import type { RuleVisit } from '../rules/traverse.js'
import { type ChainRun, recordChain, runChain, skippedChain } from './chains.js'
import type { Cursor } from './cursor.js'
import { dropped } from './dropped.js'
import type { Fate } from './fate.js'
import type { HookEntry } from './hooks.js'
import { setupContext } from './nat-setup.js'
import { pullForNat } from './pull.js'
import { reroute } from './route.js'
import { sumsUp } from './sums.js'

type NatEntry = Extract<HookEntry, { kind: 'nat' }>

/** nf_nat_inet_fn, with what the IPv4 and IPv6 hooks do around it. */
export function natHook(cursor: Cursor, hook: Hook, entry: NatEntry): Fate | undefined {
  const { skb } = cursor
  const { tracking } = skb
  if (tracking?.is !== 'tracked') {
    const why =
      tracking?.is === 'invalid'
        ? 'INVALID packets have no connection: NAT is skipped'
        : tracking?.is === 'untracked'
          ? 'the packet is not tracked: NAT is skipped'
          : 'connection tracking is not active in this namespace: no rule needs it'
    return skipAll(cursor, hook, entry, why)
  }
  const { attachment } = tracking
  if (attachment.state === 'RELATED' && isIcmp(skb.packet.transport.protocol)) {
    const fate = related(cursor, hook, entry, attachment)
    return fate ?? (hook === 'output' ? rerouteIfTranslated(cursor, attachment) : undefined)
  }
  let rule: RuleVisit | undefined
  cursor.drawnPorts = undefined
  if (hook === 'postrouting' && !mustConsult(attachment, entry.manip) && leftByAnotherDevice(attachment, skb.oif)) {
    skipAll(cursor, hook, entry, 'the connection ends here')
    cursor.netns.connections.forget(attachment.entry)
    return cursor.drop(
      'masquerade-device',
      `masqueraded to leave through ${attachment.entry.masqueradedOn}, about to leave through ${skb.oif}: the connection ends`,
    )
  }
  if (attachment.state === 'ESTABLISHED')
    skipAll(
      cursor,
      hook,
      entry,
      `nat decides for the first packet of a connection; this one is ${attachment.direction === 'reply' ? 'a reply' : 'ESTABLISHED'}`,
    )
  else if (isInitialised(attachment.entry, entry.manip))
    skipAll(cursor, hook, entry, 'this connection already has its decision')
  else {
    const decided = decide(cursor, hook, entry, attachment)
    if ('fate' in decided) return decided.fate
    rule = decided.rule
  }
  if (concerns(attachment, entry.manip)) {
    const before = headersOf(skb.packet, skb.mark)
    pullForNat(skb)
    if (!translate(skb.packet, attachment, entry.manip))
      return cursor.drop('nat-header', 'the header to be translated is cut off')
    recordNat(cursor, hook, entry.manip, before, rule)
    // nf_nat_ipv4_pre_routing: a route that the packet brought along (through lo) is not that of its new destination
    if (hook === 'prerouting' && before.dst !== headersOf(skb.packet, 0).dst) skb.destination = undefined
  }
  return hook === 'output' ? rerouteIfTranslated(cursor, attachment) : undefined
}

function skipAll(cursor: Cursor, hook: Hook, entry: NatEntry, why: string): undefined {
  if (cursor.run.options.silent) return undefined
  for (const chain of entry.chains) recordChain(cursor, hook, skippedChain(chain, why))
  return undefined
}

/** The chains in their order until one has set the manip up; else a null binding, which may still change a clashing port. */
const SYN = 2

function decide(
  cursor: Cursor,
  hook: Hook,
  entry: NatEntry,
  attachment: Attachment,
): { readonly fate: Fate } | { readonly rule: RuleVisit | undefined } {
  for (const chain of entry.chains) {
    if (isInitialised(attachment.entry, entry.manip)) {
      recordChain(cursor, hook, skippedChain(chain, 'this connection already has its decision'))
      continue
    }
    const run = runChain(cursor, chain)
    recordChain(cursor, hook, run.visit)
    if (run.verdict !== 'accept') {
      doubtProxy(cursor, run)
      return { fate: dropped(cursor, chain, run) }
    }
    if (isInitialised(attachment.entry, entry.manip)) return { rule: run.decidedBy }
  }
  const setup: Setup = nullBinding(attachment.entry, entry.manip, setupContext(cursor))
  cursor.drawnPorts = setup.ports
  return { rule: undefined }
}

/** Of what answers, only SYNPROXY may stand in nat: the SYN it answers as elsewhere, but then the connection never comes to this hook's translation. */
function doubtProxy({ run, skb }: Cursor, { afterwards }: ChainRun): void {
  const asks = ((FIELDS['tcp.flags'].read(skb.packet) ?? 0) & SYN) !== 0
  if (!afterwards || asks) return
  run.options.chooser.choose({
    kind: 'unknown',
    weights: [1],
    about: 'what becomes of a connection that SYNPROXY takes on in a chain of nat',
  })
}

function related(cursor: Cursor, hook: Hook, entry: NatEntry, attachment: Attachment): Fate | undefined {
  const { skb } = cursor
  skipAll(cursor, hook, entry, 'an ICMP error follows the connection that it is about')
  if (!isIcmpError(skb.packet)) return undefined
  const before = headersOf(skb.packet, skb.mark)
  if (!translateIcmpError(skb.packet, attachment, entry.manip, sumsUp(skb, hook)))
    return cursor.drop('nat-icmp', 'the ICMP error cannot be translated')
  if (concerns(attachment, entry.manip)) recordNat(cursor, hook, entry.manip, before, undefined)
  if (hook === 'prerouting' && before.dst !== headersOf(skb.packet, 0).dst) skb.destination = undefined
  return undefined
}

function recordNat(cursor: Cursor, hook: Hook, manip: Manip, was: Headers, rule: RuleVisit | undefined): void {
  if (cursor.run.options.silent) return
  const now = headersOf(cursor.skb.packet, cursor.skb.mark)
  const [before, after] = [endOf(was, manip), endOf(now, manip)]
  if (before === after) return
  const text = `${manip === 'src' ? 'source' : 'destination'} ${before} → ${after}`
  cursor.record({ kind: 'nat', hook, manip, before, after, rule, text, ports: cursor.drawnPorts })
}

function endOf({ src, sport, dst, dport, icmp }: Headers, manip: Manip): string {
  const [address, port] = manip === 'src' ? [src, sport] : [dst, dport]
  if (port !== undefined) return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return icmp?.id === undefined ? address : `${address} id ${icmp.id}`
}

/** nf_nat_ipv4_local_fn: the route is asked again wherever the destination of this direction is not the one that was sent to. */
function rerouteIfTranslated(cursor: Cursor, { entry, direction }: Attachment): Fate | undefined {
  const [own, other] = direction === 'original' ? [entry.original, entry.reply] : [entry.reply, entry.original]
  return own.dst === other.src ? undefined : reroute(cursor)
}
