import type { Mac } from '../address/mac.js'
import { runBridgeHook } from './bridge-hooks.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { Link } from './world.js'

/** 01:80:c2:00:00:00 to 0f: addresses that a bridge keeps to one link (IEEE 802.1D table 7-10). */
const FIRST: Mac = 0x0180c2000000

/**
 * net/bridge/br_input.c: br_handle_frame. `forward`: a frame as any other, without STP those for all bridges too. `pause`: dropped. Else the port itself
 * gets it: LLDP and BPDUs past ebtables (`pass`), the others through its INPUT (`input`).
 */
export function linkLocal(destination: Mac, bridge: Link, { port }: Link): 'forward' | 'pause' | 'pass' | 'input' {
  const last = destination - FIRST
  if (last < 0 || last > 15) return 'forward'
  if (last === 1) return 'pause'
  const own = port?.groupForward ?? 0
  const mask = last === 0 ? own : own | (bridge.bridge?.groupForward ?? 0)
  if ((mask >> last) & 1 || (last === 0 && !bridge.bridge?.stp)) return 'forward'
  return last === 0 || last === 14 ? 'pass' : 'input'
}

/** INPUT of ebtables sees the port; it is not bridged. */
export function linkLocalInput(cursor: Cursor, port: string): Fate | undefined {
  const { skb } = cursor
  const before = skb.bridge
  skb.bridge = { calls: false, daddr: 0, ...before, in: port, out: undefined }
  const refused = runBridgeHook(cursor, 'input')
  skb.bridge = before
  return refused
}
