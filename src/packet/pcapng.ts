import type { CaptureItem, ChunkReader } from './capture-types.js'
import { concatBytes } from './hex.js'

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks of `type, length, body, length`, in the byte order that each section header says.
 */
const SECTION = 0x0a0d0d0a
const INTERFACE = 1
const PACKET_OBSOLETE = 2
const SIMPLE = 3
const ENHANCED = 6
const BYTE_ORDER = 0x1a2b3c4d

const OPTION_END = 0
const IF_NAME = 2
const IF_TSRESOL = 9
const IF_TSOFFSET = 14

/** A block beyond this is a broken file, not a big one. */
const LONGEST_BLOCK = 16 * 1024 * 1024

interface Interface {
  readonly name: string | undefined
  readonly linktype: number
  readonly snaplen: number
  /** Time stamp units per second. */
  readonly unitsPerSecond: bigint
  readonly offsetSeconds: bigint
}

/** What holds for one section: byte order and interfaces. */
class Section {
  readonly littleEndian: boolean
  readonly interfaces: Interface[] = []

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian
  }

  u16(bytes: Uint8Array, at: number): number {
    return this.littleEndian ? (bytes[at + 1]! << 8) | bytes[at]! : (bytes[at]! << 8) | bytes[at + 1]!
  }

  u32(bytes: Uint8Array, at: number): number {
    const [high, low] = this.littleEndian ? [at + 2, at] : [at, at + 2]
    return this.u16(bytes, high) * 0x10000 + this.u16(bytes, low)
  }
}

/** All packets of all sections, and a problem at the end where there is one. Blocks of other types are passed over. */
export function* pcapngReader(reader: ChunkReader): Generator<CaptureItem> {
  let section: Section | undefined
  let number = 0
  for (;;) {
    const { offset } = reader
    const head = reader.peek(12)
    if (head.length === 0) return
    if (head.length < 12) {
      yield { problem: 'a block is cut off', offset }
      return
    }
    if (isSectionHeader(head)) {
      const order = byteOrder(head)
      if (order === undefined) {
        yield { problem: 'a section header without byte order', offset }
        return
      }
      section = new Section(order)
    }
    if (!section) {
      yield { problem: 'no section header', offset }
      return
    }
    const length = section.u32(head, 4)
    if (length < 12 || length % 4 !== 0 || length > LONGEST_BLOCK) {
      yield { problem: `a block claims ${length} bytes`, offset }
      return
    }
    const block = reader.take(length)
    if (!block) {
      yield { problem: 'a block is cut off', offset }
      return
    }
    if (section.u32(block, length - 4) !== length) {
      yield { problem: "a block's two lengths differ", offset }
      return
    }
    const item = readBlock(section, block, number + 1, offset)
    if (item === undefined) continue
    yield item
    if ('problem' in item) return
    number++
  }
}

const isSectionHeader = (head: Uint8Array): boolean =>
  head[0] === 0x0a && head[1] === 0x0d && head[2] === 0x0d && head[3] === 0x0a

/** True: little-endian. */
function byteOrder(head: Uint8Array): boolean | undefined {
  for (const little of [true, false]) if (new Section(little).u32(head, 8) === BYTE_ORDER) return little
  return undefined
}

function readBlock(section: Section, block: Uint8Array, number: number, offset: number): CaptureItem | undefined {
  switch (section.u32(block, 0)) {
    case SECTION:
      return undefined
    case INTERFACE:
      if (block.length < 20) return { problem: 'an interface block is too short', offset }
      section.interfaces.push(readInterface(section, block))
      return undefined
    case ENHANCED:
      return block.length < 32
        ? { problem: `packet ${number} is too short`, offset }
        : readPacket(section, block, section.u32(block, 8), number, offset)
    case PACKET_OBSOLETE:
      return block.length < 32
        ? { problem: `packet ${number} is too short`, offset }
        : readPacket(section, block, section.u16(block, 8), number, offset)
    case SIMPLE:
      return readSimple(section, block, number, offset)
    default:
      return undefined
  }
}

function readInterface(section: Section, block: Uint8Array): Interface {
  let name: string | undefined
  let unitsPerSecond = 1_000_000n
  let offsetSeconds = 0n
  const end = block.length - 4
  for (let at = 16; at + 4 <= end; ) {
    const code = section.u16(block, at)
    const length = section.u16(block, at + 2)
    const value = block.subarray(at + 4, Math.min(end, at + 4 + length))
    if (code === OPTION_END || value.length < length) break
    if (code === IF_NAME) name = new TextDecoder().decode(value).replace(/\0+$/, '')
    if (code === IF_TSRESOL && length >= 1)
      unitsPerSecond = value[0]! & 0x80 ? 1n << BigInt(value[0]! & 0x7f) : 10n ** BigInt(value[0]!)
    if (code === IF_TSOFFSET && length >= 8) offsetSeconds = signed64(section, value)
    at += 4 + length + ((4 - (length % 4)) % 4)
  }
  return { name, linktype: section.u16(block, 8), snaplen: section.u32(block, 12), unitsPerSecond, offsetSeconds }
}

function signed64(section: Section, value: Uint8Array): bigint {
  const [high, low] = section.littleEndian ? [4, 0] : [0, 4]
  return BigInt.asIntN(64, (BigInt(section.u32(value, high)) << 32n) | BigInt(section.u32(value, low)))
}

/** Enhanced and obsolete packet blocks: interface at 8, time stamp at 12, lengths at 20 and 24, data at 28. */
function readPacket(
  section: Section,
  block: Uint8Array,
  interfaceId: number,
  number: number,
  offset: number,
): CaptureItem {
  const link = section.interfaces[interfaceId]
  if (!link) return { problem: `packet ${number} is of interface ${interfaceId}, which no block describes`, offset }
  const captured = section.u32(block, 20)
  if (captured > block.length - 32)
    return { problem: `packet ${number} claims ${captured} bytes, more than its block has`, offset }
  const stamp = (BigInt(section.u32(block, 12)) << 32n) | BigInt(section.u32(block, 16))
  return {
    number,
    nanoseconds: link.offsetSeconds * 1_000_000_000n + (stamp * 1_000_000_000n) / link.unitsPerSecond,
    interface: link.name,
    linktype: link.linktype,
    bytes: block.subarray(28, 28 + captured),
    originalLength: section.u32(block, 24),
    offset,
  }
}

/** Simple packet blocks belong to the first interface and have no time. */
function readSimple(section: Section, block: Uint8Array, number: number, offset: number): CaptureItem {
  const link = section.interfaces[0]
  if (!link || block.length < 16) return { problem: `packet ${number} has no interface or is too short`, offset }
  const originalLength = section.u32(block, 8)
  const captured = Math.min(originalLength, block.length - 16, link.snaplen || Number.POSITIVE_INFINITY)
  return {
    number,
    nanoseconds: undefined,
    interface: link.name,
    linktype: link.linktype,
    bytes: block.subarray(12, 12 + captured),
    originalLength,
    offset,
  }
}

/** An interface to be described in a file that we write. */
export interface WrittenInterface {
  readonly name: string
  readonly linktype: number
}

const NANOSECONDS = 9

const word16 = (value: number): Uint8Array => Uint8Array.of(value & 255, value >>> 8)
const word32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24)
const paddedTo4 = (bytes: Uint8Array): Uint8Array =>
  bytes.length % 4 === 0 ? bytes : concatBytes(bytes, new Uint8Array(4 - (bytes.length % 4)))

function blockOf(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...body)
  const length = word32(content.length + 12)
  return concatBytes(word32(type), length, content, length)
}

const option = (code: number, value: Uint8Array): Uint8Array =>
  concatBytes(word16(code), word16(value.length), paddedTo4(value))

/** The head of a pcapng file (little-endian): a section header and one interface block each, with if_name and nanosecond time stamps. */
export function pcapngHeader(interfaces: readonly WrittenInterface[]): Uint8Array {
  const unknownLength = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255)
  const section = blockOf(SECTION, word32(BYTE_ORDER), word16(1), word16(0), unknownLength)
  return concatBytes(section, ...interfaces.map(interfaceBlock))
}

const interfaceBlock = ({ name, linktype }: WrittenInterface): Uint8Array =>
  blockOf(
    INTERFACE,
    word16(linktype),
    word16(0),
    word32(0),
    option(IF_NAME, new TextEncoder().encode(name)),
    option(IF_TSRESOL, Uint8Array.of(NANOSECONDS)),
    option(OPTION_END, new Uint8Array(0)),
  )

/** One enhanced packet block. `interfaceId`: its place in the list given to `pcapngHeader`. */
export function pcapngPacket(interfaceId: number, nanoseconds: bigint, bytes: Uint8Array): Uint8Array {
  const stamp = BigInt.asUintN(64, nanoseconds)
  return blockOf(
    ENHANCED,
    word32(interfaceId),
    word32(Number(stamp >> 32n)),
    word32(Number(stamp & 0xffffffffn)),
    word32(bytes.length),
    word32(bytes.length),
    paddedTo4(bytes),
  )
}
