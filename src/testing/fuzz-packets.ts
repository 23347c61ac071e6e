import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '../conntrack/entry.js'
import { translate } from '../conntrack/nat/manip.js'
import { invertTuple, sameTuple, type Tuple, tupleOf } from '../conntrack/tuple.js'
import { buildPacket, type TransportFields } from '../packet/build.js'
import { checksumOk, headerChecksumOk, PROTOCOL, recomputeHeader, recomputeTransport } from '../packet/checksum.js'
import { packetOfFrame } from '../packet/frame.js'
import { bytesToHex, concatBytes, hexToBytes } from '../packet/hex.js'
import { type Packet, put16 } from '../packet/packet.js'
import { simulate } from '../path/simulate.js'
import type { Handled } from '../path/simulation.js'
import type { Hosts, Namespace } from '../path/world.js'
import { readSnapshot } from '../snapshot/index.js'

export interface Failure {
  readonly where: string
  /** Hex, as `LINK FRAME` or of a whole file. */
  readonly input: string
  readonly what: string
}

export interface FuzzedFrames {
  readonly frames: number
  readonly sent: number
  /** How often each reason ended a packet's way. */
  readonly reasons: ReadonlyMap<string, number>
  /** Connections of which both directions were held against each other. */
  readonly connections: number
  readonly failures: readonly Failure[]
}

interface World {
  readonly name: string
  readonly hosts: Hosts
  readonly place: Namespace
  readonly now: number
  readonly packets: readonly (readonly [at: string, frame: Uint8Array])[]
  /** Rules that send a packet more than once, or groups that come back. */
  readonly copies: boolean
  /** SNPT and DNPT keep the sum only of addresses that have the prefix that they are told: Linux itself sends wrong ones. What is in a tunnel has a sum of its own. */
  readonly wrongSums: boolean
}

interface Recorded {
  readonly family: 4 | 6
  readonly backend: 'legacy' | 'nft'
  readonly files: Readonly<Record<string, string>>
  readonly verdicts: readonly {
    readonly name: string
    readonly now: number
    readonly save: string
    readonly sets?: { readonly before: string }
    readonly packets: readonly { readonly at: string; readonly frame: string }[]
  }[]
}

export const random = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
export type Draw = () => number
export const below = (draw: Draw, end: number): number => Math.floor(draw() * end)
export const pick = <T>(draw: Draw, from: readonly T[]): T => from[below(draw, from.length)]!

const TUNNEL = /"info_kind": ?"(vxlan|geneve|gre\w*|ip6gre\w*|ipip|sit|ip6tnl|wireguard)"|\bproto esp\b/

/** The rulesets and packets of the recorded kernel cases. `root`: of the repository. */
export function* worlds(root: string): Generator<World> {
  const folder = join(root, 'tests/kernel')
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const recorded: Recorded = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const rules = `${recorded.family === 4 ? 'ip' : 'ip6'}tables-${recorded.backend === 'legacy' ? 'legacy-' : ''}save`
    for (const verdict of recorded.verdicts) {
      const texts = {
        ...recorded.files,
        [rules]: verdict.save.replaceAll(/\[\d+:\d+\]/g, '[0:0]'),
        ...(verdict.sets ? { 'ipset-save': verdict.sets.before } : {}),
      }
      const read = readSnapshot(Object.entries(texts).map(([path, text]) => ({ path, text })))
      if (!read.ok) throw new Error(`${file}: ${JSON.stringify(read.problems[0])}`)
      yield {
        name: `${file} ${verdict.name}`,
        hosts: read.hosts,
        place: read.hosts.namespaces[0]!,
        now: verdict.now,
        packets: verdict.packets.map(({ at, frame }) => [at, hexToBytes(frame)!] as const),
        copies: /-j TEE/.test(verdict.save),
        wrongSums: /-j [SD]NPT/.test(verdict.save) || TUNNEL.test(Object.values(recorded.files).join()),
      }
    }
  }
}

const ETHERNET = 14

/** A frame with slips in it: bytes, lengths, options, fragments; its checksums sometimes right again. */
export function mutateFrame(frame: Uint8Array, other: Uint8Array, draw: Draw, at = ETHERNET, mend = false): Uint8Array {
  let bytes: Uint8Array = frame.slice()
  for (let n = below(draw, 4); n > 0; n--) bytes = mutateOnce(bytes, other, draw, at)
  if (mend || draw() < 0.6) mendChecksums(bytes, at, mend || draw() < 0.8)
  return bytes
}

function mutateOnce(bytes: Uint8Array, other: Uint8Array, draw: Draw, at: number): Uint8Array {
  if (bytes.length === 0) return bytes
  const six = bytes[at]! >> 4 === 6
  const place = below(draw, bytes.length)
  switch (below(draw, 9)) {
    case 0:
      bytes[place] = below(draw, 256)
      return bytes
    case 1:
      bytes[place]! ^= 1 << below(draw, 8)
      return bytes
    case 2:
      return bytes.slice(0, place)
    case 3: // what follows is somebody else's
      return concatBytes(bytes.subarray(0, place), other.subarray(Math.min(place, other.length)))
    case 4: // a length that lies
      if (bytes.length >= at + 8)
        put16(bytes, at + (six ? 4 : 2), pick(draw, [0, 1, 19, 20, 27, 28, 40, 1500, 65535, below(draw, 65536)]))
      return bytes
    case 5: // the header's own length, options in what was transport
      if (!six && bytes.length > at) bytes[at] = 0x40 | below(draw, 16)
      if (six && bytes.length > at + 6) bytes[at + 6] = pick(draw, [0, 43, 44, 51, 58, 59, 60, 6, 17])
      return bytes
    case 6: // options: known kinds, lengths of 0, 1, too much
      return six ? withHeaders6(bytes, draw, at) : withOptions4(bytes, draw, at)
    case 7: // fragments of few offsets and ids, so that they overlap
      if (six) return withFragment6(bytes, draw, at)
      if (bytes.length >= at + 8) {
        put16(bytes, at + 4, below(draw, 2))
        put16(bytes, at + 6, (draw() < 0.5 ? 0x2000 : 0) | below(draw, 4) | (draw() < 0.05 ? 0x1fff : 0))
      }
      return bytes
    default: // a length in the transport header
      if (bytes.length > at + 34) put16(bytes, at + (six ? 44 : 24), pick(draw, [0, 1, 7, 8, 65535]))
      if (bytes.length > at + 34) bytes[at + (six ? 52 : 32)] = below(draw, 256)
      return bytes
  }
}

const KINDS = [0, 1, 7, 68, 130, 131, 134, 137, 148, 222]

function withOptions4(bytes: Uint8Array, draw: Draw, at: number): Uint8Array {
  if (bytes.length < at + 20) return bytes
  const words = 1 + below(draw, 10)
  const options = Uint8Array.from({ length: words * 4 }, () =>
    pick(draw, [...KINDS, 0, 0, 1, 2, 3, 4, 8, 11, 40, 255, below(draw, 256)]),
  )
  const out = concatBytes(bytes.subarray(0, at + 20), options, bytes.subarray(at + 20))
  out[at] = 0x45 + words
  put16(out, at + 2, out.length - at)
  return out
}

function withHeaders6(bytes: Uint8Array, draw: Draw, at: number): Uint8Array {
  if (bytes.length < at + 40) return bytes
  const size = 8 * (1 + below(draw, 3))
  const header = Uint8Array.from({ length: size }, () =>
    pick(draw, [0, 0, 1, 1, 2, 4, 5, 6, 194, 201, 255, below(draw, 256)]),
  )
  header[0] = bytes[at + 6]!
  if (draw() < 0.8) header[1] = size / 8 - 1
  bytes[at + 6] = pick(draw, [0, 43, 60, 51])
  return intoHeaders6(bytes, header, at)
}

function withFragment6(bytes: Uint8Array, draw: Draw, at: number): Uint8Array {
  if (bytes.length < at + 40) return bytes
  const header = new Uint8Array(8)
  header[0] = bytes[at + 6]!
  put16(header, 2, (below(draw, 4) << 3) | (draw() < 0.5 ? 1 : 0))
  header[7] = below(draw, 2)
  bytes[at + 6] = 44
  return intoHeaders6(bytes, header, at)
}

function intoHeaders6(bytes: Uint8Array, header: Uint8Array, at: number): Uint8Array {
  const out = concatBytes(bytes.subarray(0, at + 40), header, bytes.subarray(at + 40))
  put16(out, at + 4, out.length - at - 40)
  return out
}

/** As far as there is a packet: a header that is wrong is not looked into any further. */
function mendChecksums(bytes: Uint8Array, at: number, transport: boolean): void {
  const packet = packetOfIp(bytes.subarray(at))
  if (!packet) return
  if (packet.family === 4 && (bytes[at]! & 15) >= 5 && bytes.length >= at + (bytes[at]! & 15) * 4)
    recomputeHeader(packet)
  if (transport) recomputeTransport(packet)
  bytes.set(packet.bytes, at)
}

function packetOfIp(bytes: Uint8Array): Packet | undefined {
  if (bytes.length === 0) return undefined
  const frame = concatBytes(
    new Uint8Array(12),
    bytes[0]! >> 4 === 6 ? Uint8Array.of(0x86, 0xdd) : Uint8Array.of(8, 0),
    bytes,
  )
  return packetOfFrame(frame)
}

/** More frames than any one packet of these worlds makes. */
const FLOOD = 40

/**
 * Gives `count` mutated frames to the worlds of the recorded kernel cases, a few packets to each run so that connections are there. What is asked of
 * each: no exception; few frames; none twice; right checksums where those of what came in were right.
 */
export function fuzzFrames(root: string, count: number, seed: number, most = 10): FuzzedFrames {
  const draw = random(seed)
  const all = [...worlds(root)]
  const failures: Failure[] = []
  const reasons = new Map<string, number>()
  let [frames, sent, connections] = [0, 0, 0]
  while (frames < count && failures.length < most) {
    const world = pick(draw, all)
    const simulation = simulate(world.hosts, {
      now: world.now,
      seed: below(draw, 1000),
      assumeNeighbours: draw() < 0.5,
      steps: false,
    })
    // in every other run all that comes in is whole and has right checksums: what leaves has, too
    const clean = draw() < 0.5
    for (let n = 5 + below(draw, 60); n > 0 && frames < count; n--, frames++) {
      const [at, whole] = pick(draw, world.packets)
      const ip = at === 'local' ? 0 : ETHERNET
      const frame = mutateFrame(whole, pick(draw, world.packets)[1], draw, ip, clean)
      if (clean && !inOrder(at === 'local' ? sentRaw(frame) : packetOfFrame(frame))) continue
      const report = (what: string) => failures.push({ where: world.name, input: `${at} ${bytesToHex(frame)}`, what })
      try {
        const now = world.now + n * 0.01
        const handled =
          at === 'local'
            ? simulation.generate(world.place, frame, now)
            : simulation.receive(world.place, at, frame, now)
        sent += handled.sent.length
        const { reason, text } = handled.branch.where
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
        if (text === '' && handled.branch.outcome === 'dropped') report('dropped without a reason')
        for (const what of faultsOf(handled, world.copies, clean && !world.wrongSums)) report(what)
      } catch (error) {
        report(error instanceof Error ? (error.stack ?? error.message) : `${error}`)
        break
      }
    }
    for (const entry of simulation.connections(world.place)) {
      const fault = notInverse(entry)
      if (fault === undefined) connections++
      else if (fault !== '') failures.push({ where: world.name, input: '', what: fault })
    }
  }
  return { frames, sent, reasons, connections, failures }
}

/** The kernel fills in a raw packet's length and source, and leaves the transport's checksum as it is. */
function sentRaw(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 40 && bytes[0]! >> 4 !== 4) return undefined
  if (bytes[0]! >> 4 === 6) return ((bytes[4]! << 8) | bytes[5]!) + 40 === bytes.length ? packetOfIp(bytes) : undefined
  const length = (bytes[2]! << 8) | bytes[3]!
  return length === bytes.length && bytes.subarray(12, 16).some((byte) => byte !== 0) ? packetOfIp(bytes) : undefined
}

/** Its checksums are right, and it is whole. */
function inOrder(packet: Packet | undefined): boolean {
  return packet !== undefined && headerChecksumOk(packet) && !isFragment(packet) && checksumOk(packet)
}

const isFragment = ({ family, bytes, transport }: Packet): boolean =>
  family === 4 ? ((bytes[6]! & 0x3f) | bytes[7]!) !== 0 : transport.fragmentOffset !== 0 || transport.moreFragments

function faultsOf({ sent }: Handled, copies: boolean, clean: boolean): readonly string[] {
  const faults: string[] = []
  if (sent.length > FLOOD) faults.push(`${sent.length} frames`)
  const texts = sent.map(({ interface: name, frame }) => `${name} ${bytesToHex(frame)}`)
  if (!copies && new Set(texts).size < texts.length) faults.push(`a frame leaves twice: ${texts.join(', ')}`)
  for (const { frame } of sent) {
    const packet = packetOfFrame(frame)
    if (!packet) faults.push(`what leaves is no packet: ${bytesToHex(frame)}`)
    else if (!headerChecksumOk(packet)) faults.push(`a wrong header checksum leaves: ${bytesToHex(frame)}`)
    else if (clean && !isFragment(packet) && !checksumOk(packet))
      faults.push(`a wrong checksum leaves: ${bytesToHex(frame)}`)
  }
  return faults
}

/** A packet of each direction, translated, has to be what the other direction looks like turned round. Gives what is not so; '' for protocols that are not built here. */
export function notInverse(entry: Entry): string | undefined {
  if (entry.original.family === 6 && entry.original.protocol === PROTOCOL.ICMP) return ''
  for (const direction of ['original', 'reply'] as const) {
    const [own, other] = direction === 'original' ? [entry.original, entry.reply] : [entry.reply, entry.original]
    const packet = packetLike(own)
    if (!packet) return ''
    const attachment = { entry, direction, state: 'ESTABLISHED' } as const
    for (const manip of ['dst', 'src'] as const)
      if (!translate(packet, attachment, manip)) return `${direction}: cannot be translated`
    const found = tupleOf(packet)
    const wanted = invertTuple(other)
    if (!found || !wanted || !sameTuple(found, wanted)) return `${direction}: ${show(found)} is not ${show(wanted)}`
    if (!checksumOk(packet) || !headerChecksumOk(packet)) return `${direction}: a wrong checksum`
  }
  return undefined
}

const show = (tuple: Tuple | undefined): string =>
  JSON.stringify(tuple, (_, value) => (typeof value === 'bigint' ? `${value}` : value))

function packetLike({ protocol, src, dst, sport, dport }: Tuple): Packet | undefined {
  const ends = { src, dst, ttl: 64, id: 1 }
  const transport: TransportFields | undefined =
    protocol === PROTOCOL.TCP
      ? { is: 'tcp', sport, dport, flags: 16, sequence: 1, acknowledgement: 1, window: 1 }
      : protocol === PROTOCOL.UDP
        ? { is: 'udp', sport, dport }
        : protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6
          ? { is: 'icmp', type: dport >> 8, code: dport & 255, rest: (sport << 16) >>> 0 }
          : undefined
  return transport && buildPacket(ends, transport, Uint8Array.of(1, 2, 3))
}
