import { describe, expect, test } from 'vitest'
import { hexToBytes } from '../packet/hex.js'
import { readSnapshot } from '../snapshot/index.js'
import { simulate } from './simulate.js'

// One Ethernet port, 10.0.0.1/24 on it and 10.9.0.1/24 on lo; what Linux 6.18 with arptables-nft 1.8.9 answered to each frame.

const REQUEST = {
  opcode: 1,
  sha: '0200000000a1',
  spa: '10.0.0.2',
  tha: '000000000000',
  tpa: '10.0.0.1',
  to: 'ffffffffffff',
  htype: '0001',
  ptype: '0800',
  sizes: '0604',
}
type Arp = typeof REQUEST

const ip = (text: string) =>
  text
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
const frame = (one: Partial<Arp>): string => {
  const { opcode, sha, spa, tha, tpa, to, htype, ptype, sizes } = { ...REQUEST, ...one }
  return `${to}${REQUEST.sha}0806${htype}${ptype}${sizes}000${opcode}${sha}${ip(spa)}${tha}${ip(tpa)}`
}

function host(rules: readonly string[], sysctl = '', policies: readonly [string, string] = ['ACCEPT', 'ACCEPT']) {
  const files: Readonly<Record<string, string>> = {
    'h/ip-addr':
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n    inet 10.9.0.1/24 scope global lo\n2: a0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:a0 brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.1/24 brd 10.0.0.255 scope global a0\n',
    'h/sysctl': `net.ipv4.ip_forward = 1\n${sysctl}\n`,
    'h/arptables-save': ['*filter', `:INPUT ${policies[0]}`, `:OUTPUT ${policies[1]}`, ...rules, ''].join('\n'),
  }
  const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const place = { host: 'h', namespace: '' }
  const run = simulate(read.hosts, { now: 0, seed: 1, assumeNeighbours: false })
  return {
    sent: (one: Partial<Arp>): readonly string[] =>
      run
        .receive(place, 'a0', hexToBytes(frame(one))!, 0)
        .sent.map(({ frame: bytes }) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')),
    counters: () =>
      [...run.ruleCounters(place)].map(([rule, { packets, bytes }]) => `[${packets}:${bytes}] ${rule.text}`),
  }
}

const answered = (spa = '10.0.0.1', tpa = '10.0.0.2', tha = '0200000000a1') =>
  `${tha}0200000000a008060001080006040002${'0200000000a0'}${ip(spa)}${tha}${ip(tpa)}`

type FrameCase = readonly [what: string, arp: Partial<Arp>, sent: readonly string[], sysctl?: string]

const FRAMES: readonly FrameCase[] = [
    ['a request', {}, [answered()]],
    ['a request to somebody else', { to: '020000000077' }, []],
    ['for an address of another interface', { tpa: '10.9.0.1' }, [answered('10.9.0.1')]],
    ['for nobody here', { tpa: '10.0.0.9' }, []],
    ['by nobody yet', { spa: '0.0.0.0' }, [answered('10.0.0.1', '0.0.0.0')]],
    ['by somebody elsewhere', { spa: '99.0.0.2' }, [answered('10.0.0.1', '99.0.0.2')]],
    ['by somebody elsewhere, rp_filter', { spa: '99.0.0.2' }, [], 'net.ipv4.conf.a0.rp_filter = 1'],
    ['a reply', { opcode: 2, tha: '0200000000a0', to: '0200000000a0' }, []],
    ['about itself', { tpa: '10.0.0.2' }, []],
    ['another protocol', { ptype: '86dd' }, []],
    ['IEEE 802', { htype: '0006' }, [answered()]],
    ['opcode 3', { opcode: 3 }, []],
    ['127.0.0.1', { tpa: '127.0.0.1' }, []],
    ['a group', { tpa: '224.0.0.1' }, []],
    ['arp_ignore=1', { tpa: '10.9.0.1' }, [], 'net.ipv4.conf.a0.arp_ignore = 1'],
    ['arp_ignore=2, elsewhere', { spa: '99.0.0.2' }, [], 'net.ipv4.conf.a0.arp_ignore = 2'],
    ['arp_ignore=2', {}, [answered()], 'net.ipv4.conf.a0.arp_ignore = 2'],
    ['arp_ignore=8', {}, [], 'net.ipv4.conf.a0.arp_ignore = 8'],
  ] // biome-ignore format: a table

describe('a frame of ARP comes in', () => {
  test.each(FRAMES.map(([what, arp, sent, sysctl = '']) => [what, arp, sent, sysctl] as const))('%s', (_, arp, sent, sysctl) => {
    expect(host([], sysctl).sent(arp)).toEqual(sent)
  }) // biome-ignore format: a table
})

describe('rules of arptables', () => {
  test.each<readonly [rules: readonly string[], arp: Partial<Arp>, sent: readonly string[], counted: readonly string[]]>([
    [['-A INPUT -j DROP -s 10.0.0.2'], {}, [], ['[1:28] -A INPUT -j DROP -s 10.0.0.2']],
    [['-A INPUT -j ACCEPT'], { opcode: 3 }, [], ['[1:28] -A INPUT -j ACCEPT']],
    [['-A INPUT -j ACCEPT --h-type 6', '-A INPUT -j DROP'], { htype: '0006' }, [answered()], ['[1:28] -A INPUT -j ACCEPT --h-type 6']],
    [['-A INPUT -j ACCEPT'], { to: '020000000077' }, [], []],
    [['-A INPUT -j ACCEPT'], { sizes: '0504' }, [], []],
    [['-A INPUT -j ACCEPT'], { sizes: '0605' }, [], []],
    [
      ['-A OUTPUT -j mangle --opcode 2 --mangle-ip-s 1.2.3.4 --mangle-mac-s 00:11:22:33:44:55', '-A OUTPUT -j DROP'],
      {},
      ['0200000000a10200000000a008060001080006040002001122334455010203040200000000a10a000002'],
      ['[1:42] -A OUTPUT -j mangle --opcode 2 --mangle-ip-s 1.2.3.4 --mangle-mac-s 00:11:22:33:44:55'],
    ],
    [
      ['-A OUTPUT -j mangle --opcode 2 --mangle-ip-d 1.2.3.4 --mangle-mac-d 00:11:22:33:44:55 --mangle-target CONTINUE', '-A OUTPUT -j MARK -d 1.2.3.4 --set-mark 5', '-A OUTPUT -j CLASSIFY --set-class 1:2'],
      {},
      ['0200000000a10200000000a0080600010800060400020200000000a00a00000100112233445501020304'],
      ['[1:42] -A OUTPUT -j mangle --opcode 2 --mangle-ip-d 1.2.3.4 --mangle-mac-d 00:11:22:33:44:55 --mangle-target CONTINUE', '[1:42] -A OUTPUT -j MARK -d 1.2.3.4 --set-mark 5', '[1:42] -A OUTPUT -j CLASSIFY --set-class 1:2'],
    ],
    [['-A INPUT -j mangle --mangle-ip-d 10.0.0.1'], { tpa: '10.0.0.9' }, [answered()], ['[1:28] -A INPUT -j mangle --mangle-ip-d 10.0.0.1']],
    [
      ['-A INPUT -j mangle --mangle-ip-s 10.0.0.77 --mangle-mac-s 02:00:00:00:00:77'],
      {},
      [answered('10.0.0.1', '10.0.0.77', '020000000077')],
      ['[1:28] -A INPUT -j mangle --mangle-ip-s 10.0.0.77 --mangle-mac-s 02:00:00:00:00:77'],
    ],
    [
      ['-A INPUT -j ACCEPT --opcode 2', '-A INPUT -j ACCEPT ! --opcode 1', '-A INPUT -i a0 --src-mac 02:00:00:00:00:a1 -d 10.0.0.0/24 --dst-mac 00:00:00:00:00:00 --proto-type 0x800', '-A INPUT -j DROP -i b+'],
      {},
      [answered()],
      ['[1:28] -A INPUT -i a0 --src-mac 02:00:00:00:00:a1 -d 10.0.0.0/24 --dst-mac 00:00:00:00:00:00 --proto-type 0x800'],
    ],
  ])('%j', (rules, arp, sent, counted) => {
    const one = host(rules)
    expect(one.sent(arp)).toEqual(sent)
    expect(one.counters()).toEqual(counted)
  })
  test('a policy', () => {
    expect(host([], '', ['DROP', 'ACCEPT']).sent({})).toEqual([])
    expect(host([], '', ['ACCEPT', 'DROP']).sent({})).toEqual([])
  })
}) // biome-ignore format: a table
