import type { CaptureItem, ChunkReader } from './capture-types.js'

/**
 * The classic capture file (draft-ietf-opsawg-pcap): a 24-byte header, then per packet 16 bytes and its data, all in the byte order of the writer.
 *
 *      0 magic   4 major.minor   8 reserved   16 snaplen   20 link type (low 16 bits; FCS length in the top 4)
 *      0 seconds   4 micro- or nanoseconds   8 captured length   12 length on the wire
 */
const MAGIC_MICRO = 0xa1b2c3d4
const MAGIC_NANO = 0xa1b23c4d
/** Kuznetzov's patched libpcap: 8 more bytes per packet header (libpcap sf-pcap.c: KUZNETZOV_TCPDUMP_MAGIC). */
const MAGIC_MODIFIED = 0xa1b2cd34

/** Longer is no packet but a broken file (libpcap's MAXIMUM_SNAPLEN; USB captures have more). */
export const LONGEST_PACKET = 262144

type Read32 = (bytes: Uint8Array, at: number) => number
const big: Read32 = (b, at) => ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0
const little: Read32 = (b, at) => ((b[at + 3]! << 24) | (b[at + 2]! << 16) | (b[at + 1]! << 8) | b[at]!) >>> 0

/** All packets, and a problem at the end where there is one. */
export function* pcapReader(reader: ChunkReader): Generator<CaptureItem> {
  const header = reader.take(24)
  if (!header) {
    yield { problem: 'the file header is cut off', offset: 0 }
    return
  }
  const read = [big, little].find((order) => [MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED].includes(order(header, 0)))
  if (!read) {
    yield { problem: 'neither pcap nor pcapng', offset: 0 }
    return
  }
  const magic = read(header, 0)
  const unit = magic === MAGIC_NANO ? 1n : 1000n
  const linktype = read(header, 20) & 0xffff
  for (let number = 1; ; number++) {
    const { offset } = reader
    const record = reader.take(magic === MAGIC_MODIFIED ? 24 : 16)
    if (!record) {
      if (reader.left > 0) yield { problem: `packet ${number}: its header is cut off`, offset }
      return
    }
    const captured = read(record, 8)
    if (captured > LONGEST_PACKET) {
      yield { problem: `packet ${number} claims ${captured} bytes`, offset }
      return
    }
    const bytes = reader.take(captured)
    if (!bytes) {
      yield { problem: `packet ${number} is cut off`, offset }
      return
    }
    const nanoseconds = BigInt(read(record, 0)) * 1_000_000_000n + BigInt(read(record, 4)) * unit
    yield { number, nanoseconds, interface: undefined, linktype, bytes, originalLength: read(record, 12), offset }
  }
}
