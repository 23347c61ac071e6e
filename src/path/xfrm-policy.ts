import { familyOf } from '../address/ip.js'
import { contains } from '../address/prefix.js'
import { FIELDS } from '../packet/fields.js'
import { hasPorts } from '../packet/headers.js'
import type { Cursor } from './cursor.js'
import type { XfrmPolicy } from './xfrm.js'

/** net/xfrm/xfrm_policy.c: xfrm_policy_lookup, for the packet as it is now. */
export function policyOf(cursor: Cursor, direction: XfrmPolicy['direction']): XfrmPolicy | undefined {
  const policies = cursor.netns.state.xfrm?.policies ?? []
  const fitting = policies.filter((policy) => policy.direction === direction && fits(cursor, policy))
  return fitting.reduce<XfrmPolicy | undefined>(
    (best, one) => (best === undefined || one.priority < best.priority ? one : best),
    undefined,
  )
}

function fits({ skb, netns }: Cursor, policy: XfrmPolicy): boolean {
  const { packet } = skb
  if (familyOf(policy.src.ip) !== packet.family) return false
  if (!contains(policy.src, netns.addressOf(packet, 'src')) || !contains(policy.dst, netns.addressOf(packet, 'dst')))
    return false
  const { protocol } = packet.transport
  if (policy.protocol !== undefined && policy.protocol !== protocol) return false
  const port = (field: 'th.sport' | 'th.dport') => (hasPorts(protocol) ? FIELDS[field].read(packet) : 0)
  if (policy.sport !== undefined && policy.sport !== port('th.sport')) return false
  if (policy.dport !== undefined && policy.dport !== port('th.dport')) return false
  const dev = policy.direction === 'out' ? skb.oif : skb.iif
  if (policy.dev !== undefined && policy.dev !== dev) return false
  return policy.mark === undefined || (skb.mark & policy.mark.mask) >>> 0 === policy.mark.value
}

/** Will the packet be transformed on its way out? */
export const transformOf = (cursor: Cursor): XfrmPolicy | undefined => {
  if (cursor.skb.transformed) return undefined
  const policy = policyOf(cursor, 'out')
  return policy && !policy.block && policy.templates.length > 0 ? policy : undefined
}
