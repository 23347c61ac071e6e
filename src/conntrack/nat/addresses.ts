import type { Ip } from '../../address/ip.js'
import type { Tuple } from '../tuple.js'
import type { Manip, Range } from './range.js'

const WORD = 32n
const FULL = 0xffffffff

/**
 * The address that NAT takes of a range (find_best_ips_proto): one for one client and server, by a hash without a secret, so that it is the same after
 * a restart. The kernel hashes words as they lie in memory; this is what a little-endian machine makes of them. NETMAP keeps the host bits.
 */
export function chooseAddress(tuple: Tuple, manip: Manip, range: Range, zone: number): Ip {
  if (!range.addresses) return tuple[manip]
  const [from, to] = range.addresses
  if (from === to) return from
  if (range.netmap) return netmapped(tuple[manip], from, to)
  const persistent = range.persistent === true
  const destination = wordsOf(tuple.dst)
  let hash = jhash2(padded(wordsOf(tuple.src)), persistent ? 0 : (swap(destination.at(-1)!) ^ zone) >>> 0)
  const [least, most] = [wordsOf(from), wordsOf(to)]
  let whole = false
  const chosen = least.map((minimum, i) => {
    const word = whole ? scale(hash, FULL) : (minimum + scale(hash, (most[i]! - minimum + 1) >>> 0)) >>> 0
    if (word !== most[i]) whole = true
    // the kernel writes into the tuple as it goes: a destination's words are already the new ones
    if (!persistent) hash = (hash ^ swap(manip === 'dst' ? word : destination[i]!)) >>> 0
    return word
  })
  if (typeof from === 'number') return chosen[0]!
  return chosen.reduce((ip, word) => (ip << WORD) | BigInt(word), 0n)
}

/** Most significant first. */
function wordsOf(ip: Ip): readonly number[] {
  if (typeof ip === 'number') return [ip]
  return [96n, 64n, 32n, 0n].map((shift) => Number((ip >> shift) & 0xffffffffn))
}

const padded = (words: readonly number[]): readonly number[] => [...words.map(swap), 0, 0, 0].slice(0, 4)

/** Network order as a little-endian machine reads it. */
const swap = (n: number): number => (((n & 255) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0

/** reciprocal_scale: 0 ≤ result < size. */
const scale = (hash: number, size: number): number => Number((BigInt(hash) * BigInt(size)) >> WORD)

/** The host bits of an address in the network that a range is. */
export function netmapped(ip: Ip, from: Ip, to: Ip): Ip {
  const host = BigInt(from) ^ BigInt(to)
  const value = (BigInt(from) & ~host) | (BigInt(ip) & host)
  return typeof ip === 'number' ? Number(value) : value
}

const rotate = (n: number, by: number): number => (n << by) | (n >>> (32 - by))

/** Bob Jenkins' lookup3 over four words (include/linux/jhash.h: jhash2). */
function jhash2(words: readonly number[], seed: number): number {
  let [a, b, c] = [0, 0, 0]
  a = b = c = (0xdeadbeef + (words.length << 2) + seed) | 0
  a = (a + words[0]!) | 0
  b = (b + words[1]!) | 0
  c = (c + words[2]!) | 0
  a = ((a - c) | 0) ^ rotate(c, 4)
  c = (c + b) | 0
  b = ((b - a) | 0) ^ rotate(a, 6)
  a = (a + c) | 0
  c = ((c - b) | 0) ^ rotate(b, 8)
  b = (b + a) | 0
  a = ((a - c) | 0) ^ rotate(c, 16)
  c = (c + b) | 0
  b = ((b - a) | 0) ^ rotate(a, 19)
  a = (a + c) | 0
  c = ((c - b) | 0) ^ rotate(b, 4)
  b = (b + a) | 0
  a = (a + words[3]!) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return c >>> 0
}
