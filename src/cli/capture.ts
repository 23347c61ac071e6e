import { readFile } from 'node:fs/promises'
import { readCapture } from '../packet/capture.js'
import { type CapturedPacket, isCaptureProblem } from '../packet/capture-types.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { unreadable } from './load.js'

/** All packets of a pcap or pcapng file (`-`: standard input). A file that is cut off is refused whole. */
export async function readCaptureFile(path: string, io: Io): Promise<readonly CapturedPacket[]> {
  const bytes = await bytesOf(path, io)
  const packets: CapturedPacket[] = []
  for (const item of readCapture([bytes])) {
    if (isCaptureProblem(item)) throw new UserError(`${path}: at byte ${item.offset}: ${item.problem}`)
    packets.push(item)
  }
  return packets
}

async function bytesOf(path: string, io: Io): Promise<Uint8Array> {
  if (path === '-') return io.stdin()
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}
