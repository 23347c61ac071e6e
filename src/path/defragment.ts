import type { Hook } from '../rules/program.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'

/** nf_defrag_ipv4 / nf_defrag_ipv6: a fragment waits for the rest of its packet; the whole packet goes on in its place. */
export function defragment(cursor: Cursor, _hook: Hook): Fate | undefined {
  const { fragmentOffset, moreFragments } = cursor.skb.packet.transport
  if (fragmentOffset === 0 && !moreFragments) return undefined
  const whole = cursor.netns.reassemble(cursor.skb.packet, cursor.run.now)
  if (!whole) {
    const text = 'connection tracking is on: the fragment waits for the rest of its packet'
    return cursor.drop('fragment-queued', text)
  }
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
