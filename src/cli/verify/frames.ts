import type { Caught } from './agent.js'

const number = (hex: string, byte: number, bytes: number): number =>
  Number.parseInt(hex.slice(2 * byte, 2 * (byte + bytes)) || '0', 16)

/** What of frames is not compared because the kernel draws it, or because a link is only stood in for. */
export interface Blank {
  /** A port that NAT chose was drawn (MASQUERADE --random, --random-fully, a range): source and destination ports. */
  readonly ports: boolean
  /** UDP ports of VXLAN: the outer source port is a hash with a seed. */
  readonly vxlan: ReadonlySet<number>
  /** Links whose Ethernet header is the stand-in's. */
  readonly headerless: ReadonlySet<string>
  /** IPv4 id of the packet that was put in: other packets that leave have ids of their own. */
  readonly id: number
}

const without = (hex: string, byte: number, bytes: number): string =>
  `${hex.slice(0, 2 * byte)}${'?'.repeat(2 * bytes)}${hex.slice(2 * (byte + bytes))}`

/** RFC 1071 over hex digits: 0xffff where a checksum within is right. */
function sum(hex: string): number {
  let total = 0
  for (let at = 0; at < hex.length; at += 4) total += Number.parseInt(hex.slice(at, at + 4).padEnd(4, '0'), 16)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

/** A frame as it is compared. A checksum over something blanked is replaced by whether it is right. */
export function comparable([link, hex]: Caught, blank: Blank): string {
  const frame = blank.headerless.has(link) ? `${'?'.repeat(24)}${hex.slice(24)}` : hex
  return `${link} ${blanked(frame, blank)}`
}

function blanked(frame: string, blank: Blank): string {
  if (frame.slice(24, 28) !== '0800' || frame.length < 68) return ports6(frame, blank)
  const ihl = 4 * (number(frame, 14, 1) & 15)
  let out = frame
  const drawsId = number(frame, 18, 2) !== blank.id
  if (drawsId) {
    const right = sum(frame.slice(28, 28 + 2 * ihl)) === 0xffff
    out = `${without(without(out, 18, 2), 24, 2)} header sum ${right ? 'right' : 'wrong'}`
  }
  return transport(out, frame, 14 + ihl, number(frame, 23, 1), frame.slice(52, 68), blank)
}

function ports6(frame: string, blank: Blank): string {
  if (frame.slice(24, 28) !== '86dd' || frame.length < 108) return frame
  return transport(frame, frame, 54, number(frame, 20, 1), frame.slice(44, 108), blank)
}

function transport(out: string, frame: string, at: number, protocol: number, addresses: string, blank: Blank): string {
  const end = frame.slice(24, 28) === '0800' ? 14 + number(frame, 16, 2) : 54 + number(frame, 18, 2)
  const segment = frame.slice(2 * at, 2 * end)
  const pseudo = `${addresses}${(segment.length / 2).toString(16).padStart(8, '0')}${protocol.toString(16).padStart(8, '0')}`
  const right = sum(pseudo + segment) === 0xffff ? 'right' : 'wrong'
  if (protocol === 17 && blank.vxlan.has(number(frame, at + 2, 2))) {
    const sent = number(frame, at + 6, 2) === 0 ? 'none' : right
    const inner = blanked(frame.slice(2 * (at + 16)), blank)
    return `${without(without(out, at, 2), at + 6, 2).slice(0, 2 * (at + 16))}${inner}${out.slice(frame.length)} ${sent}`
  }
  const fragment = frame.slice(24, 28) === '0800' && (number(frame, 20, 2) & 0x3fff) !== 0
  if (!blank.ports || fragment) return out
  if (protocol === 1 && ECHO.has(number(frame, at, 1)))
    return `${without(without(out, at + 4, 2), at + 2, 2)} ${sum(segment) === 0xffff ? 'right' : 'wrong'}`
  if (protocol === 6) return `${without(without(out, at, 4), at + 16, 2)} ${right}`
  return protocol === 17 ? `${without(without(out, at, 4), at + 6, 2)} ${right}` : out
}

/** Their id is what NAT takes for a port. */
const ECHO: ReadonlySet<number> = new Set([0, 8])
