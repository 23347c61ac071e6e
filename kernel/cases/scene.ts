import type { LabSpec } from '../lab.js'
import { SECOND } from '../place.js'
import type { Random } from '../prng.js'

/** A named set, as the commands that make it. */
export interface SetSpec {
  readonly name: string
  /** How many of `src` and `dst` its key takes. */
  readonly directions: number
  readonly type: string
  /** Its elements carry marks for packets. */
  readonly skbinfo: boolean
  /** What `ipset restore` reads; lists of sets come behind what they hold. */
  readonly lines: readonly string[]
}

/**
 * The addresses and ports that rules and packets of one case have in common: few, so that they meet.
 * Nets: 1 clients (r0), 2 servers (r1), 3 behind a gateway on r1, 66 blackhole, 67 unreachable, 68 prohibit, 96 made-up Services.
 */
export interface Scene {
  readonly family: 4 | 6
  readonly spec: LabSpec
  /** The client of this case: a new one every time, because the kernel counts errors per source. */
  readonly client: number
  readonly ports: readonly number[]
  /** Named sets that rules may ask and change. */
  readonly sets: readonly SetSpec[]
}

export const host = (family: 4 | 6, net: number, number: number): string =>
  family === 4 ? `10.${net}.${number >> 8}.${number & 255}` : `fd00:${net.toString(16)}::${number.toString(16)}`
export const outside = (family: 4 | 6, number: number): string =>
  family === 4 ? `203.0.113.${number & 255}` : `2001:db8:113::${number.toString(16)}`
export const wan = (family: 4 | 6, number: number): string =>
  family === 4 ? `192.0.2.${number & 255}` : `2001:db8:2::${number.toString(16)}`

export const scene = (spec: LabSpec, random: Random, client: number): Scene => ({
  family: spec.family,
  spec,
  client,
  ports: [53, 80, 443, 5000, 8080, 30080].concat(random.int(1024, 65535)),
  sets: [],
})

/** Clients, each with the link behind which it is. */
export function clients({ family, spec, client }: Scene): readonly (readonly [link: string, address: string])[] {
  return [
    ['r0', host(family, 1, client)],
    ['r0', host(family, 1, client + 1)],
    ['r1', host(family, 2, client)],
    ['r2', outside(family, client)],
    [spec.second ? 'r3' : 'r1', host(family, 3, client)],
  ]
}

/** Who sends from a router itself: where, and the addresses that it may take. */
export function senders({ family, spec }: Scene): readonly (readonly [at: string, own: readonly string[]])[] {
  if (!spec.second) return [['local', routers(family)]]
  return [
    ['local', [host(family, 1, 1), host(family, 2, 1), host(family, 2, 7), host(family, 9, 1)]],
    [SECOND, [host(family, 3, 1), wan(family, 1), host(family, 9, 2)]],
  ]
}

export const routers = (family: 4 | 6): readonly string[] => [
  host(family, 1, 1),
  host(family, 2, 1),
  host(family, 2, 7),
  wan(family, 1),
]

/** Where packets go: servers, the router, Services, places that routes refuse. */
export function destinations({ family, spec, client }: Scene): readonly (readonly [weight: number, address: string])[] {
  return [
    [6, host(family, 2, 20)],
    [4, host(family, 3, 9)],
    [3, outside(family, 9)],
    [2, host(family, 1, 30)],
    [5, host(family, 1, 1)],
    [2, host(family, 2, 1)],
    [1, host(family, 2, 7)],
    [4, host(family, 96, 10)],
    [1, host(family, 66, 1)],
    [1, host(family, 67, 1)],
    [1, host(family, 68, 1)],
    [1, host(family, 2, client)],
    ...(spec.second
      ? ([
          [3, host(family, 3, 1)],
          [2, wan(family, 1)],
          [1, host(family, 9, 1)],
          [2, host(family, 9, 2)],
          [4, host(family, 97, 10)],
        ] as const)
      : []),
  ]
}

/** For `-s` and `-d`: hosts and nets that the packets use. */
export function prefixes({ family, client }: Scene): readonly string[] {
  const whole = family === 4 ? 32 : 128
  return [
    `${host(family, 1, client)}/${whole}`,
    `${host(family, 2, 20)}/${whole}`,
    `${host(family, 3, 9)}/${whole}`,
    `${host(family, 96, 10)}/${whole}`,
    `${host(family, 1, 1)}/${whole}`,
    `${outside(family, 9)}/${whole}`,
    ...(family === 4
      ? ['10.1.0.0/16', '10.2.0.0/15', '10.0.0.0/8', '203.0.113.0/24', '192.0.2.1/32', '0.0.0.0/1']
      : ['fd00:1::/64', 'fd00:2::/48', 'fd00::/16', '2001:db8::/32', '2001:db8:2::1/128']),
  ]
}
