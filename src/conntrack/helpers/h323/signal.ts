import type { Ip } from '../../../address/ip.js'
import { u16 } from '../../../packet/packet.js'
import type { Entry, H323Notes } from '../../entry.js'
import type { ExpectationPolicy } from '../../expectation.js'
import { type Direction, opposite, type Tuple } from '../../tuple.js'
import { type HelpContext, isTranslated, tuplesOf } from '../helper.js'
import { mangleTcp, mangleUdp } from '../mangle.js'
import { notesOf } from './notes.js'
import type { Kept } from './per.js'

const TCP = 6

/** A transport address in a message: what it says, and where it stands. */
export interface Place {
  readonly ip: Ip
  readonly port: number
  readonly at: number
}

/** A packet with messages of H.323, and the connection that it belongs to. */
export class Signal {
  readonly context: HelpContext
  readonly policies: readonly ExpectationPolicy[]
  readonly notes: H323Notes
  /** Of the direction in which it goes. */
  readonly own: Tuple
  /** What answers look like. */
  readonly other: Tuple

  constructor(context: HelpContext, { policies }: { readonly policies: readonly ExpectationPolicy[] }) {
    this.context = context
    this.policies = policies
    this.notes = notesOf(context.attachment)
    const [own, other] = tuplesOf(context.attachment)
    this.own = own
    this.other = other
  }

  get entry(): Entry {
    return this.context.attachment.entry
  }

  get direction(): Direction {
    return this.context.attachment.direction
  }

  get back(): Direction {
    return opposite(this.direction)
  }

  /** There is no NAT of addresses of IPv6. */
  get translated(): boolean {
    return isTranslated(this.entry) && this.own.family === 4
  }

  /** The other side knows the sender by another address. */
  get hidden(): boolean {
    return this.translated && this.own.src !== this.other.dst
  }

  /** get_h225_addr: of the family of the connection. */
  place(address: Kept | undefined): Place | undefined {
    if (address?.choice !== (this.own.family === 4 ? 'ipAddress' : 'ip6Address')) return undefined
    return this.#placeAt(address.get(address.choice)?.get('ip'))
  }

  /** get_h245_addr. */
  mediaPlace(address: Kept | undefined): Place | undefined {
    const unicast = address?.get('unicastAddress')
    if (unicast?.choice !== (this.own.family === 4 ? 'iPAddress' : 'iP6Address')) return undefined
    return this.#placeAt(unicast.get(unicast.choice)?.get('network'))
  }

  #placeAt(ip: Kept | undefined): Place | undefined {
    if (!ip) return undefined
    const { bytes } = this.context.packet
    const length = this.own.family === 4 ? 4 : 16
    return { ip: ipAt(bytes, ip.at, length), port: u16(bytes, ip.at + length)!, at: ip.at }
  }

  /** set_addr. Of IPv4; the packet stays as long as it is. */
  tell({ at }: Place, ip: Ip, port: number): void {
    const { packet, offset, attachment } = this.context
    const text = String.fromCharCode(
      ...[24, 16, 8, 0].map((shift) => (Number(ip) >>> shift) & 255),
      port >> 8,
      port & 255,
    )
    if (this.own.protocol === TCP) mangleTcp(packet, offset, attachment, at, text.length, text)
    else mangleUdp(packet, offset, at, text.length, text)
  }
}

function ipAt(bytes: Uint8Array, at: number, length: number): Ip {
  if (length === 4) return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
  let ip = 0n
  for (const byte of bytes.subarray(at, at + length)) ip = ip * 256n + BigInt(byte)
  return ip
}
