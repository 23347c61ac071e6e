import { recomputeHeader } from '../packet/checksum.js'
import { concatBytes } from '../packet/hex.js'
import { type Packet, put32, u32 } from '../packet/packet.js'

/** What an IPv4 packet's options are, as far as they were looked at (net/ipv4/ip_options.c: struct ip_options). Byte offsets in the header. */
export interface IpOptions {
  sourceRoute: number | undefined
  recordRoute: number | undefined
  /** An address was written into the record route, and more may follow. */
  recorded: boolean
  timestamp: number | undefined
  /** What was written into the timestamp option: an address, a time. */
  stamped: { readonly address: boolean; readonly time: boolean }
  label: number | undefined
  /** The bytes were changed, the header checksum not yet: that comes with forwarding. */
  changed: boolean
}

/** Of the host that looks at the options. */
export interface OptionsHost {
  /** Its address towards the sender. */
  readonly own: number | undefined
  /** Milliseconds since midnight UTC. */
  readonly time: number
  /** Is it nobody's here: neither of this host, nor broadcast or multicast (inet_addr_type)? */
  readonly isUnicast: (ip: number) => boolean
}

/** `fault`: byte offset in the header of what is wrong, for "parameter problem". */
export interface Compiled {
  readonly options: IpOptions
  readonly fault: number | undefined
}

const NOTHING: IpOptions = {
  sourceRoute: undefined,
  recordRoute: undefined,
  recorded: false,
  timestamp: undefined,
  stamped: { address: false, time: false },
  label: undefined,
  changed: false,
}

const END = 0
const NOP = 1
const RECORD_ROUTE = 7
const TIMESTAMP = 68
const LOOSE_SOURCE_ROUTE = 131
const CIPSO = 134
const STRICT_SOURCE_ROUTE = 137
const ROUTER_ALERT = 148

/** ip_options_compile on the way in: checks them, and writes this host's address and time where they are asked for. */
export function compileOptions(packet: Packet, host: OptionsHost): Compiled {
  const { bytes } = packet
  const end = (bytes[0]! & 15) * 4
  const options: IpOptions = { ...NOTHING }
  for (let at = 20; at < end; ) {
    const kind = bytes[at]!
    if (kind === END) {
      options.changed ||= bytes.subarray(at, end).some((byte) => byte !== END)
      bytes.fill(END, at, end)
      break
    }
    if (kind === NOP) {
      at++
      continue
    }
    const length = bytes[at + 1]!
    if (end - at < 2 || length < 2 || length > end - at) return { options, fault: at }
    const fault = compileOption(bytes.subarray(at, at + length), at, options, host)
    if (fault !== undefined) return { options, fault: at + fault }
    at += length
  }
  return { options, fault: undefined }
}

/** One of them, which `options` takes in. Answers with the offset within the option of what is wrong. */
function compileOption(option: Uint8Array, at: number, options: IpOptions, host: OptionsHost): number | undefined {
  const { length } = option
  const pointer = option[2]!
  switch (option[0]) {
    case LOOSE_SOURCE_ROUTE:
    case STRICT_SOURCE_ROUTE:
      if (length < 3) return 1
      if (pointer < 4) return 2
      if (options.sourceRoute !== undefined) return 0
      options.sourceRoute = at
      return undefined
    case RECORD_ROUTE:
      if (options.recordRoute !== undefined) return 0
      if (length < 3) return 1
      if (pointer < 4) return 2
      if (pointer <= length) {
        if (pointer + 3 > length) return 2
        if (host.own !== undefined) put32(option, pointer - 1, host.own)
        option[2] = pointer + 4
        options.recorded = true
        options.changed = true
      }
      options.recordRoute = at
      return undefined
    case TIMESTAMP: {
      if (options.timestamp !== undefined) return 0
      const fault = stamp(option, options, host)
      if (fault === undefined) options.timestamp = at
      return fault
    }
    case CIPSO:
      if (options.label !== undefined) return 0
      options.label = at
      return faultOfLabel(length)
    case ROUTER_ALERT:
      return length < 4 ? 1 : undefined
  }
  return undefined
}

/** What is written into a timestamp option (RFC 791 section 3.1): times alone, addresses and times, times of the hosts that are named. */
const TIMES = 0
const ADDRESSES = 1
const NAMED = 3
/** The counter of hosts that had no room is full. */
const OVERFLOWN = 15

function stamp(option: Uint8Array, options: IpOptions, { own, time, isUnicast }: OptionsHost): number | undefined {
  const { length } = option
  const [pointer, flags] = [option[2]!, option[3]!]
  if (length < 4) return 1
  if (pointer < 5) return 2
  const kind = flags & 15
  if (pointer > length) {
    if (kind === NAMED) return undefined
    if (flags >> 4 === OVERFLOWN) return 3
    option[3] = flags + 16
    options.changed = true
    return undefined
  }
  const room = length - pointer + 1
  if (room < 4) return 2
  if (kind !== TIMES && kind !== ADDRESSES && kind !== NAMED) return undefined
  if (kind !== TIMES && room < 8) return 2
  if (kind === NAMED && isUnicast(u32(option, pointer - 1)!)) return undefined
  if (kind === ADDRESSES && own !== undefined) put32(option, pointer - 1, own)
  put32(option, pointer - 1 + (kind === TIMES ? 0 : 4), time)
  option[2] = pointer + (kind === TIMES ? 4 : 8)
  options.stamped = { address: kind === ADDRESSES, time: true }
  options.changed = true
  return undefined
}

/** Where a CIPSO label is wrong (net/ipv4/cipso_ipv4.c: cipso_v4_validate): with NetLabel and no domain of interpretation configured every one is. */
const faultOfLabel = (length: number): number => (length < 8 ? 1 : 2)

/** ip_forward_options: record route and timestamp get the address of the interface that the packet leaves through. */
export function forwardOptions(packet: Packet, options: IpOptions, own: number | undefined): void {
  const { bytes } = packet
  const { recordRoute, recorded, timestamp, stamped, changed } = options
  if (own !== undefined && recorded) put32(bytes, recordRoute! + bytes[recordRoute! + 2]! - 5, own)
  if (own !== undefined && stamped.address) put32(bytes, timestamp! + bytes[timestamp! + 2]! - 9, own)
  if (changed) recomputeHeader(packet)
}

/** The options of an answer, and what an error about the answer would find in them. */
export interface Echo {
  readonly bytes: Uint8Array
  readonly options: IpOptions
}

/**
 * __ip_options_echo, ip_options_build: what an answer from `own` carries back of the question's options: its record route and its timestamps, to which it adds its
 * own, and its label. A source route that was not accepted never got here. `refused`: there is no room as there should be, and no answer.
 */
export function echoedOptions(
  { bytes }: Packet,
  options: IpOptions,
  { own, time, isUnicast }: OptionsHost,
): Echo | 'refused' | undefined {
  const copy = (at: number) => bytes.slice(at, at + bytes[at + 1]!)
  const parts: Uint8Array[] = []
  const echo: IpOptions = { ...NOTHING }
  const next = () => 20 + parts.reduce((sum, { length }) => sum + length, 0)
  if (options.recordRoute !== undefined) {
    const option = copy(options.recordRoute)
    const pointer = option[2]!
    if (options.recorded && pointer <= option.length) {
      if (pointer + 3 > option.length) return 'refused'
      if (own !== undefined) put32(option, pointer - 1, own)
      option[2] = pointer + 4
      echo.recorded = true
    }
    echo.recordRoute = next()
    parts.push(option)
  }
  if (options.timestamp !== undefined) {
    const option = copy(options.timestamp)
    const { address, time: timed } = options.stamped
    let pointer = option[2]!
    if (pointer <= option.length) {
      const named = (option[3]! & 15) === NAMED
      const needs = (address ? 4 : 0) + (timed ? 4 : 0)
      if (pointer + needs - 1 > option.length) return 'refused'
      if (address && own !== undefined) put32(option, pointer - 1, own)
      if (!named) pointer += needs
      else if (timed && pointer + 7 <= option.length && !isUnicast(u32(option, pointer - 1)!)) pointer += 8
      if (timed && pointer > option[2]!) put32(option, pointer - 5, time)
      echo.stamped = { address, time: pointer > option[2]! }
      option[2] = pointer
    }
    echo.timestamp = next()
    parts.push(option)
  }
  if (options.label !== undefined) {
    echo.label = next()
    parts.push(copy(options.label))
  }
  return parts.length > 0 ? { bytes: concatBytes(...parts), options: echo } : undefined
}
