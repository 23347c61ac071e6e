import { describe, expect, test } from 'vitest'
import { parseIpv4 } from '../address/ip.js'
import { buildPacket } from '../packet/build.js'
import { CT_STATUS } from '../packet/fields.js'
import { hexToBytes } from '../packet/hex.js'
import type { Packet } from '../packet/packet.js'
import type { Entry } from './entry.js'
import { DEFAULT_SETTINGS, type Settings } from './settings.js'
import { ConnectionTable } from './table.js'

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 }
const [CLIENT, SERVER] = [parseIpv4('10.1.0.2')!, parseIpv4('10.2.0.9')!]

/** `> PA 101 301 20 w500 o0101…`: direction, flags, sequence, acknowledgement, bytes, window (1000 unless given), options in hex. */
function segment(text: string): Packet {
  const [way, flags = '', ...rest] = text.split(' ')
  const word = (letter: string) => rest.find((one) => one.startsWith(letter))?.slice(1)
  const [sequence = 0, acknowledgement = 0, bytes = 0] = rest.filter((one) => /^\d/.test(one)).map(Number)
  const ends =
    way === '>'
      ? { src: CLIENT, dst: SERVER, sport: 1000, dport: 80 }
      : { src: SERVER, dst: CLIENT, sport: 80, dport: 1000 }
  const options = hexToBytes(word('o') ?? '')!
  const bits = [...flags].reduce((sum, flag) => sum | FLAGS[flag]!, 0)
  const { src, dst, sport, dport } = ends
  return buildPacket(
    { src, dst, df: false },
    { is: 'tcp', sport, dport, flags: bits, sequence, acknowledgement, window: Number(word('w') ?? 1000), options },
    new Uint8Array(bytes),
  )
}

/** Feeds `segment: …` lines and answers with the same lines, each with the state that rules see, and the connections that are left. */
function converse(
  lines: readonly string[],
  settings: Partial<Settings> = {},
): { seen: string[]; left: readonly Entry[] } {
  const table = new ConnectionTable({ ...DEFAULT_SETTINGS, accounting: true, ...settings })
  const seen = lines.map((line) => {
    const [text] = line.split(':') as [string]
    const tracking = table.inbound(segment(text), { prerouting: true, now: 0, zone: 0 })
    if (tracking.is !== 'tracked') return `${text}: ${tracking.is.toUpperCase()}`
    table.confirm(tracking.attachment, 0)
    return `${text}: ${tracking.attachment.state}`
  })
  return { seen, left: table.entries() }
}

/** State, packets of both directions, and what else the listing says. */
function describeEntry({ protocol, counters, status }: Entry): string {
  const unreplied = status & CT_STATUS.SEEN_REPLY ? '' : ' unreplied'
  const assured = status & CT_STATUS.ASSURED ? ' assured' : ''
  return `${protocol.kind === 'tcp' ? protocol.state : ''} ${counters.original.packets}/${counters.reply.packets}${unreplied}${assured}`
}

describe('conversations as Linux 6.18 saw them', () => {
  // Packets that are ignored (a SYN in mid-connection, what repeats data acknowledged long ago) pass, but do not count.
  test.each<[string, readonly string[], readonly string[]]>([
    [
      'simultaneous open',
      [
        '> S 100: NEW',
        '< S 300: ESTABLISHED',
        '> SA 100 301: ESTABLISHED',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
      ],
      ['ESTABLISHED 3/0 assured'],
    ],
    [
      'simultaneous open, ended by an acknowledgement',
      [
        '> S 100: NEW',
        '< S 300: ESTABLISHED',
        '> SA 100 301: ESTABLISHED',
        '< A 301 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
      ],
      ['ESTABLISHED 3/1 assured'],
    ],
    [
      'the server takes a new SYN in mid-connection: tracking follows',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> S 9000: ESTABLISHED',
        '< SA 7000 9001: ESTABLISHED',
        '> A 9001 7001: ESTABLISHED',
      ],
      ['ESTABLISHED 3/2 assured'],
    ],
    [
      'the server challenges a SYN in mid-connection (RFC 5961)',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> S 9000: ESTABLISHED',
        '< A 301 101: ESTABLISHED',
        '> R 101: ESTABLISHED',
      ],
      ['CLOSE 3/2 assured'],
    ],
    [
      'a challenge in LAST_ACK is not the last acknowledgement',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> FA 101 301: ESTABLISHED',
        '< FA 301 102: ESTABLISHED',
        '> S 9000: ESTABLISHED',
        '< A 302 102: ESTABLISHED',
      ],
      ['LAST_ACK 3/2 assured'],
    ],
    [
      'a RST at the expected number',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '< R 301: ESTABLISHED',
        '> S 5000: ESTABLISHED',
      ],
      ['CLOSE 2/2 assured'],
    ],
    [
      'a RST in the window but not at the expected number leaves the state',
      ['> S 100: NEW', '< SA 300 101: ESTABLISHED', '> A 101 301: ESTABLISHED', '< R 500: ESTABLISHED'],
      ['ESTABLISHED 2/2 assured'],
    ],
    [
      'data and a RST right behind it',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '< PA 301 101 20: ESTABLISHED',
        '< R 321: ESTABLISHED',
      ],
      ['CLOSE 2/3 assured'],
    ],
    [
      'a RST after the close',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> FA 101 301: ESTABLISHED',
        '< R 99999: ESTABLISHED',
      ],
      ['CLOSE 3/2 assured'],
    ],
    [
      'the answer to a SYN that was let through may be a RST',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> S 5000: ESTABLISHED',
        '< RA 0 5001: ESTABLISHED',
      ],
      ['CLOSE 2/2 assured'],
    ],
    [
      'a RST of the one who sent the SYN is no answer to it',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> S 5000: ESTABLISHED',
        '> RA 999999 5001: INVALID',
      ],
      ['ESTABLISHED 2/1 assured'],
    ],
    [
      'a SYN again with a higher number',
      [
        '> S 100: NEW',
        '> S 5000: NEW',
        '< SA 300 101: ESTABLISHED',
        '< SA 300 5001: ESTABLISHED',
        '> A 5001 301: ESTABLISHED',
      ],
      ['ESTABLISHED 2/1 assured'],
    ],
    ['an old SYN-ACK', ['> S 100: NEW', '< SA 300 90: ESTABLISHED', '< SA 300 101: ESTABLISHED'], ['SYN_RECV 1/1']],
    [
      'the client sends data before the SYN-ACK',
      ['> S 100: NEW', '> A 101 301 20: INVALID', '< SA 300 101: ESTABLISHED'],
      ['SYN_RECV 1/1'],
    ],
    [
      'window scaling on both sides opens the window',
      [
        '> S 100 w1000 o020405b401030307: NEW',
        '< SA 300 101 w1000 o020405b401030307: ESTABLISHED',
        '> A 101 301 w1000: ESTABLISHED',
        '< PA 301 101 1400: ESTABLISHED',
        '> A 101 1701 w1000: ESTABLISHED',
        '< PA 101000 101 100: ESTABLISHED',
      ],
      ['ESTABLISHED 3/3 assured'],
    ],
    [
      'window scaling on one side only',
      [
        '> S 100 w1000 o020405b401030307: NEW',
        '< SA 300 101 w1000 o020405b4: ESTABLISHED',
        '> A 101 301 w1000: ESTABLISHED',
        '< PA 101000 101 100: INVALID',
      ],
      ['ESTABLISHED 2/1 assured'],
    ],
    [
      'more than the window by little is ignored, its acknowledgement taken',
      [
        '> S 100 w1000: NEW',
        '< SA 300 101 w1000: ESTABLISHED',
        '> A 101 301 w1000: ESTABLISHED',
        '< PA 1302 101 500: ESTABLISHED',
        '> A 101 1802: ESTABLISHED',
      ],
      ['ESTABLISHED 3/1 assured'],
    ],
    [
      'a zero window and its probe',
      [
        '> S 100: NEW',
        '< SA 300 101 w0: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> A 101 301 1: ESTABLISHED',
        '< A 301 101 w0: ESTABLISHED',
        '< A 301 102 w500: ESTABLISHED',
      ],
      ['ESTABLISHED 3/3 assured'],
    ],
    [
      'a keepalive',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> A 100 301: ESTABLISHED',
        '< A 301 101: ESTABLISHED',
      ],
      ['ESTABLISHED 3/2 assured'],
    ],
    [
      'a segment sent again',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> PA 101 301 20: ESTABLISHED',
        '> PA 101 301 20: ESTABLISHED',
        '> PA 101 301 20: ESTABLISHED',
        '> PA 101 301 20: ESTABLISHED',
        '> PA 101 301 20: ESTABLISHED',
      ],
      ['ESTABLISHED 7/1 assured'],
    ],
    [
      'SACK beyond the acknowledgement',
      [
        '> S 100 o020405b404020101: NEW',
        '< SA 300 101 o020405b404020101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '< PA 321 101 20: ESTABLISHED',
        '> A 101 301 o0101050a0000014100000155: ESTABLISHED',
        '> A 101 301 o0101050a0000014100001155: INVALID',
      ],
      ['ESTABLISHED 3/2 assured'],
    ],
    [
      'picked up in the middle, both ways',
      ['> A 5000 7000 10: NEW', '< A 7000 5010 10: ESTABLISHED', '> A 5010 7010: ESTABLISHED'],
      ['ESTABLISHED 2/1 assured'],
    ],
    [
      'picked up by a FIN, a RST, a SYN-ACK: nothing',
      ['> FA 5000 7000: INVALID', '> RA 5000 7000: INVALID', '< SA 7000 5001: INVALID'],
      [],
    ],
    [
      'TIME_WAIT reopened by the side of the server',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> FA 101 301: ESTABLISHED',
        '< FA 301 102: ESTABLISHED',
        '> A 102 302: ESTABLISHED',
        '< S 9000: NEW',
      ],
      ['SYN_SENT 1/0 unreplied'],
    ],
    [
      'a closed connection reopened by the one who reset it',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> R 101: ESTABLISHED',
        '> S 9000: NEW',
      ],
      ['SYN_SENT 1/0 unreplied'],
    ],
    [
      'a reset connection: the SYN of the other side is invalid',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> R 101: ESTABLISHED',
        '< S 9000: INVALID',
      ],
      ['CLOSE 3/1 assured'],
    ],
    [
      'FIN out of the window, then an answer',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> FA 900000 301: INVALID',
        '< FA 800000 101: INVALID',
      ],
      ['ESTABLISHED 2/1 assured'],
    ],
    ['reset of a connection that was never answered', ['> S 100: NEW', '> R 101: NEW'], []],
  ])('%s', (_, lines, expected) => {
    const { seen, left } = converse(lines)
    expect(seen).toEqual(lines)
    expect(left.map(describeEntry)).toEqual(expected)
  })
})

const OPEN = ['> S 100', '< SA 300 101', '> A 101 301'] as const

describe('how long a connection lives', () => {
  test.each<[string, readonly string[], number]>([
    ['a SYN', ['> S 100'], 120],
    ['a SYN-ACK', ['> S 100', '< SA 300 101'], 60],
    ['established', OPEN, 432000],
    ['data that nobody has acknowledged', [...OPEN, '> PA 101 301 20'], 300],
    ['... and has', [...OPEN, '> PA 101 301 20', '< A 301 121'], 432000],
    ['a window of 0', [...OPEN, '< A 301 101 w0'], 300],
    ['sent again three times', [...OPEN, ...Array(4).fill('> A 101 301 20')], 300],
    ['picked up in the middle', ['> A 5000 7000'], 300],
    ['a FIN', [...OPEN, '> FA 101 301'], 120],
    ['a FIN, acknowledged', [...OPEN, '> FA 101 301', '< A 301 102'], 60],
    ['both FINs', [...OPEN, '> FA 101 301', '< FA 301 102'], 30],
    ['closed', [...OPEN, '> FA 101 301', '< FA 301 102', '> A 102 302'], 120],
    ['reset', [...OPEN, '> R 101'], 10],
    ['a RST in the window, but not credible yet', [...OPEN, '> R 150'], 10],
    ['FINs out of the window both ways', [...OPEN, '> FA 900000 301', '< FA 800000 101'], 300],
  ])('%s', (_, lines, seconds) => {
    expect(converse(lines).left.map(({ expires }) => expires)).toEqual([seconds])
  })

  test('a repeated SYN does not keep the connection alive', () => {
    const table = new ConnectionTable()
    const at = (now: number) => {
      const tracking = table.inbound(segment('> S 100'), { prerouting: true, now, zone: 0 })
      if (tracking.is === 'tracked') table.confirm(tracking.attachment, now)
      return tracking.is === 'tracked' && tracking.created
    }
    expect([at(0), at(100), at(119), at(120)]).toEqual([true, false, false, true])
  })
})

describe('sysctls', () => {
  test.each<[string, readonly string[], Partial<Settings>]>([
    [
      'be_liberal',
      [
        '> S 100: NEW',
        '< SA 300 101: ESTABLISHED',
        '> A 101 301: ESTABLISHED',
        '> PA 900101 301 20: ESTABLISHED',
        '< R 200: INVALID',
      ],
      { beLiberal: true },
    ],
    ['loose=0', ['> A 5000 7000: INVALID', '> S 100: NEW'], { loose: false }],
    [
      'ignore_invalid_rst=0',
      ['> S 100: NEW', '< SA 300 101: ESTABLISHED', '> A 101 301: ESTABLISHED', '< R 290: INVALID', '> R 90: INVALID'],
      {},
    ],
    [
      'ignore_invalid_rst=1',
      ['> S 100: NEW', '< SA 300 101: ESTABLISHED', '> A 101 301: ESTABLISHED', '> R 90: ESTABLISHED'],
      { ignoreInvalidRst: true },
    ],
  ])('%s', (_, lines, settings) => {
    expect(converse(lines, settings).seen).toEqual(lines)
  })

  test('nf_conntrack_max: what is too much is dropped, 0 is no limit', () => {
    const begin = (max: number, sport: number, table = new ConnectionTable({ ...DEFAULT_SETTINGS, max })) => {
      const packet = segment('> S 100')
      packet.bytes[20] = sport
      const tracking = table.inbound(packet, { prerouting: false, now: 0, zone: 0 })
      if (tracking.is === 'tracked') table.confirm(tracking.attachment, 0)
      return { is: tracking.is, table }
    }
    const { table } = begin(1, 1)
    expect(begin(1, 1, table).is).toBe('tracked')
    expect(begin(1, 2, table).is).toBe('dropped')
    expect(begin(0, 3).is).toBe('tracked')
  })
})
