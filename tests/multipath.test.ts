import { describe, expect, test } from 'vitest'
import { parseIp } from '../src/address/ip.js'
import { buildPacket } from '../src/packet/build.js'
import { buildFrame, ETHERTYPE } from '../src/packet/frame.js'
import { icmpError } from '../src/packet/reply.js'
import { simulate } from '../src/path/simulate.js'
import { trace } from '../src/path/trace.js'
import { packet, state } from './scenarios/state.js'

const ip = (text: string) => parseIp(text)!

const router = (sysctl: Readonly<Record<string, number>> = {}) =>
  state({
    r: {
      links: { lan0: ['10.1.0.1/16'], wan0: ['192.0.2.1/24'], wan1: ['198.51.100.1/24'] },
      routes: ['default nexthop via 192.0.2.254 dev wan0 weight 3 nexthop via 198.51.100.254 dev wan1 weight 1'],
      sysctl: { 'net.ipv4.ip_forward': 1, ...sysctl },
      sockets: [],
    },
  })

test('several next hops are a lot by weight, for what is forwarded and what this host sends', () => {
  const ways = (line: string) =>
    trace(router(), packet(line)).branches.map(
      ({ probability, outcome, final }) => `${probability} ${outcome} ${final.interface}`,
    )
  expect(ways('tcp 10.1.0.9:4000 > 203.0.113.9:80 in lan0')).toEqual(['0.75 sent wan0', '0.25 sent wan1'])
  expect(ways('udp > 203.0.113.9:80 from r')).toEqual(['0.75 sent wan0', '0.25 sent wan1'])
})

/** Where each of the packets of a client leaves: one, another of the same ports, one of other ports, an ICMP error about an answer. */
function fourOf(client: number, policy: number, seed: number): readonly (string | undefined)[] {
  const hosts = router({ 'net.ipv4.fib_multipath_hash_policy': policy })
  const [place] = hosts.namespaces
  const simulation = simulate(hosts, { now: 0, seed, assumeNeighbours: true })
  const [src, dst] = [ip(`10.1.1.${client}`), ip('203.0.113.9')]
  const udp = (sport: number) => buildPacket({ src, dst }, { is: 'udp', sport, dport: 53 })
  const answer = buildPacket({ src: dst, dst: src }, { is: 'udp', sport: 53, dport: 4000 })
  const error = icmpError(answer, { type: 3, code: 3, source: src })!
  const mac = { source: 0x020000000009, destination: place!.links.find(({ name }) => name === 'lan0')!.mac! }
  return [udp(4000), udp(4000), udp(5000), error].map(({ bytes }) => {
    const frame = buildFrame({ ...mac, ethertype: ETHERTYPE.IPV4 }, bytes)
    return simulation.receive(place!, 'lan0', frame, 0).sent[0]?.interface
  })
}

describe('one flow takes one way', () => {
  const clients = Array.from({ length: 60 }, (_, i) => i + 1)

  test('policy 0: by addresses, whatever the ports; errors go with what they are about', () => {
    const seen = clients.map((client) => fourOf(client, 0, client))
    for (const [first, ...others] of seen) expect(others).toEqual([first, first, first])
    expect(new Set(seen.map(([first]) => first))).toEqual(new Set(['wan0', 'wan1']))
  })

  test('policy 1: by ports too', () => {
    const seen = clients.map((client) => fourOf(client, 1, client))
    for (const [first, second] of seen) expect(second).toBe(first)
    expect(seen.some(([first, , third]) => third !== first)).toBe(true)
    expect(seen.some(([first, , , error]) => error !== first)).toBe(true)
  })
})
