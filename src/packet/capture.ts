import { type CapturedPacket, type CaptureItem, ChunkReader, LINKTYPE } from './capture-types.js'
import { parseFrame, trimToLength } from './frame.js'
import { Packet } from './packet.js'
import { pcapReader } from './pcap.js'
import { pcapngReader } from './pcapng.js'

const PCAPNG = 0x0a0d0d0a

/**
 * The packets of a pcap or pcapng file, whichever it is, in order. A problem (cut off, no capture at all) is the last item. The bytes of
 * a packet are views of the chunks: copy what is kept.
 */
export function* readCapture(chunks: Iterable<Uint8Array>): Generator<CaptureItem> {
  const reader = new ChunkReader(chunks)
  const magic = reader.peek(4)
  if (magic.length < 4) {
    yield { problem: magic.length === 0 ? 'the file is empty' : 'too short for a capture file', offset: 0 }
    return
  }
  const first = ((magic[0]! << 24) | (magic[1]! << 16) | (magic[2]! << 8) | magic[3]!) >>> 0
  yield* first === PCAPNG ? pcapngReader(reader) : pcapReader(reader)
}

/** The IP packet in a captured one, with its Ethernet header where the link has one; or why there is none. */
export function packetOfCapture({ bytes, linktype }: Pick<CapturedPacket, 'bytes' | 'linktype'>): Packet | string {
  switch (linktype) {
    case LINKTYPE.ETHERNET: {
      const frame = parseFrame(bytes)
      if (!frame) return 'the Ethernet header is cut off'
      const packet = ipPacketOf(frame.payload, frame.mac.ethertype)
      if (typeof packet !== 'string') packet.mac = frame.mac
      return packet
    }
    case LINKTYPE.RAW:
    case LINKTYPE.DLT_RAW:
    case LINKTYPE.IPV4:
    case LINKTYPE.IPV6: {
      const version = (bytes[0] ?? 0) >> 4
      return ipPacketOf(bytes, version === 4 ? 0x0800 : version === 6 ? 0x86dd : 0)
    }
    case LINKTYPE.LINUX_SLL:
      return bytes.length < 16
        ? 'the link header is cut off'
        : ipPacketOf(bytes.subarray(16), (bytes[14]! << 8) | bytes[15]!)
    case LINKTYPE.LINUX_SLL2:
      return bytes.length < 20
        ? 'the link header is cut off'
        : ipPacketOf(bytes.subarray(20), (bytes[0]! << 8) | bytes[1]!)
    default:
      return `link type ${linktype} is not read`
  }
}

function ipPacketOf(bytes: Uint8Array, ethertype: number): Packet | string {
  if (ethertype !== 0x0800 && ethertype !== 0x86dd)
    return `no IP packet (ether type 0x${ethertype.toString(16).padStart(4, '0')})`
  if (bytes.length === 0) return 'the packet is empty'
  return new Packet(trimToLength(bytes, ethertype).slice())
}
