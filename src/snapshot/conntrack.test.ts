import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { CT_STATUS } from '../packet/fields.js'
import { readConnections } from './conntrack.js'

const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url), 'utf8')
const { CONFIRMED, SEEN_REPLY, ASSURED, SRC_NAT, DST_NAT, SRC_NAT_DONE, DST_NAT_DONE } = CT_STATUS
const KNOWN = CONFIRMED | SRC_NAT_DONE | DST_NAT_DONE

describe('conntrack -L', () => {
  test('a connection to a published port', () => {
    const [, , entry] = readConnections(sample('docker-host/conntrack'), 1000)
    expect(entry).toMatchObject({
      original: {
        family: 4,
        protocol: 6,
        src: parseIp('192.0.2.1'),
        dst: parseIp('192.0.2.10'),
        sport: 38452,
        dport: 8080,
      },
      reply: { family: 4, protocol: 6, src: parseIp('172.17.0.2'), dst: parseIp('192.0.2.1'), sport: 80, dport: 38452 },
      status: KNOWN | SEEN_REPLY | ASSURED | DST_NAT,
      mark: 0,
      zone: 0,
      expires: 1119,
      protocol: { kind: 'tcp', state: 'TIME_WAIT' },
      counters: { original: { packets: 5, bytes: 347 }, reply: { packets: 5, bytes: 499 } },
      master: undefined,
      helper: undefined,
    })
  })
  test('every line of the samples', () => {
    const lines = (name: string) => readConnections(sample(name), 0).length
    expect(
      ['docker-host', 'docker-ufw-host', 'k8s-cluster/node1', 'k8s-cluster/node2'].map((host) =>
        lines(`${host}/conntrack`),
      ),
    ).toEqual([6, 7, 31, 32])
  })
  // lines printed by conntrack 1.4.7 on Linux 6.18
  test.each([
    [
      'ipv4     2 udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=53 [UNREPLIED] src=10.0.0.2 dst=192.0.2.1 sport=53 dport=1000 mark=0 use=1',
      KNOWN | SRC_NAT,
      [1000, 53, 53, 1000],
      { kind: 'udp', stream: false, streamSince: 1 },
    ],
    [
      'udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=2000 [ASSURED] mark=0 use=1',
      KNOWN | SEEN_REPLY | ASSURED | SRC_NAT,
      [1000, 53, 53, 2000],
      { kind: 'udp', stream: true, streamSince: 0 },
    ],
    [
      'gre      47 99 src=10.0.0.1 dst=10.0.0.2 srckey=0x5 dstkey=0x6 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x6 dstkey=0x5 mark=0 use=1',
      KNOWN,
      [5, 6, 6, 5],
      { kind: 'other', state: '' },
    ],
    [
      'ipv4     2 sctp     132 99 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1',
      KNOWN,
      [1000, 80, 80, 1000],
      { kind: 'other', state: 'ESTABLISHED' },
    ],
    [
      'ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 use=1',
      KNOWN,
      [77, 2048, 77, 0],
      { kind: 'other', state: '' },
    ],
    [
      'ipv4     2 unknown  2 598 src=10.244.0.1 dst=224.0.0.22 packets=1 bytes=40 [UNREPLIED] src=224.0.0.22 dst=10.244.0.1 packets=0 bytes=0 mark=0 use=1',
      KNOWN,
      [0, 0, 0, 0],
      { kind: 'other', state: '' },
    ],
  ] as const)('%s', (line, status, [sport, dport, replySport, replyDport], protocol) => {
    const [entry] = readConnections(line, 0)
    expect(entry!.status).toBe(status)
    expect(entry!.original).toMatchObject({ sport, dport })
    expect(entry!.reply).toMatchObject({ sport: replySport, dport: replyDport })
    expect(entry!.protocol).toEqual(protocol)
  })
  // as Linux 6.18 printed them for `-j CT --zone 5`, `--zone-orig 5` and `--zone-reply 5`
  test.each([
    ['dport=9 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=9 dport=55681 mark=0 zone=5 use=1', undefined],
    ['dport=9 zone-orig=5 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=9 dport=55681 mark=0 use=2', 'original'],
    ['dport=9 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=9 dport=55681 zone-reply=5 mark=0 use=1', 'reply'],
  ])('%s', (rest, direction) => {
    const [entry] = readConnections(`ipv4     2 udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=55681 ${rest}`, 0)
    expect([entry?.zone, entry?.zoneDirection]).toEqual([5, direction])
  })
  test('mark, zone, helper', () => {
    const line =
      'tcp      6 99 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=21 src=10.0.0.2 dst=10.0.0.1 sport=21 dport=1000 [ASSURED] mark=5 zone=7 helper=ftp use=1'
    expect(
      readConnections(`${line}\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n`, 0),
    ).toMatchObject([{ mark: 5, zone: 7, helper: 'ftp' }])
  })
  test.each([
    [
      'tcp      6 99 HAPPY src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1',
      1,
      15,
      'HAPPY is no state of TCP',
    ],
    ['udp      17 x src=10.0.0.1', 1, 13, 'src= is missing'],
    ['udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2', 1, 56, 'src= is missing'],
    [
      'udp      17 9 src=10.0.0.999 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1',
      1,
      15,
      '10.0.0.999 is not an IP address',
    ],
    [
      'udp      17 9 src=10.0.0.9 dst=10.0.0.2 sport=a dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1',
      1,
      41,
      'sport a is not a number',
    ],
  ] as const)('%s', (text, line, column, message) => {
    expect(() => readConnections(text, 0)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
