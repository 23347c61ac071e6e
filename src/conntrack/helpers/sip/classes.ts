import type { ExpectationPolicy } from '../../expectation.js'

/** The classes of what SIP expects: who calls a registered phone, and what is talked of (enum sip_expectation_classes). */
export const CLASS = { signalling: 0, audio: 1, video: 2, image: 3 } as const
export type MediaClass = 1 | 2 | 3

/** Two media ports of each end; an image has one. */
export const SIP: { readonly policies: readonly ExpectationPolicy[] } = {
  policies: [
    { maxExpected: 1, timeout: 180 },
    { maxExpected: 4, timeout: 180 },
    { maxExpected: 4, timeout: 180 },
    { maxExpected: 2, timeout: 180 },
  ],
}
export const SIP_NAME = 'sip'
