import { all, always, any, type Condition, equals, inRanges, invertedIf, not, readable } from '../rules/condition.js'
import type { Step } from '../rules/program.js'
import { addressIn } from './address-condition.js'
import type { AddressMask } from './address-mask.js'
import type { Given, RuleContext } from './extension.js'
import { interfaceRanges } from './interface.js'
import type { RuleFields } from './rule-fields.js'

const never: Condition = not(always)

/** What the words of a rule mean that stand behind its addresses and interfaces. */
export interface Ending {
  readonly protocol: readonly Step[]
  readonly others: readonly Step[]
}

/** What a rule means: what its header asks, the matches as they stand, the counter, the target. */
export function lowerRule(fields: RuleFields, context: RuleContext): readonly Step[] {
  const { src, dst, iif, oif } = fields
  const first = {
    s: src && lowerAddress(src, 'src', context),
    d: dst && lowerAddress(dst, 'dst', context),
    i: iif && lowerInterface(iif, 'iif', context),
    o: oif && lowerInterface(oif, 'oif', context),
  }
  return inOrder(context, first, lowerEnding(fields, context))
}

/**
 * In the order in which ip_packet_match and ip6_packet_match look (net/ipv4/netfilter/ip_tables.c), or in which iptables-nft puts its
 * expressions (iptables/nft-ipv4.c: nft_ipv4_add): the outcome is the same, the first thing that does not match is another.
 */
export function inOrder(
  { backend }: Pick<RuleContext, 'backend'>,
  { s, d, i, o }: Readonly<Record<'s' | 'd' | 'i' | 'o', readonly Step[] | undefined>>,
  { protocol, others }: Ending,
): readonly Step[] {
  const steps: Step[] = []
  const add = (part: readonly Step[] | undefined) => {
    if (part) for (let n = 0; n < part.length; n++) steps.push(part[n]!)
  }
  const isNft = backend === 'nft'
  if (!isNft) {
    add(s)
    add(d)
  }
  add(i)
  add(o)
  add(protocol)
  if (isNft) {
    add(s)
    add(d)
  }
  add(others)
  return steps
}

export function lowerEnding(fields: RuleFields, context: RuleContext): Ending {
  const { fragment } = fields
  const protocol = protocolOf(fields.protocol, context).map((condition): Step => ({ if: condition }))
  const others: Step[] = []
  if (fragment) others.push({ if: invertedIf(!fragment.inverted, equals('frag.offset', 0)) })
  for (const { name, extension, options, raw } of fields.matches) {
    const text = raw ? `-m ${name} ${raw}` : `-m ${name}`
    const condition: Condition = extension
      ? extension.lower(options, context)
      : { is: 'unknown', text, needs: `the match ${name} is not known` }
    others.push({ if: condition })
  }
  others.push({ count: 'rule' })
  if (fields.jump) others.push({ do: { do: fields.jump.goto ? 'goto' : 'jump', chain: fields.jump.chain } })
  if (fields.target) {
    const { name, extension, options, raw } = fields.target
    const text = raw ? `-j ${name} ${raw}` : `-j ${name}`
    if (extension) for (const effect of extension.lower(options, context)) others.push({ do: effect })
    else others.push({ do: { do: 'unknown', text, needs: `the target ${name} is not known` } })
  }
  return { protocol, others }
}

export function lowerAddress(
  given: Given<AddressMask>,
  which: 'src' | 'dst',
  { family }: Pick<RuleContext, 'family'>,
): readonly Step[] {
  if (given.value.length === 0 && !given.inverted) return []
  const field = which === 'src' ? (family === 4 ? 'ip.saddr' : 'ip6.saddr') : family === 4 ? 'ip.daddr' : 'ip6.daddr'
  return [{ if: invertedIf(given.inverted, addressIn(field, given.value)) }]
}

/** `+` alone compares nothing: legacy takes its inversion as never true, nft has nothing left to invert. */
export function lowerInterface(
  given: Given<string>,
  which: 'iif' | 'oif',
  { backend }: Pick<RuleContext, 'backend'>,
): readonly Step[] {
  if (given.value === '+') return given.inverted && backend === 'legacy' ? [{ if: never }] : []
  const field = which === 'iif' ? 'meta.iifname' : 'meta.oifname'
  return [{ if: invertedIf(given.inverted, inRanges(field, interfaceRanges(given.value))) }]
}

const AH = 51

/**
 * IPv6: legacy drops a packet whose extension headers cannot be followed, nft does not match it. For nft an authentication header is the protocol, for
 * legacy it is what stands behind it (ipv6_find_hdr).
 */
function protocolOf(given: Given<number> | undefined, { family, backend }: RuleContext): readonly Condition[] {
  if (!given || given.value === 0) return []
  const same = equals('meta.l4proto', given.value)
  if (family === 4) return [invertedIf(given.inverted, same)]
  if (backend === 'legacy') return [all(readable('ip6.chain'), invertedIf(given.inverted, same))]
  const [authenticated, plain] = [equals('ip6.ah', 1), equals('ip6.ah', 0)]
  if (given.value === AH) return [given.inverted ? plain : authenticated]
  return [given.inverted ? any(authenticated, all(plain, not(same))) : all(plain, same)]
}
