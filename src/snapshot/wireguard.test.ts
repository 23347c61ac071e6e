import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { printPrefix } from '../address/prefix.js'
import { detect } from './detect.js'
import { readWireGuard } from './wireguard.js'

const [OWN, PEER, OTHER] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(43)}=`) as [string, string, string]
const SHOW = `interface: wg0
  public key: ${OWN}
  private key: (hidden)
  listening port: 51820
  fwmark: 0xca6c

peer: ${PEER}
  preshared key: (hidden)
  endpoint: 203.0.113.9:51821
  allowed ips: 10.8.0.2/32, fd00::2/128
  latest handshake: 1 minute, 4 seconds ago
  transfer: 1.21 MiB received, 3.44 MiB sent
  persistent keepalive: every 25 seconds

peer: ${OTHER}
  allowed ips: (none)
`
const DUMP = `wg0	(none)	${OWN}	51820	0xca6c
wg0	${PEER}	(none)	203.0.113.9:51821	10.8.0.2/32,fd00::2/128	1700000000	1	2	25
wg0	${OTHER}	(none)	(none)	(none)	0	0	0	off
`

describe.each([
  ['wg show', SHOW],
  ['wg show all dump', DUMP],
])('%s', (_, text) => {
  test('is recognised', () => expect(detect('some.txt', text)).toBe('wireguard'))
  test('devices, peers, endpoints, allowed IPs', () => {
    const wg0 = readWireGuard(text).get('wg0')!
    expect(wg0).toMatchObject({ publicKey: OWN, port: 51820, fwmark: 0xca6c })
    expect(wg0.peers.map(({ publicKey }) => publicKey)).toEqual([PEER, OTHER])
    expect(wg0.peers[0]).toMatchObject({ endpoint: { ip: parseIp('203.0.113.9'), port: 51821 } })
    expect(wg0.peers[0]!.allowed.map(printPrefix)).toEqual(['10.8.0.2/32', 'fd00::2/128'])
    expect(wg0.peers[1]).toMatchObject({ endpoint: undefined, allowed: [] })
  })
})

test.each([
  ['interface: wg0\n  listening port: many\n', 2, '"many" is not a number'],
  ['interface: wg0\n\npeer: x\n  allowed ips: 10.8.0.2/99\n', 4, 'is not an address or prefix'],
  ['interface: wg0\n\npeer: x\n  endpoint: nowhere\n', 4, 'is no address with a port'],
  [`wg0\t${PEER}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`, 1, 'has no line of its own'],
])('what is wrong is told by its line: %j', (text, line, message) => {
  expect(() => readWireGuard(text)).toThrow(message)
  try {
    readWireGuard(text)
  } catch (error) {
    expect(error).toMatchObject({ position: { line } })
  }
})
