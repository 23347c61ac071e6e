/** What a probe answers where there is more to say than a number: not there, there, and so broken that the kernel drops the packet. */
export const ABSENT = 0
export const THERE = 1
export const BROKEN = 2
export type Answer = typeof ABSENT | typeof THERE | typeof BROKEN
