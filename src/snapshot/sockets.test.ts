import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp, printIp } from '../address/ip.js'
import type { Socket } from '../path/world.js'
import { readSockets } from './sockets.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')
const shown = ({ protocol, state, local, family, port, remote, remotePort, dev }: Socket) =>
  [
    protocol,
    state,
    local === undefined ? '*' : printIp(local),
    family,
    port,
    ...(remote === undefined ? [] : [printIp(remote), remotePort]),
    ...(dev ? [dev] : []),
  ].join(' ')

const LISTENING = [
  'udp listen * 4 53',
  'udp listen * 4 68 eth0',
  'udp listen * 4 4789',
  'udp listen fe80::ff:fe00:1 6 546 eth0',
  'udp listen * both 5353',
  'tcp listen 127.0.0.1 4 631',
  'tcp listen * 4 22',
  'tcp listen 2001:db8:1::1 6 443',
  'tcp listen * 6 22',
  'tcp listen * both 80',
]

describe('ss', () => {
  test.each(['ss-tuln.txt', 'ss-tulnpe.txt'])('%s', (name) =>
    expect(readSockets(recorded(name)).map(shown)).toEqual(LISTENING),
  )
  test('-a: connected ones too', () => {
    const sockets = readSockets(recorded('ss-tuanp.txt'))
    expect(sockets.filter(({ state }) => state === 'listen').map(shown)).toEqual(LISTENING)
    expect(
      sockets
        .filter(({ state }) => state === 'connected')
        .map(shown)
        .slice(0, 1),
    ).toEqual(['udp connected 192.0.2.1 4 4000 192.0.2.254 514'])
    expect(sockets.filter(({ state }) => state === 'connected')).toHaveLength(3)
    expect(sockets.find(({ port }) => port === 53)!.process).toBe('python3')
  })
  test('raw sockets have a protocol for a port', () => {
    expect(
      readSockets(
        'Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nraw UNCONN 0 0 0.0.0.0:icmp 0.0.0.0:*\n',
      ).map(shown),
    ).toEqual(['raw listen * 4 0'])
  })
  test('older ss: * is IPv4, ::: is IPv6', () => {
    const text =
      'Netid  State      Recv-Q Send-Q Local Address:Port  Peer Address:Port\ntcp    LISTEN     0      128       *:22       *:*\ntcp    LISTEN     0      128      :::22      :::*\n'
    expect(readSockets(text).map(shown)).toEqual(['tcp listen * 4 22', 'tcp listen * both 22'])
  })
  test('ss -tln: no Netid', () => {
    const text =
      'State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0      5           0.0.0.0:22        0.0.0.0:*\n'
    expect(readSockets(text).map(shown)).toEqual(['tcp listen * 4 22'])
  })
  test('an IPv4-mapped address is IPv4', () => {
    const text =
      'Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\ntcp ESTAB 0 0 [::ffff:192.0.2.1]:443 [::ffff:192.0.2.9]:4000\n'
    expect(readSockets(text)[0]).toMatchObject({
      local: parseIp('192.0.2.1'),
      family: 4,
      remote: parseIp('192.0.2.9'),
      remotePort: 4000,
    })
  })
  test('netstat', () => {
    expect(readSockets(recorded('netstat-tuln.txt')).map(shown)).toEqual([
      'tcp listen 127.0.0.1 4 631',
      'tcp listen * 4 22',
      'tcp listen 2001:db8:1::1 6 443',
      'tcp listen * both 22',
      'tcp listen * both 80',
      'udp listen * 4 53',
      'udp listen * 4 68',
      'udp listen * 4 4789',
      'udp listen fe80::ff:fe00:1 6 546',
      'udp listen * both 5353',
    ])
  })
  test.each([
    ['tcp LISTEN 0 5 0.0.0.0:nothing 0.0.0.0:*', 1, 24, '"nothing" is no port'],
    ['tcp LISTEN 0 5 0.0.0.999:22 0.0.0.0:*', 1, 16, '"0.0.0.999" is not an IP address'],
    ['tcp LISTEN 0 5 0.0.0.0:22', 1, 26, 'the peer address is missing'],
    ['ftp LISTEN 0 5 0.0.0.0:22 0.0.0.0:*', 1, 1, '"ftp" is no protocol of a socket'],
  ] as const)('%s', (text, line, column, message) => {
    expect(() => readSockets(text)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
