import type { Expectation } from '../expectation.js'
import { expect, type HelpContext, type Helper } from './helper.js'

const MOST_ATTEMPTS = 128

/** nf_nat_exp_find_port: expects it on this port, or on one drawn from those above. Undefined: nobody may expect it. */
export function findPort(
  helper: Helper,
  make: (port: number) => Expectation,
  first: number,
  context: HelpContext,
): { readonly port: number; readonly expectation: Expectation } | undefined {
  const range = 65535 - first
  let port = first
  for (let left = Math.min(range, MOST_ATTEMPTS); ; ) {
    const expectation = make(port)
    const made = expect(helper, expectation, context)
    if (made === 'expected') return { port, expectation }
    if (made !== 'busy' || --left < 0) return undefined
    port = first + Math.floor(context.random() * range)
  }
}
