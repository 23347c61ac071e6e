import { opposite, printTuple } from '../conntrack/tuple.js'
import { PROTOCOL } from '../packet/checksum.js'
import type { Hook } from '../rules/program.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'

/** nf_conntrack_in on PREROUTING and OUTPUT. */
export function track(cursor: Cursor, hook: Hook): Fate | undefined {
  const { skb, netns, run } = cursor
  // an invalid packet belongs to nothing, and is looked at anew when it comes back through lo
  if (skb.tracking && skb.tracking.is !== 'invalid') return seen(cursor, hook)
  const zone = skb.template?.zone ?? 0
  const arrival = {
    prerouting: hook === 'prerouting',
    now: run.now,
    zone,
    zoneDirection: skb.template?.direction,
    helper: skb.template?.helper,
    // the sum over a part of UDP-Lite's bytes is not kept (nf_checksum_partial)
    checked: (good: boolean) => {
      if (skb.packet.transport.protocol !== PROTOCOL.UDPLITE) skb.summed = good
    },
  }
  skb.template = undefined
  const { supposed } = skb
  if (supposed === 'INVALID') skb.tracking = { is: 'invalid', reason: 'the question says so' }
  else if (supposed === 'UNTRACKED') skb.tracking = { is: 'untracked' }
  else if (supposed !== undefined) skb.tracking = netns.connections.suppose(skb.packet, supposed, zone, run.now)
  else skb.tracking = netns.connections.inbound(skb.packet, arrival)
  const { tracking } = skb
  if (tracking.is === 'dropped') return cursor.drop(tracking.reason, 'the connection table is full')
  describe(cursor, hook)
  return undefined
}

/** A packet that already belongs to a connection: through lo, or an answer that was attached to its question's. */
function seen(cursor: Cursor, hook: Hook): undefined {
  const { tracking } = cursor.skb
  if (tracking?.is === 'untracked')
    cursor.record({
      kind: 'conntrack',
      hook,
      state: 'UNTRACKED',
      direction: undefined,
      original: undefined,
      reply: undefined,
      text: 'a rule in raw said NOTRACK',
    })
  else describe(cursor, hook, 'tracked already')
  return undefined
}

function describe(cursor: Cursor, hook: Hook, known?: string): void {
  const { tracking } = cursor.skb
  const nothing = { direction: undefined, original: undefined, reply: undefined }
  if (!tracking || tracking.is === 'dropped') return
  if (tracking.is === 'untracked')
    cursor.record({ kind: 'conntrack', hook, state: 'UNTRACKED', ...nothing, text: 'not tracked' })
  else if (tracking.is === 'invalid')
    cursor.record({
      kind: 'conntrack',
      hook,
      state: 'INVALID',
      ...nothing,
      text: `${tracking.reason}; NAT is not applied`,
    })
  else {
    const { entry, direction, state } = tracking.attachment
    const [original, reply] = [printTuple(entry.original), printTuple(entry.reply)]
    const text = tracking.created
      ? 'a new connection'
      : direction === 'reply'
        ? 'a reply'
        : state === 'NEW'
          ? 'a connection not answered yet'
          : 'a connection that exists'
    cursor.record({
      kind: 'conntrack',
      hook,
      state,
      direction,
      original,
      reply,
      text: known ?? (state === 'RELATED' ? 'about a connection that exists' : text),
    })
  }
}

/** nf_confirm, last on INPUT and POSTROUTING: the connection enters the table. */
export function confirmConnection(cursor: Cursor, _hook: Hook): Fate | undefined {
  const { skb, netns, run } = cursor
  if (skb.tracking?.is !== 'tracked') return undefined
  if (netns.connections.confirm(skb.tracking.attachment, run.now)) return undefined
  return cursor.drop('conntrack-clash', 'another packet has taken the same connection meanwhile')
}

/** nf_ct_attach: an answer belongs to its question's connection, against its direction. */
export function attachAnswer(question: Cursor['skb'], answer: Cursor['skb']): void {
  if (question.tracking?.is !== 'tracked') return
  const { entry, direction } = question.tracking.attachment
  answer.tracking = {
    is: 'tracked',
    created: false,
    attachment: { entry, direction: opposite(direction), state: 'RELATED' },
  }
}
