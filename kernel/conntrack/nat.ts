import { parseIp } from '../../src/address/ip.js'
import type { Packet } from '../../src/packet/packet.js'
import type { Random } from '../prng.js'
import type { Config, NatRule } from './walk.js'
import { dstOf, srcOf } from './walk.js'

const ip = (t: string) => parseIp(t)!
/** `mix`: one rule or none on each side; `drawn`: a destination port out of a range; `exhaust`: few source ports. */
export type NatMode = 'none' | 'mix' | 'drawn' | 'exhaust' | 'zones'

/** Rules of one case; `raw`: one in raw PREROUTING. */
export interface NatRules {
  readonly rules: readonly NatRule[]
  readonly raw: string
  readonly zone: Config['zone']
}

export function natRules(random: Random, family: 4 | 6, mode: NatMode): NatRules {
  if (mode === 'none') return { rules: [], raw: '', zone: undefined }
  if (mode === 'zones') {
    const dir = random.pick(['', '-orig', '-reply'])
    return {
      rules: [],
      raw: `-A PREROUTING -i r0 -j CT --zone${dir} 5`,
      zone: (at) =>
        at === 'r0'
          ? { zone: 5, direction: dir === '' ? undefined : dir === '-orig' ? 'original' : 'reply' }
          : { zone: 0 },
    }
  }
  const six = family === 6
  const P = six ? 'fd00:9::' : '198.51.100.'
  const addr = (a: string) => (six ? `[${a}]` : a)
  const left = (p: Packet) =>
    six ? (srcOf(p) as bigint) >> 64n === (ip('fd00:1::') as bigint) >> 64n : Number(srcOf(p)) >>> 16 === 0x0a01
  const L = six ? 'fd00:1::/64' : '10.1.0.0/16'
  const proto = (p: Packet) => p.transport.protocol
  const toLeft = (p: Packet) =>
    six ? (dstOf(p) as bigint) >> 64n === (ip('fd00:1::') as bigint) >> 64n : Number(dstOf(p)) >>> 16 === 0x0a01
  const rules: NatRule[] = []
  const src =
    mode === 'drawn'
      ? 'none'
      : mode === 'exhaust'
        ? random.pick(['ports', 'oneport', 'range'])
        : random.pick([
            'none',
            'one',
            'masq',
            'two',
            'ports',
            'oneport',
            'random',
            'range',
            'persistent',
            'netmap',
            'many',
          ])
  const S: Record<string, () => void> = {
    none: () => {},
    one: () =>
      rules.push({
        manip: 'src',
        match: left,
        range: { addresses: [ip(`${P}7`), ip(`${P}7`)] },
        text: `-A POSTROUTING -s ${L} -j SNAT --to-source ${P}7`,
      }),
    masq: () =>
      rules.push({
        manip: 'src',
        match: (p) => left(p) && !toLeft(p),
        range: { addresses: [ip(six ? 'fd00:2::fffe' : '10.2.255.254'), ip(six ? 'fd00:2::fffe' : '10.2.255.254')] },
        text: `-A POSTROUTING -s ${L} -o r1 -j MASQUERADE`,
      }),
    two: () =>
      rules.push({
        manip: 'src',
        match: left,
        range: { addresses: [ip(`${P}7`), ip(`${P}8`)] },
        text: `-A POSTROUTING -s ${L} -j SNAT --to-source ${P}7-${P}8`,
      }),
    many: () =>
      rules.push({
        manip: 'src',
        match: left,
        range: {
          addresses: six ? [ip('fd00:9::5:10'), ip('fd00:9::7:3')] : [ip('198.51.99.10'), ip('198.51.101.200')],
        },
        text: `-A POSTROUTING -s ${L} -j SNAT --to-source ${six ? 'fd00:9::5:10-fd00:9::7:3' : '198.51.99.10-198.51.101.200'}`,
      }),
    persistent: () =>
      rules.push({
        manip: 'src',
        match: left,
        range: { addresses: [ip(`${P}1`), ip(`${P}99`)], persistent: true },
        text: `-A POSTROUTING -s ${L} -j SNAT --to-source ${P}1-${P}99 --persistent`,
      }),
    ports: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'src',
          match: (p) => left(p) && proto(p) === n,
          range: { addresses: [ip(`${P}7`), ip(`${P}7`)], ports: [3000, 3003] },
          text: `-A POSTROUTING -s ${L} -p ${name} -j SNAT --to-source ${addr(`${P}7`)}:3000-3003`,
        })
    },
    oneport: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'src',
          match: (p) => left(p) && proto(p) === n,
          range: { addresses: [ip(`${P}7`), ip(`${P}7`)], ports: [3000, 3000] },
          text: `-A POSTROUTING -s ${L} -p ${name} -j SNAT --to-source ${addr(`${P}7`)}:3000`,
        })
    },
    random: () =>
      rules.push({
        manip: 'src',
        match: left,
        range: { addresses: [ip(`${P}7`), ip(`${P}7`)], random: true },
        text: `-A POSTROUTING -s ${L} -j SNAT --to-source ${P}7 --random`,
      }),
    range: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'src',
          match: (p) => left(p) && proto(p) === n,
          range: { ports: [1000, 1002] },
          text: `-A POSTROUTING -s ${L} -p ${name} -j SNAT --to-source :1000-1002`,
        })
    },
    netmap: () => {
      rules.push({
        manip: 'src',
        match: left,
        range: {
          addresses: six ? [ip('fd00:9::'), ip('fd00:9::ffff')] : [ip('198.51.0.0'), ip('198.51.255.255')],
          netmap: true,
        },
        text: `-A POSTROUTING -s ${L} -j NETMAP --to ${six ? 'fd00:9::/112' : '198.51.0.0/16'}`,
      })
    },
  }
  S[src]!()
  const dst =
    mode === 'exhaust'
      ? 'none'
      : mode === 'drawn'
        ? 'dports'
        : random.pick(['none', 'one', 'port', 'ports', 'shift', 'two', 'hairpin'])
  const R = six ? 'fd00:2::' : '10.2.0.'
  const toVip = (p: Packet) => dstOf(p) === ip(`${R}9`)
  const D: Record<string, () => void> = {
    none: () => {},
    one: () =>
      rules.push({
        manip: 'dst',
        match: toVip,
        range: { addresses: [ip(`${R}3`), ip(`${R}3`)] },
        text: `-A PREROUTING -d ${R}9 -j DNAT --to-destination ${R}3`,
      }),
    two: () =>
      rules.push({
        manip: 'dst',
        match: toVip,
        range: { addresses: [ip(`${R}3`), ip(`${R}6`)] },
        text: `-A PREROUTING -d ${R}9 -j DNAT --to-destination ${R}3-${R}6`,
      }),
    port: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'dst',
          match: (p) => toVip(p) && proto(p) === n,
          range: { addresses: [ip(`${R}3`), ip(`${R}3`)], ports: [8080, 8080] },
          text: `-A PREROUTING -d ${R}9 -p ${name} -j DNAT --to-destination ${addr(`${R}3`)}:8080`,
        })
    },
    ports: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'dst',
          match: (p) => toVip(p) && proto(p) === n,
          range: { addresses: [ip(`${R}3`), ip(`${R}3`)], ports: [8080, 8084] },
          text: `-A PREROUTING -d ${R}9 -p ${name} -j DNAT --to-destination ${addr(`${R}3`)}:8080-8084`,
        })
    },
    shift: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'dst',
          match: (p) => toVip(p) && proto(p) === n,
          range: { addresses: [ip(`${R}3`), ip(`${R}3`)], ports: [8000, 8999], basePort: 50 },
          text: `-A PREROUTING -d ${R}9 -p ${name} -j DNAT --to-destination ${addr(`${R}3`)}:8000-8999/50`,
        })
    },
    dports: () => {
      for (const [n, name] of [
        [6, 'tcp'],
        [17, 'udp'],
      ] as const)
        rules.push({
          manip: 'dst',
          match: (p) => toVip(p) && proto(p) === n,
          range: { addresses: [ip(`${R}3`), ip(`${R}3`)], ports: [8080, 8084], random: true },
          text: `-A PREROUTING -d ${R}9 -p ${name} -j DNAT --to-destination ${addr(`${R}3`)}:8080-8084 --random`,
        })
    },
    hairpin: () =>
      rules.push({
        manip: 'dst',
        match: toVip,
        range: { addresses: [ip(six ? 'fd00:1::5' : '10.1.0.5'), ip(six ? 'fd00:1::5' : '10.1.0.5')] },
        text: `-A PREROUTING -d ${R}9 -j DNAT --to-destination ${six ? 'fd00:1::5' : '10.1.0.5'}`,
      }),
  }
  D[dst]!()
  return { rules, raw: '', zone: undefined }
}
