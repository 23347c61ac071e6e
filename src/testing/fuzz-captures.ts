import { readCapture } from '../packet/capture.js'
import { bytesToHex, concatBytes } from '../packet/hex.js'
import { pcapngHeader, pcapngPacket } from '../packet/pcapng.js'
import { below, type Draw, type Failure, pick, random, worlds } from './fuzz-packets.js'

export interface FuzzedCaptures {
  readonly files: number
  readonly refused: number
  readonly packets: number
  readonly failures: readonly Failure[]
}

/** A pcap file of these packets. */
function pcapOf(packets: readonly Uint8Array[], little: boolean, magic: number): Uint8Array {
  const words = (...values: readonly number[]) => {
    const view = new DataView(new ArrayBuffer(values.length * 4))
    for (const [i, value] of values.entries()) view.setUint32(i * 4, value, little)
    return new Uint8Array(view.buffer)
  }
  const modified = magic === 0xa1b2cd34 ? [0, 0] : []
  return concatBytes(
    words(magic, little ? 0x00040002 : 0x00020004, 0, 0, 65535, 1),
    ...packets.flatMap((bytes, i) => [words(1_600_000_000 + i, i, bytes.length, bytes.length, ...modified), bytes]),
  )
}

/** Lying lengths are among what is put in. */
const WORDS = [0, 1, 2, 7, 11, 12, 13, 16, 28, 32, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

function mutateFile(file: Uint8Array, draw: Draw): Uint8Array {
  let bytes: Uint8Array = file.slice()
  for (let n = 1 + below(draw, 3); n > 0 && bytes.length > 4; n--) {
    const place = below(draw, bytes.length)
    switch (below(draw, 5)) {
      case 0:
        bytes[place] = below(draw, 256)
        break
      case 1:
        bytes = bytes.slice(0, place)
        break
      case 2: {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        const at = Math.min(place & ~3, bytes.length - 4)
        view.setUint32(at, pick(draw, WORDS), draw() < 0.5)
        break
      }
      case 3:
        bytes = concatBytes(
          bytes.subarray(0, place),
          bytes.subarray(Math.min(bytes.length, place + 1 + below(draw, 9))),
        )
        break
      default:
        bytes = concatBytes(bytes.subarray(0, place), file.subarray(below(draw, file.length)))
    }
  }
  return bytes
}

/**
 * Reads `count` mutated captures (pcap in both orders, with each magic number; pcapng). No exception; a problem is the last item and names a byte of
 * the file; the same comes out whatever the chunks; no packet is longer than its file.
 */
export function fuzzCaptures(root: string, count: number, seed: number, most = 10): FuzzedCaptures {
  const draw = random(seed)
  const [world] = worlds(root)
  const packets = world!.packets.slice(0, 6).map(([, frame]) => frame)
  const links = ['lan0', 'wan0'].map((name) => ({ name, linktype: 1 }))
  const good = [
    ...[0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34].flatMap((magic) =>
      [true, false].map((little) => pcapOf(packets, little, magic)),
    ),
    concatBytes(
      pcapngHeader(links),
      ...packets.map((bytes, i) => pcapngPacket(i % 2, 1_600_000_000_000_000_000n, bytes)),
    ),
  ]
  const failures: Failure[] = []
  let [files, refused, read] = [0, 0, 0]
  for (; files < count && failures.length < most; files++) {
    const file = mutateFile(draw() < 0.5 ? good.at(-1)! : pick(draw, good), draw)
    const report = (what: string) => failures.push({ where: 'capture', input: bytesToHex(file), what })
    try {
      const items = [...readCapture([file])]
      const size = 1 + below(draw, 70)
      const chunks = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
        file.slice(i * size, (i + 1) * size),
      )
      if (textOf([...readCapture(chunks)]) !== textOf(items)) report('chunks make a difference')
      for (const [i, item] of items.entries()) {
        if (item.offset < 0 || item.offset > file.length) report(`byte ${item.offset} of ${file.length}`)
        if (!('problem' in item)) {
          read++
          if (item.bytes.length > file.length) report('a packet longer than its file')
        } else if (i === items.length - 1) refused++
        else report('something comes behind a problem')
      }
    } catch (error) {
      report(error instanceof Error ? (error.stack ?? error.message) : `${error}`)
    }
  }
  return { files, refused, packets: read, failures }
}

const textOf = (items: readonly object[]): string =>
  JSON.stringify(items, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value instanceof Uint8Array ? bytesToHex(value) : value,
  )
