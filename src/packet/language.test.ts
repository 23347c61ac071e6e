import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { checksumOk, headerChecksumOk } from './checksum.js'
import { headersOf, describe as oneLine } from './headers.js'
import { bytesToHex } from './hex.js'
import { parsePacketLine } from './language.js'
import { type FieldsRequest, type PacketRequest, printRequest, toPacket } from './request.js'

function read(line: string): PacketRequest {
  const parsed = parsePacketLine(line)
  if (!parsed.ok) throw new Error(`${line}: ${parsed.problem.message} at ${parsed.problem.at}`)
  return parsed.packet
}

const canonical: readonly (readonly [line: string, printed: string])[] = [
  ['tcp 198.51.100.9:40000 > 203.0.113.1:443 syn in eth0', 'tcp 198.51.100.9:40000 > 203.0.113.1:443 syn in eth0'],
  ['tcp 198.51.100.9:40000->203.0.113.1:443', 'tcp 198.51.100.9:40000 > 203.0.113.1:443'],
  ['TCP 10.0.0.1 → web:https SYN,ACK', 'tcp 10.0.0.1 > web:443 syn,ack'],
  ['udp > 10.96.0.10:53 from node1', 'udp > 10.96.0.10:53 from node1'],
  ['udp :5000 > node1/web:domain', 'udp :5000 > node1/web:53'],
  ['6 10.0.0.1:1 > 10.0.0.2:2', 'tcp 10.0.0.1:1 > 10.0.0.2:2'],
  ['icmp 10.1.0.2 > 8.8.8.8 echo-request', 'icmp 10.1.0.2 > 8.8.8.8 echo-request'],
  ['ping 10.1.0.2 > 8.8.8.8 ping id 7 seq 2', 'icmp 10.1.0.2 > 8.8.8.8 echo-request id 7 seq 2'],
  ['icmp 10.1.0.2 > 8.8.8.8 type 3 code 1', 'icmp 10.1.0.2 > 8.8.8.8 host-unreachable'],
  ['icmp 10.1.0.2 > 8.8.8.8 type 77 code 5', 'icmp 10.1.0.2 > 8.8.8.8 type 77 code 5'],
  ['icmp 10.1.0.2 > 8.8.8.8 fragmentation-needed rest 1400', 'icmp 10.1.0.2 > 8.8.8.8 fragmentation-needed rest 1400'],
  ['icmp fe80::1 > 2001:db8::1 echo-reply', 'icmpv6 fe80::1 > 2001:db8::1 echo-reply'],
  ['icmp6 fe80::1 > 2001:db8::1 neighbor-solicitation ttl 255', 'icmpv6 fe80::1 > 2001:db8::1 neighbour-solicitation ttl 255'],
  ['tcp [2001:db8::2]:40000 > [2001:db8:0::1]:22', 'tcp [2001:db8::2]:40000 > [2001:db8::1]:22'],
  ['tcp a > b:1 syn ack ttl 3 tos 0x10 len 100 mark 7 uid 1000 gid 100', 'tcp a > b:1 syn,ack ttl 3 tos 0x10 len 100 mark 0x7 uid 1000 gid 100'],
  ['udp a > b:1 dscp ef mac 2:0:0:0:0:1 vlan 7 ctstate established', 'udp a > b:1 tos 0xb8 mac 02:00:00:00:00:01 vlan 7 ctstate ESTABLISHED'],
  ['udp a > b:1 payload "say \\"hi\\""', 'udp a > b:1 payload "say \\"hi\\""'],
  ['udp a > b:1 payload "GET\\r\\n\\x00"', 'udp a > b:1 payload hex:4745540d0a00'],
  ['udp a > b:1 payload hex:00ff', 'udp a > b:1 payload hex:00ff'],
  ['udp a > b fragment 1480+', 'udp a > b fragment 1480+'],
  ['tcp a > b:1 none df ipid 9 seq 1 ackno 2 win 3', 'tcp a > b:1 none seq 1 ackno 2 win 3 ipid 9 df'],
  ['icmp 10.0.0.9 > 10.0.0.1 port-unreachable about "udp 10.0.0.1:5 > 10.0.0.9:53"', 'icmp 10.0.0.9 > 10.0.0.1 port-unreachable about "udp 10.0.0.1:5 > 10.0.0.9:53"'],
  ['gre 10.0.0.1 > 10.0.0.2', 'gre 10.0.0.1 > 10.0.0.2'],
  ['99 10.0.0.1 > 10.0.0.2 payload "x"', '99 10.0.0.1 > 10.0.0.2 payload "x"'],
  ['frame hex:0200000000020200000000010800 4500', 'frame hex:02000000000202000000000108004500'],
  ['frame 02:00:00:00:00:02 02:00:00:00:00:01 0800 45 in eth0 mark 1', 'frame hex:020000000002020000000001080045 in eth0 mark 0x1'],
  ['captures/a b.pcapng#12 in eth1', 'captures/a b.pcapng#12 in eth1'],
  // tcpdump
  ['12:00:00.1 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win 64240, options [mss 1460,sackOK,nop,wscale 7], length 0', 'tcp 10.0.0.1:40000 > 10.0.0.2:80 syn seq 1 win 64240 options hex:020405b4040201030307 len 52'],
  ['12:00:00.1 eth0  In  IP 10.0.0.1.40000 > 10.0.0.2.http: Flags [P.], seq 1:11, ack 5, win 502, length 10: HTTP: GET /', 'tcp 10.0.0.1:40000 > 10.0.0.2:80 psh,ack seq 1 ackno 5 win 502 len 50 in eth0'],
  ['12:00:00.1 eth0  Out IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 5, win 502, length 0', 'tcp 10.0.0.1:40000 > 10.0.0.2:80 ack ackno 5 win 502 len 40'],
  ['12:00:00.1 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 54: 10.0.0.1.1 > 10.0.0.2.2: Flags [R], seq 0, win 0, length 0', 'tcp 10.0.0.1:1 > 10.0.0.2:2 rst seq 0 win 0 len 40 mac 02:00:00:00:00:01 dmac 02:00:00:00:00:02'],
  ['IP 10.0.0.1.5353 > 10.0.0.2.domain: 123+ A? example.com. (29)', 'udp 10.0.0.1:5353 > 10.0.0.2:53 len 57'],
  ['IP web.example.40000 > 10.0.0.2.80: Flags [S], seq 1, length 0', 'tcp web.example:40000 > 10.0.0.2:80 syn seq 1 len 40'],
  ['IP 10.77.1.1 > 10.77.1.2: ICMP 10.77.1.1 udp port 999 unreachable, length 36', 'icmp 10.77.1.1 > 10.77.1.2 port-unreachable len 56'],
  ['IP 10.77.1.1 > 10.77.1.2: ICMP 10.99.1.1 unreachable - need to frag (mtu 1000), length 556', 'icmp 10.77.1.1 > 10.77.1.2 fragmentation-needed rest 1000 len 576'],
  ['IP 10.77.1.1 > 10.77.1.2: ICMP host 10.77.1.1 unreachable - admin prohibited filter, length 37', 'icmp 10.77.1.1 > 10.77.1.2 communication-prohibited len 57'],
  ['IP6 fd77:1::1 > fd77:1::2: ICMP6, destination unreachable,  unreachable prohibited fd77:1::1, length 57', 'icmpv6 fd77:1::1 > fd77:1::2 communication-prohibited len 97'],
  ['IP6 fd77:1::1 > fd77:1::2: ICMP6, packet too big, mtu 1300, length 1240', 'icmpv6 fd77:1::1 > fd77:1::2 packet-too-big rest 1300 len 1280'],
  ['IP6 (flowlabel 0x485d5, hlim 64, next-header ICMPv6 (58) payload length: 58) ::1 > ::1: [icmp6 sum ok] ICMP6, echo request, id 1, seq 2', 'icmpv6 ::1 > ::1 echo-request id 1 seq 2 ttl 64 flowlabel 296405 len 98'],
  ['IP 10.77.1.2 > 10.88.6.7:  ip-proto-99 7', '99 10.77.1.2 > 10.88.6.7 len 27'],
  // conntrack
  ['tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4 [ASSURED] mark=0 use=1', 'tcp 10.0.0.1:4 > 10.0.0.2:80 ack'],
  ['tcp      6 117 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=4 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4 mark=0 use=1', 'tcp 10.0.0.1:4 > 10.0.0.2:80'],
  ['    [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=4 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=4', 'udp 10.0.0.1:4 > 10.0.0.2:53'],
  ['ipv6     10 icmpv6   58 29 src=2001:db8::1 dst=2001:db8::2 type=128 code=0 id=99 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 type=129 code=0 id=99', 'icmpv6 2001:db8::1 > 2001:db8::2 echo-request id 99'],
  ['unknown  47 599 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 use=1', 'gre 10.0.0.1 > 10.0.0.2'],
  // LOG, TRACE
  ['[ 12.3] TRACE: raw:PREROUTING:policy:2 IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=44 TOS=0x00 PREC=0x00 TTL=63 ID=7 DF PROTO=TCP SPT=4 DPT=80 SEQ=9 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 OPT (020405B4) MARK=0x1', 'tcp 10.0.0.1:4 > 10.0.0.2:80 syn seq 9 ackno 0 win 1024 options hex:020405b4 ttl 63 ipid 7 df len 44 in eth0 mark 0x1 mac 02:00:00:00:00:01 dmac 02:00:00:00:00:02'],
  ['IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 LEN=29 TOS=0x10 PREC=0xC0 TTL=64 ID=0 PROTO=UDP SPT=4 DPT=53 LEN=9 UID=1000 GID=100', 'udp 10.0.0.1:4 > 10.0.0.2:53 ttl 64 tos 0xd0 ipid 0 len 29 uid 1000 gid 100'],
  ['IN=br0 OUT=br0 PHYSIN=veth1 PHYSOUT=veth2 MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=3 PROTO=ICMP TYPE=8 CODE=0 ID=5 SEQ=6', 'icmp 10.0.0.1 > 10.0.0.2 echo-request id 5 seq 6 ttl 64 ipid 3 len 84 in veth1'],
  ['IN=eth0 OUT= MAC= SRC=10.0.0.9 DST=10.0.0.1 LEN=56 TOS=0x00 PREC=0xC0 TTL=64 ID=3 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.0.0.1 DST=10.0.0.9 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=UDP SPT=5 DPT=53 LEN=8 ]', 'icmp 10.0.0.9 > 10.0.0.1 port-unreachable about "udp 10.0.0.1:5 > 10.0.0.9:53 ttl 64 ipid 0 df len 28" ttl 64 tos 0xc0 ipid 3 len 56 in eth0'],
  ['IN=eth0 OUT= MAC= SRC=2001:0db8:0000:0000:0000:0000:0000:0001 DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=60 TC=184 HOPLIMIT=63 FLOWLBL=5 PROTO=TCP SPT=4 DPT=80 WINDOW=1 RES=0x00 ACK FIN URGP=0', 'tcp [2001:db8::1]:4 > [2001:db8::2]:80 fin,ack win 1 ttl 63 tos 0xb8 flowlabel 5 len 60 in eth0'],
  ['IN=eth0 OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=100 TOS=0x00 PREC=0x00 TTL=64 ID=3 MF FRAG:185 PROTO=UDP', 'udp 10.0.0.1 > 10.0.0.2 ttl 64 ipid 3 len 100 fragment 1480+ in eth0'],
  // nft monitor trace
  ['trace id 1d9dde59 inet t i packet: iif "lo" @ll,0,112 0x800 ip saddr 127.0.0.1 ip daddr 127.0.0.1 ip dscp ef ip ecn ect0 ip ttl 64 ip id 32242 ip protocol tcp ip length 60 tcp sport 56928 tcp dport 80 tcp flags == syn tcp window 65495 ', 'tcp 127.0.0.1:56928 > 127.0.0.1:80 syn win 65495 ttl 64 tos 0xba ipid 32242 len 60 in lo'],
  ['trace id 6ded3178 inet t o packet: oif "lo" ip saddr 127.0.0.1 ip daddr 127.0.0.1 ip dscp cs0 ip ecn not-ect ip ttl 64 ip id 0 ip protocol tcp ip length 40 tcp sport 80 tcp dport 56928 tcp flags == 0x14 tcp window 0 ', 'tcp 127.0.0.1:80 > 127.0.0.1:56928 rst,ack win 0 ttl 64 ipid 0 len 40'],
  ['trace id 36bd9c77 inet t o packet: oif "lo" ip6 saddr ::1 ip6 daddr ::1 ip6 dscp cs0 ip6 ecn not-ect ip6 hoplimit 64 ip6 flowlabel 296405 ip6 nexthdr ipv6-icmp ip6 length 58 icmpv6 type destination-unreachable icmpv6 code port-unreachable icmpv6 parameter-problem 0 @th,64,96 0x6006a33e000a114000000000 ', 'icmpv6 ::1 > ::1 port-unreachable ttl 64 flowlabel 296405 len 98'],
  // key=value
  ['tcp,in_port=eth0,nw_src=10.0.0.1,nw_dst=10.0.0.2/32,tp_src=1,tp_dst=80,tcp_flags=syn,ack', 'tcp 10.0.0.1:1 > 10.0.0.2:80 syn,ack in eth0'],
  ['proto=udp src=10.0.0.1 dst=node2 dport=domain mark=0x10', 'udp 10.0.0.1 > node2:53 mark 0x10'],
  ['icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2,icmp_type=8,icmp_code=0', 'icmp 10.0.0.1 > 10.0.0.2 echo-request'],
] // biome-ignore format: a table

describe('a line is read, and printed in the packet language', () => {
  for (const [line, printed] of canonical) {
    test(line, () => {
      const request = read(line)
      expect(printRequest(request)).toBe(printed)
      expect(read(printed)).toEqual(request)
    })
  }
})

const problems: readonly (readonly [line: string, at: number, message: string])[] = [
  ['', 0, 'no packet: PROTO [SRC[:SPORT]] > DST[:DPORT]'],
  ['tpc 10.0.0.3 > 10.0.0.1:80', 0, '"tpc" is no protocol; did you mean "tcp"?'],
  ['10.0.0.3 > 10.0.0.1', 0, '"10.0.0.3" is no protocol; a packet is written PROTO [SRC[:SPORT]] > DST[:DPORT]'],
  ['tcp 10.0.0.300 > 10.0.0.1:80', 4, '"10.0.0.300" is no IPv4 address'],
  ['tcp 10.0.0.0/24 > 10.0.0.1:80', 4, '"10.0.0.0/24" is a network; a packet has one address'],
  ['tcp 10.0.0.3 10.0.0.1:80', 13, '">" should stand here, between source and destination'],
  ['tcp 10.0.0.3 >', 14, 'the destination is missing'],
  ['tcp 10.0.0.3 > :80', 15, 'the destination has no address'],
  ['tcp 10.0.0.3 > 10.0.0.1', 15, 'tcp needs a destination port: DST:PORT'],
  ['tcp 2001:db8::1 > 2001:db8::2:22', 18, 'tcp needs a destination port: [DST]:PORT'],
  ['tcp 10.0.0.3 > 10.0.0.1:', 24, 'a port should follow the colon'],
  ['tcp 10.0.0.3 > 10.0.0.1:70000', 24, 'a port is at most 65535, not 70000'],
  ['tcp 10.0.0.3 > 10.0.0.1:htp', 24, '"htp" is neither a port number nor a known service'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 sny', 27, 'unknown word "sny"; did you mean "syn"?'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 constructor', 27, 'unknown word "constructor"'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 ttl', 30, '"ttl" wants a number up to 255'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 ttl 256', 31, '"ttl" wants a number up to 255, not "256"'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 len 39', 0, '"len" counts the whole IP packet: at least 40 bytes here'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 in eth0 from node1', 0, 'a packet either arrives ("in") or is generated here ("from")'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 payload "abc', 35, 'this quote is never closed'],
  ['tcp 10.0.0.3 > 10.0.0.1:80 "syn"', 27, 'a text in quotes belongs behind "payload"'],
  ['tcp 10.0.0.3 > 2001:db8::1', 15, 'source and destination are addresses of two families'],
  ['udp 10.0.0.3 > 10.0.0.1:80 syn', 27, '"syn" is a TCP flag, and this is no TCP packet'],
  ['udp 10.0.0.3 > 10.0.0.1:80 type 3', 27, '"type" is for ICMP'],
  ['icmp 10.0.0.3 > 10.0.0.1 echo-requets', 25, 'unknown word "echo-requets"; did you mean "echo-request"?'],
  ['icmp 10.0.0.3 > 10.0.0.1:80', 16, 'icmp has no ports'],
  ['icmpv6 10.0.0.3 > 10.0.0.1', 18, 'ICMPv6 needs IPv6 addresses'],
  ['tcp fe80::1%eth0 > fe80::2', 11, 'an address has no zone here: say where the packet arrives with "in IFACE"'],
  ['udp 10.0.0.3 > 10.0.0.1:80 fragment 100', 36, "a fragment's offset is counted in bytes and is a multiple of 8, not 100"],
  ['udp 10.0.0.3 > 10.0.0.1:80 ctstate NWE', 35, '"NWE" is no connection state; did you mean "new"?'],
  ['frame hex:0102', 5, 'a frame has at least the 14 bytes of its Ethernet header: frame hex:…'],
  ['frame hex:02000000000202000000000108004', 38, 'a frame is a whole number of bytes: this hex digit has no partner'],
  ['a.pcap#0', 7, 'packets of a capture are counted from 1'],
  ['a.pcap#1 ttl 3', 9, '"ttl" cannot follow here'],
  ['12:00 ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28', 6, 'this is ARP, and no IP packet'],
  ['proto=tcp src=10.0.0.1 dport=80', 31, 'the destination is missing: dst=ADDRESS'],
  ['proto=tcp dest=10.0.0.1 dport=80', 10, 'unknown key "dest"; did you mean "dst"?'],
] // biome-ignore format: a table

describe('what cannot be read is said, with its place', () => {
  for (const [line, at, message] of problems) {
    test(line === '' ? '(nothing)' : line, () => {
      expect(parsePacketLine(line)).toEqual({ ok: false, problem: { message, at } })
    })
  }
})

describe('bytes of a request', () => {
  const cases: readonly (readonly [line: string, bytes: string])[] = [
    ['tcp 10.0.0.1 > 10.0.0.2:80', '4500002800000000400666ce0a0000010a0000029c40005000000000000000005002faf0045f0000'],
    ['udp 10.0.0.1 > 10.0.0.2:53 payload "hi"', '4500001e00000000401166cd0a0000010a0000029c400035000ae6f86869'],
    ['icmp 10.0.0.1 > 10.0.0.2', '4500001c00000000400166df0a0000010a0000020800f7fd00010001'],
    [
      'icmp fe80::1 > fe80::2',
      '6000000000083a40fe800000000000000000000000000001fe800000000000000000000000000002800082b600010001',
    ],
    ['udp 10.0.0.1 > 10.0.0.2 fragment 8 payload hex:01', '4500001500000001401166d50a0000010a00000201'],
  ]
  for (const [line, bytes] of cases) {
    test(line, () => {
      const request = read(line) as FieldsRequest
      const [src, dst] = [request.src, request.dst].map((end) => (end && 'ip' in end ? end.ip : 0))
      expect(bytesToHex(toPacket(request, { src: src!, dst: dst! }).bytes)).toBe(bytes)
    })
  }
  test('addresses of two families are a mistake of the caller', () => {
    expect(() => toPacket(read('tcp a > b:1') as FieldsRequest, { src: 1, dst: 2n })).toThrow(TypeError)
  })
})

const v4 = fc.integer({ min: 0, max: 0xffffffff })
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u8 = fc.integer({ min: 0, max: 255 })
const u32 = fc.integer({ min: 0, max: 0xffffffff })

/** Requests of every kind whose parts fit together. */
const requests: fc.Arbitrary<FieldsRequest> = fc
  .record(
    {
      ends: fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)),
      protocol: fc.constantFrom(6, 17, 1, 47, 132, 136, 33, 99),
      sport: u16, dport: u16, flags: u8, sequence: u32, acknowledgement: u32, window: u16, id: u16, type: u8, code: u8, ttl: u8, tos: u8, ipId: u16,
      payload: fc.uint8Array({ maxLength: 60 }), more: fc.boolean(), offset: fc.integer({ min: 0, max: 8191 }), mark: u32, iface: fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/),
    },
    { requiredKeys: ['ends', 'protocol', 'dport', 'id', 'type', 'code', 'more'] },
  )
  .map(({ ends, protocol: named, sport, dport, flags, sequence, acknowledgement, window, id, type, code, more, offset, iface, ...rest }) => {
    const six = typeof ends[0] === 'bigint'
    const protocol = named === 1 && six ? 58 : named
    const ports = [6, 17, 33, 132, 136].includes(protocol)
    return {
      ...rest,
      is: 'fields' as const,
      protocol,
      src: { ip: ends[0] },
      dst: { ip: ends[1] },
      ...(ports && { dport, ...(sport !== undefined && { sport }) }),
      ...(protocol === 6 && {
        ...(flags !== undefined && { flags }),
        ...(sequence !== undefined && { sequence }),
        ...(acknowledgement !== undefined && { acknowledgement }),
        ...(window !== undefined && { window }),
      }),
      ...((protocol === 1 || protocol === 58) && { icmp: { type, code, id } }),
      ...(offset !== undefined && { fragment: { offset: offset * 8, more } }),
      ...(iface !== undefined && { in: iface }),
    }
  }) // biome-ignore format: a table

describe('properties', () => {
  test('what is printed is read as the same request', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(parsePacketLine(printRequest(request))).toEqual({ ok: true, packet: request })
      }),
      { numRuns: 1000 },
    )
  })

  test('the bytes say what the request says, with good checksums', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const packet = toPacket(request, {
          src: (request.src as { ip: number }).ip,
          dst: (request.dst as { ip: number }).ip,
        })
        const headers = headersOf(packet, 0)
        expect(parseIp(headers.src)).toBe((request.src as { ip: number }).ip)
        expect(parseIp(headers.dst)).toBe((request.dst as { ip: number }).ip)
        expect(headers.ttl).toBe(request.ttl ?? 64)
        expect(headerChecksumOk(packet)).toBe(true)
        expect(packet.transport.protocol).toBe(request.protocol)
        expect(packet.transport.fragmentOffset * 8).toBe(request.fragment?.offset ?? 0)
        if (!request.fragment) {
          if (request.protocol !== 136) expect(checksumOk(packet)).toBe(true)
          expect(headers.dport).toBe(request.dport)
        }
        expect(oneLine(headers)).toContain(' > ')
      }),
      { numRuns: 1000 },
    )
  })

  test('no text makes it throw, and a problem points into the text', () => {
    const words = fc.constantFrom(
      'tcp',
      'udp',
      'icmp',
      '>',
      '->',
      '10.0.0.1',
      '10.0.0.2:80',
      '[::1]:2',
      'syn',
      'ttl',
      '64',
      'payload',
      '"a b"',
      '"',
      'IP',
      'IP6',
      'Flags',
      '[S],',
      'IN=',
      'OUT=',
      'SRC=1.2.3.4',
      'DST=::1',
      'PROTO=TCP',
      'src=1.2.3.4',
      'dst=4.3.2.1',
      'frame',
      'hex:00',
      'a.pcap#1',
      ':',
      'about',
      'fragment',
      '8+',
      '10.0.0.1.2',
      '10.0.0.1.2:',
      'ICMP',
    )
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 10 }).map((all) => all.join(' ')),
    )
    fc.assert(
      fc.property(line, (text) => {
        const parsed = parsePacketLine(text)
        if (parsed.ok) return
        expect(parsed.problem.at).toBeGreaterThanOrEqual(0)
        expect(parsed.problem.at).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 5000 },
    )
  })
})
