import type { ConnectionEvent } from '../conntrack/events.js'
import { concatBytes } from '../packet/hex.js'
import { pcapngHeader, pcapngPacket } from '../packet/pcapng.js'
import type { Namespace } from '../path/world.js'
import { eventLine } from '../report/connections.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { unreadable } from './load.js'

const { closeSync, openSync, writeFileSync, writeSync } = process.getBuiltinModule('node:fs')
const ETHERNET = 1
const ENOUGH = 1 << 16

/** Lines to standard output, many at a time. */
export class LineWriter {
  readonly #io: Io
  #text = ''

  constructor(io: Io) {
    this.#io = io
  }

  write(line: string): void {
    this.#text += `${line}\n`
    if (this.#text.length >= ENOUGH) this.flush()
  }

  flush(): void {
    if (this.#text !== '') this.#io.out(this.#text)
    this.#text = ''
  }
}

/** Frames as they leave the interfaces of a namespace, into a pcapng file. */
export class CaptureWriter {
  readonly #path: string
  readonly #descriptor: number
  readonly #names: readonly string[]
  #blocks: Uint8Array[] = []
  #length = 0

  private constructor(path: string, descriptor: number, names: readonly string[]) {
    this.#path = path
    this.#descriptor = descriptor
    this.#names = names
  }

  /** Throws UserError where the file cannot be written. */
  static open(path: string, { links }: Namespace): CaptureWriter {
    if (path === '-') throw new UserError('packetwalk: --out: captures go to a file')
    const names = links.map(({ name }) => name)
    try {
      const writer = new CaptureWriter(path, openSync(path, 'w'), names)
      writer.#put(pcapngHeader(names.map((name) => ({ name, linktype: ETHERNET }))))
      return writer
    } catch (error) {
      throw unreadable(path, error)
    }
  }

  write(name: string, nanoseconds: bigint, frame: Uint8Array): void {
    this.#put(pcapngPacket(this.#names.indexOf(name), nanoseconds, frame))
    if (this.#length >= ENOUGH) this.#flush()
  }

  close(): void {
    this.#flush()
    closeSync(this.#descriptor)
  }

  #put(block: Uint8Array): void {
    this.#blocks.push(block)
    this.#length += block.length
  }

  #flush(): void {
    let left = concatBytes(...this.#blocks)
    this.#blocks = []
    this.#length = 0
    try {
      while (left.length > 0) left = left.subarray(writeSync(this.#descriptor, left))
    } catch (error) {
      throw unreadable(this.#path, error)
    }
  }
}

/** Lines about connections, into a file or to standard output (-). */
export class EventWriter {
  readonly #path: string
  readonly #descriptor: number | undefined
  readonly #io: Io
  readonly #accounting: boolean
  #text = ''

  private constructor(path: string, descriptor: number | undefined, accounting: boolean, io: Io) {
    this.#path = path
    this.#descriptor = descriptor
    this.#accounting = accounting
    this.#io = io
  }

  /** Throws UserError where the file cannot be written. */
  static open(path: string, { sysctls }: Namespace, io: Io): EventWriter {
    const accounting = sysctls?.get('net.netfilter.nf_conntrack_acct') === '1'
    try {
      return new EventWriter(path, path === '-' ? undefined : openSync(path, 'w'), accounting, io)
    } catch (error) {
      throw unreadable(path, error)
    }
  }

  write(event: ConnectionEvent): void {
    this.#text += `[${event.at.toFixed(6)}]\t${eventLine(event, this.#accounting)}\n`
    if (this.#text.length >= ENOUGH) this.#flush()
  }

  close(): void {
    this.#flush()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
  }

  #flush(): void {
    try {
      if (this.#descriptor === undefined) this.#io.out(this.#text)
      else writeFileSync(this.#descriptor, this.#text)
    } catch (error) {
      throw unreadable(this.#path, error)
    }
    this.#text = ''
  }
}
