import { parsePacketLine } from '../packet/language.js'
import type { CaptureRequest, FrameRequest, PacketRequest } from '../packet/request.js'
import { complaintError } from './complaint.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { namesEndpoints, type PacketOptions, packetSentence } from './options.js'
import { widthOf } from './paint.js'

/** The packet that the words and flags of a command line tell; one of a capture is read from its file. */
export async function readPacket(words: readonly string[], options: PacketOptions, io: Io): Promise<PacketRequest> {
  if (words.length === 0 && !namesEndpoints(options))
    throw new UserError("packetwalk: which packet? For example 'tcp 198.51.100.9 > 10.0.0.5:443 in eth0'")
  if (words.length > 0 && namesEndpoints(options))
    throw new UserError(
      'packetwalk: the packet is told twice: in words, and by --proto, --src, --sport, --dst or --dport',
    )
  const sentence = packetSentence(words, options)
  const parsed = parsePacketLine(sentence)
  if (parsed.ok) return parsed.packet.is === 'capture' ? fromCapture(parsed.packet, io) : parsed.packet
  const { message, at } = parsed.problem
  throw complaintError({ file: 'packet', line: 1, column: at + 1, message, source: sentence }, widthOf(io))
}

/** `FILE.pcap#N` as the frame that it holds; it arrives where the capture says, unless the question says otherwise. */
async function fromCapture({ capture, ...circumstances }: CaptureRequest, io: Io): Promise<FrameRequest> {
  const { readCaptureFile } = await import('./capture.js')
  const packets = await readCaptureFile(capture.file, io)
  const found = packets[capture.index - 1]
  if (!found)
    throw new UserError(
      `packetwalk: ${capture.file} holds ${packets.length} packets: there is no number ${capture.index}`,
    )
  const { packetOfCapture } = await import('../packet/capture.js')
  const { frameOfPacket } = await import('../packet/frame.js')
  const packet = packetOfCapture(found)
  if (typeof packet === 'string') throw new UserError(`packetwalk: ${capture.file}#${capture.index}: ${packet}`)
  const name = found.interface === 'local' ? undefined : found.interface
  return {
    ...(name === undefined ? {} : { in: name }),
    ...circumstances,
    is: 'frame',
    frame: frameOfPacket(packet, packet.mac ?? macOf(packet.family)),
  }
}

/** For captures without link headers: no addresses, so that nobody takes the packet for somebody else's. */
const macOf = (family: 4 | 6) => ({ source: 0, destination: 0, ethertype: family === 4 ? 0x0800 : 0x86dd })
