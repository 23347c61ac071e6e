import type { Hook } from '../rules/program.js'
import { sendIcmpError } from './answers.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { Collected } from './reassembly.js'
import type { ExitOf } from './stages.js'

const FRAGMENT_HEADER = 44

/**
 * nf_defrag_ipv4, nf_defrag_ipv6: where connections are tracked, a fragment waits for the rest of its packet before any table sees it. An IPv6 fragment that
 * has been seen (it comes back through lo) passes, an IPv4 fragment that is not to be tracked. A lone IPv6 fragment loses its fragment header.
 */
export function defragment(cursor: Cursor, _hook: Hook): Fate | undefined {
  const { packet, tracking } = cursor.skb
  if (packet.family === 6 ? tracking && tracking.is !== 'invalid' : tracking?.is === 'untracked') return undefined
  if (!(packet.family === 6 ? hasFragmentHeader(packet.bytes) : isFragment(cursor))) return undefined
  const collected = cursor.netns.reassemble(packet, cursor.run.now, 'conntrack')
  if (collected.is === 'left') return undefined
  const fate = take(cursor, collected, 'connection tracking is on: the fragment waits for the rest of its packet')
  if (packet.family === 6 && collected.is === 'whole') cursor.skb.deliverAt = collected.whole.head
  return fate
}

const WAITS = 'for this host: the fragment waits for the rest of its packet'

/** What is for this host is put together before INPUT sees it, tracked or not. IPv6 does so behind INPUT, with the extension headers. */
export function reassemble(cursor: Cursor): ExitOf<'reassemble'> | Fate {
  if (cursor.skb.packet.family === 6 || !isFragment(cursor)) return 'whole'
  const collected = cursor.netns.reassemble(cursor.skb.packet, cursor.run.now, 'local')
  const waiting = collected.is === 'left' ? undefined : take(cursor, collected, WAITS)
  cursor.skb.heedsDf = cursor.skb.pieces !== undefined
  return waiting ?? 'whole'
}

const PARAMETER_PROBLEM6 = 4

/** IPv6 fragments for this host pass INPUT one by one and are put together behind it (ipv6_frag_rcv). */
export function reassemble6(cursor: Cursor): Fate | undefined {
  const { skb, netns, run } = cursor
  if (skb.packet.family === 4 || !isFragment(cursor)) return undefined
  const collected = netns.reassemble(skb.packet, run.now, 'local')
  if (collected.is !== 'left') return take(cursor, collected, WAITS)
  const { code, pointer } = collected
  const answer = sendIcmpError(cursor, { type: PARAMETER_PROBLEM6, code, info: pointer })
  return cursor.drop('fragment-broken', 'a fragment that no packet can be put together of', { answer })
}

function isFragment({ skb }: Cursor): boolean {
  const { fragmentOffset, moreFragments } = skb.packet.transport
  return fragmentOffset !== 0 || moreFragments
}

/** Is there a fragment header behind the headers that may stand in front of it? */
function hasFragmentHeader(bytes: Uint8Array): boolean {
  let kind = bytes[6]
  for (let at = 40; kind !== undefined; ) {
    if (kind === FRAGMENT_HEADER) return true
    if (![0, 43, 51, 60].includes(kind)) return false
    const length = bytes[at + 1] ?? 0
    const next = bytes[at]
    at += kind === 51 ? (length + 2) * 4 : (length + 1) * 8
    kind = next
  }
  return false
}

function take(cursor: Cursor, collected: Exclude<Collected, { is: 'left' }>, waits: string): Fate | undefined {
  if (collected.is === 'queued') return cursor.drop('fragment-queued', waits)
  const { whole } = collected
  cursor.skb.packet = whole.packet
  cursor.skb.pieces = whole.pieces.length > 1 ? whole : undefined
  const text = `all fragments are here: ${whole.packet.bytes.length} bytes`
  cursor.record({ kind: 'check', what: 'defragment', passed: true, text })
  return undefined
}
