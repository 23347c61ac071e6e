const INITIAL = 0xdeadbeef

const rotate = (word: number, by: number): number => ((word << by) | (word >>> (32 - by))) >>> 0

/** Bob Jenkins' hash of words of 32 bits (include/linux/jhash.h: jhash2; one word gives the same as jhash_1word). */
export function jhash(words: readonly number[], seed: number): number {
  let a = (INITIAL + words.length * 4 + seed) >>> 0
  let b = a
  let c = a
  let at = 0
  for (; words.length - at > 3; at += 3) {
    a = (a + words[at]!) >>> 0
    b = (b + words[at + 1]!) >>> 0
    c = (c + words[at + 2]!) >>> 0
    // __jhash_mix
    a = ((a - c) ^ rotate(c, 4)) >>> 0
    c = (c + b) >>> 0
    b = ((b - a) ^ rotate(a, 6)) >>> 0
    a = (a + c) >>> 0
    c = ((c - b) ^ rotate(b, 8)) >>> 0
    b = (b + a) >>> 0
    a = ((a - c) ^ rotate(c, 16)) >>> 0
    c = (c + b) >>> 0
    b = ((b - a) ^ rotate(a, 19)) >>> 0
    a = (a + c) >>> 0
    c = ((c - b) ^ rotate(b, 4)) >>> 0
    b = (b + a) >>> 0
  }
  const rest = words.length - at
  if (rest === 0) return c
  a = (a + words[at]!) >>> 0
  if (rest > 1) b = (b + words[at + 1]!) >>> 0
  if (rest > 2) c = (c + words[at + 2]!) >>> 0
  // __jhash_final
  c = ((c ^ b) - rotate(b, 14)) >>> 0
  a = ((a ^ c) - rotate(c, 11)) >>> 0
  b = ((b ^ a) - rotate(a, 25)) >>> 0
  c = ((c ^ b) - rotate(b, 16)) >>> 0
  a = ((a ^ c) - rotate(c, 4)) >>> 0
  b = ((b ^ a) - rotate(a, 14)) >>> 0
  return ((c ^ b) - rotate(b, 24)) >>> 0
}

/** A word whose bytes are in network order, as a little-endian machine reads it. */
const swap = (word: number): number =>
  (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0

/** The hash of an address, brought into 0 to `into` - 1 (reciprocal_scale). */
export function hashOfAddress(address: number | bigint, seed: number, into: number): number {
  const words =
    typeof address === 'number'
      ? [swap(address)]
      : [96n, 64n, 32n, 0n].map((shift) => swap(Number((address >> shift) & 0xffffffffn)))
  return Number((BigInt(jhash(words, seed)) * BigInt(into)) >> 32n)
}
