import { readCapture } from '../packet/capture.js'
import { type CapturedPacket, isCaptureProblem } from '../packet/capture-types.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { unreadable } from './load.js'

const STANDARD_INPUT = '-'
const CHUNK = 1 << 20

/** All packets of a pcap or pcapng file (`-`: standard input). A file that is cut off is refused whole. */
export async function readCaptureFile(path: string, io: Io): Promise<readonly CapturedPacket[]> {
  return [...(await openCapture(path, io)).packets()]
}

/** A capture that is read again each time that its packets are asked for; standard input only once. */
export interface OpenCapture {
  /** False: it can only be read once. */
  readonly rewinds: boolean
  /** One after the other, in constant memory. Throws UserError at the byte where the file is broken. */
  packets(): Iterable<CapturedPacket>
}

export async function openCapture(path: string, io: Io): Promise<OpenCapture> {
  if (path !== STANDARD_INPUT) return { rewinds: isFile(path), packets: () => packetsOf(path, chunksOf(path)) }
  const chunks = io.stdinChunks?.() ?? [await io.stdin()]
  return { rewinds: false, packets: () => packetsOf(path, chunks) }
}

function* packetsOf(path: string, chunks: Iterable<Uint8Array>): Generator<CapturedPacket> {
  for (const item of readCapture(chunks)) {
    if (isCaptureProblem(item)) throw new UserError(`${path}: at byte ${item.offset}: ${item.problem}`)
    yield item
  }
}

const { closeSync, openSync, readSync, statSync } = process.getBuiltinModule('node:fs')

/** A pipe or a device gives its bytes once. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch (error) {
    throw unreadable(path, error)
  }
}

function* chunksOf(path: string): Generator<Uint8Array> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    for (;;) {
      // packets are views of their chunk: each gets a buffer of its own
      const chunk = new Uint8Array(CHUNK)
      const length = readSync(descriptor, chunk)
      if (length === 0) return
      yield chunk.subarray(0, length)
    }
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
