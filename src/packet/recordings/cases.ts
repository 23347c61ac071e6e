import { type Ip, parseIp } from '../../address/ip.js'
import { fragmentPacket } from '../build.js'
import type { Field, FieldValue } from '../fields.js'
import { parsePacketLine } from '../language.js'
import { lowerMss, targetMss } from '../mss.js'
import type { Packet } from '../packet.js'
import { echoReply, icmpError, rejectReset, stackReset } from '../reply.js'
import { toPacket } from '../request.js'
import { type ChecksumStyle, decreaseTtl, manipulate, writeField } from '../rewrite.js'

/** One packet sent into the lab's host, and what we say comes back from it or goes onward. */
export interface Case {
  readonly name: string
  readonly sent: Packet
  readonly back: (sent: Packet) => readonly Packet[]
  readonly onward: (sent: Packet) => readonly Packet[]
}

/** Commands that set up the host of record.py. */
export const SETUP: readonly string[] = [
  'ip route add 10.88.0.0/16 via 10.77.2.2 dev b1',
  'ip -6 route add fd88::/16 via fd77:2::2 dev b1',
  'ip route add 10.99.0.0/16 via 10.77.2.2 dev b1 mtu lock 1000',
  'ip -6 route add fd99::/16 via fd77:2::2 dev b1 mtu 1300',
  'ip route add prohibit 10.66.1.0/24',
  'ip route add unreachable 10.66.2.0/24',
  'sysctl -qw net.netfilter.nf_conntrack_checksum=0',
  'iptables-legacy -A INPUT -p tcp --dport 81 -j REJECT --reject-with tcp-reset',
  'iptables-legacy -A INPUT -p udp --dport 82 -j REJECT --reject-with icmp-admin-prohibited',
  'ip6tables-legacy -A INPUT -p tcp --dport 81 -j REJECT --reject-with tcp-reset',
  'ip6tables-legacy -A INPUT -p udp --dport 82 -j REJECT --reject-with icmp6-adm-prohibited',
  'iptables-legacy -t mangle -A FORWARD -d 10.88.2.0/24 -j TTL --ttl-set 200',
  'iptables-legacy -t mangle -A FORWARD -d 10.88.3.0/24 -j TOS --set-tos 0xb8/0xff',
  'iptables-legacy -t mangle -A FORWARD -d 10.88.4.0/24 -p tcp -j ECN --ecn-tcp-remove',
  'ip6tables-legacy -t mangle -A FORWARD -d fd88:2::/32 -j HL --hl-set 200',
  'ip6tables-legacy -t mangle -A FORWARD -d fd88:3::/32 -j DSCP --set-dscp 46',
  'iptables-legacy -t mangle -A FORWARD -d 10.88.20.0/24 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000',
  'iptables-legacy -t mangle -A FORWARD -d 10.88.21.0/24 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 400',
  'ip6tables-legacy -t mangle -A FORWARD -d fd88:20::/32 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300',
  'iptables-legacy -t nat -A PREROUTING -d 10.88.5.1 -p tcp -j DNAT --to 10.88.6.7:8080',
  'iptables-legacy -t nat -A PREROUTING -d 10.88.5.1 -p udp -j DNAT --to 10.88.6.7:5353',
  'iptables-legacy -t nat -A PREROUTING -d 10.88.5.1 -j DNAT --to 10.88.6.7',
  'ip6tables-legacy -t nat -A PREROUTING -d fd88:5::1 -p tcp -j DNAT --to [fd88:6::7]:8080',
  'ip6tables-legacy -t nat -A PREROUTING -d fd88:5::1 -p udp -j DNAT --to [fd88:6::7]:5353',
  'ip6tables-legacy -t nat -A PREROUTING -d fd88:5::1 -j DNAT --to fd88:6::7',
  `nft 'add table ip t; add chain ip t c { type filter hook forward priority -10; };
    add rule ip t c ip daddr 10.88.10.0/24 ip ttl set 9;
    add rule ip t c ip daddr 10.88.11.0/24 tcp dport set 99;
    add rule ip t c ip daddr 10.88.11.0/24 udp dport set 99;
    add rule ip t c ip daddr 10.88.12.0/24 ip saddr set 10.1.2.3;
    add rule ip t c ip daddr 10.88.13.0/24 ip dscp set ef;
    add rule ip t c ip daddr 10.88.14.0/24 ip id set 0x1234;
    add rule ip t c ip daddr 10.88.22.0/24 tcp option maxseg size set 1000;
    add table ip6 t; add chain ip6 t c { type filter hook forward priority -10; };
    add rule ip6 t c ip6 daddr fd88:12::/32 ip6 saddr set fd01::2;
    add rule ip6 t c ip6 daddr fd88:11::/32 udp dport set 99'`,
]

const SRC4 = '10.77.1.2'
const SRC6 = 'fd77:1::2'
const HOST: Record<4 | 6, Ip> = { 4: parseIp('10.77.1.1')!, 6: parseIp('fd77:1::1')! }

function packet(line: string): Packet {
  const parsed = parsePacketLine(line)
  if (!parsed.ok || parsed.packet.is !== 'fields') throw new Error(line)
  const { src, dst } = parsed.packet
  if (!src || !('ip' in src) || !('ip' in dst)) throw new Error(line)
  return toPacket(parsed.packet, { src: src.ip, dst: dst.ip })
}

const nothing = () => []
const maybe = (one: Packet | undefined): readonly Packet[] => (one ? [one] : [])

/** Lines with `A` for the sender and `H` for the host, in the family that `six` says. */
function line(text: string, six = false): string {
  const end = (ip: string) => (six ? `[${ip}]` : ip)
  return text
    .replace(/\bA(?=:)/, end(six ? SRC6 : SRC4))
    .replace(/\bA\b/, six ? SRC6 : SRC4)
    .replace(/\bH(?=:)/, end(six ? 'fd77:1::1' : '10.77.1.1'))
    .replace(/\bH\b/, six ? 'fd77:1::1' : '10.77.1.1')
}

function answered(text: string, answer: (sent: Packet) => Packet | undefined, change?: (packet: Packet) => void): Case {
  const sent = packet(text)
  change?.(sent)
  return {
    name: change ? `${text} (changed: ${change.name || 'bytes'})` : text,
    sent,
    back: (one) => maybe(answer(one)),
    onward: nothing,
  }
}

const error =
  (type: number, code: number, info = 0, mtu = 1500) =>
  (sent: Packet) =>
    icmpError(sent, { type, code, info, mtu, source: HOST[sent.family] })

/** What happens to a packet on its way through, on a copy. */
function forwarded(text: string, how: (packet: Packet) => unknown, change?: (packet: Packet) => void): Case {
  const sent = packet(text)
  change?.(sent)
  return {
    name: change ? `${text} (changed: ${change.name})` : text,
    sent,
    back: nothing,
    onward: (one) => {
      const copy = one.clone()
      decreaseTtl(copy)
      how(copy)
      return [copy]
    },
  }
}

const set =
  (field: Field, value: FieldValue, style: ChecksumStyle = 'kernel') =>
  (one: Packet) =>
    writeField(one, field, value, style)
const dnat = (ip: string, port: number | undefined) => (one: Packet) =>
  manipulate(one, 'dst', { ip: parseIp(ip)!, port })
function wrongChecksum(one: Packet): void {
  const at =
    one.transport.offset +
    (one.transport.protocol === 6 ? 16 : one.transport.protocol === 17 ? 6 : one.transport.protocol === 132 ? 9 : 2)
  one.bytes[at] = one.bytes[at]! ^ 0x5a
}
function noUdpChecksum(one: Packet): void {
  one.bytes.fill(0, one.transport.offset + 6, one.transport.offset + 8)
}
/** Makes the sum such that the checksum after the change may be either zero. */
const payloads = ['', 'x', 'hello', 'ab'.repeat(50)]

const SEGMENTS: readonly string[] = [
  'syn',
  'syn payload "data"',
  'fin seq 100',
  'none seq 4294967290 payload "0123456789"',
  'ack seq 5 ackno 4294967295',
  'psh,ack seq 9 ackno 77 payload "x"',
  'syn,ack ackno 7 tos 0x1f',
  'rst',
  'syn tos 0xff ttl 3 df',
  'fin,urg tos 0x03',
]

const TCP: readonly Case[] = [false, true].flatMap((six) =>
  SEGMENTS.flatMap((words, n) => [
    answered(line(`tcp A:${4000 + n} > H:80 ${words}`, six), (sent) => stackReset(sent)),
    answered(line(`tcp A:${5000 + n} > H:81 ${words}`, six), (sent) => rejectReset(sent)),
  ]),
)

const ECHOES: readonly string[] = [
  '',
  'id 77 seq 3 payload "hello"',
  'len 1500 tos 0x28',
  'tos 0xff ttl 2',
  'code 9 df',
]
const ICMP: readonly Case[] = [
  ...ECHOES.map((words) =>
    answered(line(`icmp A > H type 8 ${words}`.replace(/type 8(.*)code 9/, 'type 8 code 9 $1')), (sent) =>
      echoReply(sent),
    ),
  ),
  ...ECHOES.map((words) =>
    answered(line(`icmpv6 A > H type 128 ${words}`.replace(/ df/, ''), true), (sent) => echoReply(sent)),
  ),
  ...[0, 1, 547, 548, 549, 1400].flatMap((size) => [
    answered(line(`udp A:4444 > H:999 len ${28 + size}`), error(3, 3)),
    answered(line(`udp A:4444 > H:999 len ${48 + size}`, true), error(1, 4)),
  ]),
  ...[0x04, 0x1e, 0x10, 0xff, 0x03, 0xb8].flatMap((tos) => [
    answered(line(`udp A:4444 > H:999 tos ${tos}`), error(3, 3)),
    answered(line(`udp A:4444 > H:999 tos ${tos}`, true), error(1, 4)),
  ]),
  answered(line('udp A:4444 > H:82 payload "x"'), error(3, 13)),
  answered(line('udp A:4444 > H:82 payload "x"', true), error(1, 1)),
  answered(line('99 A > H payload "what is this"'), error(3, 2)),
  answered(line('99 A > H payload "what is this"', true), error(4, 1, 6)),
  answered(line('tcp A:1 > 10.88.1.1:80 syn ttl 1'), error(11, 0)),
  answered(`tcp [${SRC6}]:1 > [fd88:1::1]:80 syn ttl 1`, error(3, 0)),
  // from addresses that have not used up their tokens (ip_error)
  answered('tcp 10.77.1.3:1 > 10.66.1.1:80 syn', error(3, 13)),
  answered('tcp 10.77.1.4:1 > 10.66.2.1:80 syn', error(3, 1)),
  answered(line('tcp A:1 > 10.99.1.1:80 syn len 1200 df'), error(3, 4, 1000)),
  // the quoted packet has its hop limit lowered already: it was too big on its way out, not before routing
  answered(`udp [${SRC6}]:1 > [fd99:1::1]:80 len 1400`, (sent) => {
    const lowered = sent.clone()
    decreaseTtl(lowered)
    return error(2, 0, 1300)(lowered)
  }),
  // ICMP errors get no answer
  answered(line('icmp A > 10.88.1.1 port-unreachable ttl 1 about "udp 10.88.1.1:53 > 10.77.1.2:99"'), error(11, 0)),
  answered(line('icmp A > 10.88.1.1 echo-request ttl 1'), error(11, 0)),
  answered(line('icmp A > 10.88.1.1 timestamp-request ttl 1'), error(11, 0)),
  answered(line('icmp A > 10.88.1.1 type 42 code 0 ttl 1'), error(11, 0)),
  answered(line('icmp A > 10.88.1.1 router-solicitation ttl 1'), error(11, 0)),
]

const CHANGES: readonly Case[] = payloads.flatMap((payload, n) => {
  const data = `payload "${payload}"`
  return [
    forwarded(line(`tcp A:${100 + n} > 10.88.2.1:80 syn ${data}`), set('ip.ttl', 200)),
    forwarded(line(`udp A:${100 + n} > 10.88.3.1:80 tos 3 ${data}`), set('ip.tos', 0xb8)),
    forwarded(line(`tcp A:${100 + n} > 10.88.4.1:80 syn ${data}`).replace('syn', 'syn,ece,cwr'), set('tcp.flags', 2)),
    forwarded(`udp [${SRC6}]:${100 + n} > [fd88:2::1]:80 ${data}`, set('ip.ttl', 200)),
    forwarded(`udp [${SRC6}]:${100 + n} > [fd88:3::1]:80 tos 3 ${data}`, set('ip.tos', 0xbb)),
    forwarded(line(`tcp A:${100 + n} > 10.88.10.1:80 syn ${data}`), set('ip.ttl', 9, 'nft')),
    forwarded(line(`tcp A:${100 + n} > 10.88.11.1:80 syn ${data}`), set('th.dport', 99, 'nft')),
    forwarded(line(`udp A:${100 + n} > 10.88.11.1:80 ${data}`), set('th.dport', 99, 'nft')),
    forwarded(line(`udp A:${100 + n} > 10.88.11.2:80 ${data}`), set('th.dport', 99, 'nft'), noUdpChecksum),
    forwarded(line(`udp A:${100 + n} > 10.88.12.1:80 ${data}`), set('ip.saddr', 0x0a010203, 'nft')),
    forwarded(line(`tcp A:${100 + n} > 10.88.12.1:80 syn ${data}`), set('ip.saddr', 0x0a010203, 'nft'), wrongChecksum),
    forwarded(line(`tcp A:${100 + n} > 10.88.13.1:80 syn tos 2 ${data}`), set('ip.tos', 0xba, 'nft')),
    forwarded(line(`tcp A:${100 + n} > 10.88.14.1:80 syn ipid 7 ${data}`), set('ip.id', 0x1234, 'nft')),
    forwarded(
      `udp [${SRC6}]:${100 + n} > [fd88:12::1]:80 ${data}`,
      set('ip6.saddr', 0xfd010000000000000000000000000002n, 'nft'),
    ),
    forwarded(`udp [${SRC6}]:${100 + n} > [fd88:11::1]:80 ${data}`, set('th.dport', 99, 'nft')),
  ]
})

const NAT: readonly Case[] = payloads.flatMap((payload, n) => {
  const data = `payload "${payload}"`
  return [undefined, wrongChecksum].flatMap((change) => {
    const port = change ? 300 + n : 200 + n
    return [
      forwarded(line(`tcp A:${port} > 10.88.5.1:80 syn ${data}`), dnat('10.88.6.7', 8080), change),
      forwarded(line(`udp A:${port} > 10.88.5.1:53 ${data}`), dnat('10.88.6.7', 5353), change),
      forwarded(line(`icmp A > 10.88.5.1 id ${port} ${data}`), dnat('10.88.6.7', port), change),
      forwarded(
        line(`sctp A:${port} > 10.88.5.1:80 payload hex:01000014000000010000ffff000a000a00000001`),
        dnat('10.88.6.7', undefined),
        change,
      ),
      forwarded(line(`99 A > 10.88.5.1 payload "some${port}"`), dnat('10.88.6.7', undefined)),
      forwarded(line(`dccp A:${port} > 10.88.5.1:80`), dnat('10.88.6.7', undefined)),
      forwarded(line(`udplite A:${port} > 10.88.5.1:80 ${data}`), dnat('10.88.6.7', undefined), change),
      forwarded(
        line(`gre A > 10.88.5.1 payload hex:3001880b0004${port.toString(16).padStart(4, '0')}`),
        dnat('10.88.6.7', undefined),
      ),
      forwarded(`tcp [${SRC6}]:${port} > [fd88:5::1]:80 syn ${data}`, dnat('fd88:6::7', 8080), change),
      forwarded(`udp [${SRC6}]:${port} > [fd88:5::1]:53 ${data}`, dnat('fd88:6::7', 5353), change),
      forwarded(`icmpv6 ${SRC6} > fd88:5::1 id ${port} ${data}`, dnat('fd88:6::7', port), change),
    ]
  })
})

/** UDP whose checksum becomes 0 in one's complement: every 16-bit payload is tried until it does. */
function towardsZero(text: string, how: (packet: Packet) => unknown): Case {
  for (let value = 0; value < 0x10000; value++) {
    const candidate = `${text} payload hex:${value.toString(16).padStart(4, '0')}`
    const sent = packet(candidate)
    const copy = sent.clone()
    how(copy)
    const at = copy.transport.offset + (copy.transport.protocol === 6 ? 16 : 6)
    const check = (copy.bytes[at]! << 8) | copy.bytes[at + 1]!
    if (check === 0 || check === 0xffff) return forwarded(candidate, how)
  }
  throw new Error(`no payload leads to zero: ${text}`)
}

const ZEROS: readonly Case[] = [
  towardsZero(line('udp A:401 > 10.88.5.1:53'), dnat('10.88.6.7', 5353)),
  towardsZero(line('tcp A:401 > 10.88.5.1:80 syn'), dnat('10.88.6.7', 8080)),
  towardsZero(`udp [${SRC6}]:401 > [fd88:5::1]:53`, dnat('fd88:6::7', 5353)),
  towardsZero(line('udp A:402 > 10.88.11.1:80'), set('th.dport', 99, 'nft')),
  towardsZero(line('tcp A:402 > 10.88.11.1:80 syn'), set('th.dport', 99, 'nft')),
]

/** The IPv4 header checksum towards zero, by the id. */
function headerTowardsZero(text: string, how: (packet: Packet) => unknown): Case {
  for (let id = 0; id < 0x10000; id++) {
    const candidate = `${text} ipid ${id}`
    const copy = packet(candidate)
    decreaseTtl(copy)
    how(copy)
    const check = (copy.bytes[10]! << 8) | copy.bytes[11]!
    if (check === 0 || check === 0xffff) return forwarded(candidate, how)
  }
  throw new Error(`no id leads to zero: ${text}`)
}

const HEADER_ZEROS: readonly Case[] = [
  headerTowardsZero(line('udp A:501 > 10.88.1.1:53'), () => undefined),
  headerTowardsZero(line('udp A:501 > 10.88.2.1:53'), set('ip.ttl', 200)),
  headerTowardsZero(line('udp A:501 > 10.88.3.1:53'), set('ip.tos', 0xb8)),
  headerTowardsZero(line('udp A:502 > 10.88.5.1:53'), dnat('10.88.6.7', 5353)),
  headerTowardsZero(line('udp A:501 > 10.88.10.1:53'), set('ip.ttl', 9, 'nft')),
  headerTowardsZero(line('udp A:501 > 10.88.13.1:53'), set('ip.tos', 0xb8, 'nft')),
]

const FRAGMENTS: readonly Case[] = [1001, 1200, 1400, 1500].map((length) => {
  const sent = packet(line(`udp A:600 > 10.99.1.1:80 ipid 999 len ${length}`))
  return {
    name: `${length} bytes through 1000`,
    sent,
    back: nothing,
    onward: (one: Packet) => {
      const copy = one.clone()
      decreaseTtl(copy)
      return fragmentPacket(copy, 1000)
    },
  }
})

/** Headers with an MSS that is higher, lower, missing, behind others; with data; with no room for one more. */
const TCP_OPTIONS = ['', 'options hex:020405b4', 'options hex:02040100', 'options hex:0101080a1111111122222222', 'options hex:01010402020405b4', 'options hex:00000000020405b4', 'payload "x"', `options hex:${'01'.repeat(40)}`] // biome-ignore format: a table
const MSS: readonly Case[] = TCP_OPTIONS.flatMap((words, n) => [
  forwarded(line(`tcp A:${700 + n} > 10.88.20.1:80 syn ${words}`), (one) => targetMss(one, 1000)),
  forwarded(line(`tcp A:${700 + n} > 10.88.21.1:80 syn ${words}`), (one) => targetMss(one, 400)),
  forwarded(line(`tcp A:${700 + n} > 10.88.22.1:80 syn ${words}`), (one) => lowerMss(one, 1000)),
  forwarded(`tcp [${SRC6}]:${700 + n} > [fd88:20::1]:80 syn ${words}`, (one) => targetMss(one, 1300)),
])

export const CASES: readonly Case[] = [
  ...TCP,
  ...ICMP,
  ...CHANGES,
  ...NAT,
  ...ZEROS,
  ...HEADER_ZEROS,
  ...MSS,
  ...FRAGMENTS,
]
