import { familyOf, type Ip } from '../address/ip.js'
import { maskOf } from '../address/prefix.js'
import type { Attachment } from '../conntrack/entry.js'
import { help } from '../conntrack/helpers/run.js'
import { opposite, printTuple } from '../conntrack/tuple.js'
import { headerWords, PROTOCOL } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'
import { routeOutput } from '../routing/output.js'
import type { Hook } from '../rules/program.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import { proxied } from './proxied.js'
import { pull } from './pull.js'

/** nf_conntrack_in on PREROUTING and OUTPUT. */
export function track(cursor: Cursor, hook: Hook): Fate | undefined {
  const { skb, netns, run } = cursor
  // an invalid packet belongs to nothing, and is looked at anew when it comes back through lo
  if (skb.tracking && skb.tracking.is !== 'invalid') return seen(cursor, hook)
  // nf_ct_zone_tmpl
  const zone = skb.template?.zone === 'mark' ? skb.mark & 0xffff : (skb.template?.zone ?? 0)
  const arrival = {
    prerouting: hook === 'prerouting',
    now: run.now,
    zone,
    zoneDirection: skb.template?.direction,
    helper: skb.template?.helper,
    policy: skb.template?.entry.policy?.name,
    proxied: skb.template?.proxied,
    // the sum over a part of UDP-Lite's bytes is not kept (nf_checksum_partial)
    checked: (good: boolean) => {
      if (skb.packet.transport.protocol === PROTOCOL.UDPLITE) return
      skb.summed = good
      skb.sum = { is: 'complete', header: good ? headerWords(skb.packet) : undefined }
    },
  }
  skb.template = undefined
  const { supposed } = skb
  const attached = skb.tracking?.attached
  if (supposed === 'INVALID') skb.tracking = { is: 'invalid', reason: 'the question says so' }
  else if (supposed === 'UNTRACKED') skb.tracking = { is: 'untracked' }
  else if (supposed !== undefined) skb.tracking = netns.connections.suppose(skb.packet, supposed, zone, run.now)
  else skb.tracking = netns.connections.inbound(skb.packet, arrival)
  if (skb.tracking.is === 'dropped' && netns.connections.mayGiveUp(run.now)) {
    const about =
      'the connection table is full: whether an old connection is given up for this one hangs on a secret of the kernel'
    if (run.options.chooser.choose({ kind: 'unknown', weights: [0.5, 0.5], about }) === 0)
      skb.tracking = netns.connections.inbound(skb.packet, { ...arrival, overfull: true })
  }
  if (attached && skb.tracking.is === 'invalid') skb.tracking = { ...skb.tracking, attached }
  const { tracking } = skb
  if (tracking.is === 'tracked' && tracking.unsure !== undefined)
    run.options.chooser.choose({ kind: 'unknown', weights: [1], about: tracking.unsure })
  if (tracking.is === 'tracked' && tracking.assumed !== undefined) run.assume(`${netns.name}: ${tracking.assumed}`)
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
  if (cursor.run.options.silent) return
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
  const ended = proxied(cursor, skb.tracking.attachment)
  if (ended) return ended
  const helped = askHelper(cursor, skb.tracking.attachment)
  if (helped) return helped
  const { attachment } = skb.tracking
  if (run.rival && !(attachment.entry.status & CT_STATUS.CONFIRMED)) overtaken(run)
  const settled = netns.connections.settle(attachment, run.now)
  if (settled.is === 'entered') return undefined
  const { entry, direction, state } = attachment
  const [original, reply] = [printTuple(entry.original), printTuple(entry.reply)]
  const step = { kind: 'conntrack', hook: cursor.hook ?? 'postrouting', state, direction, original, reply } as const
  switch (settled.is) {
    case 'dropped':
      return cursor.drop('conntrack-clash', settled.why)
    case 'merged':
      skb.tracking = { ...skb.tracking, attachment: { ...attachment, entry: settled.entry } }
      cursor.record({
        ...step,
        text: 'another packet of this flow was confirmed first: this one belongs to its connection now',
      })
      return undefined
    case 'beside':
      cursor.record({
        ...step,
        text: 'another packet of this flow was confirmed first and is translated otherwise: this one has a connection of its own for its reply, for a second',
      })
      return undefined
  }
}

/** Another packet comes to be confirmed while this one waits for it. */
function overtaken(run: Cursor['run']): void {
  const { rival } = run
  run.rival = undefined
  rival?.()
}

/** The connection's helper looks at the packet; sequence numbers that it has shifted are shifted on (nf_confirm). */
function askHelper(cursor: Cursor, attachment: Attachment): Fate | undefined {
  const { skb, netns, run } = cursor
  const { entry, direction, state } = attachment
  if (entry.helper === undefined && !entry.shifts && !netns.connections.settings.automaticHelpers) return undefined
  const { packet } = skb
  const [bytes, expected] = [packet.bytes, netns.connections.expectations.of(entry, run.now)[0]]
  const helped = help({
    packet,
    attachment,
    table: netns.connections,
    now: run.now,
    random: run.options.random,
    broadcastMask: () => broadcastMask(cursor),
    linearize: () => pull(skb),
    sameWay: (a, b) => sameWay(cursor, a, b),
    loopback: skb.iif !== undefined && netns.interfaces.isLoopback(skb.iif),
  })
  if (packet.bytes !== bytes) pull(skb)
  if (helped.is === 'unknown') run.options.chooser.choose({ kind: 'unknown', weights: [1], about: helped.reason })
  if (helped.is === 'drop') return cursor.drop('conntrack-helper', `helper ${entry.helper}: ${helped.reason}`)
  const announced = netns.connections.expectations.of(entry, run.now)[0]
  const said = [
    ...(announced && announced !== expected ? [`helper ${entry.helper} expects ${printTuple(announced.tuple)}`] : []),
    ...(packet.bytes === bytes ? [] : [`helper ${entry.helper} has rewritten the payload`]),
  ]
  if (said.length > 0) {
    const [original, reply] = [printTuple(entry.original), printTuple(entry.reply)]
    cursor.record({
      kind: 'conntrack',
      hook: cursor.hook ?? 'postrouting',
      state,
      direction,
      original,
      reply,
      text: said.join('; '),
    })
  }
  return undefined
}

/** Of the subnet on which this host itself sends the packet to everybody (nf_conntrack_broadcast_help). */
function broadcastMask({ skb, netns }: Cursor): number | undefined {
  if (!skb.sender?.socket || skb.destination?.result !== 'broadcast') return undefined
  const to = netns.addressOf(skb.packet, 'dst')
  const own = netns
    .link(skb.destination.dev)
    ?.addresses.find(({ broadcast, secondary }) => broadcast === to && !secondary)
  const mask = own && maskOf(4, own.prefix.length)
  return typeof mask === 'number' && mask !== 0 ? mask : undefined
}

/** nf_ip_route, nf_ip6_route: by their addresses alone, and nothing goes where there is no route (nf_conntrack_h323_main.c: callforward_do_filter). */
function sameWay({ netns }: Cursor, ...ends: readonly [Ip, Ip]): boolean | undefined {
  const ways = ends.map((dst) => {
    const route = routeOutput(netns.fib(familyOf(dst)), netns.interfaces, { dst }, { lookupOnly: true })
    if (!route.ok) return route.reason === 'no-source' ? undefined : 'none'
    // a gateway of the other family does not count
    const gateway = route.gateway !== undefined && familyOf(route.gateway) === familyOf(dst) ? route.gateway : dst
    return route.ways ? undefined : `${route.dev} ${gateway}`
  })
  if (ways.includes('none')) return false
  return ways.includes(undefined) ? undefined : ways[0] === ways[1]
}

/** nf_ct_attach: an answer belongs to its question's connection, against its direction. */
export function attachAnswer(question: Cursor['skb'], answer: Cursor['skb']): void {
  if (question.tracking?.is === 'untracked')
    answer.tracking = { is: 'invalid', reason: 'the answer to an untracked packet', attached: true }
  if (question.tracking?.is !== 'tracked') return
  const { entry, direction } = question.tracking.attachment
  answer.tracking = {
    is: 'tracked',
    created: false,
    attachment: { entry, direction: opposite(direction), state: 'RELATED' },
  }
}
