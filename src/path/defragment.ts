import type { Hook } from '../rules/program.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { ExitOf } from './stages.js'

/** nf_defrag_ipv4 / nf_defrag_ipv6: where connections are tracked, a fragment waits for the rest of its packet before any table sees it. */
export function defragment(cursor: Cursor, _hook: Hook): Fate | undefined {
  return collect(cursor, 'connection tracking is on: the fragment waits for the rest of its packet')
}

/** What is for this host is put together before INPUT sees it, tracked or not. IPv6 does so behind INPUT, with the extension headers. */
export function reassemble(cursor: Cursor): ExitOf<'reassemble'> | Fate {
  if (cursor.skb.packet.family === 6) return 'whole'
  return collect(cursor, 'for this host: the fragment waits for the rest of its packet') ?? 'whole'
}

/** IPv6 fragments for this host pass INPUT one by one and are put together behind it (ipv6_frag_rcv). */
export function reassemble6(cursor: Cursor): Fate | undefined {
  return cursor.skb.packet.family === 6
    ? collect(cursor, 'for this host: the fragment waits for the rest of its packet')
    : undefined
}

function collect(cursor: Cursor, waits: string): Fate | undefined {
  const { fragmentOffset, moreFragments } = cursor.skb.packet.transport
  if (fragmentOffset === 0 && !moreFragments) return undefined
  const whole = cursor.netns.reassemble(cursor.skb.packet, cursor.run.now)
  if (!whole) return cursor.drop('fragment-queued', waits)
  cursor.skb.packet = whole.packet
  cursor.skb.pieces = whole.pieces
  cursor.record({
    kind: 'check',
    what: 'defragment',
    passed: true,
    text: `all fragments are here: ${whole.packet.bytes.length} bytes`,
  })
  return undefined
}
