import type { Counters } from '../rules/program.js'

/** `[packets:bytes]`; `undefined` where it is none. */
export function parseCounters(word: string): Counters | undefined {
  const colon = word.indexOf(':')
  if (colon < 2 || word.charCodeAt(0) !== 91 || word.charCodeAt(word.length - 1) !== 93) return undefined
  const packets = Number(word.slice(1, colon))
  const bytes = Number(word.slice(colon + 1, -1))
  return Number.isInteger(packets) && Number.isInteger(bytes) && colon < word.length - 2
    ? { packets, bytes }
    : undefined
}

export const printCounters = ({ packets, bytes }: Counters): string => `[${packets}:${bytes}]`
