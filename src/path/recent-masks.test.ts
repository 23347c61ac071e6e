import { expect, test } from 'vitest'
import { parsePacketLine } from '../packet/language.js'
import { plantedHost } from '../testing/planted.js'
import { trace } from './trace.js'

const LINKS = '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet 192.0.2.10/24 scope global eth0\n' // biome-ignore format: a file
const FILES = { 'ip-addr': LINKS, 'ip-route': '192.0.2.0/24 dev eth0 scope link src 192.0.2.10\n', sysctl: 'net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 0\n' } // biome-ignore format: files

/** net/netfilter/xt_recent.c: recent_mt_check: a list keeps the mask of the rule that made it. */
test.each([
  ['255.255.255.255', '255.255.255.255', 'delivered'],
  ['255.255.255.0', '255.255.255.0', 'delivered'],
  ['255.255.255.0', '255.255.255.255', 'undecided'],
])('rules of one list with the masks %s and %s: %s', (one, other, outcome) => {
  const rule = (op: string, mask: string, target: string) =>
    `-A INPUT -m recent --${op} --name l --mask ${mask} --rsource${target}`
  const iptables = [rule('rcheck', one, ' -j DROP'), rule('set', other, '')]
  const read = parsePacketLine('udp 192.0.2.9 > 192.0.2.10:53 in eth0')
  if (!read.ok) throw new Error(read.problem.message)
  const { branches } = trace(plantedHost({ iptables, ...FILES }), read.packet, { now: 0 })
  expect(branches.map((branch) => branch.outcome)).toEqual([outcome])
})
