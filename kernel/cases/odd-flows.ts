import type { Injection } from '../lab.js'
import { hex, icmp, ip4, ip6, tcp, udp } from './frames.js'
import { clients, destinations, routers } from './scene.js'
import { arrives, dataOf, ends, type Flow, type Header, network, type Stage, sport } from './stage.js'

/** One datagram in pieces: in order or not, whole or with a piece missing, twice the same piece. */
export function* fragmentFlow(stage: Stage): Flow {
  const { random, scene, ids } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const datagram = udp({ src, dst, ...ports }, Array.from({ length: 40 }, (_, i) => hex(i, 1)).join(''))
  const id = ids.next++ & 0xffff
  type Cut = readonly [from: number, to: number]
  const cuts: readonly [Cut, Cut, Cut] = [
    [0, 16],
    [16, 32],
    [32, 48],
  ]
  const order = random.weighted<readonly Cut[]>([
    [4, cuts],
    [2, [cuts[1], cuts[0], cuts[2]]],
    [1, [cuts[0], cuts[1]]],
    [1, [cuts[1]]],
    [1, [cuts[0], cuts[0], cuts[1], cuts[2]]],
    [0.5, [cuts[0], [8, 32], cuts[1], cuts[2]]],
    [0.5, [cuts[2], [32, 44], cuts[0], cuts[1]]],
    [0.5, [[0, 20], cuts[1], cuts[2]]],
    [0.5, [[0, 4], cuts[0], cuts[1], cuts[2]]],
    [
      0.5,
      [
        [0, 32],
        [8, 16],
        [16, 24],
        [32, 48],
      ],
    ],
    [0.5, [[0, 48]]],
  ])
  const odd = random.chance(0.15)
  for (const [from, to] of order) {
    const piece = datagram.slice(2 * from, 2 * to)
    const more = to < 48
    if (scene.family === 4)
      yield arrives(
        at,
        network(
          stage,
          {
            src,
            dst,
            protocol: 17,
            id,
            ttl: 64,
            tos: odd ? random.int(0, 3) : 0,
            fragment: (more ? 0x2000 : 0) | (odd && random.chance(0.5) ? 0x4000 : 0) | (from / 8),
          },
          piece,
        ),
      )
    else
      yield arrives(
        at,
        ip6({ src, dst, protocol: 17, extensions: [[44, `00${hex(from | (more ? 1 : 0), 2)}${hex(id, 4)}`]] }, piece),
      )
  }
}

/** Addresses of the lab at which nobody answers TCP: of subnets, groups, anycast. */
const NOT_UNICAST = {
  4: ['10.1.255.255', '10.2.255.255', '255.255.255.255', '224.0.0.1'],
  6: ['fd00:1::', 'fd00:2::', 'ff02::1', 'ff0e::1'],
} as const

/** Packets that nobody should send. */
export function* oddFlow(stage: Stage): Flow {
  const { random, scene, ids } = stage
  const { family } = scene
  const [at, src] = random.pick(clients(scene))
  const dst = random.weighted(destinations(scene))
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const plain = (header: Partial<Header>, data = dataOf(stage)) => {
    const whole = { src, dst, ...header }
    return network(stage, { protocol: 17, ...whole }, udp({ ...whole, ...ports }, data))
  }
  // veth takes no longer ones
  const most = (scene.spec.links.find(({ name }) => name === at)?.mtu ?? 1500) - 48
  const everywhere: readonly (() => Injection)[] = [
    () => arrives(at, plain({}), { to: '02:00:00:00:09:09' }),
    () => arrives(at, plain({}), { to: 'ff:ff:ff:ff:ff:ff' }),
    () => arrives(at, plain({ ttl: random.int(0, 2) })),
    () => arrives(at, plain({ src: random.pick(routers(family)) })),
    () => arrives(at, `${plain({})}00000000`),
    () => arrives(at, plain({}, '61'.repeat(Math.min(most, random.pick([1190, 1240, 1280, 1400, 1450]))))),
    () => arrives(at, plain({ ttl: random.int(1, 2) }, '61'.repeat(Math.min(most, 1400)))),
    () => arrives(at, plain({}), { type: 0x8100 }),
    () => arrives(at, network(stage, { src, dst, protocol: random.pick([50, 47, 132, 2, 89, 253, 33]) }, '0102030405060708090a0b0c0d0e0f10')),
    () => arrives(at, network(stage, { src, dst, protocol: random.pick([6, 17]) }, '01020304')),
    () => {
      const whole = { src, dst: random.pick(NOT_UNICAST[family]), protocol: 6 }
      return arrives(at, network(stage, whole, tcp({ ...whole, ...ports, seq: 1, ack: 1, flags: random.pick([2, 2, 16, 18, 4]) })))
    },
    () => arrives(at, network(stage, { src, dst, protocol: 6 }, `${tcp({ src, dst, ...ports, seq: 1, ack: 0, flags: 2 }).slice(0, 24)}f${tcp({ src, dst, ...ports, seq: 1, ack: 0, flags: 2 }).slice(25)}`)),
  ] // biome-ignore format: a list
  const only4: readonly (() => Injection)[] = [
    () => arrives(at, plain({ src: random.pick(['127.0.0.1', '0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '240.0.0.1', '198.51.100.1', '10.2.0.50']) })),
    () => arrives(at, plain({ dst: random.pick(['127.0.0.1', '0.0.0.0', '0.1.2.3', '240.0.0.1', '10.2.255.255', '10.1.0.77']) })),
    () => arrives(at, plain({ dst: random.pick(['255.255.255.255', '10.1.255.255']) }), { to: 'ff:ff:ff:ff:ff:ff' }),
    () => arrives(at, plain({ dst: '224.0.0.1' }), { to: '01:00:5e:00:00:01' }),
    () => arrives(at, plain({ dst: '239.1.1.1' }), { to: '01:00:5e:01:01:01' }),
    () => arrives(at, plain({ options: random.pick(['07070400000000' + '00', '94040000', '83070400000000' + '00', '01010101', '83030400']) })),
    () => arrives(at, ip4({ src, dst, protocol: 17, checksum: 0x1234 }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, ihl: random.pick([4, 15]) }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, totalLength: random.pick([16, 1000]) }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, version: 6 }, udp({ src, dst, ...ports })), { type: 0x0800 }),
    () => arrives(at, plain({}).slice(0, 24), {}),
    () => arrives(at, plain({ fragment: random.pick([0x2000, 0x2002, 1, 8]), id: ids.next++ & 0xffff })),
    () => ({ at: 'local', frame: plain({ src: random.pick(['0.0.0.0', '10.1.0.1', '1.2.3.4']), dst: random.pick([dst, '255.255.255.255', '10.1.255.255']), protocol: 17 }) }),
  ] // biome-ignore format: a list
  const only6: readonly (() => Injection)[] = [
    () => arrives(at, plain({ src: random.pick(['::', '::1', 'ff02::1', 'fe80::9', 'fd00:1::1', '2001:db8:9::9']) })),
    () => arrives(at, plain({ dst: random.pick(['::', '::1', 'fe80::9', 'fd00:1::', 'fd00:2::', '2001:db8:2::']) })),
    () => { const [group, mac] = random.pick(GROUPS); return arrives(at, plain({ dst: group, ttl: random.pick([1, 64, 255]) }), { to: mac }) },
    () => { const [group, mac] = random.pick(GROUPS); return arrives(at, network(stage, { src, dst: group, protocol: 58 }, icmp({ src, dst: group }, 128, 0, '00010001616263')), { to: mac }) },
    () => ({ at: 'local', frame: plain({ src: random.pick(['fd00:1::1', '2001:db8:2::1']), dst: random.pick([dst, random.pick(GROUPS)[0]]) }) }),
  ] // biome-ignore format: a list
  for (let n = random.int(1, 2); n > 0; n--)
    yield random.pick(family === 4 ? [...everywhere, ...only4, ...only4] : [...everywhere, ...only6])()
}

/** IPv6 groups: of this host and of others, and groups that are none. */
const GROUPS: readonly (readonly [address: string, mac: string])[] = [
  ['ff02::1', '33:33:00:00:00:01'],
  ['ff02::2', '33:33:00:00:00:02'],
  ['ff05::2', '33:33:00:00:00:02'],
  ['ff02::9', '33:33:00:00:00:09'],
  ['ff02::1:ff00:1', '33:33:ff:00:00:01'],
  ['ff01::1', '33:33:00:00:00:01'],
  ['ff00::1', '33:33:00:00:00:01'],
]
