import type { Io } from './io.js'

// an import of node:fs makes all its exports, streams included; this asks for nothing but these
const { fstatSync, readSync, writeSync } = process.getBuiltinModule('node:fs')

/**
 * This process: its streams, its environment. Output is written to the descriptors themselves: `process.stdout` loads Node's
 * network and stream modules when it is first touched, which a short answer would wait for.
 */
export function processIo(): Io {
  const outIsTerminal = isTerminal(OUT)
  return {
    out: (text) => write(OUT, text),
    err: (text) => write(ERR, text),
    async stdin() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    stdinChunks,
    env: process.env,
    outIsTerminal,
    errIsTerminal: isTerminal(ERR),
    columns: outIsTerminal ? process.stdout.columns : undefined,
  }
}

const IN = 0
const OUT = 1
const ERR = 2

/** Asks tty only about what can be one: pipes and files are the usual case in scripts. */
function isTerminal(descriptor: number): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false
  } catch {
    return false
  }
  return (descriptor === OUT ? process.stdout : process.stderr).isTTY ?? false
}

/** All of it, however often the reader lets us wait; whoever has seen enough (`| head`) ends us. */
function write(descriptor: number, text: string): void {
  let left: Uint8Array = new TextEncoder().encode(text)
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(descriptor, left))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') pause()
      else if (code === 'EPIPE') process.exit(process.exitCode ?? 0)
      else if (descriptor === ERR) return
      else throw error
    }
  }
}

const CHUNK = 1 << 16

function* stdinChunks(): Generator<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(CHUNK)
    let length: number
    try {
      length = readSync(IN, chunk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return
      if (code !== 'EAGAIN') throw error
      pause()
      continue
    }
    if (length === 0) return
    yield chunk.subarray(0, length)
  }
}

const PAUSE_MS = 5

/** A pipe that somebody else set to non-blocking is full. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
}
