import { numberRange } from './codec.js'
import type { Given } from './extension.js'

/** A range of SPIs and other numbers of 32 bits (XTTYPE_UINT32RC). */
export const range32 = numberRange(0xffffffff)

/** All numbers are not printed, inverted or not (libipt_ah.c: ah_save, and others like it). */
export function printRange32(flag: string, given: Given<readonly [number, number]> | undefined): readonly string[] {
  if (!given || (given.value[0] === 0 && given.value[1] === 0xffffffff)) return []
  return [`${given.inverted ? '! ' : ''}${flag} ${range32.print(given.value)}`]
}
