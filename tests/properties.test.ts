import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../src/address/ip.js'
import { buildPacket, type TransportFields } from '../src/packet/build.js'
import { checksumOk, headerChecksumOk } from '../src/packet/checksum.js'
import { buildFrame, packetOfFrame } from '../src/packet/frame.js'
import { headersOf } from '../src/packet/headers.js'
import { bytesToHex } from '../src/packet/hex.js'
import type { Packet } from '../src/packet/packet.js'
import { simulate } from '../src/path/simulate.js'
import type { Simulation } from '../src/path/simulation.js'
import { trace } from '../src/path/trace.js'
import type { Hosts, Namespace } from '../src/path/world.js'
import { readSnapshot } from '../src/snapshot/index.js'

/** What holds of every packet that goes through the model, whatever the rules. */

const LINK = (index: number, name: string, mac: string, more = {}) => ({
  ifindex: index,
  ifname: name,
  flags: ['BROADCAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_type: 'ether',
  address: mac,
  ...more,
})
const ADDRESS = (index: number, name: string, ...local: readonly (readonly [string, number])[]) => ({
  ifindex: index, ifname: name,
  addr_info: local.map(([ip, prefixlen]) => ({ family: ip.includes(':') ? 'inet6' : 'inet', local: ip, prefixlen, scope: 'global' })),
}) // biome-ignore format: a table
const [NEAR, WIDE] = ['02:00:00:00:00:10', '02:00:00:00:00:11']
const PEERS = { r0: 0x020000000110, r1: 0x020000000111 } as const

function routerWith(nat4: readonly string[], nat6: readonly string[]): readonly [Hosts, Namespace] {
  const table = (rules: readonly string[]) =>
    `*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n`
  const files = {
    'ip-link.json': JSON.stringify([LINK(2, 'r0', NEAR), LINK(3, 'r1', WIDE)]),
    'ip-addr.json': JSON.stringify([ADDRESS(2, 'r0', ['10.1.0.1', 16], ['fd00:1::1', 64]), ADDRESS(3, 'r1', ['10.2.0.1', 16], ['fd00:2::1', 64])]),
    'ip-route.json': JSON.stringify([{ dst: 'default', dev: 'r1' }, { dst: '10.1.0.0/16', dev: 'r0', scope: 'link' }, { dst: '10.2.0.0/16', dev: 'r1', scope: 'link' }]),
    'ip-route6.json': JSON.stringify([{ dst: 'fd00:1::/64', dev: 'r0' }, { dst: 'fd00:2::/64', dev: 'r1' }, { dst: 'default', dev: 'r1' }]),
    sysctl: 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv4.conf.all.rp_filter = 0\n',
    'iptables-save': table(nat4),
    'ip6tables-save': table(nat6),
  } // biome-ignore format: a table
  const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return [read.hosts, read.hosts.namespaces[0]!]
}

const RULES4 = [
  '-A PREROUTING -d 10.2.0.9 -j DNAT --to-destination 10.2.0.20',
  '-A PREROUTING -d 10.2.0.9 -p udp -j DNAT --to-destination 10.2.0.20-10.2.0.23:4000-4003',
  '-A PREROUTING -d 10.2.0.9 -p tcp -j DNAT --to-destination 10.2.0.20:8080',
  '-A PREROUTING -d 10.2.0.9 -j DNAT --to-destination 10.1.0.5',
  '-A POSTROUTING -s 10.1.0.0/16 -o r1 -j MASQUERADE',
  '-A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 198.51.100.1-198.51.100.4',
  '-A POSTROUTING -s 10.1.0.0/16 -p udp -j SNAT --to-source 198.51.100.1:3000-3001',
  '-A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE --random-fully',
  '-A POSTROUTING -s 10.1.0.0/16 -j NETMAP --to 198.51.0.0/16',
] as const
const RULES6 = [
  '-A PREROUTING -d fd00:2::9 -j DNAT --to-destination fd00:2::20',
  '-A PREROUTING -d fd00:2::9 -p udp -j DNAT --to-destination [fd00:2::20]:4000-4003',
  '-A POSTROUTING -s fd00:1::/64 -o r1 -j MASQUERADE',
  '-A POSTROUTING -s fd00:1::/64 -j SNAT --to-source 2001:db8::1-2001:db8::4',
] as const

const routers = fc.tuple(fc.subarray([...RULES4]), fc.subarray([...RULES6]))
interface Asked {
  readonly six: boolean
  readonly client: number
  readonly server: number
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly sport: number
  readonly dport: number
  readonly payload: Uint8Array
}
const asked: fc.Arbitrary<Asked> = fc.record({
  six: fc.boolean(),
  client: fc.integer({ min: 2, max: 6 }),
  server: fc.constantFrom(9, 9, 20, 30),
  protocol: fc.constantFrom('tcp', 'udp', 'icmp'),
  sport: fc.constantFrom(53, 700, 3000, 40000, 40000, 65535),
  dport: fc.constantFrom(53, 80, 8080),
  payload: fc.uint8Array({ maxLength: 40 }),
})

const ip = (text: string) => parseIp(text)!
const address = (six: boolean, net: number, host: number) => ip(six ? `fd00:${net}::${host}` : `10.${net}.0.${host}`)

function packetOf({ six, client, server, protocol, sport, dport, payload }: Asked): Packet {
  const transport: TransportFields =
    protocol === 'icmp'
      ? { is: 'icmp', type: six ? 128 : 8, code: 0, rest: ((sport << 16) | 1) >>> 0 }
      : protocol === 'udp'
        ? { is: 'udp', sport, dport }
        : { is: 'tcp', sport, dport, flags: 2, sequence: 1000, acknowledgement: 0, window: 1000 }
  return buildPacket(
    { src: address(six, 1, client), dst: address(six, 2, server), ttl: 64, id: 7, df: true },
    transport,
    payload,
  )
}

/** What the one who got `packet` sends back. */
function answerTo(packet: Packet): Packet {
  const { src, dst, sport, dport } = headersOf(packet, 0)
  const { protocol, offset } = packet.transport
  const ends = { src: ip(dst), dst: ip(src), ttl: 64, id: 9, df: true }
  if (protocol === 6)
    return buildPacket(
      ends,
      { is: 'tcp', sport: dport!, dport: sport!, flags: 18, sequence: 5000, acknowledgement: 1001, window: 1000 },
      new Uint8Array(0),
    )
  if (protocol === 17) return buildPacket(ends, { is: 'udp', sport: dport!, dport: sport! }, Uint8Array.of(1, 2))
  const view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset)
  return buildPacket(
    ends,
    { is: 'icmp', type: packet.family === 4 ? 0 : 129, code: 0, rest: view.getUint32(offset + 4) },
    packet.bytes.slice(offset + 8),
  )
}

function enter(simulation: Simulation, place: Namespace, link: 'r0' | 'r1', packet: Packet, at: number) {
  const destination = Number.parseInt((link === 'r0' ? NEAR : WIDE).replaceAll(':', ''), 16)
  const frame = buildFrame(
    { source: PEERS[link], destination, ethertype: packet.family === 4 ? 0x0800 : 0x86dd },
    packet.bytes,
  )
  return simulation.receive(place, link, frame, at).sent
}

const endsOf = (packet: Packet) => {
  const { src, dst, sport, dport, icmp } = headersOf(packet, 0)
  return { src, dst, sport, dport, id: icmp?.id }
}

describe('every packet', () => {
  test('replies are translated back to what was asked; checksums are right; nothing leaves twice', () => {
    fc.assert(
      fc.property(routers, fc.array(asked, { minLength: 1, maxLength: 8 }), fc.integer(), ([nat4, nat6], all, seed) => {
        const [hosts, place] = routerWith(nat4, nat6)
        const simulation = simulate(hosts, { now: 0, seed, assumeNeighbours: true })
        for (const [at, one] of all.entries()) {
          const packet = packetOf(one)
          const sent = enter(simulation, place, 'r0', packet, at)
          expect(new Set(sent.map(({ interface: name, frame }) => `${name} ${bytesToHex(frame)}`)).size).toBe(
            sent.length,
          )
          for (const { frame } of sent) {
            const came = packetOfFrame(frame)!
            expect([headerChecksumOk(came), checksumOk(came)]).toEqual([true, true])
          }
          expect(sent.length).toBeLessThanOrEqual(1)
          const [out] = sent
          if (!out) continue
          const came = packetOfFrame(out.frame)!
          const back = enter(simulation, place, out.interface as 'r0' | 'r1', answerTo(came), at)
          expect(back.length).toBe(1)
          const home = packetOfFrame(back[0]!.frame)!
          expect([headerChecksumOk(home), checksumOk(home)]).toEqual([true, true])
          const { src, dst, sport, dport, id } = endsOf(packet)
          expect(endsOf(home)).toEqual({ src: dst, dst: src, sport: dport, dport: sport, id })
          expect(back[0]!.interface).toBe('r0')
        }
        // for every connection: no two have replies that look alike
        const replies = simulation.connections(place).map(({ reply }) => Object.values(reply).join())
        expect(new Set(replies).size).toBe(replies.length)
      }),
      { numRuns: 80 },
    )
  })

  test('whatever bytes come in, the walk ends', () => {
    const [hosts, place] = routerWith(RULES4, RULES6)
    const wild = fc.tuple(
      fc.constantFrom('r0', 'r1'),
      fc.boolean(),
      asked,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.nat(80),
    )
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 6 }), (all) => {
        const simulation = simulate(hosts, { now: 0, seed: 1, assumeNeighbours: true })
        for (const [link, random, one, changes, length] of all) {
          const packet = packetOf(one)
          for (const [at, value] of changes) packet.bytes[at % packet.bytes.length] = value
          if (random) packet.bytes = packet.bytes.slice(0, Math.max(1, length % packet.bytes.length))
          packet.touch()
          const sent = enter(simulation, place, link as 'r0' | 'r1', packet, 0)
          expect(sent.length).toBeLessThan(20)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('two routers that send everything to each other: it ends with its TTL', () => {
    const host = (own: string, peer: string, mac: string) => ({
      'ip-link.json': JSON.stringify([LINK(2, 'e0', mac)]),
      'ip-addr.json': JSON.stringify([ADDRESS(2, 'e0', [own, 24])]),
      'ip-route.json': JSON.stringify([
        { dst: 'default', gateway: peer, dev: 'e0' },
        { dst: '10.9.0.0/24', dev: 'e0', scope: 'link' },
      ]),
      sysctl:
        'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.e0.send_redirects = 0\n',
    })
    const files = Object.entries({ a: host('10.9.0.1', '10.9.0.2', NEAR), b: host('10.9.0.2', '10.9.0.1', WIDE) })
    const read = readSnapshot(
      files.flatMap(([name, texts]) =>
        Object.entries(texts).map(([path, text]) => ({ path: `${name}/${path}`, text })),
      ),
    )
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    const request = {
      is: 'fields',
      protocol: 17,
      from: 'a',
      in: 'e0',
      src: { ip: ip('198.51.100.9') },
      dst: { ip: ip('203.0.113.5') },
      dport: 53,
    } as const
    const { branches } = trace(read.hosts, request)
    expect(branches.map(({ where }) => where.reason)).toEqual(['ttl-exceeded'])
  })
})
