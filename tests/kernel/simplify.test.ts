import { describe, expect, test } from 'vitest'
import { ethernet, FLAG, icmp, ip4, ip6, sum, tcp, udp } from '../../kernel/cases/frames.js'
import { named, plainer, readdressed, reported } from '../../kernel/simplify.js'

const ends = { src: '10.1.1.4', dst: '10.2.0.20', sport: 51234, dport: 443 }
const segment = { ...ends, seq: 77, ack: 5, flags: FLAG.ack | FLAG.psh, options: '020405b401030307' }
const frame = (packet: string) => ethernet('02:00:00:00:00:10', '02:00:00:00:01:10', packet)
const odd = frame(ip4({ ...ends, protocol: 6, ttl: 3, tos: 0x10, options: '94040000' }, tcp(segment, '616263')))

/** Changes whatever can be changed until nothing can be any more. */
function plainest(at: string, digits: string): string {
  const seen = new Set<string>()
  let now = digits
  for (let next: string | undefined = now; next !== undefined; ) {
    seen.add(now)
    next = [...plainer({ at, frame: now })].map((one) => one.frame).find((one) => !seen.has(one))
    now = next ?? now
  }
  return now
}

describe('a packet made ordinary', () => {
  test('TCP over IPv4: no payload, no options, TTL 64, checksums right', () => {
    const plain = plainest('r0', odd)
    const header = plain.slice(28, 68)
    expect(header.slice(0, 16)).toBe('4500002812344000')
    expect(header.slice(16, 20)).toBe('4006')
    expect(sum(header)).toBe(0)
    const rest = plain.slice(68)
    expect(rest).toHaveLength(40)
    expect(rest.slice(0, 24)).toBe('c82201bb0000000100000000')
    expect(sum(`${header.slice(24)}00140006${rest}`)).toBe(0)
  })

  test('what is wrong on purpose can be made right, and is told by one change', () => {
    const wrong = frame(ip4({ ...ends, protocol: 17, fragment: 0x4000 }, udp(ends, '', true)))
    const right = frame(ip4({ ...ends, protocol: 17, fragment: 0x4000 }, udp(ends, '')))
    expect([...plainer({ at: 'r0', frame: wrong })]).toEqual([{ at: 'r0', frame: right }])
    expect([...plainer({ at: 'r0', frame: right })]).toEqual([])
  })

  test('an echo request of IPv6, sent locally', () => {
    const six = { src: 'fd00:1::5', dst: 'fd00:2::14' }
    const packet = ip6({ ...six, protocol: 58, hopLimit: 1, trafficClass: 8 }, icmp(six, 128, 0, '00010002616263'))
    expect(plainest('local', packet)).toBe(ip6({ ...six, protocol: 58 }, icmp(six, 128, 0, '00010002')))
  })

  test('fragments and what is no IP packet stay as they are', () => {
    const fragment = frame(ip4({ ...ends, protocol: 17, fragment: 0x2000 }, udp(ends, '6162')))
    expect([...plainer({ at: 'r0', frame: fragment })]).toEqual([])
    expect([...plainer({ at: 'r0', frame: `${'02'.repeat(12)}0806${'00'.repeat(28)}` })]).toEqual([])
  })

  test('other addresses and ports, in what an error quotes as well', () => {
    const quoted = ip4({ ...ends, protocol: 17 }, udp(ends, ''))
    const error = { src: '10.3.0.77', dst: ends.src }
    const packets = [
      { at: 'r0', frame: frame(ip4({ ...ends, protocol: 17 }, udp(ends, ''))) },
      { at: 'r1', frame: frame(ip4({ ...error, protocol: 1 }, icmp(error, 3, 3, `00000000${quoted}`))) },
    ]
    expect(named(packets).ports).toEqual([51234, 443])
    expect(named(packets).addresses.map(({ text }) => text)).toEqual(['10.1.1.4', '10.2.0.20', '10.3.0.77'])
    const moved = packets.map((one) => readdressed(reported(one, 51234, 40000), '0a010104', '0a01001e'))
    const now = { ...ends, src: '10.1.0.30', sport: 40000 }
    expect(moved[0]!.frame).toBe(frame(ip4({ ...now, protocol: 17 }, udp(now, ''))))
    expect(moved[1]!.frame).toContain('0a01001e0a020014')
    expect(moved[1]!.frame).not.toContain('0a010104')
    expect(sum(moved[1]!.frame.slice(68))).toBe(0)
  })
})
