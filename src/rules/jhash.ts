const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/**
 * jhash2 of include/linux/jhash.h, by which the kernel spreads keys over buckets: Bob Jenkins' lookup3
 * (hashword) with another start. `words`: 32-bit words as a little-endian machine has them in memory.
 */
export function jhash2(words: readonly number[], initval: number): number {
  let length = words.length
  let a = (0xdeadbeef + (length << 2) + initval) | 0
  let b = a
  let c = a
  let at = 0
  while (length > 3) {
    a = (a + words[at]!) | 0
    b = (b + words[at + 1]!) | 0
    c = (c + words[at + 2]!) | 0
    a = (a - c) ^ rotate(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rotate(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 4)
    b = (b + a) | 0
    length -= 3
    at += 3
  }
  if (length === 0) return c >>> 0
  if (length === 3) c = (c + words[at + 2]!) | 0
  if (length >= 2) b = (b + words[at + 1]!) | 0
  a = (a + words[at]!) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return c >>> 0
}

/** Of one word of 32 bits (jhash_1word). */
export const jhash = (word: number, seed: number): number => jhash2([word], seed)

/** Of three words (jhash_3words). */
export const jhash3 = (words: readonly [number, number, number], seed: number): number => jhash2(words, seed)

/** A word whose bytes are in network order, as a little-endian machine reads it. */
const swap = (word: number): number =>
  (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0

/** The hash of a word in network order, brought into 0 to `into` - 1 (reciprocal_scale). */
export const hashInto = (word: number, seed: number, into: number): number => scale(jhash(swap(word), seed), into)

/** A number of 32 bits brought into 0 to `into` - 1 (reciprocal_scale). */
export const scale = (hash: number, into: number): number => Number((BigInt(hash) * BigInt(into)) >> 32n)
