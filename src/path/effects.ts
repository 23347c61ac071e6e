import { printIp } from '../address/ip.js'
import { type Field, type FieldValue, fieldSpec, printField } from '../packet/fields.js'
import { targetMss } from '../packet/mss.js'
import { translatePrefix } from '../packet/npt.js'
import { writeField } from '../packet/rewrite.js'
import { setTcpBits, stripOptions } from '../packet/tcp-options.js'
import type { Effect, HashedMark } from '../rules/effect.js'
import { evaluate, UNKNOWN } from '../rules/interpret.js'
import type { Performed } from '../rules/traverse.js'
import { answerSyn } from './answer-syn.js'
import { reject, sendIcmpError } from './answers.js'
import { duplicate } from './copies.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { changeFrame } from './frame-effects.js'
import { hashedMark } from './hmark.js'
import { setUpNat } from './nat-setup.js'
import { pull, pullTcp } from './pull.js'
import { changeSet, mapSet } from './set-effects.js'
import type { Skb } from './skb.js'
import { SkbSubject } from './subject.js'
import { toSocket } from './to-socket.js'

const TCP_HEADER = 20

type Acting = Exclude<Effect, { readonly do: 'accept' | 'drop' | 'return' | 'jump' | 'goto' }>

/** Carries out what a rule does to the packet, its connection, or the sender. */
export function perform(cursor: Cursor, effect: Acting): Done {
  switch (effect.do) {
    case 'set':
      return set(cursor, effect)
    case 'add':
      return add(cursor, effect)
    case 'mss':
      pull(cursor.skb)
      return mss(cursor, effect.to)
    case 'tcp-bits': {
      const done = setTcpBits(cursor.skb.packet, effect.keep, effect.set)
      if (done === 'cut-off') return CUT_OFF
      if (done === 'changed') pull(cursor.skb, TCP_HEADER)
      return { did: 'ECN: TCP header', verdict: 'next' }
    }
    case 'strip-options':
      pullTcp(cursor.skb)
      return stripOptions(cursor.skb.packet, effect.kinds)
        ? { did: `TCP options ${effect.kinds.join(', ')} stripped`, verdict: 'next' }
        : CUT_OFF
    case 'map-prefix':
      return mapAddress(cursor, effect)
    case 'hash-mark':
      return hashMark(cursor, effect.by)
    case 'to-socket':
      return toSocket(cursor, effect)
    case 'answer-syn':
      return answerSyn(cursor, effect)
    case 'log':
      return { did: effect.what ?? `LOG ${JSON.stringify(effect.prefix)}`, verdict: 'next' }
    case 'notrack':
      if (mayTakeTemplate(cursor.skb)) cursor.skb.tracking = { is: 'untracked' }
      return { did: 'NOTRACK', verdict: 'next' }
    case 'template':
      return template(cursor, effect)
    case 'duplicate':
      duplicate(cursor, effect)
      return { did: `copy to ${printIp(effect.gateway)}`, verdict: 'next' }
    case 'change-set':
      return changeSet(cursor, effect)
    case 'map-set':
      return mapSet(cursor, effect)
    case 'nat':
      return setUpNat(cursor, effect)
    case 'reject':
      return reject(cursor, effect.with)
    case 'queue':
      return undecided(
        cursor,
        effect.bypass ? ['accept', 'drop', 'next'] : ['accept', 'drop'],
        `queue ${effect.number}: what user space decides is not known`,
      )
    case 'frame':
      return changeFrame(cursor, effect.frame)
    case 'unknown':
      return undecided(cursor, ['next', 'accept', 'drop'], `${effect.text}: ${effect.needs}`)
  }
}

const CUT_OFF: Done = { did: 'DROP (TCP header cut off)', verdict: 'drop' }

/** SNPT, DNPT: where no mapping is neutral the sender is told which address it was (RFC 4443 section 3.4: the pointer). */
function mapAddress(cursor: Cursor, { which, from, to }: Extract<Effect, { do: 'map-prefix' }>): Done {
  const { packet, looped } = cursor.skb
  // it writes into the bytes that the copy shares with the packet that was sent (ip6t_dnpt_tg: no skb_ensure_writable)
  const about = `${which === 'src' ? 'SNPT' : 'DNPT'} of a packet that came back also changes the one that was sent`
  if (looped) cursor.run.options.chooser.choose({ kind: 'unknown', weights: [1], about })
  const end = () => printIp(cursor.netns.addressOf(packet, which))
  const before = end()
  if (translatePrefix(packet, which, from, to)) return { did: `${before} → ${end()}`, verdict: 'next' }
  sendIcmpError(cursor, { type: 4, code: 0, info: which === 'src' ? 8 : 24 })
  return { did: `DROP (no neutral mapping of ${before})`, verdict: 'drop' }
}

function hashMark({ skb }: Cursor, by: HashedMark): Done {
  const mark = hashedMark(skb, by)
  if (mark === undefined) return { did: 'HMARK: nothing to hash', verdict: 'next' }
  skb.mark = mark
  return { did: `HMARK ${printField('meta.mark', mark)}`, verdict: 'next' }
}

function template({ skb, netns }: Cursor, effect: Extract<Effect, { do: 'template' }>): Done {
  if (!mayTakeTemplate(skb)) return { did: 'CT: the packet has its connection already', verdict: 'next' }
  const zone = effect.zoneFromMark ? 'mark' : (effect.zone ?? 0)
  const entry = netns.templateOf(effect, skb.packet.family)
  if (effect.timeout !== undefined) entry.policy ??= { name: effect.timeout, heard: 0 }
  skb.template = { zone, direction: effect.zoneDirection, helper: effect.helper, entry }
  const given = [
    ...(effect.zone !== undefined || effect.zoneFromMark ? [zone === 'mark' ? 'zone by mark' : `zone ${zone}`] : []),
    ...(effect.helper === undefined ? [] : [`helper ${effect.helper}`]),
    ...(effect.timeout === undefined ? [] : [`timeout policy ${effect.timeout}`]),
  ]
  return { did: `CT ${given.length > 0 ? given.join(', ') : 'template'}`, verdict: 'next' }
}

/**
 * xt_ct_target: a packet that already has a connection or a template keeps it; one that was found invalid (and came back through lo) has neither, but
 * the answer to an untracked one has the state of a connection without having one (nf_conntrack_attach).
 */
const mayTakeTemplate = ({ tracking, template }: Skb): boolean =>
  template === undefined && (tracking === undefined || (tracking.is === 'invalid' && !tracking.attached))

/** net/netfilter/xt_TCPMSS.c: tcpmss_mangle_packet; the path takes the smaller MTU of the way there and the way back. */
function mss({ skb, netns }: Cursor, to: number | 'path'): Done {
  const headers = skb.packet.family === 4 ? 40 : 60
  const mtuOf = (dev: string | undefined) => netns.link(dev)?.mtu ?? 1500
  const back = netns.deviceTowards(netns.addressOf(skb.packet, 'src'))
  const path = Math.min(skb.destination?.mtu ?? mtuOf(skb.oif), mtuOf(back)) - headers
  const size = to === 'path' ? path : to
  const alive = size > 0 && targetMss(skb.packet, size)
  return alive ? { did: `MSS at most ${size}`, verdict: 'next' } : { did: 'DROP (TCP header cut off)', verdict: 'drop' }
}

function undecided(cursor: Cursor, verdicts: readonly Performed['verdict'][], about: string): Done {
  const weights = verdicts.map(() => 1 / verdicts.length)
  const chosen = cursor.run.options.chooser.choose({ kind: 'unknown', weights, about })
  return { did: about, verdict: verdicts[chosen]! }
}

function set(cursor: Cursor, { field, keep, xor }: Extract<Effect, { do: 'set' }>): Done {
  const subject = new SkbSubject(cursor)
  const old = subject.read(field)
  const change = evaluate(xor, subject)
  const { label } = fieldSpec(field)
  if (old === undefined || change === undefined) return { did: `${label}: nothing to set`, verdict: 'next' }
  if (old === UNKNOWN || change === UNKNOWN) return undecided(cursor, ['next'], `${label} is not known`)
  if (fieldSpec(field).bits === 48)
    return written(cursor, field, old, Number((BigInt(old) & BigInt(keep)) ^ BigInt(change)))
  const narrow = typeof old === 'number' && typeof keep === 'number' && typeof change === 'number'
  return written(
    cursor,
    field,
    old,
    narrow ? ((old & keep) ^ change) >>> 0 : (BigInt(old) & BigInt(keep)) ^ BigInt(change),
  )
}

function add(cursor: Cursor, { field, by }: Extract<Effect, { do: 'add' }>): Done {
  const old = new SkbSubject(cursor).read(field)
  if (typeof old !== 'number') return { did: `${fieldSpec(field).label}: nothing to change`, verdict: 'next' }
  const value = Math.max(0, Math.min(2 ** fieldSpec(field).bits - 1, old + by))
  return written(cursor, field, old, value)
}

function written(cursor: Cursor, field: Field, old: FieldValue, value: FieldValue): Done {
  store(cursor, field, value)
  const show = (v: FieldValue) => printField(field, v)
  return { did: `${fieldSpec(field).label} ${show(old)} → ${show(value)}`, verdict: 'next' }
}

function store({ skb, netns }: Cursor, field: Field, value: FieldValue): void {
  switch (field) {
    case 'meta.mark':
      skb.mark = Number(value)
      return
    case 'meta.priority':
      skb.priority = Number(value)
      return
    case 'ct.mark':
      if (skb.attachment) netns.connections.mark(skb.attachment.entry, Number(value))
      return
    default:
      if (!writeField(skb.packet, field, value)) throw new Error(`field ${field} can't be written`)
  }
}
