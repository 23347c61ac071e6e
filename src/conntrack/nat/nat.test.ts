import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp, printIp } from '../../address/ip.js'
import { buildPacket, type TransportFields } from '../../packet/build.js'
import { checksumOk, headerChecksumOk } from '../../packet/checksum.js'
import { CT_STATUS, FIELDS } from '../../packet/fields.js'
import { Packet } from '../../packet/packet.js'
import { icmpError } from '../../packet/reply.js'
import type { Attachment } from '../entry.js'
import { ConnectionTable } from '../table.js'
import { invertTuple, printTuple, tupleOf } from '../tuple.js'
import { chooseAddress } from './addresses.js'
import { translate, translateIcmpError } from './manip.js'
import type { Manip, Range } from './range.js'
import { isInitialised, leftByAnotherDevice, mustConsult, nullBinding, setUp } from './setup.js'

const ip = (text: string) => parseIp(text)!
const one = (text: string): Range => ({ addresses: [ip(text), ip(text)] })
const packet = (src: string, dst: string, transport: TransportFields, payload: Uint8Array = new Uint8Array(0)) =>
  buildPacket({ src: ip(src), dst: ip(dst), ttl: 64, id: 7, df: false }, transport, payload)
const udp = (src: string, dst: string, sport: number, dport: number) => packet(src, dst, { is: 'udp', sport, dport })
const tcp = (src: string, dst: string, sport: number, dport: number, flags = 2, sequence = 1) =>
  packet(src, dst, { is: 'tcp', sport, dport, flags, sequence, acknowledgement: 0, window: 1000 })

const [CLIENT, SERVER, PUBLIC] = ['10.0.0.1', '203.0.113.9', '198.51.100.7']

class Nat {
  readonly table = new ConnectionTable()
  random = () => 0

  meet(what: Packet): Attachment {
    const tracking = this.table.inbound(what, { prerouting: true, now: 0, zone: 0 })
    if (tracking.is !== 'tracked') throw new Error(tracking.is)
    return tracking.attachment
  }

  setUp({ entry }: Attachment, manip: Manip, range: Range) {
    return setUp(entry, manip, range, { table: this.table, now: 0, random: this.random })
  }

  /** A new connection through source NAT: what was drawn, and the reply it expects. */
  begin(what: Packet, range: Range) {
    const attachment = this.meet(what)
    const { ports } = this.setUp(attachment, 'src', range)
    return { ports, confirmed: this.table.confirm(attachment, 0), reply: printTuple(attachment.entry.reply) }
  }
}

describe('which port (get_unique_tuple)', () => {
  const reply = (host: string, port: number, dport = 53) => `src=${SERVER} dst=${host} sport=${dport} dport=${port}`

  test('the own one if it is free; another where somebody has it', () => {
    const nat = new Nat()
    expect(nat.begin(udp('10.0.0.1', SERVER, 5000, 53), one(PUBLIC))).toEqual({
      ports: undefined,
      confirmed: true,
      reply: reply(PUBLIC, 5000),
    })
    expect(nat.begin(udp('10.0.0.2', SERVER, 5000, 53), one(PUBLIC))).toEqual({
      ports: [1024, 65535],
      confirmed: true,
      reply: reply(PUBLIC, 1024),
    })
    expect(nat.begin(udp('10.0.0.3', SERVER, 5000, 53), one(PUBLIC)).reply).toBe(reply(PUBLIC, 1025))
    // towards another server it is free again
    expect(nat.begin(udp('10.0.0.4', SERVER, 5000, 80), one(PUBLIC)).reply).toBe(reply(PUBLIC, 5000, 80))
  })

  test.each<[number, readonly [number, number]]>([
    [1, [1, 511]],
    [511, [1, 511]],
    [512, [600, 1023]],
    [1023, [600, 1023]],
    [1024, [1024, 65535]],
    [65535, [1024, 65535]],
  ])('drawn for port %i: %j', (port, range) => {
    const nat = new Nat()
    nat.random = () => 0.999999
    const offset = 65535 % (range[1] - range[0] + 1)
    expect(nat.begin(udp(CLIENT, SERVER, port, 53), { ...one(PUBLIC), random: true })).toEqual({
      ports: range,
      confirmed: true,
      reply: reply(PUBLIC, range[0] + offset),
    })
  })

  test('of a range of source ports, the own one if it is inside, else a draw', () => {
    const nat = new Nat()
    const range: Range = { ...one(PUBLIC), ports: [3000, 3003] }
    nat.random = () => 2 / 65536
    expect(nat.begin(udp('10.0.0.1', SERVER, 3001, 53), range)).toMatchObject({
      ports: undefined,
      reply: reply(PUBLIC, 3001),
    })
    expect(nat.begin(udp('10.0.0.2', SERVER, 80, 53), range)).toMatchObject({
      ports: [3000, 3003],
      reply: reply(PUBLIC, 3002),
    })
    expect(nat.begin(udp('10.0.0.3', SERVER, 3001, 53), range)).toMatchObject({
      ports: [3000, 3003],
      reply: reply(PUBLIC, 3003),
    })
    expect(nat.begin(udp('10.0.0.4', SERVER, 80, 53), range)).toMatchObject({ reply: reply(PUBLIC, 3000) })
    // all taken: the last tried, and the connection clashes when it is confirmed
    expect(nat.begin(udp('10.0.0.5', SERVER, 80, 53), range)).toMatchObject({ confirmed: false })
  })

  test('of a range of destination ports the first, without a draw', () => {
    const nat = new Nat()
    const to = (source: string, range: Range) => {
      const attachment = nat.meet(udp(source, SERVER, 5000, 80))
      const { ports } = nat.setUp(attachment, 'dst', range)
      nat.table.confirm(attachment, 0)
      return [attachment.entry.reply.sport, ports]
    }
    nat.random = () => 0.5
    expect(to('10.0.0.1', { ...one(CLIENT), ports: [8080, 8084] })).toEqual([8080, undefined])
    expect(to('10.0.0.2', { ...one(CLIENT), ports: [8080, 8084], random: true })).toEqual([
      8080 + (32768 % 5),
      [8080, 8084],
    ])
    expect(to('10.0.0.3', { ...one(CLIENT), ports: [8000, 8999], basePort: 50 })).toEqual([8030, undefined])
  })

  test('a client that is translated keeps its port towards another server', () => {
    const nat = new Nat()
    nat.random = () => 0.5
    const first = nat.begin(udp(CLIENT, SERVER, 5000, 53), { ...one(PUBLIC), ports: [3000, 3999] })
    expect(first.ports).toEqual([3000, 3999])
    const second = nat.begin(udp(CLIENT, '203.0.113.10', 5000, 53), { ...one(PUBLIC), ports: [3000, 3999] })
    expect(second.ports).toBeUndefined()
    expect(second.reply.split(' ').at(-1)).toBe(first.reply.split(' ').at(-1))
  })

  test('a new TCP connection takes the place of one in TIME_WAIT whose numbers it has passed', () => {
    const through = (sequence: number) => {
      const nat = new Nat()
      const range: Range = { ...one(PUBLIC), ports: [3000, 3000] }
      const old = nat.meet(tcp(CLIENT, SERVER, 5000, 80, 2, 1000))
      nat.setUp(old, 'src', range)
      nat.table.confirm(old, 0)
      if (old.entry.protocol.kind === 'tcp') old.entry.protocol.state = 'TIME_WAIT'
      const { confirmed } = nat.begin(tcp('10.0.0.2', SERVER, 6000, 80, 2, sequence), range)
      return [confirmed, nat.table.entries().length, (old.entry.status & CT_STATUS.DYING) !== 0]
    }
    expect(through(5000)).toEqual([true, 1, true])
    expect(through(500)).toEqual([false, 1, false])
  })

  test('ICMP: the id, in both directions', () => {
    const nat = new Nat()
    const echo = (src: string, id: number) =>
      packet(src, SERVER, { is: 'icmp', type: 8, code: 0, rest: (id << 16) | 1 })
    expect(nat.begin(echo('10.0.0.1', 7), one(PUBLIC)).reply).toBe(`src=${SERVER} dst=${PUBLIC} type=0 code=0 id=7`)
    nat.random = () => 9 / 65536
    expect(nat.begin(echo('10.0.0.2', 7), one(PUBLIC))).toMatchObject({
      ports: [0, 65535],
      reply: `src=${SERVER} dst=${PUBLIC} type=0 code=0 id=9`,
    })
  })

  test('a protocol without ports clashes', () => {
    const nat = new Nat()
    const esp = (src: string) => packet(src, SERVER, { is: 'other', protocol: 50 }, new Uint8Array(12))
    expect(nat.begin(esp('10.0.0.1'), one(PUBLIC)).confirmed).toBe(true)
    expect(nat.begin(esp('10.0.0.2'), one(PUBLIC)).confirmed).toBe(false)
  })
})

/** Chosen by Linux 6.18 on x86-64 for `SNAT --to-source` (recordings/kernel.json has more). */
describe('which address of several', () => {
  const choose = (src: string, dst: string, from: string, to: string, more: Range = {}, manip: Manip = 'src') =>
    printIp(chooseAddress(tupleOf(udp(src, dst, 1, 2))!, manip, { addresses: [ip(from), ip(to)], ...more }, 0))

  test('NETMAP keeps the host bits', () => {
    expect(choose('10.1.2.3', SERVER, '198.51.0.0', '198.51.255.255', { netmap: true })).toBe('198.51.2.3')
    expect(choose('fd00:1::2:3', 'fd00::9', 'fd00:9::', 'fd00:9::ffff:ffff', { netmap: true })).toBe('fd00:9::2:3')
    expect(choose(CLIENT, '10.2.7.8', '192.168.0.0', '192.168.255.255', { netmap: true }, 'dst')).toBe('192.168.7.8')
  })
  test('always one of the range, the same for the same pair; persistent: for the same client', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xfffffe }),
        fc.integer({ min: 1, max: 0xfffffe }),
        fc.integer({ min: 0, max: 65535 }),
        (client, server, size) => {
          const src = printIp(0x0a000000 + client)
          const dst = printIp(0x0b000000 + server)
          const [from, to] = ['198.51.0.0', printIp(0xc6330000 + size)]
          const chosen = ip(choose(src, dst, from, to))
          expect(chosen >= ip(from) && chosen <= ip(to)).toBe(true)
          expect(choose(src, dst, from, to, { persistent: true })).toBe(
            choose(src, '11.0.0.1', from, to, { persistent: true }),
          )
        },
      ),
    )
  })
})

describe('what is asked of the chains', () => {
  test('new connections once for each manip; answers never', () => {
    const nat = new Nat()
    const first = nat.meet(udp(CLIENT, SERVER, 1, 53))
    expect([mustConsult(first, 'dst'), mustConsult(first, 'src')]).toEqual([true, true])
    nullBinding(first.entry, 'dst', { table: nat.table, now: 0, random: () => 0 })
    expect([mustConsult(first, 'dst'), mustConsult(first, 'src'), isInitialised(first.entry, 'dst')]).toEqual([
      false,
      true,
      true,
    ])
    expect(first.entry.status).toBe(CT_STATUS.DST_NAT_DONE)
    expect(mustConsult({ ...first, direction: 'reply', state: 'ESTABLISHED' }, 'src')).toBe(false)
  })
  test('a masqueraded connection that leaves by another device', () => {
    const attachment = new Nat().meet(udp(CLIENT, SERVER, 1, 53))
    expect(leftByAnotherDevice(attachment, 'wan1')).toBe(false)
    attachment.entry.masqueradedOn = 'wan0'
    expect(leftByAnotherDevice(attachment, 'wan0')).toBe(false)
    expect(leftByAnotherDevice(attachment, 'wan1')).toBe(true)
    expect(leftByAnotherDevice({ ...attachment, direction: 'reply' }, 'wan1')).toBe(false)
  })
})

const port = fc.integer({ min: 1, max: 65535 })
const address4 = fc.integer({ min: 1, max: 0xfffffffe })
const address6 = fc.bigInt({ min: 1n << 100n, max: (1n << 127n) - 1n })
const distinct = <T>([src, dst, newSrc, newDst]: readonly [T, T, T, T]) => src !== dst && newSrc !== newDst
/** Source, destination, and what they become. A packet to its own sender would answer itself. */
const ends = fc.oneof(
  fc.tuple(address4, address4, address4, address4).filter(distinct),
  fc.tuple(address6, address6, address6, address6).filter(distinct),
)
const transport = fc.oneof(
  fc.record({ is: fc.constant('udp' as const), sport: port, dport: port }),
  fc.record({ is: fc.constant('sctp' as const), sport: port, dport: port }),
  fc.record({
    is: fc.constant('tcp' as const),
    sport: port,
    dport: port,
    flags: fc.constant(2),
    sequence: fc.nat(),
    acknowledgement: fc.constant(0),
    window: port,
  }),
)
const payload = fc.uint8Array({ maxLength: 30 })

/** A connection whose source and destination are translated: its first packet as it came, as it goes out, and how it stands to its connection. */
const translated = fc
  .tuple(ends, transport, payload, fc.option(port, { nil: undefined }))
  .map(([[src, dst, newSrc, newDst], header, data, newPort]) => {
    const nat = new Nat()
    // SCTP needs a chunk; an INIT
    const body =
      header.is === 'sctp' ? Uint8Array.from([1, 0, 0, 20, 0, 0, 0, 5, 0, 0, 16, 0, 0, 1, 0, 1, 0, 0, 0, 1]) : data
    const came = buildPacket({ src, dst }, header, body)
    const goes = came.clone()
    const attachment = nat.meet(goes)
    const ports = newPort === undefined ? {} : { ports: [newPort, newPort] as const }
    nat.setUp(attachment, 'dst', { addresses: [newDst, newDst], ...ports })
    const first = translate(goes, attachment, 'dst')
    nat.setUp(attachment, 'src', { addresses: [newSrc, newSrc] })
    expect([first, translate(goes, attachment, 'src'), nat.table.confirm(attachment, 0)]).toEqual([true, true, true])
    return { nat, came, goes, attachment }
  })

describe('properties', () => {
  test('a translated packet has right checksums and looks like the inverse of what a reply must look like', () => {
    fc.assert(
      fc.property(translated, ({ goes, attachment }) => {
        expect([headerChecksumOk(goes), checksumOk(goes)]).toEqual([true, true])
        expect(tupleOf(goes)).toEqual(invertTuple(attachment.entry.reply))
      }),
    )
  })

  test('the answer reaches the client as the answer to what it had sent', () => {
    fc.assert(
      fc.property(translated, payload, ({ nat, came, goes }, data) => {
        const { src, dst, sport, dport, protocol } = invertTuple(tupleOf(goes)!)!
        const kind =
          protocol === 6
            ? ({
                is: 'tcp',
                flags: 0x12,
                sequence: 9,
                acknowledgement: FIELDS['tcp.sequence'].read(goes)! + 1,
                window: 9,
              } as const)
            : protocol === 17
              ? ({ is: 'udp' } as const)
              : ({ is: 'sctp' } as const)
        if (kind.is === 'sctp') return // its answers need tags
        const answer = buildPacket({ src, dst }, { ...kind, sport, dport }, data)
        const back = nat.meet(answer)
        expect(back.direction).toBe('reply')
        expect([translate(answer, back, 'dst'), translate(answer, back, 'src')]).toEqual([true, true])
        expect(tupleOf(answer)).toEqual(invertTuple(tupleOf(came)!))
        expect([headerChecksumOk(answer), checksumOk(answer)]).toEqual([true, true])
      }),
    )
  })

  test('an ICMP error comes back about what the client had sent, byte for byte', () => {
    fc.assert(
      fc.property(translated, ({ nat, came, goes, attachment }) => {
        if (attachment.entry.original.protocol === 132) return // whose checksum is made anew
        const four = goes.family === 4
        const error = icmpError(goes, {
          type: four ? 3 : 1,
          code: four ? 3 : 4,
          source: four ? ip('192.0.2.1') : ip('2001:db8::1'),
        })
        if (!error) return // none is sent about such addresses
        const related = nat.meet(error)
        expect([related.state, related.direction]).toEqual(['RELATED', 'reply'])
        expect([translateIcmpError(error, related, 'dst'), translateIcmpError(error, related, 'src')]).toEqual([
          true,
          true,
        ])
        expect([headerChecksumOk(error), checksumOk(error)]).toEqual([true, true])
        const quoted = new Packet(error.bytes.slice(error.transport.offset + 8))
        expect(tupleOf(quoted)).toEqual(tupleOf(came))
        expect([headerChecksumOk(quoted), checksumOk(quoted)]).toEqual([true, true])
      }),
    )
  })
})

describe('ICMP errors that are dropped', () => {
  const prepare = (manip: Manip | undefined) => {
    const nat = new Nat()
    const what = udp(CLIENT, SERVER, 5000, 53)
    const attachment = nat.meet(what)
    const context = { table: nat.table, now: 0, random: () => 0 }
    nullBinding(attachment.entry, 'dst', context)
    if (manip) nat.setUp(attachment, 'src', one(PUBLIC))
    else nullBinding(attachment.entry, 'src', context)
    translate(what, attachment, 'src')
    nat.table.confirm(attachment, 0)
    return { nat, what }
  }
  const about = (what: Packet, type: number) => {
    // nobody answers with a redirect by itself: build one as another error and change it
    const error = icmpError(what, { type: 3, code: 1, source: ip('192.0.2.1') })!
    return type === 3
      ? error
      : packet('192.0.2.1', printIp(tupleOf(what)!.src), { is: 'icmp', type, code: 1, rest: 0x0a000001 }, what.bytes)
  }

  test.each<[string, Manip | undefined, number, boolean]>([
    ['unreachable, translated', 'src', 3, true],
    ['redirect, translated', 'src', 5, false],
    ['redirect, not translated', undefined, 5, true],
  ])('%s', (_, manip, type, passes) => {
    const { nat, what } = prepare(manip)
    const error = about(what, type)
    expect(translateIcmpError(error, nat.meet(error), 'dst')).toBe(passes)
  })

  test('a wrong checksum, and a quotation that is cut off in the transport header', () => {
    const { nat, what } = prepare('src')
    const error = about(what, 3)
    const related = nat.meet(error)
    const broken = error.clone()
    broken.bytes[22]! ^= 1
    expect(translateIcmpError(broken, related, 'dst')).toBe(false)
    const short = packet('192.0.2.1', PUBLIC, { is: 'icmp', type: 3, code: 1 }, what.bytes.slice(0, 24))
    expect(nat.meet(short).state).toBe('RELATED')
    expect(translateIcmpError(short, nat.meet(short), 'dst')).toBe(false)
  })
})
