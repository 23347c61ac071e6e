/**
 * An interface name as a number, so that a rule can ask for it like for any other field: its (at most 15) bytes,
 * NUL-padded to 16, read as one big-endian 128-bit integer. `eth+` is then an interval. Shape: IFNAMSIZ of <linux/if.h>.
 */
export type IfName = bigint

const WIDTH = 16

export function ifName(name: string): IfName {
  const known = numbers.get(name)
  if (known !== undefined) return known
  let value = 0n
  const bytes = new TextEncoder().encode(name)
  for (let i = 0; i < WIDTH; i++) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  if (numbers.size < MOST_KNOWN) numbers.set(name, value)
  return value
}

/** Every packet asks for the numbers of the same few names. */
const numbers = new Map<string, IfName>()
const MOST_KNOWN = 65_536

/** Every name that begins with `prefix`: the interval of `prefix+` in iptables. */
export function ifNamesFrom(prefix: string): readonly [IfName, IfName] {
  const bits = BigInt(8 * (WIDTH - Math.min(WIDTH, new TextEncoder().encode(prefix).length)))
  const from = ifName(prefix)
  return [from, from | ((1n << bits) - 1n)]
}

export function printIfName(value: IfName): string {
  const bytes: number[] = []
  for (let shift = 8 * (WIDTH - 1); shift >= 0; shift -= 8) {
    const byte = Number((value >> BigInt(shift)) & 255n)
    if (byte === 0) break
    bytes.push(byte)
  }
  return new TextDecoder().decode(new Uint8Array(bytes))
}
