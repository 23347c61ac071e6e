import { JOINED_MACS, type LabSpec } from '../lab.js'
import type { Random } from '../prng.js'
import { macOf, sysctls } from './labs.js'
import { host, outside, type Scene, wan } from './scene.js'

/**
 * Two routers in a row: clients (r0) and servers (r1) at the first, another net (r3) and the world (r2) at the second, `j0` and `j1` between them.
 * Either has its own sysctls and backend.
 */
export function twoRouters(
  random: Random,
  family: 4 | 6,
  backends: readonly ['legacy' | 'nft', 'legacy' | 'nft'],
): LabSpec {
  const length = family === 4 ? 16 : 64
  const net = (number: number) => (family === 4 ? `10.${number}.0.0/16` : `fd00:${number.toString(16)}::/64`)
  const join = (name: string, number: number, mtu: number) => ({
    name,
    addresses: [`${host(family, 9, number)}/${length}`],
    arp: false,
    mtu,
  })
  const mtu = random.chance(0.15) ? 1280 : 1500
  const link = (name: string, addresses: readonly string[]) => ({ name, addresses, arp: false, mtu: 1500 })
  const neighbour = (ip: string, mac: string, dev: string) => `${ip} lladdr ${mac} dev ${dev} nud permanent`
  const bad = [`blackhole ${net(66)}`, `unreachable ${net(67)}`, `prohibit ${net(68)}`]
  const badAt = random.int(0, 1)
  return {
    family,
    backend: backends[0],
    links: [
      link('r0', [`${host(family, 1, 1)}/${length}`]),
      link('r1', [`${host(family, 2, 1)}/${length}`, `${host(family, 2, 7)}/${length}`]),
    ],
    routes: [
      `${net(3)} via ${host(family, 9, 2)} dev j0`,
      ...(badAt === 0 ? bad : []),
      ...(random.chance(0.9) ? [`default via ${host(family, 9, 2)} dev j0`] : []),
      `${net(3)} via ${host(family, 2, 3)} dev r1 table 100`,
    ],
    rules: random.chance(0.3) ? ['fwmark 0x1/0x1 lookup 100 pref 1000'] : [],
    neighbours: [
      neighbour(host(family, 9, 2), JOINED_MACS[1], 'j0'),
      neighbour(host(family, 2, 3), macOf(3), 'r1'),
      neighbour(host(family, 2, 20), macOf(20), 'r1'),
      neighbour(host(family, 1, 30), macOf(30), 'r0'),
    ],
    sysctls: own(random.fork('first'), family, ['r0', 'r1', 'j0']),
    udp: [[family === 4 ? '0.0.0.0' : '::', 53], [host(family, 1, 1), 5000]],
    second: {
      joined: [join('j0', 1, mtu), join('j1', 2, mtu)],
      backend: backends[1],
      links: [link('r2', [`${wan(family, 1)}/${family === 4 ? 24 : 64}`]), link('r3', [`${host(family, 3, 1)}/${length}`])],
      routes: [
        `${net(1)} via ${host(family, 9, 1)} dev j1`,
        ...(random.chance(0.9) ? [`${net(2)} via ${host(family, 9, 1)} dev j1`] : []),
        ...(badAt === 1 ? bad : []),
        ...(random.chance(0.9) ? [`default via ${wan(family, 254)} dev r2`] : []),
        `${net(3)} via ${wan(family, 253)} dev r2 table 100`,
      ],
      rules: random.chance(0.3) ? ['fwmark 0x1/0x1 lookup 100 pref 1000'] : [],
      neighbours: [
        neighbour(host(family, 9, 1), JOINED_MACS[0], 'j1'),
        neighbour(wan(family, 254), macOf(4), 'r2'),
        neighbour(wan(family, 253), macOf(5), 'r2'),
        neighbour(host(family, 3, 9), macOf(9), 'r3'),
        neighbour(outside(family, 9), macOf(9), 'r2'),
      ],
      sysctls: own(random.fork('second'), family, ['r2', 'r3', 'j1']),
      udp: [[family === 4 ? '0.0.0.0' : '::', 53], [host(family, 3, 1), 5000]],
    },
  } // biome-ignore format: a table
}

/** What a lab of one router draws, for the links that this router has. */
function own(random: Random, family: 4 | 6, links: readonly string[]): Readonly<Record<string, string>> {
  const of = (name: string) => /\.conf\.([rj]\d)\./.exec(name)?.[1]
  const drawn = Object.entries(sysctls(random, family)).filter(
    ([name]) => of(name) === undefined || links.includes(of(name)!),
  )
  const redirects = family === 4 ? links.map((link) => [`net.ipv4.conf.${link}.send_redirects`, '0'] as const) : []
  return Object.fromEntries([...drawn, ...redirects])
}

/** The scene as rules of the second router see it: its own links. */
export function behind(scene: Scene): Scene {
  const { second } = scene.spec
  if (!second) return scene
  const { joined, links, backend } = second
  return { ...scene, sets: [], spec: { ...scene.spec, backend, links: [joined[1], ...links] } }
}

/** And as those of the first do. */
export const before = (scene: Scene): Scene =>
  scene.spec.second
    ? { ...scene, spec: { ...scene.spec, links: [...scene.spec.links, scene.spec.second.joined[0]] } }
    : scene
