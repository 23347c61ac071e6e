import type { Ip } from '../../src/address/ip.js'
import type { Tracking } from '../../src/conntrack/entry.js'
import { translate, translateIcmpError } from '../../src/conntrack/nat/manip.js'
import type { Range } from '../../src/conntrack/nat/range.js'
import { type Manip, mustConsult, nullBinding, setUp } from '../../src/conntrack/nat/setup.js'
import type { Settings } from '../../src/conntrack/settings.js'
import { ConnectionTable } from '../../src/conntrack/table.js'
import type { Direction } from '../../src/conntrack/tuple.js'
import { Packet, u32, u128 } from '../../src/packet/packet.js'

/** A rule of the nat table: as the kernel has it (`text`), and as the model asks it. */
export interface NatRule {
  readonly manip: Manip
  readonly match: (packet: Packet) => boolean
  readonly range: Range
  readonly text: string
}

export interface Config {
  readonly settings: Settings
  readonly rules: readonly NatRule[]
  readonly isLeft: (dst: Ip) => boolean
  readonly isLocal: (dst: Ip) => boolean
  readonly zone: ((at: string) => { readonly zone: number; readonly direction?: Direction | undefined }) | undefined
}

/** What the rules in mangle POSTROUTING write into the DSCP field. */
const CODES: Readonly<Record<string, number>> = {
  'NEW original': 1, 'ESTABLISHED original': 2, 'ESTABLISHED reply': 3, 'RELATED original': 4, 'RELATED reply': 5, invalid: 6, untracked: 7,
} // biome-ignore format: a table
const code = (t: Tracking): number =>
  CODES[t.is === 'tracked' ? `${t.attachment.state} ${t.attachment.direction}` : t.is] ?? 0

export const dstOf = (p: Packet): Ip => (p.family === 4 ? u32(p.bytes, 16)! : u128(p.bytes, 24)!)
export const srcOf = (p: Packet): Ip => (p.family === 4 ? u32(p.bytes, 12)! : u128(p.bytes, 8)!)

export interface Passed {
  readonly side: 'r0' | 'r1'
  readonly bytes: Uint8Array
  readonly code: number
}

/** As much of a router as tracking and NAT need: the model without its rules and routes. */
export class Walk {
  readonly config: Config
  readonly table: ConnectionTable
  /** What was made of the last packet. */
  why = ''

  constructor(config: Config) {
    this.config = config
    this.table = new ConnectionTable(config.settings)
  }

  #nat(p: Packet, t: Tracking, manip: Manip, random: () => number, now: number): boolean {
    if (t.is !== 'tracked') return true
    const { attachment } = t
    const { protocol } = p.transport
    if (attachment.state === 'RELATED' && (protocol === 1 || protocol === 58))
      return translateIcmpError(p, attachment, manip)
    if (mustConsult(attachment, manip)) {
      const context = { table: this.table, now, random }
      const rule = this.config.rules.find((r) => r.manip === manip && r.match(p))
      if (rule) setUp(attachment.entry, manip, rule.range, context)
      else nullBinding(attachment.entry, manip, context)
    }
    return translate(p, attachment, manip)
  }

  /** Undefined: dropped, or taken by the router itself. */
  run(bytes: Uint8Array, now: number, random: () => number, at: string): Passed | undefined {
    const p = new Packet(bytes.slice())
    const { config, table } = this
    const z = config.zone?.(at)
    const t = table.inbound(p, { prerouting: true, now, zone: z?.zone ?? 0, zoneDirection: z?.direction })
    this.why = t.is === 'invalid' || t.is === 'dropped' ? t.reason : t.is
    if (t.is === 'dropped') return undefined
    if (!this.#nat(p, t, 'dst', random, now)) return this.#ends('nat of the destination drops it')
    if (config.isLocal(dstOf(p))) return this.#ends('local')
    const side = config.isLeft(dstOf(p)) ? 'r0' : 'r1'
    if (!this.#nat(p, t, 'src', random, now)) return this.#ends('nat of the source drops it')
    if (t.is === 'tracked' && !table.confirm(t.attachment, now)) return this.#ends('clash')
    return { side, bytes: p.bytes, code: code(t) }
  }

  #ends(why: string): undefined {
    this.why += `, ${why}`
  }
}
