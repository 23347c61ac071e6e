const INITIAL = 0xdeadbeef

const rotate = (word: number, by: number): number => ((word << by) | (word >>> (32 - by))) >>> 0

/** Bob Jenkins' hash of one word of 32 bits (include/linux/jhash.h: jhash_1word). */
export const jhash = (word: number, seed: number): number => nwords([word, 0, 0], 1, seed)

/** Of three words (jhash_3words). */
export const jhash3 = (words: readonly [number, number, number], seed: number): number => nwords(words, 3, seed)

/** __jhash_nwords: up to three words; `count` of them are there. */
function nwords(words: readonly [number, number, number], count: number, seed: number): number {
  const start = (INITIAL + 4 * count + seed) >>> 0
  let a = (start + words[0]) >>> 0
  let b = (start + words[1]) >>> 0
  let c = (start + words[2]) >>> 0
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

/** The hash of a word in network order, brought into 0 to `into` - 1 (reciprocal_scale). */
export const hashInto = (word: number, seed: number, into: number): number => scale(jhash(swap(word), seed), into)

/** A number of 32 bits brought into 0 to `into` - 1 (reciprocal_scale). */
export const scale = (hash: number, into: number): number => Number((BigInt(hash) * BigInt(into)) >> 32n)
