const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/**
 * The hash by which the kernel spreads the elements of a set over its buckets: jhash2 of include/linux/jhash.h, which is Bob Jenkins' lookup3
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
