import { recomputeHeader } from '../packet/checksum.js'
import { type Packet, put32 } from '../packet/packet.js'

/** What an IPv4 packet's options are, once they have been looked at (net/ipv4/ip_options.c: struct ip_options). */
export interface IpOptions {
  /** Where a source route stands: byte offset in the header. */
  readonly sourceRoute: number | undefined
  /** Where a record route stands into which an address was written. */
  readonly recorded: number | undefined
  /** The bytes were changed, the header checksum not yet: that comes with forwarding. */
  readonly changed: boolean
}

/** `fault`: byte offset in the header of what is wrong, for "parameter problem". */
export type Compiled =
  | { readonly ok: true; readonly options: IpOptions }
  | { readonly ok: false; readonly fault: number }

const END = 0
const NOP = 1
const RECORD_ROUTE = 7
const TIMESTAMP = 68
const LOOSE_SOURCE_ROUTE = 131
const CIPSO = 134
const STRICT_SOURCE_ROUTE = 137
const ROUTER_ALERT = 148

/** ip_options_compile on the way in: checks them, and writes `own` (this host's address towards the sender) into a record route. */
export function compileOptions(packet: Packet, own: number | undefined): Compiled {
  const { bytes } = packet
  const end = (bytes[0]! & 15) * 4
  let sourceRoute: number | undefined
  let recorded: number | undefined
  let seenRecord = false
  let seenStamp = false
  let changed = false
  for (let at = 20; at < end; ) {
    const kind = bytes[at]!
    if (kind === END) {
      changed ||= bytes.subarray(at, end).some((byte) => byte !== END)
      bytes.fill(END, at, end)
      break
    }
    if (kind === NOP) {
      at++
      continue
    }
    const length = bytes[at + 1]!
    if (end - at < 2 || length < 2 || length > end - at) return { ok: false, fault: at }
    const pointer = bytes[at + 2]!
    switch (kind) {
      case LOOSE_SOURCE_ROUTE:
      case STRICT_SOURCE_ROUTE:
        if (length < 3) return { ok: false, fault: at + 1 }
        if (pointer < 4) return { ok: false, fault: at + 2 }
        if (sourceRoute !== undefined) return { ok: false, fault: at }
        sourceRoute = at
        break
      case RECORD_ROUTE:
        if (seenRecord) return { ok: false, fault: at }
        if (length < 3) return { ok: false, fault: at + 1 }
        if (pointer < 4) return { ok: false, fault: at + 2 }
        seenRecord = true
        if (pointer <= length) {
          if (pointer + 3 > length) return { ok: false, fault: at + 2 }
          if (own !== undefined) put32(bytes, at + pointer - 1, own)
          bytes[at + 2] = pointer + 4
          recorded = at
          changed = true
        }
        break
      case TIMESTAMP:
        if (seenStamp) return { ok: false, fault: at }
        if (length < 4) return { ok: false, fault: at + 1 }
        if (pointer < 5) return { ok: false, fault: at + 2 }
        seenStamp = true
        break
      case CIPSO:
        return { ok: false, fault: at + faultOfLabel(length) }
      case ROUTER_ALERT:
        if (length < 4) return { ok: false, fault: at + 1 }
        break
    }
    at += length
  }
  return { ok: true, options: { sourceRoute, recorded, changed } }
}

/** Where a CIPSO label is wrong (net/ipv4/cipso_ipv4.c: cipso_v4_validate): with NetLabel and no domain of interpretation configured every one is. */
const faultOfLabel = (length: number): number => (length < 8 ? 1 : 2)

/** ip_forward_options: the record route gets the address of the interface that the packet leaves through. */
export function forwardOptions(packet: Packet, { recorded, changed }: IpOptions, own: number | undefined): void {
  const { bytes } = packet
  if (recorded !== undefined && own !== undefined) put32(bytes, recorded + bytes[recorded + 2]! - 5, own)
  if (changed) recomputeHeader(packet)
}

/** __ip_options_echo: what an answer carries back of the question's options: its record route; a source route never got here. */
export function echoedOptions(packet: Packet): Uint8Array | undefined {
  const { bytes } = packet
  const end = (bytes[0]! & 15) * 4
  for (let at = 20; at < end && bytes[at] !== END; ) {
    if (bytes[at] === NOP) {
      at++
      continue
    }
    const length = bytes[at + 1] ?? 0
    if (length < 2 || at + length > end) return undefined
    if (bytes[at] === RECORD_ROUTE) return recordRoute(bytes.slice(at, at + length))
    at += length
  }
  return undefined
}

/** Where there is room, the answer's own sender will write its address too. */
function recordRoute(option: Uint8Array): Uint8Array {
  const pointer = option[2]!
  if (pointer + 3 <= option.length) option[2] = pointer + 4
  return option
}
