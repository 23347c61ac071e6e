import { listenIn } from './copies.js'
import type { Cursor, Engine } from './cursor.js'
import { reassemble } from './defragment.js'
import type { Fate } from './fate.js'
import { runHook } from './hook-run.js'
import { generate, routeInput } from './route.js'
import { arp, arpOutput, arpReceive } from './stage/arp.js'
import {
  bridgeDecision,
  bridgeEgress,
  bridgeForward,
  bridgeInput,
  bridgeOutput,
  bridgePostrouting,
  bridgePrerouting,
} from './stage/bridge.js'
import { decapsulate } from './stage/decapsulate.js'
import { deliver } from './stage/deliver.js'
import { encapsulate } from './stage/encapsulate.js'
import { forward, forwardChecks, fragment } from './stage/forward.js'
import { neighbour, transmit } from './stage/leave.js'
import { ipReceive, receive } from './stage/receive.js'
import { output, prerouting } from './stage/vrf.js'
import { type ExitOf, type StageName, stageAfter } from './stages.js'
import { transformOf } from './xfrm-policy.js'

/** What each stage does: it moves the packet on and names its exit, or ends its walk. Where the exits lead stands in `STAGES` alone. */
const PERFORM: { readonly [S in Exclude<StageName, 'end'>]: (cursor: Cursor) => ExitOf<S> | Fate } = {
  receive,
  'ip-receive': ipReceive,
  prerouting,
  'route-input': routeInput,
  reassemble,
  input: (cursor) => runHook(cursor, 'input'),
  deliver,
  'forward-checks': forwardChecks,
  forward,
  generate,
  output,
  postrouting(cursor) {
    const { skb } = cursor
    const ended = skb.packet.family === 4 ? listenIn(cursor) : undefined
    if (ended) return ended
    skb.iif ??= skb.copiedTo
    const result = runHook(cursor, 'postrouting')
    return result === 'accept' && transformOf(cursor) ? 'transform' : result
  },
  fragment,
  neighbour,
  transmit,
  encapsulate,
  decapsulate,
  'arp-receive': arpReceive,
  arp,
  'arp-output': arpOutput,
  'bridge-input': bridgeInput,
  'bridge-prerouting': bridgePrerouting,
  'bridge-decision': bridgeDecision,
  'bridge-egress': bridgeEgress,
  'bridge-forward': bridgeForward,
  'bridge-postrouting': bridgePostrouting,
  'bridge-output': bridgeOutput,
}

/** More stages than any sane packet passes: a loop between namespaces that no TTL ends. */
const FAR_TOO_LONG = 2000

/** Walks a packet from a stage to its end. */
export const walk: Engine = (cursor, from) => cursor.run.whole(() => walkThrough(cursor, from), from === 'generate')

function walkThrough(cursor: Cursor, from: StageName): Fate {
  let stage: StageName = from
  for (let i = 0; i < FAR_TOO_LONG && stage !== 'end'; i++) {
    cursor.enter(stage)
    const exit = PERFORM[stage](cursor)
    if (typeof exit !== 'string') return exit
    stage = stageAfter(stage, exit as never)
  }
  return cursor.drop('loop', 'the packet goes round and round')
}
