import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildFrame } from './frame.js'
import { bytesToHex, concatBytes } from './hex.js'
import { parsePacketLine } from './language.js'
import { pcapngHeader, pcapngPacket } from './pcapng.js'
import { type FieldsRequest, toPacket } from './request.js'

const there = spawnSync('tcpdump', ['--version']).status === 0

const v4 = fc.integer({ min: 0x01000000, max: 0xdfffffff })
const v6 = fc.bigInt({ min: 1n << 125n, max: (1n << 125n) + (1n << 124n) })
const u16 = fc.integer({ min: 1, max: 65535 })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const u8 = fc.integer({ min: 0, max: 255 })
const OPTIONS = ['', '020405b40402080a000000010000000001030307', '0101080a1111111122222222']

/** Packets of which tcpdump -v prints every field: it leaves out the sequence number of bare ACKs. */
const requests: fc.Arbitrary<FieldsRequest> = fc
  .record({
    ends: fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)),
    kind: fc.constantFrom('tcp', 'udp', 'icmp'),
    sport: u16,
    dport: u16,
    flags: u8,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    ttl: u8,
    tos: u8,
    ipId: u16,
    flowLabel: fc.integer({ min: 1, max: 0xfffff }),
    size: fc.integer({ min: 1, max: 100 }),
    reply: fc.boolean(),
    options: fc.constantFrom(...OPTIONS),
    df: fc.boolean(),
  })
  .map(
    ({
      ends,
      kind,
      sport,
      dport,
      flags,
      sequence,
      acknowledgement,
      window,
      ttl,
      tos,
      ipId,
      flowLabel,
      size,
      reply,
      options,
      df,
    }): FieldsRequest => {
      const six = typeof ends[0] === 'bigint'
      const base = {
        is: 'fields' as const,
        src: { ip: ends[0] },
        dst: { ip: ends[1] },
        ttl,
        tos,
        payload: new Uint8Array(size),
        ...(six ? { flowLabel } : { ipId, df }),
      }
      if (kind === 'tcp')
        return {
          ...base,
          protocol: 6,
          sport,
          dport,
          flags,
          sequence,
          acknowledgement: flags & 16 ? acknowledgement : 0,
          window,
          tcpOptions: Uint8Array.from(Buffer.from(options, 'hex')),
        }
      if (kind === 'udp') return { ...base, protocol: 17, sport: 40001, dport: 40002 }
      return {
        ...base,
        protocol: six ? 58 : 1,
        icmp: { type: (six ? 128 : 8) + (reply ? (six ? 1 : -8) : 0), code: 0, id: ipId, sequence: sport },
      }
    },
  )

const bytesOf = (request: FieldsRequest) => {
  const [src, dst] = [request.src, request.dst].map((end) => (end && 'ip' in end ? end.ip : 0))
  return toPacket(request, { src: src!, dst: dst! })
}

describe.skipIf(!there)('tcpdump reads what we write, and we read what it prints', () => {
  const packets = fc.sample(requests, { numRuns: 400, seed: 42 }).map(bytesOf)
  const folder = mkdtempSync(join(tmpdir(), 'packetwalk-'))
  const file = join(folder, 'packets.pcapng')
  const frames = packets.map((packet) =>
    buildFrame(
      { source: 0x020000000001, destination: 0x020000000002, ethertype: packet.family === 4 ? 0x0800 : 0x86dd },
      packet.bytes,
    ),
  )
  writeFileSync(
    file,
    concatBytes(
      pcapngHeader([{ name: 'eth0', linktype: 1 }]),
      ...frames.map((frame, i) => pcapngPacket(0, BigInt(i) * 1_234_567n, frame)),
    ),
  )
  const print = (...options: readonly string[]) =>
    execFileSync('tcpdump', [...options, '-nvSr', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    })
      .trim()
      .split(/\n(?!\s)/)

  for (const options of [[], ['-e'], ['-tttt'], ['-t']]) {
    test(`-v ${options.join(' ')}: every byte again`, () => {
      const lines = print(...options)
      expect(lines.length).toBe(packets.length)
      for (const [i, line] of lines.entries()) {
        const parsed = parsePacketLine(line)
        if (!parsed.ok || parsed.packet.is !== 'fields') throw new Error(line)
        expect(bytesToHex(bytesOf(parsed.packet).bytes), line).toBe(bytesToHex(packets[i]!.bytes))
      }
    })
  }
  test('no checksum is called wrong', () => {
    expect(print('-v').filter((line) => /\(incorrect|\bbad (?:udp|icmp6|cksum)|wrong icmp/.test(line))).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
