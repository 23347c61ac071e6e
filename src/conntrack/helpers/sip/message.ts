import { CT_STATUS } from '../../../packet/fields.js'
import type { Entry, SipNotes } from '../../entry.js'
import type { Direction, Tuple } from '../../tuple.js'
import { type HelpContext, isTranslated, textOf, tuplesOf } from '../helper.js'
import { exchangeTcp, mangleUdp } from '../mangle.js'

/** One SIP message in a packet, and the connection that it belongs to. A TCP segment may hold several. */
export class Message {
  readonly context: HelpContext
  /** From the start of the packet. */
  readonly at: number
  #length: number
  #text: string | undefined
  readonly notes: SipNotes

  constructor(context: HelpContext, at: number, length: number, notes: SipNotes) {
    this.context = context
    this.at = at
    this.#length = length
    this.notes = notes
  }

  get entry(): Entry {
    return this.context.attachment.entry
  }

  get direction(): Direction {
    return this.context.attachment.direction
  }

  /** The tuple of the direction in which it goes. */
  get own(): Tuple {
    return tuplesOf(this.context.attachment)[0]
  }

  /** What answers look like. */
  get other(): Tuple {
    return tuplesOf(this.context.attachment)[1]
  }

  get family(): 4 | 6 {
    return this.entry.original.family
  }

  get protocol(): number {
    return this.entry.original.protocol
  }

  get translated(): boolean {
    return isTranslated(this.entry)
  }

  /** Its master has announced it: such a connection registers nobody. */
  get expected(): boolean {
    return (this.entry.status & CT_STATUS.EXPECTED) !== 0
  }

  get length(): number {
    return this.#length
  }

  /** One character a byte. */
  get text(): string {
    this.#text ??= textOf(this.context.packet.bytes.subarray(this.at, this.at + this.#length))
    return this.#text
  }

  /** Takes `length` bytes at `at` of it out and puts others there. False: the packet would be too long. */
  rewrite(at: number, length: number, to: string): boolean {
    const { packet, offset } = this.context
    const change = this.protocol === 6 ? exchangeTcp : mangleUdp
    if (!change(packet, offset, this.at + at, length, to)) return false
    this.#length += to.length - length
    this.#text = undefined
    return true
  }
}
