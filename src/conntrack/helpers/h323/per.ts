/**
 * Reading messages in aligned PER (ITU-T X.691) as far as the helper of H.323 reads them (net/netfilter/nf_conntrack_h323_asn1.c). A type is a function that goes
 * over one value; what has a name is kept. Where Linux reads otherwise than X.691 says, it is said here.
 */

/** `stopped`: the rest of this value is not looked at, and what follows is read from here. `bad`: the message cannot be read. */
export type Ended = 'read' | 'stopped' | 'bad'

/** What is kept of a value. */
export class Kept {
  /** Of octets: where they stand. */
  at = 0
  /** Of a choice: the name of what was chosen, '' where it has none. */
  choice = ''
  /** Of a number. */
  value = 0
  readonly items: Kept[] = []
  readonly parts: Map<string, Kept> = new Map()

  /** The part of that name; undefined: the message has none. */
  get(name: string): Kept | undefined {
    return this.parts.get(name)
  }

  add(name: string): Kept {
    const part = new Kept()
    this.parts.set(name, part)
    return part
  }
}

export type Type = (bits: Bits, keep: Kept | undefined) => Ended

/** The bits from `at` up to `end` (both in bytes); behind the end there are zeros, but who reads there will hear of it. */
export class Bits {
  readonly #bytes: Uint8Array
  readonly #end: number
  at: number
  bit = 0

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes
    this.#end = end
    this.at = at
  }

  /** Are there so many more? A byte that has been begun counts as bits. */
  has(bytes: number, bits = 0): boolean {
    return this.at + bytes + Math.ceil((this.bit + bits) / 8) <= this.#end
  }

  skip(bits: number): void {
    const all = this.bit + bits
    this.at += all >> 3
    this.bit = all & 7
  }

  /** At most 32 bits, the first the highest. */
  take(bits: number): number {
    let value = 0
    for (let left = bits; left > 0; left--) {
      value = value * 2 + (((this.#bytes[this.at] ?? 0) >> (7 - this.bit)) & 1)
      this.skip(1)
    }
    return value
  }

  align(): void {
    if (this.bit > 0) this.skip(8 - this.bit)
  }

  /** On from the beginning of this byte. */
  to(at: number): void {
    this.at = at
    this.bit = 0
  }

  /** A length of at most 14 bits; Linux takes longer ones, which come in pieces, for such. */
  length(): number {
    const first = this.take(8)
    return first & 0x80 ? ((first & 0x3f) << 8) | this.take(8) : first
  }
}

const ended = (bits: Bits): Ended => (bits.has(0) ? 'read' : 'bad')

/** NULL. */
export const NOTHING: Type = () => 'read'

/** Linux looks no further than here. */
export const STOP: Type = () => 'stopped'

/** BOOLEAN. */
export const FLAG: Type = (bits) => {
  bits.skip(1)
  return ended(bits)
}

/** OBJECT IDENTIFIER. */
export const OID: Type = (bits) => {
  bits.align()
  if (!bits.has(1)) return 'bad'
  const length = bits.take(8)
  bits.at += length
  return ended(bits)
}

/** How many bits tell one of so many values. */
const bitsFor = (count: number): number => Math.ceil(Math.log2(count))

/** INTEGER (low..high). */
export function whole(low: number, high: number): Type {
  const count = high - low + 1
  if (count > 65536) return longNumber(low)
  return (bits) => {
    if (count < 256) bits.skip(bitsFor(count))
    else {
      bits.align()
      bits.at += count === 256 ? 1 : 2
    }
    return ended(bits)
  }
}

/** Its length stands before it. */
const longNumber =
  (low: number): Type =>
  (bits, keep) => {
    if (!bits.has(0, 2)) return 'bad'
    const length = bits.take(2) + 1
    bits.align()
    if (keep) keep.value = (bits.take(8 * length) + low) % 2 ** 32
    // where Linux keeps it, it goes over it twice
    bits.at += length
    return ended(bits)
  }

export const WORD: Type = whole(0, 65535)

/** INTEGER. */
export const NUMBER: Type = (bits) => {
  bits.align()
  if (!bits.has(2)) return 'bad'
  const length = bits.length()
  bits.at += length
  return ended(bits)
}

/** BIT STRING, or BIT STRING (SIZE (0..most)) of more than 256. */
export const bitString =
  (most?: number): Type =>
  (bits) => {
    bits.align()
    if (!bits.has(2)) return 'bad'
    const length = most === undefined ? bits.length() : bits.take(16)
    bits.skip(length)
    return ended(bits)
  }

/** What stands behind its length, which is not aligned first. */
export const NOT_ALIGNED: Type = (bits) => {
  const { bit } = bits
  if (!bits.has(2)) return 'bad'
  bits.to(bits.at)
  const length = bits.length()
  bits.bit = bit
  if (!bits.has(length)) return 'bad'
  bits.at += length
  return 'read'
}

/** How many elements a string has, before them. Undefined: there is no room for it. */
function count(bits: Bits, low: number, high: number | undefined): number | undefined {
  const sizes = high === undefined ? Number.POSITIVE_INFINITY : high - low + 1
  if (sizes < 256) {
    if (!bits.has(0, bitsFor(sizes))) return undefined
    const drawn = bits.take(bitsFor(sizes))
    bits.align()
    return drawn + low
  }
  bits.align()
  if (sizes === 256) return bits.has(1) ? bits.take(8) + low : undefined
  return bits.has(2) ? bits.length() + low : undefined
}

/** OCTET STRING (SIZE(low..high)), and strings of characters of eight bits. `high` left out: there is none. Not for ranges above 256. */
export const octets =
  (low = 0, high?: number): Type =>
  (bits, keep) => {
    const length = low === high ? low : count(bits, low, high)
    if (length === undefined) return 'bad'
    if (low === high && length > 2) bits.align()
    if (keep) keep.at = bits.at
    bits.at += length
    return ended(bits)
  }

/** BMPString (SIZE(low..high)). */
export const wide =
  (low: number, high: number): Type =>
  (bits) => {
    const length = count(bits, low, high)
    if (length === undefined) return 'bad'
    bits.at += 2 * length
    return ended(bits)
  }

/** Strings (SIZE(low..high)) of at most 16 different characters. */
export const digits =
  (low: number, high: number): Type =>
  (bits) => {
    const length = count(bits, low, high)
    if (length === undefined) return 'bad'
    bits.skip(4 * length)
    return ended(bits)
  }

/** A value with a name is kept. */
export interface Part {
  readonly name: string
  readonly type: Type
  readonly optional: boolean
}
type Component = Part | Type

export const named = (name: string, type: Type): Part => ({ name, type, optional: false })
export const optional = (of: Component): Part => ({ ...partOf(of), optional: true })

const partOf = (of: Component): Part => (typeof of === 'function' ? named('', of) : of)

const read = ({ name, type }: Part, bits: Bits, keep: Kept | undefined): Ended =>
  type(bits, name === '' ? undefined : keep?.add(name))

/** What stands behind its length (an open type): gone over only where it is kept. */
function readOpen(part: Part | undefined, bits: Bits, keep: Kept | undefined): Ended {
  if (!bits.has(2)) return 'bad'
  const length = bits.length()
  if (!bits.has(length)) return 'bad'
  const end = bits.at + length
  if (part && keep && part.name !== '') {
    const how = read(part, bits, keep)
    if (how === 'bad') return how
  }
  bits.to(end)
  return 'read'
}

/** What may stand behind an extension marker. */
export interface Additions {
  /** How many of them Linux knows. */
  readonly known: number
  /** Those that it looks at, by their place. */
  readonly at?: Readonly<Record<number, Component>>
  /** How many components in front of the marker are optional, where not all of them are written here. */
  readonly optionals?: number
}

/** SEQUENCE; `more`: with an extension marker. */
export function sequence(root: readonly Component[], more?: Additions): Type {
  const parts = root.map(partOf)
  const optionals = more?.optionals ?? parts.filter((one) => one.optional).length
  return (bits, keep) => {
    if (!bits.has(0, 1)) return 'bad'
    const extended = more !== undefined && bits.take(1) === 1
    if (!bits.has(0, optionals)) return 'bad'
    const present = bits.take(optionals)
    let asked = optionals
    for (const part of parts) {
      if (part.type === STOP) return 'stopped'
      if (part.optional && !(present & (1 << --asked))) continue
      const how = read(part, bits, keep)
      if (how === 'bad') return how
    }
    return extended ? readAdditions(more, bits, keep) : 'read'
  }
}

/** Which additions there are. Where that ends with the fourth byte, Linux takes it from the first bit of the first (get_bitmap). */
function bitmap(bits: Bits, length: number): number {
  const before = bits.bit + length === 32 ? bits.bit : 0
  bits.bit -= before
  const value = bits.take(length)
  bits.skip(before)
  return value
}

/** Additions that Linux does not know are taken for present, whatever the bitmap says. */
function readAdditions({ known, at = {} }: Additions, bits: Bits, keep: Kept | undefined): Ended {
  if (!bits.has(0, 7)) return 'bad'
  const length = bits.take(7) + 1
  if (!bits.has(0, length) || length > 32) return 'bad'
  const present = bitmap(bits, length)
  bits.align()
  for (let i = 0; i < length; i++) {
    const addition = at[i] && partOf(at[i]!)
    if (i < known && addition?.type === STOP) return 'stopped'
    if (i < known && Math.floor(present / 2 ** (length - 1 - i)) % 2 === 0) continue
    const how = readOpen(addition, bits, keep)
    if (how === 'bad') return how
  }
  return 'read'
}

/** SEQUENCE OF. */
export const sequenceOf =
  (item: Type, { open = false, most = 0 } = {}): Type =>
  (bits, keep) => {
    bits.align()
    if (!bits.has(2)) return 'bad'
    const length = bits.length()
    for (let i = 0; i < length; i++) {
      if (open) bits.align()
      const how = open ? readItem(item, bits, keep, i < most) : item(bits, i < most ? itemOf(keep) : undefined)
      if (how === 'bad') return how
    }
    return 'read'
  }

function itemOf(keep: Kept | undefined): Kept | undefined {
  if (!keep) return undefined
  const item = new Kept()
  keep.items.push(item)
  return item
}

/** Items beyond the most that are kept are gone over as well. */
function readItem(item: Type, bits: Bits, keep: Kept | undefined, counts: boolean): Ended {
  if (!keep) return readOpen(undefined, bits, undefined)
  const type: Type = (inner) => item(inner, counts ? itemOf(keep) : undefined)
  return readOpen(named('item', type), bits, keep)
}

/** CHOICE; `more`: with an extension marker; the places of `more.at` count from the first alternative of all. */
export function choice(root: readonly Component[], more?: Additions): Type {
  const parts = root.map(partOf)
  const size = bitsFor(parts.length)
  return (bits, keep) => {
    if (!bits.has(0, 1)) return 'bad'
    const extended = more !== undefined && bits.take(1) === 1
    if (!bits.has(0, extended ? 7 : size)) return 'bad'
    const index = extended ? bits.take(7) + parts.length : bits.take(size)
    if (!extended && index >= parts.length) return 'bad'
    const addition = more?.at?.[index]
    const part = parts[index] ?? (addition && partOf(addition))
    if (keep) keep.choice = part?.name ?? ''
    if (extended && more && index >= more.known) {
      bits.align()
      return readOpen(undefined, bits, undefined)
    }
    if (part?.type === STOP) return 'stopped'
    if (!extended) {
      const how = read(part!, bits, keep)
      return how === 'stopped' ? 'read' : how
    }
    bits.align()
    return readOpen(part, bits, keep)
  }
}

/** An extension marker with nothing behind it. */
export const OPEN: Additions = { known: 0 }
/** Of a choice with so many alternatives in front of the marker. */
export const openChoice = (root: readonly Component[], known: number = root.length): Type => choice(root, { known })
