import { printIp } from '../../src/address/ip.js'
import { Packet } from '../../src/packet/packet.js'
import { ip4, ip6 } from '../cases/frames.js'
import type { Random } from '../prng.js'
import { dstOf, srcOf } from './walk.js'

export type Side = 'r0' | 'r1'
export interface Came {
  readonly at: string
  readonly hex: string
}
/** What a conversation needs: lots, and a way to send a packet from one side and see what comes out. */
export interface Stage {
  readonly random: Random
  readonly family: 4 | 6
  /** NAT rules are there. */
  readonly translated: boolean
  readonly send: (at: Side, hex: string) => Promise<readonly Came[]>
  readonly wait: (ms: number) => Promise<void>
}

const NETS = { 4: { left: '10.1', right: '10.2' }, 6: { left: 'fd00:1:', right: 'fd00:2:' } } as const
export const host = (c: Stage, side: 'left' | 'right', n: number): string =>
  c.family === 4 ? `${NETS[4][side]}.0.${n}` : `${NETS[6][side]}:${n.toString(16)}`

export const net = (c: Stage, src: string, dst: string, protocol: number, payload: string): string =>
  c.family === 4 ? ip4({ src, dst, protocol }, payload) : ip6({ src, dst, protocol }, payload)

/** A packet that came out, as far as answers need it. */
export interface View {
  readonly at: Side
  readonly src: string
  readonly dst: string
  readonly sport: number
  readonly dport: number
  readonly proto: number
  readonly hex: string
}
export function view(at: string, h: string): View {
  const b = new Uint8Array(Buffer.from(h, 'hex'))
  const p = new Packet(b)
  const o = p.transport.offset
  const word = (i: number) => ((b[i] ?? 0) << 8) | (b[i + 1] ?? 0)
  return {
    at: at as Side,
    src: printIp(srcOf(p)),
    dst: printIp(dstOf(p)),
    sport: word(o),
    dport: word(o + 2),
    proto: p.transport.protocol,
    hex: h,
  }
}
