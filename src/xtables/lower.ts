import { all, always, any, type Condition, equals, inRanges, invertedIf, not, readable } from '../rules/condition.js'
import type { Step } from '../rules/program.js'
import type { Value } from '../rules/value.js'
import { addressIn } from './address-condition.js'
import type { AddressMask } from './address-mask.js'
import type { Given, RuleContext } from './extension.js'
import { interfaceRanges } from './interface.js'
import type { RuleFields } from './rule-fields.js'

const never: Condition = not(always)

/** What a rule means: what its header asks, the matches as they stand, the counter, the target. */
export function lowerRule(fields: RuleFields, context: RuleContext): readonly Step[] {
  const steps: Step[] = header(fields, context).map((condition) => ({ if: condition }))
  for (const { name, extension, options, raw } of fields.matches) {
    const text = raw ? `-m ${name} ${raw}` : `-m ${name}`
    const condition: Condition = extension
      ? extension.lower(options, context)
      : { is: 'unknown', text, needs: `the match ${name} is not known` }
    steps.push({ if: condition })
  }
  steps.push({ count: 'rule' })
  if (fields.jump) steps.push({ do: { do: fields.jump.goto ? 'goto' : 'jump', chain: fields.jump.chain } })
  if (fields.target) {
    const { name, extension, options, raw } = fields.target
    const text = raw ? `-j ${name} ${raw}` : `-j ${name}`
    if (extension) for (const effect of extension.lower(options, context)) steps.push({ do: effect })
    else steps.push({ do: { do: 'unknown', text, needs: `the target ${name} is not known` } })
  }
  return steps
}

/**
 * In the order in which ip_packet_match and ip6_packet_match look (net/ipv4/netfilter/ip_tables.c), or in which iptables-nft puts its
 * expressions (iptables/nft-ipv4.c: nft_ipv4_add): the outcome is the same, the first thing that does not match is another.
 */
function header(fields: RuleFields, context: RuleContext): readonly Condition[] {
  const { src, dst, iif, oif, fragment } = fields
  const four = context.family === 4
  const addresses = [...address(src, four ? 'ip.saddr' : 'ip6.saddr'), ...address(dst, four ? 'ip.daddr' : 'ip6.daddr')]
  const interfaces = [...nameOf(iif, 'meta.iifname', context), ...nameOf(oif, 'meta.oifname', context)]
  const fragments = fragment ? [invertedIf(!fragment.inverted, equals('frag.offset', 0))] : []
  const protocol = protocolOf(fields.protocol, context)
  return context.backend === 'nft'
    ? [...interfaces, ...protocol, ...addresses, ...fragments]
    : [...addresses, ...interfaces, ...protocol, ...fragments]
}

const address = (given: Given<AddressMask> | undefined, value: Value): readonly Condition[] =>
  given && (given.value.length !== 0 || given.inverted)
    ? [invertedIf(given.inverted, addressIn(value, given.value))]
    : []

/** `+` alone compares nothing: legacy takes its inversion as never true, nft has nothing left to invert. */
function nameOf(
  given: Given<string> | undefined,
  field: 'meta.iifname' | 'meta.oifname',
  { backend }: RuleContext,
): readonly Condition[] {
  if (!given) return []
  if (given.value === '+') return given.inverted && backend === 'legacy' ? [never] : []
  return [invertedIf(given.inverted, inRanges(field, interfaceRanges(given.value)))]
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
