import { describe, expect, test } from 'vitest'
import { parseIpv4 } from '../address/ip.js'
import { buildPacket, type TransportFields } from '../packet/build.js'
import { CT_STATUS } from '../packet/fields.js'
import { Packet } from '../packet/packet.js'
import { icmpError } from '../packet/reply.js'
import { translate, translateIcmpError } from './nat/manip.js'
import { nullBinding, setUp } from './nat/setup.js'
import { DEFAULT_SETTINGS, type Settings } from './settings.js'
import { ConnectionTable } from './table.js'
import { invertTuple, printTuple, tupleOf } from './tuple.js'

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 }
const [A, B] = ['10.0.0.1', '10.0.0.2']
const ip = (text: string) => parseIpv4(text)!

function packet(src: string, dst: string, transport: TransportFields, payload = 0): Packet {
  return buildPacket({ src: ip(src), dst: ip(dst), ttl: 64, id: 1, df: false }, transport, new Uint8Array(payload))
}

/** `> S 100`, `< SA 300 101`, `> PA 101 301 20`: direction, flags, sequence, acknowledgement, bytes; `w0` a window. */
function segment(text: string): Packet {
  const [way, flags = '', ...rest] = text.split(' ')
  const window = Number(rest.find((word) => word.startsWith('w'))?.slice(1) ?? 1000)
  const [sequence = 0, acknowledgement = 0, bytes = 0] = rest.filter((word) => !word.startsWith('w')).map(Number)
  const [src, dst, sport, dport] = way === '>' ? [A, B, 1000, 80] : [B, A, 80, 1000]
  const bits = [...flags].reduce((sum, flag) => sum | FLAGS[flag]!, 0)
  return packet(
    src,
    dst,
    { is: 'tcp', sport, dport, flags: bits, sequence, acknowledgement, window, options: new Uint8Array(0) },
    bytes,
  )
}

/** Feeds packets and says of each: the state that rules see, and the connection's own afterwards. */
function states(lines: readonly string[], settings: Partial<Settings> = {}): string[] {
  const table = new ConnectionTable({ ...DEFAULT_SETTINGS, ...settings })
  return lines.map((line, now) => {
    const tracking = table.inbound(segment(line), { prerouting: true, now, zone: 0 })
    if (tracking.is !== 'tracked') return tracking.is === 'invalid' ? `INVALID: ${tracking.reason}` : tracking.is
    const { attachment } = tracking
    table.confirm(attachment, now)
    const { protocol, status } = attachment.entry
    const gone = status & CT_STATUS.DYING ? ' gone' : ''
    return `${attachment.state} ${protocol.kind === 'tcp' ? protocol.state : ''}${status & CT_STATUS.ASSURED ? ' assured' : ''}${gone}`
  })
}

const HANDSHAKE = ['> S 100', '< SA 300 101', '> A 101 301'] as const
const OPENED = ['NEW SYN_SENT', 'ESTABLISHED SYN_RECV', 'ESTABLISHED ESTABLISHED assured'] as const

describe('TCP', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['a handshake', HANDSHAKE, OPENED],
    [
      'data both ways',
      [...HANDSHAKE, '> PA 101 301 20', '< A 301 121', '< PA 301 121 30'],
      [...OPENED, ...Array(3).fill('ESTABLISHED ESTABLISHED assured')],
    ],
    [
      'an orderly close',
      [...HANDSHAKE, '> FA 101 301', '< A 301 102', '< FA 301 102', '> A 102 302'],
      [
        ...OPENED,
        'ESTABLISHED FIN_WAIT assured',
        'ESTABLISHED CLOSE_WAIT assured',
        'ESTABLISHED LAST_ACK assured',
        'ESTABLISHED TIME_WAIT assured',
      ],
    ],
    ['a SYN sent twice', ['> S 100', '> S 100'], ['NEW SYN_SENT', 'NEW SYN_SENT']],
    [
      'a SYN refused with RST: forgotten at once',
      ['> S 100', '< RA 0 101', '> S 200'],
      ['NEW SYN_SENT', 'ESTABLISHED CLOSE gone', 'NEW SYN_SENT'],
    ],
    ['a RST in the window', [...HANDSHAKE, '> R 101'], [...OPENED, 'ESTABLISHED CLOSE assured']],
    [
      'a RST before what was acknowledged',
      [...HANDSHAKE, '> PA 101 301 20', '< A 301 121', '> R 50'],
      [
        ...OPENED,
        'ESTABLISHED ESTABLISHED assured',
        'ESTABLISHED ESTABLISHED assured',
        'INVALID: a RST before what its receiver has acknowledged',
      ],
    ],
    [
      'data beyond the window',
      [...HANDSHAKE, '> PA 900101 301 20'],
      [...OPENED, 'INVALID: SEQ is over the upper bound (over the window of the receiver)'],
    ],
    [
      'an acknowledgement of what was never sent',
      [...HANDSHAKE, '> A 101 90301'],
      [...OPENED, 'INVALID: ACK is over the upper bound (ACKed data not seen yet)'],
    ],
    ['picked up in the middle', ['> A 5000 7000 w500'], ['NEW ESTABLISHED']],
    ['a SYN-ACK without a SYN', ['< SA 300 101'], ['INVALID: no TCP segment that begins a connection']],
    [
      'a new SYN after TIME_WAIT',
      [...HANDSHAKE, '> FA 101 301', '< FA 301 102', '> A 102 302', '> S 9000'],
      [
        ...OPENED,
        'ESTABLISHED FIN_WAIT assured',
        'ESTABLISHED LAST_ACK assured',
        'ESTABLISHED TIME_WAIT assured',
        'NEW SYN_SENT',
      ],
    ],
    ['no flags at all', ['> U 1'], ['INVALID: invalid TCP flag combination']],
  ])('%s', (_, lines, expected) => {
    expect(states(lines)).toEqual(expected)
  })

  test('be_liberal lets what is out of window through', () => {
    expect(states([...HANDSHAKE, '> PA 900101 301 20'], { beLiberal: true }).at(-1)).toBe(
      'ESTABLISHED ESTABLISHED assured',
    )
  })
  test('loose=0 picks nothing up', () => {
    expect(states(['> A 5000 7000'], { loose: false })).toEqual(['INVALID: no TCP segment that begins a connection'])
  })
  test('a wrong checksum is INVALID where it is looked at', () => {
    const broken = segment('> S 100')
    broken.bytes[36]! ^= 1
    const table = new ConnectionTable()
    expect(table.inbound(broken, { prerouting: true, now: 0, zone: 0 })).toEqual({
      is: 'invalid',
      reason: 'wrong TCP checksum',
    })
    expect(table.inbound(broken, { prerouting: false, now: 0, zone: 0 }).is).toBe('tracked')
  })
})

const udp = (src: string, dst: string, sport: number, dport: number) => packet(src, dst, { is: 'udp', sport, dport })
const ping = (src: string, dst: string, type: number, id: number) =>
  packet(src, dst, { is: 'icmp', type, code: 0, rest: id << 16 })

describe('UDP and ICMP', () => {
  const table = () => new ConnectionTable()
  const track = (own: ConnectionTable, what: Packet, now = 0) => {
    const tracking = own.inbound(what, { prerouting: true, now, zone: 0 })
    if (tracking.is === 'tracked') own.confirm(tracking.attachment, now)
    return tracking.is === 'tracked' ? `${tracking.attachment.state} ${tracking.attachment.direction}` : tracking.is
  }
  test('a datagram and its answer', () => {
    const own = table()
    expect([udp(A, B, 5, 53), udp(B, A, 53, 5), udp(A, B, 5, 53)].map((what) => track(own, what))).toEqual([
      'NEW original',
      'ESTABLISHED reply',
      'ESTABLISHED original',
    ])
  })
  test('an entry expires', () => {
    const own = table()
    expect([
      track(own, udp(A, B, 5, 53), 0),
      track(own, udp(B, A, 53, 5), 29),
      track(own, udp(B, A, 53, 5), 60),
    ]).toEqual(['NEW original', 'ESTABLISHED reply', 'NEW original'])
  })
  test('echo request and reply; a reply alone', () => {
    const own = table()
    expect([ping(A, B, 8, 7), ping(B, A, 0, 7), ping(B, A, 0, 8)].map((what) => track(own, what))).toEqual([
      'NEW original',
      'ESTABLISHED reply',
      'invalid',
    ])
  })
  test('an ICMP error about a connection, and about none', () => {
    const own = table()
    track(own, udp(A, B, 5, 53))
    const about = (what: Packet) => icmpError(what, { type: 3, code: 3, source: ip(B) })!
    expect([about(udp(A, B, 5, 53)), about(udp(A, B, 6, 53))].map((what) => track(own, what))).toEqual([
      'RELATED reply',
      'invalid',
    ])
  })
})

describe('NAT', () => {
  const context = (table: ConnectionTable) => ({ table, now: 0, random: () => 0 })
  const begin = (table: ConnectionTable, what: Packet) => {
    const tracking = table.inbound(what, { prerouting: true, now: 0, zone: 0 })
    if (tracking.is !== 'tracked') throw new Error(tracking.is)
    return tracking.attachment
  }

  test('DNAT and SNAT of one connection; its reply is turned back', () => {
    const table = new ConnectionTable()
    const what = udp(A, '203.0.113.7', 5000, 80)
    const attachment = begin(table, what)
    setUp(attachment.entry, 'dst', { addresses: [ip(B), ip(B)], ports: [8080, 8080] }, context(table))
    translate(what, attachment, 'dst')
    setUp(attachment.entry, 'src', { addresses: [ip('10.0.0.254'), ip('10.0.0.254')] }, context(table))
    translate(what, attachment, 'src')
    table.confirm(attachment, 0)
    expect(printTuple(tupleOf(what)!)).toBe('src=10.0.0.254 dst=10.0.0.2 sport=5000 dport=8080')
    expect(printTuple(attachment.entry.reply)).toBe('src=10.0.0.2 dst=10.0.0.254 sport=8080 dport=5000')
    const answer = udp(B, '10.0.0.254', 8080, 5000)
    const back = begin(table, answer)
    translate(answer, back, 'dst')
    translate(answer, back, 'src')
    expect(tupleOf(answer)).toEqual(invertTuple(attachment.entry.original))
  })

  test('a source port in use is exchanged, also by a null binding', () => {
    const table = new ConnectionTable()
    const to = { addresses: [ip('203.0.113.7'), ip('203.0.113.7')] } as const
    const first = begin(table, udp('10.0.0.1', B, 5000, 80))
    setUp(first.entry, 'src', to, context(table))
    table.confirm(first, 0)
    const second = begin(table, udp('10.0.0.3', B, 5000, 80))
    expect(setUp(second.entry, 'src', to, context(table))).toEqual({ ports: [1024, 65535] })
    expect(second.entry.reply.dport).toBe(1024)
    table.confirm(second, 0)
    const third = begin(table, udp('203.0.113.7', B, 5000, 80))
    nullBinding(third.entry, 'src', context(table))
    expect(third.entry.reply.dport).toBe(1025)
  })

  test('a low port stays low', () => {
    const table = new ConnectionTable()
    const to = { addresses: [ip('203.0.113.7'), ip('203.0.113.7')], random: true } as const
    const one = begin(table, udp(A, B, 123, 123))
    setUp(one.entry, 'src', to, context(table))
    expect(one.entry.reply.dport).toBe(1)
    const two = begin(table, udp(A, B, 700, 123))
    setUp(two.entry, 'src', to, context(table))
    expect(two.entry.reply.dport).toBe(600)
  })

  test('an ICMP error about a DNATed connection quotes what the client had sent', () => {
    const table = new ConnectionTable()
    const what = udp(A, '203.0.113.7', 5000, 80)
    const attachment = begin(table, what)
    setUp(attachment.entry, 'dst', { addresses: [ip(B), ip(B)], ports: [8080, 8080] }, context(table))
    translate(what, attachment, 'dst')
    table.confirm(attachment, 0)
    const error = icmpError(what, { type: 3, code: 3, source: ip(B) })!
    const related = begin(table, error)
    expect(related.state).toBe('RELATED')
    translateIcmpError(error, related, 'dst')
    translateIcmpError(error, related, 'src')
    const quoted = new Packet(error.bytes.subarray(28))
    expect(printTuple(tupleOf(quoted)!)).toBe('src=10.0.0.1 dst=203.0.113.7 sport=5000 dport=80')
    expect(new Packet(error.bytes).bytes.subarray(12, 16)).toEqual(Uint8Array.of(203, 0, 113, 7))
  })
})

test('a connection with a timeout policy is taken to live; that is not sure once it was silent for more than a second', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  const at = (now: number) => {
    const datagram = packet(A, B, { is: 'udp', sport: 1, dport: 2 })
    const tracking = table.inbound(datagram, { prerouting: true, now, zone: 0, policy: 'short' })
    if (tracking.is !== 'tracked') throw new Error(tracking.is)
    table.confirm(tracking.attachment, now)
    return [tracking.created, tracking.unsure]
  }
  const unsure = 'the times of timeout policy short: the connection may be over'
  // without one it would be over after 30 seconds
  expect([0, 1, 2, 60, 61, 200].map(at)).toEqual([
    [true, undefined],
    [false, undefined],
    [false, undefined],
    [false, unsure],
    [false, undefined],
    [false, unsure],
  ])
})
