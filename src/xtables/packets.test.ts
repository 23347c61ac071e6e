import { parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { hexToBytes } from '../packet/hex.js'
import { Packet } from '../packet/packet.js'
import type { Connection } from '../rules/machines.js'
import { describeMatch, type Shown } from '../testing/describe-match.js'

const hex = (value: number, bytes: number) => value.toString(16).padStart(2 * bytes, '0')
const textHex = (text: string) => [...text].map((letter) => hex(letter.charCodeAt(0), 1)).join('')

/** An IPv4 packet 10.0.0.1 > 10.0.0.2 with this behind its header. */
const v4 = (protocol: number, payload: string, { tos = 0, fragment = 0 } = {}): Shown => {
  const length = hex(20 + payload.length / 2, 2)
  const bytes = `45${hex(tos, 1)}${length}1234${hex(fragment, 2)}40${hex(protocol, 1)}00000a0000010a000002${payload}`
  return { packet: new Packet(hexToBytes(bytes)!) }
}

/** An IPv6 packet 2001:db8::1 > 2001:db8::2; extension headers with their own next-header byte, the last with that of what follows. */
const v6 = (next: number, payload: string, more: Partial<Shown> = {}): Shown => {
  const address = (host: number) => `20010db8${'0'.repeat(16)}${hex(host, 4)}0000`.slice(0, 24) + hex(host, 4)
  const bytes = `60000000${hex(payload.length / 2, 2)}${hex(next, 1)}40${address(1)}${address(2)}${payload}`
  return { packet: new Packet(hexToBytes(bytes)!), ...more }
}

/** TCP from 1000 to 80 with these options, flags and data. */
const tcp = (options = '', flags = 0x02, data = '') =>
  `03e80050${'00'.repeat(8)}${hex((5 + options.length / 8) << 4, 1)}${hex(flags, 1)}${'00'.repeat(6)}${options}${data}`
const UDP = '03e8003500080000'
const MSS = '020405b4'
const SACK_PERMITTED = '01010402'

describeMatch('tcp', { backend: 'legacy' }, [
  ['-p tcp --tcp-option 2', v4(6, tcp(MSS)), 'yes'],
  ['-p tcp ! --tcp-option 2', v4(6, tcp(MSS)), 'no'],
  ['-p tcp --tcp-option 4', v4(6, tcp(MSS + SACK_PERMITTED)), 'yes'],
  ['-p tcp --tcp-option 1', v4(6, tcp(MSS + SACK_PERMITTED)), 'yes'],
  ['-p tcp --tcp-option 5', v4(6, tcp(MSS + SACK_PERMITTED)), 'no'],
  ['-p tcp ! --tcp-option 2', v4(6, tcp()), 'yes'],
  ['-p tcp --tcp-option 5', v4(6, tcp('05000500')), 'yes'], // a length of 0 counts as 1
  ['-p tcp --tcp-option 2', v4(6, tcp(MSS).slice(0, 44)), 'drop'],
  ['-p tcp --dport 81 --tcp-option 2', v4(6, tcp(MSS).slice(0, 44)), 'no'],
  ['-p tcp --tcp-option 2', v4(6, tcp(), { fragment: 2 }), 'no'],
])
describeMatch('tcp', { family: 6 }, [['-p tcp --tcp-option 2', v6(6, tcp(MSS)), 'yes']])

// seen on Linux 6.18: the first bytes of the IPv6 header are the ports of a later fragment
describeMatch('udp', { family: 6, backend: 'nft' }, [
  ['-p udp --sport 24576 --dport 0', v6(44, `1100002000000006${textHex('abcdefgh')}`), 'yes'],
  ['-p udp ! --dport 443', v6(44, `1100002000000006${textHex('abcdefgh')}`), 'yes'],
  ['-p udp --sport 24930', v6(44, `1100002000000006${textHex('abcdefgh')}`), 'no'],
  ['-p udp --dport 53', v6(17, UDP), 'yes'],
])
describeMatch('tcp', { family: 6, backend: 'nft' }, [
  ['-p tcp --tcp-flags SYN NONE', v6(44, `0600002000000006${textHex('abcdefgh')}`), 'yes'],
  ['-p tcp --syn', v6(6, tcp()), 'yes'],
])

/** DCCP of this type with options; `offset` in words. */
const dccp = (type: number, options: string, offset: number) =>
  `03e80050${hex(offset, 1)}00ffff${hex(type << 1, 1)}000001${'00'.repeat(type === 2 ? 0 : 4)}${options}`
describeMatch('dccp', {}, [
  ['-p dccp --dccp-option 3', v4(33, dccp(0, '03010000', 5)), 'yes'],
  ['-p dccp ! --dccp-option 3', v4(33, dccp(0, '03010000', 5)), 'no'],
  ['-p dccp --dccp-option 4', v4(33, dccp(0, '03010000', 5)), 'no'],
  ['-p dccp --dccp-option 3', v4(33, dccp(0, '', 4)), 'no'],
  ['-p dccp --dccp-option 3', v4(33, dccp(0, '', 3)), 'drop'], // the offset points into the header
  ['-p dccp --dccp-option 3', v4(33, dccp(0, '0301', 5)), 'drop'],
  ['-p dccp --dccp-option 3 --dccp-types DATA', v4(33, dccp(2, '0301', 5)), 'drop'],
  ['-p dccp --dccp-types ACK --dccp-option 3', v4(33, dccp(0, '', 3)), 'no'],
])

const chunk = (type: number, flags: number, length = 4) => `${hex(type, 1)}${hex(flags, 1)}${hex(length, 2)}`
const sctp = (...chunks: string[]) => `03e8005000000000${'00'.repeat(4)}${chunks.join('')}`
describeMatch('sctp', {}, [
  ['-p sctp --chunk-types any INIT', v4(132, sctp(chunk(1, 0))), 'yes'],
  ['-p sctp ! --chunk-types any INIT', v4(132, sctp(chunk(1, 0))), 'no'],
  ['-p sctp --chunk-types any INIT', v4(132, sctp(chunk(0, 3), chunk(1, 0))), 'yes'],
  ['-p sctp --chunk-types only INIT', v4(132, sctp(chunk(0, 3), chunk(1, 0))), 'no'],
  ['-p sctp --chunk-types only INIT,DATA', v4(132, sctp(chunk(0, 3), chunk(1, 0))), 'yes'],
  ['-p sctp --chunk-types all INIT,DATA', v4(132, sctp(chunk(0, 3), chunk(1, 0), chunk(3, 0))), 'yes'],
  ['-p sctp --chunk-types all INIT,SACK', v4(132, sctp(chunk(0, 3), chunk(1, 0))), 'no'],
  ['-p sctp --chunk-types any DATA:Be', v4(132, sctp(chunk(0, 2))), 'yes'],
  ['-p sctp --chunk-types any DATA:BE', v4(132, sctp(chunk(0, 2))), 'no'],
  ['-p sctp --chunk-types any NONE', v4(132, sctp(chunk(0, 2))), 'no'],
  ['-p sctp --chunk-types any INIT', v4(132, sctp(chunk(0, 0, 0))), 'drop'],
  ['-p sctp --chunk-types any INIT', v4(132, sctp()), 'drop'],
  ['-p sctp --dport 81 --chunk-types any INIT', v4(132, sctp()), 'no'],
])

describeMatch('string', {}, [
  ['-m string --string GET --algo bm', v4(17, UDP + textHex('GET /')), 'yes'],
  ['-m string ! --string GET --algo bm', v4(17, UDP + textHex('GET /')), 'no'],
  ['-m string --string get --algo kmp', v4(17, UDP + textHex('GET /')), 'no'],
  ['-m string --string get --algo kmp --icase', v4(17, UDP + textHex('GET /')), 'yes'],
  ['-m string --hex-string "|47|ET" --algo bm --from 28', v4(17, UDP + textHex('GET /')), 'yes'],
  ['-m string --string GET --algo bm --from 29', v4(17, UDP + textHex('GET /')), 'no'],
  ['-m string --string GET --algo bm --to 31', v4(17, UDP + textHex('GET /')), 'yes'],
  ['-m string --string GET --algo bm --to 30', v4(17, UDP + textHex('GET /')), 'no'],
  ['-m string --hex-string "|0a000001|" --algo bm', v4(17, UDP), 'yes'], // the IP header counts
])

describeMatch('u32', {}, [
  ['-m u32 --u32 "6&0xFF=17"', v4(17, UDP), 'yes'],
  ['-m u32 ! --u32 "6&0xFF=17"', v4(17, UDP), 'no'],
  ['-m u32 --u32 "0>>22&0x3C@0>>16=1000"', v4(17, UDP), 'yes'],
  ['-m u32 --u32 "0>>22&0x3C@0&0xFFFF=1:10,50:53"', v4(17, UDP), 'yes'],
  ['-m u32 --u32 "0>>22&0x3C@0&0xFFFF=53:50"', v4(17, UDP), 'no'],
  ['-m u32 --u32 "24=0x80000"', v4(17, UDP), 'yes'],
  ['-m u32 --u32 "25=0"', v4(17, UDP), 'no'], // beyond the end
  ['-m u32 ! --u32 "25=0"', v4(17, UDP), 'yes'],
  ['-m u32 --u32 "6&0xFF=17&&12=0x0a000001"', v4(17, UDP), 'yes'],
  ['-m u32 --u32 "6&0xFF=17&&12=0x0a000002"', v4(17, UDP), 'no'],
])

describeMatch('bpf', {}, [
  ['-m bpf --bytecode "4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0"', v4(17, UDP), 'yes'],
  ['-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"', v4(17, UDP), 'no'],
  ['-m bpf --bytecode "2,32 0 0 26,6 0 0 1"', v4(17, UDP), 'no'], // a load beyond the end ends it with 0
  ['-m bpf --bytecode "5,177 0 0 0,72 0 0 2,21 0 1 53,6 0 0 1,6 0 0 0"', v4(17, UDP), 'yes'],
  ['-m bpf --bytecode "2,40 0 0 4294963200,22 0 0 0"', v4(17, UDP), 'yes'],
  ['-m bpf --bytecode "2,32 0 0 4294963220,22 0 0 0"', v4(17, UDP), 'unknown'], // the mark
  ['-m bpf --object-pinned /sys/fs/bpf/x', v4(17, UDP), 'unknown'],
])

describeMatch('ecn', {}, [
  ['-m ecn --ecn-ip-ect 2', v4(17, UDP, { tos: 0xb2 }), 'yes'],
  ['-m ecn ! --ecn-ip-ect 2', v4(17, UDP, { tos: 0xb1 }), 'yes'],
  ['-p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr', v4(6, tcp('', 0x42)), 'yes'],
  ['-p tcp -m ecn --ecn-tcp-cwr', v4(6, tcp('', 0x42)), 'no'],
  ['-p tcp -m ecn ! --ecn-tcp-cwr', v4(6, tcp().slice(0, 38)), 'no'],
])
describeMatch('ecn', { family: 6 }, [['-p tcp -m ecn --ecn-tcp-ece', v6(6, tcp('', 0x40)), 'yes']])

const ah = (spi: number, length = 4, reserved = 0) => `06${hex(length, 1)}${hex(reserved, 2)}${hex(spi, 4)}00000001`
describeMatch('ah', {}, [
  ['-p ah --ahspi 100:200', v4(51, ah(150)), 'yes'],
  ['-p ah ! --ahspi 100:200', v4(51, ah(150)), 'no'],
  ['-p ah -m ah', v4(51, ah(150).slice(0, 22)), 'drop'],
  ['-p ah --ahspi 150', v4(51, ah(150), { fragment: 2 }), 'no'],
])
describeMatch('ah', { family: 6 }, [
  ['-m ah --ahspi 150', v6(51, `${ah(150)}${'00'.repeat(12)}${tcp()}`), 'yes'],
  ['-m ah --ahlen 24 --ahres', v6(51, `${ah(150)}${'00'.repeat(12)}${tcp()}`), 'yes'],
  ['-m ah --ahlen 28', v6(51, ah(150)), 'no'],
  ['-m ah ! --ahlen 28', v6(51, ah(150)), 'yes'],
  ['-m ah ! --ahlen 0', v6(51, ah(150)), 'yes'],
  ['-m ah --ahres', v6(51, ah(150, 4, 1)), 'no'],
  ['-m ah', v6(51, ah(150).slice(0, 22)), 'drop'],
  ['-m ah', v6(6, tcp()), 'no'],
])
describeMatch('ipcomp', {}, [
  ['-p ipcomp --ipcompspi 5', v4(108, '06000005'), 'yes'],
  ['-p ipcomp ! --ipcompspi 5', v4(108, '06000005'), 'no'],
  ['-p ipcomp -m ipcomp', v4(108, '06000005'), 'no'], // what is not said is 0
  ['-p ipcomp -m ipcomp', v4(108, '06000000'), 'yes'],
  ['-p ipcomp --ipcompspi 5', v4(108, '060000'), 'drop'],
])

const FRAGMENT = (offset: number, id: number) => `3a00${hex(offset, 2)}${hex(id, 4)}`
describeMatch('frag', { family: 6 }, [
  ['-m frag --fragid 1:42', v6(44, FRAGMENT(1, 42)), 'yes'],
  ['-m frag ! --fragid 1:42', v6(44, FRAGMENT(1, 42)), 'no'],
  ['-m frag --fragfirst --fragmore', v6(44, FRAGMENT(1, 42)), 'yes'],
  ['-m frag --fraglast', v6(44, FRAGMENT(0x58, 42)), 'yes'],
  ['-m frag --fragfirst', v6(44, FRAGMENT(0x58, 42)), 'no'],
  ['-m frag --fragres', v6(44, FRAGMENT(0x5e, 42)), 'no'],
  ['-m frag', v6(44, '3a000001'), 'drop'],
  ['-m frag', v6(58, '80000000'), 'no'],
])

const ROUTER_ALERT = '05020000'
describeMatch('hbh', { family: 6 }, [
  ['-m hbh', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m hbh --hbh-len 8', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m hbh ! --hbh-len 8', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m hbh --hbh-opts 5:2', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m hbh --hbh-opts 5,1:0', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m hbh --hbh-opts 1', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m hbh --hbh-opts 5:2,1,0', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m hbh --hbh-len 16', v6(0, `3a01${ROUTER_ALERT}0100`), 'no'], // the packet ends before the header does
  ['-m hbh', v6(0, '3a'), 'drop'],
  ['-m hbh', v6(58, '80000000'), 'no'],
])
describeMatch('dst', { family: 6 }, [
  ['-m dst --dst-opts 5:2', v6(60, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m dst', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m dst', v6(0, `3c000100000000003a000104000000008000`), 'yes'],
])

const ROUTING = (type: number, left: number, ...addresses: string[]) =>
  `3a${hex(2 * addresses.length, 1)}${hex(type, 1)}${hex(left, 1)}00000000${addresses.join('')}`
const HOP = (host: number) => `20010db8${'0'.repeat(16)}${hex(host, 4)}`
describeMatch('rt', { family: 6 }, [
  ['-m rt --rt-type 0', v6(43, ROUTING(0, 0)), 'yes'],
  ['-m rt ! --rt-type 0', v6(43, ROUTING(0, 0)), 'no'],
  ['-m rt --rt-type 0', v6(58, '80000000'), 'no'],
  ['-m rt ! --rt-type 0', v6(58, '80000000'), 'no'],
  ['-m rt --rt-segsleft 1:2 --rt-len 24', v6(43, ROUTING(0, 1, HOP(9))), 'yes'],
  ['-m rt ! --rt-segsleft 1:2', v6(43, ROUTING(0, 1, HOP(9))), 'no'],
  ['-m rt --rt-type 0 --rt-0-res', v6(43, ROUTING(0, 1, HOP(9))), 'yes'],
  ['-m rt --rt-type 0 --rt-0-addrs 2001:db8::9', v6(43, ROUTING(0, 1, HOP(9))), 'yes'],
  ['-m rt --rt-type 0 --rt-0-addrs 2001:db8::9', v6(43, ROUTING(0, 1, HOP(8), HOP(9))), 'no'],
  ['-m rt --rt-type 0 --rt-0-addrs 2001:db8::9 --rt-0-not-strict', v6(43, ROUTING(0, 1, HOP(8), HOP(9))), 'yes'],
  ['-m rt --rt-type 0', v6(43, ROUTING(0, 1, HOP(9)).slice(0, 40)), 'no'],
  ['-m rt --rt-type 0', v6(43, '3a02'), 'drop'],
])
describeMatch('srh', { family: 6 }, [
  ['-m srh', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'yes'],
  ['-m srh', v6(43, `3a04000101000102${HOP(8)}${HOP(9)}`), 'no'],
  ['-m srh', v6(43, `3a04040201000102${HOP(8)}${HOP(9)}`), 'no'], // more segments left than there are
  ['-m srh --srh-next-hdr 58 --srh-hdr-len-eq 4', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'yes'],
  ['-m srh --srh-hdr-len-gt 4', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'no'],
  ['-m srh --srh-hdr-len-lt 5 --srh-hdr-len-gt 3', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'no'],
  ['-m srh --srh-tag 513', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'yes'], // its bytes swapped
  ['-m srh --srh-nsid 2001:db8::8', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'yes'],
  ['-m srh --srh-psid 2001:db8::8', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'no'],
  ['-m srh ! --srh-psid 2001:db8::8', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'no'],
  ['-m srh --srh-lsid 2001:db8::/64', v6(43, `3a04040101000102${HOP(8)}${HOP(9)}`), 'yes'],
])
describeMatch('ipv6header', { family: 6 }, [
  ['-m ipv6header --header hop,prot', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m ipv6header --header hop', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m ipv6header ! --header hop', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m ipv6header --header hop --soft', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m ipv6header ! --header hop --soft', v6(0, `3a00${ROUTER_ALERT}0100`), 'no'],
  ['-m ipv6header ! --header frag,route --soft', v6(0, `3a00${ROUTER_ALERT}0100`), 'yes'],
  ['-m ipv6header --header hop,none', v6(0, `3b00${ROUTER_ALERT}0100`), 'yes'],
  ['-m ipv6header --header esp', v6(50, '0000000100000001'), 'yes'],
  ['-m ipv6header ! --header hop', v6(0, '3a'), 'no'],
])
describeMatch('mh', { family: 6 }, [
  ['-p mh -m mh --mh-type 1:3', v6(135, '3b000200000000000000'), 'yes'],
  ['-p mh -m mh ! --mh-type hoti', v6(135, '3b000200000000000000'), 'yes'],
  ['-p mh -m mh --mh-type 1:3', v6(135, '3a000200000000000000'), 'drop'],
  ['-p mh -m mh', v6(135, '3b00020000'), 'drop'],
])
const MAC = { destination: 0, source: parseMac('02:11:22:33:44:55')!, ethertype: 0x86dd }
const from = (source: string): Shown => {
  const bytes = v6(58, '80000000').packet!.bytes
  const address = parseIp(source) as bigint
  for (let i = 0; i < 16; i++) bytes[8 + i] = Number((address >> BigInt(120 - 8 * i)) & 255n)
  return { packet: new Packet(bytes, MAC) }
}
describeMatch('eui64', { family: 6 }, [
  ['-m eui64', from('fe80::11:22ff:fe33:4455'), 'yes'],
  ['-m eui64', from('fe80::211:22ff:fe33:4455'), 'no'],
  ['-m eui64', v6(58, '80000000'), 'no'],
])

// what the host, its connections and its sockets say
describeMatch('rpfilter', { table: 'raw', chain: 'PREROUTING' }, [
  ['-m rpfilter', { 'reverse-path': 1 }, 'yes'],
  ['-m rpfilter --invert', { 'reverse-path': 1 }, 'no'],
  ['-m rpfilter --invert --loose', { 'reverse-path': 0 }, 'yes'],
])
describeMatch('socket', {}, [
  ['-m socket', { socket: 1 }, 'yes'],
  ['-m socket --nowildcard', { socket: 0 }, 'no'],
  ['-m socket --transparent', { socket: 1 }, 'unknown'],
  ['-m socket --transparent', { socket: 0 }, 'no'],
])
const TRACKED = { 'meta.pkttype': 0, 'ip.daddr': 1, 'ct.status': 0 } as const
describeMatch('cluster', {}, [
  ['-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 3 --cluster-hash-seed 1', { ...TRACKED, 'ct.original.saddr': 1 }, 'yes'],
  ['-m cluster --cluster-total-nodes 2 ! --cluster-local-nodemask 3 --cluster-hash-seed 1', { ...TRACKED, 'ct.original.saddr': 1 }, 'no'],
  ['-m cluster --cluster-total-nodes 2 ! --cluster-local-nodemask 3 --cluster-hash-seed 1', TRACKED, 'no'],
  ['-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 3 --cluster-hash-seed 1', { ...TRACKED, 'ct.original.saddr': 1, 'ct.status': 1 << 11 }, 'no'],
  ['-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 3 --cluster-hash-seed 1', { ...TRACKED, 'ct.original.saddr': 1, 'meta.pkttype': 2 }, 'unknown'],
]) // biome-ignore format: a table
const connection = (id: string, open: boolean, labels?: Set<number>, older = 0): Shown => ({
  connection: {
    own: { id, confirmed: false, assured: false, state: () => (open ? 'open' : 'gone'), labels },
    older,
  } satisfies Connection,
})
describeMatch('connlimit', {}, [
  ['-m connlimit --connlimit-above 1', [connection('a', true), connection('b', true)], ['no', 'yes']],
  ['-m connlimit --connlimit-upto 1', [connection('a', true), { ...connection('a', true), after: 1 }], ['yes', 'yes']],
  // within one jiffy it is counted twice, and when a jiffy ends nobody knows
  [
    '-m connlimit --connlimit-upto 1',
    [connection('a', true), { ...connection('a', true), after: 0.005 }],
    ['yes', 'unknown'],
  ],
  ['-m connlimit --connlimit-upto 1', [connection('a', false), { ...connection('b', true), after: 1 }], ['yes', 'yes']],
  ['-m connlimit --connlimit-above 1', connection('a', true, undefined, 1), 'unknown'],
  ['-m connlimit --connlimit-above 2', connection('a', true, undefined, 1), 'no'],
  ['-m connlimit --connlimit-above 2', {}, 'drop'],
])
describeMatch('connlabel', {}, [
  ['-m connlabel --label 1', connection('a', true, new Set([1])), 'yes'],
  ['-m connlabel ! --label 1', connection('a', true, new Set([1])), 'no'],
  ['-m connlabel --label 2', connection('a', true, new Set([1])), 'no'],
  ['-m connlabel --label 2 --set', connection('a', true, new Set()), 'yes'],
  ['-m connlabel ! --label 2 --set', connection('a', true, new Set()), 'no'],
  ['-m connlabel ! --label 2', {}, 'yes'],
  ['-m connlabel --label 2', connection('a', true), 'unknown'],
  ['-m connlabel --label name', connection('a', true), 'unknown'],
])
describeMatch('policy', {}, [
  ['-m policy --dir in --pol none', { 'meta.ipsec.in': 0 }, 'yes'],
  ['-m policy --dir in --pol none', { 'meta.ipsec.in': 'unknown' }, 'unknown'],
  ['-m policy --dir in --pol ipsec', { 'meta.ipsec.in': 0 }, 'no'],
  ['-m policy --dir in --pol ipsec --reqid 1', { 'meta.ipsec.in': 1 }, 'unknown'],
])
describeMatch('cgroup', { chain: 'OUTPUT' }, [
  ['-m cgroup --cgroup 1', { 'socket.exists': 0 }, 'no'],
  ['-m cgroup ! --cgroup 1', { 'socket.exists': 0 }, 'no'],
  ['-m cgroup ! --path a/b', { 'socket.exists': 1 }, 'unknown'],
])
describeMatch('osf', {}, [
  ['-p tcp -m osf --genre Linux', v4(6, tcp()), 'unknown'],
  ['-p tcp -m osf ! --genre Linux', v4(6, tcp('', 0x10)), 'no'],
])
describeMatch('nfacct', {}, [['-m nfacct --nfacct-name n', {}, 'unknown']])
describeMatch('rateest', {}, [['-m rateest --rateest a --rateest-lt --rateest-bps 8bit', {}, 'unknown']])
describeMatch('ipvs', {}, [['-m ipvs --ipvs', {}, 'unknown']])
