import { farMac, type Injection, routerMac } from '../lab.js'
import { isLocal } from '../place.js'
import type { Random } from '../prng.js'
import { ethernet, hex, type Ip4, ip4, ip6, read, type Seen } from './frames.js'
import { clients, destinations, type Scene, senders } from './scene.js'

/** A conversation: gives the next packet, and is told what came out of the router because of it. */
export type Flow = Generator<Injection, void, readonly Seen[]>

export interface Stage {
  readonly random: Random
  readonly scene: Scene
  /** IP ids and fragment ids, never the same twice in a lab. */
  readonly ids: { next: number }
}

export interface Header {
  readonly src: string
  readonly dst: string
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly fragment?: number
  readonly id?: number
  readonly options?: string
}

export const number = (link: string): number => Number(link.slice(1))
/** A packet that arrives at a link; or, at `local`, one that the router itself sends. */
export function arrives(
  at: string,
  packet: string,
  macs?: { readonly to?: string; readonly from?: string; readonly type?: number },
): Injection {
  if (isLocal(at)) return { at, frame: packet }
  const link = number(at)
  return { at, frame: ethernet(macs?.to ?? routerMac(link), macs?.from ?? farMac(link), packet, macs?.type) }
}

export function network({ scene, ids, random }: Stage, header: Header, payload: string): string {
  const {
    src,
    dst,
    protocol,
    ttl = random.chance(0.02) ? random.int(0, 3) : random.pick([64, 64, 64, 128, 63]),
    tos = random.chance(0.05) ? random.pick([4, 8, 0x10, 0xb8, 3]) : 0,
  } = header
  if (scene.family === 6) return ip6({ src, dst, protocol, hopLimit: ttl, trafficClass: tos, flowLabel: 0 }, payload)
  const whole: Ip4 = {
    src,
    dst,
    protocol,
    ttl,
    tos,
    id: header.id ?? ids.next++ & 0xffff,
    fragment: header.fragment ?? 0x4000,
    options: header.options ?? '',
  }
  return ip4(whole, payload)
}

export const dataOf = ({ random }: Stage, most = 24): string =>
  Array.from({ length: random.int(0, most) }, (_, i) => hex(0x61 + (i % 26), 1)).join('')
export const byProtocol = (seen: readonly Seen[], protocol: number, except?: string): Seen | undefined =>
  seen.find((one) => one.protocol === protocol && one.at !== except) ?? seen.find((one) => one.protocol === protocol)

/** Who talks to whom. */
export function ends(stage: Stage): { readonly at: string; readonly src: string; readonly dst: string } {
  const { random, scene } = stage
  if (random.chance(0.15)) {
    const dst = random.chance(0.05) ? (scene.family === 4 ? '127.0.0.1' : '::1') : random.weighted(destinations(scene))
    const all = senders(scene)
    const [from, own] = scene.spec.second ? random.pick(all) : all[0]!
    return { at: from, src: random.pick(own), dst }
  }
  const [at, src] = random.weighted([
    [5, clients(scene)[0]!],
    [2, clients(scene)[1]!],
    [2, clients(scene)[2]!],
    [1, clients(scene)[3]!],
    [1, clients(scene)[4]!],
  ])
  return { at, src, dst: random.weighted(destinations(scene)) }
}

export const sport = ({ random }: Stage): number =>
  random.weighted([
    [8, random.int(32768, 60999)],
    [1, random.pick([1024, 2000, 40000])],
    [1, random.int(1, 1023)],
  ])

/** The peer's answer goes back over the link where its packet came out, to the MAC that sent it. */
export const back = (seen: Seen, packet: string): Injection =>
  arrives(seen.at, packet, { from: seen.destinationMac, to: seen.sourceMac })

export const seenOf = (sent: readonly (readonly [string, string])[]): readonly Seen[] =>
  sent.flatMap(([at, frame]) => read(at, frame) ?? [])
