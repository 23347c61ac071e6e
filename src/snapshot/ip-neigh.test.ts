import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { readNeighbours } from './ip-neigh.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')

describe('ip neigh', () => {
  const expected = [
    { ip: parseIp('192.0.2.254'), dev: 'eth0', mac: 0x0200000000fe, state: 'PERMANENT' },
    { ip: parseIp('192.0.2.253'), dev: 'eth0', mac: 0x0200000000fd, state: 'STALE' },
    { ip: parseIp('192.0.2.252'), dev: 'eth0', mac: undefined, state: 'FAILED' },
    { ip: parseIp('192.0.2.9'), dev: 'eth0', mac: undefined, state: 'FAILED' },
    { ip: parseIp('2001:db8:1::ff'), dev: 'eth0', mac: 0x0200000000fe, state: 'PERMANENT' },
  ]
  test.each(['ip-neigh.json', 'ip-neigh.txt'])('%s', (name) => expect(readNeighbours(recorded(name))).toEqual(expected))
  test.each([
    ['192.0.2.254 dev eth0 lladdr 02:00:00:00:00:zz STALE', 1, 29, 'lladdr "02:00:00:00:00:zz" is not a MAC address'],
    ['192.0.2.254 lladdr 02:00:00:00:00:01 STALE', 1, 1, 'dev is missing'],
    ['192.0.2.254 dev eth0 HAPPY', 1, 22, '"HAPPY" is no word of a neighbour'],
    ['192.0.2.254 dev', 1, 16, 'the line ends after dev'],
  ] as const)('%j', (text, line, column, message) => {
    expect(() => readNeighbours(text)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
