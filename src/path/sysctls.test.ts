import { describe, expect, test } from 'vitest'
import { interfaceFlag, interfaceMaximum, readSysctl } from './sysctls.js'

const map = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split(' ').map((pair) => pair.split('=') as [string, string]))

describe('a setting', () => {
  test.each([
    ['net.ipv4.ip_forward=1', 'net.ipv4.ip_forward', 1, false],
    ['net.ipv4.ip_forward=1', 'net.ipv4.conf.all.forwarding', 1, false],
    ['net.ipv4.conf.all.forwarding=1', 'net.ipv4.ip_forward', 1, false],
    ['net.ipv4.ip_forward=1', 'net.ipv4.conf.eth0.forwarding', 1, false],
    ['net.ipv4.ip_forward=1 net.ipv4.conf.eth0.forwarding=0', 'net.ipv4.conf.eth0.forwarding', 0, false],
    ['net.ipv4.conf.default.rp_filter=2', 'net.ipv4.conf.eth0.rp_filter', 2, true],
    ['net.ipv4.conf.default.rp_filter=2', 'net.ipv4.conf.all.rp_filter', 0, true],
    [
      'net.ipv4.conf.default.rp_filter=2 net.ipv4.conf.flannel/1.rp_filter=1',
      'net.ipv4.conf.flannel/1.rp_filter',
      1,
      false,
    ],
    ['a=b', 'net.ipv4.conf.eth0.send_redirects', 1, true],
    ['a=b', 'net.ipv4.ip_forward', 0, true],
    ['a=b', 'net.netfilter.nf_conntrack_max', 262144, true],
  ] as const)('%s: %s is %d', (given, key, value, assumed) =>
    expect(readSysctl(map(given), key)).toEqual({ value, assumed }),
  )
  test('no file at all', () =>
    expect(readSysctl(undefined, 'net.ipv4.ip_default_ttl')).toEqual({ value: 64, assumed: true }))
})

describe('all and the interface', () => {
  const read = (text: string) => (key: string) => readSysctl(map(text), key).value
  const keys = (name: string, all: number, own: number) =>
    `net.ipv4.conf.all.${name}=${all} net.ipv4.conf.eth0/7.${name}=${own}`
  test.each([[0, 0, 0], [1, 0, 1], [0, 2, 2], [2, 1, 2], [1, 2, 2]])('rp_filter %d, %d: the greater', (all, own, value) => {
    expect(interfaceMaximum(read(keys('rp_filter', all, own)), 'rp_filter', 'eth0.7')).toBe(value)
  }) // biome-ignore format: a table
  test.each([[0, 0, false], [1, 0, true], [0, 1, true]])('accept_local %d, %d: either', (all, own, value) => {
    expect(interfaceFlag(read(keys('accept_local', all, own)), 'accept_local', 'eth0.7', 'or')).toBe(value)
  }) // biome-ignore format: a table
  test.each([[1, 0, false], [0, 1, true]])('forwarding %d, %d: its own', (all, own, value) => {
    expect(interfaceFlag(read(keys('forwarding', all, own)), 'forwarding', 'eth0.7', 'own')).toBe(value)
  }) // biome-ignore format: a table
})
