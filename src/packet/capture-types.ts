/** A packet as it stands in a capture file. */
export interface CapturedPacket {
  /** From 1, as tools count. */
  readonly number: number
  /** Since the epoch; undefined where the block has no time stamp (pcapng simple packets). */
  readonly nanoseconds: bigint | undefined
  /** `if_name` of the interface block; undefined in pcap files and where the block has none. */
  readonly interface: string | undefined
  /** LINKTYPE_*: see `LINKTYPE`. */
  readonly linktype: number
  readonly bytes: Uint8Array
  /** Length on the wire: more than the bytes where the capture cut it. */
  readonly originalLength: number
  /** Byte offset of its record in the file. */
  readonly offset: number
}

/** What is wrong with a capture file, and where: reading ends there. */
export interface CaptureProblem {
  readonly problem: string
  /** Bytes from the start of the file. */
  readonly offset: number
}

export type CaptureItem = CapturedPacket | CaptureProblem
export const isCaptureProblem = (item: CaptureItem): item is CaptureProblem => 'problem' in item

/** https://www.tcpdump.org/linktypes.html; 12 is what Linux and most others wrote for raw IP before 101 (DLT_RAW). */
export const LINKTYPE = {
  ETHERNET: 1,
  DLT_RAW: 12,
  RAW: 101,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const

/** Bytes that come in chunks, taken in the sizes that a reader asks for. */
export class ChunkReader {
  readonly #chunks: Iterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  /** Bytes taken so far: the offset of what comes next. */
  offset = 0

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /** At least `length` bytes are there, or the file has ended. */
  #fill(length: number): void {
    if (this.#rest.length >= length) return
    const parts = [this.#rest]
    let have = this.#rest.length
    while (have < length) {
      const next = this.#chunks.next()
      if (next.done) break
      parts.push(next.value)
      have += next.value.length
    }
    const whole = new Uint8Array(have)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    this.#rest = whole
  }

  /** The next bytes without taking them: fewer than asked for only at the end. */
  peek(length: number): Uint8Array {
    this.#fill(length)
    return this.#rest.subarray(0, length)
  }

  /** `undefined`, and nothing taken, where the file ends before. */
  take(length: number): Uint8Array | undefined {
    this.#fill(length)
    if (this.#rest.length < length) return undefined
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    this.offset += length
    return taken
  }

  get left(): number {
    return this.#rest.length
  }
}
