import type { Ip } from '../address/ip.js'
import { routeOutput } from '../routing/output.js'
import type { Cursor } from './cursor.js'

/** The source address that the kernel would choose for `dst`; undefined where it has no way there. */
export function outputSource(cursor: Cursor, dst: Ip, oif: string | undefined, mark = cursor.skb.mark): Ip | undefined {
  const { netns } = cursor
  const family = typeof dst === 'number' ? 4 : 6
  const route = routeOutput(netns.fib(family), netns.interfaces, { dst, mark, ...(oif === undefined ? {} : { oif }) })
  return route.ok ? route.source : undefined
}
