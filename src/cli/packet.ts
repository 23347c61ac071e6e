import { parsePacketLine } from '../packet/language.js'
import type { PacketRequest } from '../packet/request.js'
import { complaintError } from './complaint.js'
import { UserError } from './exit.js'
import { namesEndpoints, type PacketOptions, packetSentence } from './options.js'

/** The packet that the words and flags of a command line tell. */
export function readPacket(words: readonly string[], options: PacketOptions, width: number): PacketRequest {
  if (words.length === 0 && !namesEndpoints(options))
    throw new UserError("packetwalk: which packet? For example 'tcp 198.51.100.9 > 10.0.0.5:443 in eth0'")
  if (words.length > 0 && namesEndpoints(options))
    throw new UserError(
      'packetwalk: the packet is told twice: in words, and by --proto, --src, --sport, --dst or --dport',
    )
  const sentence = packetSentence(words, options)
  const parsed = parsePacketLine(sentence)
  if (parsed.ok) return parsed.packet
  const { message, at } = parsed.problem
  throw complaintError({ file: 'packet', line: 1, column: at + 1, message, source: sentence }, width)
}
