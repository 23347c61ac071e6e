import { invertMask, or } from '../address/prefix.js'
import { type Condition, equals, masked } from '../rules/condition.js'
import type { Value } from '../rules/value.js'
import type { AddressMask } from './address-mask.js'

/** The address, after its mask, is this: an interval where the mask has no holes. */
export function addressIn(value: Value, { ip, mask, length }: AddressMask): Condition {
  return length >= 0 ? { is: 'in', value, ranges: [[ip, or(ip, invertMask(mask))]] } : equals(masked(value, mask), ip)
}
