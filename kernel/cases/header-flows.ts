import { isLocal } from '../place.js'
import type { Random } from '../prng.js'
import { address6, checksummed, hex, ip6, tcp, udp } from './frames.js'
import { SPIS } from './header-matches.js'
import { host, routers } from './scene.js'
import { arrives, dataOf, ends, type Flow, network, type Stage, sport } from './stage.js'

const bytes = (random: Random, count: number): string =>
  Array.from({ length: count }, () => hex(random.int(0, 255), 1)).join('')
/** Seldom a little short, so that what is cut off is seen. */
const perhapsCut = (random: Random, digits: string): string =>
  random.chance(0.1) ? digits.slice(0, 2 * random.int(0, digits.length / 2)) : digits

function sctp({ random, scene }: Stage, ports: { readonly sport: number; readonly dport: number }): string {
  const chunk = () => {
    const type = random.pick([0, 0, 1, 2, 3, 6, 10, 193, 77])
    const length = random.weighted([
      [8, 4 + 4 * random.int(0, 4)],
      [1, 5],
      [1, 0],
      [1, 200],
    ])
    const body = Math.max(0, Math.min(24, ((length + 3) & ~3) - 4))
    return hex(type, 1) + hex(random.int(0, 7), 1) + hex(length, 2) + bytes(random, body)
  }
  const chunks = Array.from({ length: random.int(0, 3) }, chunk).join('')
  return `${hex(ports.sport || scene.ports[0]!, 2)}${hex(ports.dport, 2)}${bytes(random, 4)}00000000${chunks}`
}

const DCCP_MORE: readonly number[] = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8]
function dccp({ random }: Stage, ports: { readonly sport: number; readonly dport: number }): string {
  const type = random.int(0, 10)
  const extended = random.chance(0.5)
  const fixed = 12 + (extended ? 4 : 0) + (DCCP_MORE[type] ?? 12)
  const options = random.pick(['', '03010000', '2c0600000001', '01012003ab00', '00000000', '0300', '020000ff'])
  const offset = random.chance(0.1) ? random.int(0, 20) : Math.ceil((fixed + options.length / 2) / 4)
  const first = `${hex(ports.sport, 2)}${hex(ports.dport, 2)}${hex(offset, 1)}000000${hex((type << 1) | (extended ? 1 : 0), 1)}`
  return first + bytes(random, fixed - 9) + options + dataOf({ random } as Stage, 8)
}

const TCP_OPTIONS = ['', '020405b4', '01030307', '04020101', '020405b404020103', '05000500', '0101080a0000000100000002', '0204', '00000000'] // biome-ignore format: a list

function transport(stage: Stage, src: string, dst: string): readonly [protocol: number, payload: string] {
  const { random, scene } = stage
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const one = { src, dst, ...ports }
  const spi = hex(random.pick(SPIS), 4)
  type Kind = () => readonly [protocol: number, payload: string]
  const segment: Kind = () => {
    const options = random.pick(TCP_OPTIONS)
    const flags = random.pick([2, 0x42, 0xc2, 0x82, 0x12, 0x10])
    const padded = options.padEnd(Math.ceil(options.length / 8) * 8, '0')
    return [6, tcp({ ...one, seq: random.int(1, 1000000), ack: 0, flags, options: padded }, dataOf(stage))]
  }
  const authenticated: Kind = () => [51, perhapsCut(random, authentication(random, spi))]
  const kinds: readonly (readonly [number, Kind])[] = [
    [4, () => [17, udp(one, dataOf(stage, 40))]],
    [4, segment],
    [3, () => [132, perhapsCut(random, sctp(stage, ports))]],
    [2, () => [33, perhapsCut(random, dccp(stage, ports))]],
    [1, () => [50, perhapsCut(random, `${spi}00000001${dataOf(stage)}`)]],
    [1, () => [108, perhapsCut(random, `0600${spi.slice(4)}${dataOf(stage)}`)]],
    [1, scene.family === 4 ? authenticated : () => [135, perhapsCut(random, mobility(random, src, dst))]],
  ]
  return random.weighted(kinds)()
}

/** As long as it says, with its next-header byte. */
function authentication(random: Random, spi: string): string {
  const length = random.pick([1, 4])
  const reserved = random.pick(['0000', '0001'])
  return `06${hex(length, 1)}${reserved}${spi}00000001${bytes(random, (length + 2) * 4 - 12)}`
}

function mobility(random: Random, src: string, dst: string): string {
  const digits = `${hex(random.pick([59, 59, 59, 6]), 1)}00${hex(random.int(0, 8), 1)}00000000000000`.slice(0, 16)
  const pseudo = address6(src) + address6(dst) + hex(digits.length / 2, 4) + hex(135, 4)
  return checksummed(digits, 4, pseudo)
}

/** Routers look at hop-by-hop options: padding is zero, and never more than seven bytes of it. */
const options = (random: Random): string =>
  hex(0, 1) +
  random.pick([
    '050200000100',
    '010005020000',
    '000005020000',
    '010200000100',
    '010400000000',
    '0100010000'.padEnd(12, '0'),
  ])
const moreOptions = (random: Random): string =>
  hex(1, 1) +
  random.pick(['0502000005020000050200000100', '0100050200000502000005020000', '0005020000000502000001020000'])

/** Extension headers that a router lets pass, each with what stands behind its next-header byte. */
function extensions(random: Random, family: 4 | 6): readonly (readonly [number, string])[] {
  const hop = () => address6(host(family, 3, random.int(1, 3)))
  const routing = () => {
    const count = random.int(0, 3)
    const type = random.pick([0, 2, 4, 4, 4])
    const left = random.int(0, Math.max(1, count))
    const rest =
      type === 4
        ? `${hex(Math.max(0, count - 1), 1)}00${random.pick(['0000', '0001', '0102'])}`
        : random.pick(['00000000', '00000001'])
    return hex(2 * count, 1) + hex(type, 1) + hex(left, 1) + rest + Array.from({ length: count }, hop).join('')
  }
  const some = () => (random.chance(0.6) ? options(random) : moreOptions(random))
  // alone: what becomes of several headers in a fragment is another matter
  if (random.chance(0.1)) return [[44, `00${hex(random.pick([0, 0, 6]), 2)}${hex(random.pick([5, 1234, 70000]), 4)}`]]
  const headers: (readonly [number, string])[] = []
  if (random.chance(0.35)) headers.push([0, some()])
  if (random.chance(0.35)) headers.push([60, some()])
  if (random.chance(0.4)) headers.push([43, routing()])
  if (random.chance(0.25)) headers.push([51, authentication(random, hex(random.pick(SPIS), 4)).slice(2)])
  if (random.chance(0.1)) headers.push([60, some()])
  return headers
}

/** Single packets with headers and contents of all kinds, for the matches that look at them. */
export function* headerFlow(stage: Stage): Flow {
  const { random, scene } = stage
  for (let n = random.int(1, 3); n > 0; n--) {
    const { at, src, dst } = ends(stage)
    const [protocol, payload] = transport(stage, src, dst)
    const header = { src, dst, protocol, tos: random.pick([0, 0, 1, 2, 3]) }
    if (scene.family === 4) yield arrives(at, network(stage, header, payload))
    else {
      // what a host makes of headers that are for itself is another matter
      const passes = !isLocal(at) && !routers(6).includes(dst)
      const more = passes && random.chance(0.8) ? extensions(random, 6) : []
      const nothing = random.chance(0.05)
      const whole = ip6(
        { src, dst, protocol: nothing ? 59 : protocol, trafficClass: header.tos, extensions: more },
        nothing ? '' : payload,
      )
      yield arrives(at, whole)
    }
  }
}
