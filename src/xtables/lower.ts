import { invertMask, or } from '../address/prefix.js'
import { type Condition, equals, inRanges, invertedIf, masked } from '../rules/condition.js'
import type { Step } from '../rules/program.js'
import type { Range, Value } from '../rules/value.js'
import type { AddressMask } from './address-mask.js'
import type { Given, RuleContext } from './extension.js'
import { interfaceRanges } from './interface.js'
import type { RuleFields } from './rule-fields.js'

/**
 * What a rule means, in the order in which ip_packet_match and ip6_packet_match look (source, destination, in, out, protocol, fragment), then
 * the matches as they stand, the counter, the target.
 */
export function lowerRule(fields: RuleFields, context: RuleContext): readonly Step[] {
  const steps: Step[] = []
  const test = (given: Given<unknown> | undefined, condition: () => Condition) => {
    if (given) steps.push({ if: invertedIf(given.inverted, condition()) })
  }
  const { src, dst, iif, oif, protocol, fragment } = fields
  const four = context.family === 4
  test(src, () => addressIn(four ? 'ip.saddr' : 'ip6.saddr', src!.value))
  test(dst, () => addressIn(four ? 'ip.daddr' : 'ip6.daddr', dst!.value))
  test(iif, () => inRanges('meta.iifname', interfaceRanges(iif!.value)))
  test(oif, () => inRanges('meta.oifname', interfaceRanges(oif!.value)))
  if (protocol && protocol.value !== 0) test(protocol, () => equals('meta.l4proto', protocol.value))
  if (fragment) steps.push({ if: invertedIf(!fragment.inverted, equals('frag.offset', 0)) })
  for (const { name, extension, options } of fields.matches)
    steps.push({
      if: extension
        ? extension.lower(options, context)
        : { is: 'unknown', text: `-m ${name}`, needs: 'this match is not known yet' },
    })
  steps.push({ count: 'rule' })
  if (fields.jump) steps.push({ do: { do: fields.jump.goto ? 'goto' : 'jump', chain: fields.jump.chain } })
  if (fields.target) {
    const { name, extension, options } = fields.target
    if (extension) for (const effect of extension.lower(options, context)) steps.push({ do: effect })
    else steps.push({ do: { do: 'unknown', text: `-j ${name}`, needs: 'this target is not known yet' } })
  }
  return steps
}

function addressIn(value: Value, { ip, mask, length }: AddressMask): Condition {
  const range: Range = [ip, or(ip, invertMask(mask))]
  return length >= 0 ? { is: 'in', value, ranges: [range] } : equals(masked(value, mask), ip)
}
