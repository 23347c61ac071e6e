import { expect, test } from 'vitest'
import { ifName } from '../address/ifname.js'
import { parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { describeMatch, type Shown } from '../testing/describe-match.js'
import { matches } from './matches/index.js'
import { readSave } from './save.js'
import { TABLES } from './tables.js'
import { targets } from './targets/index.js'

const ip = (text: string) => parseIp(text)!
const TCP: Shown = {
  'meta.l4proto': 6,
  'frag.offset': 0,
  'th.sport': 40000,
  'th.dport': 22,
  'tcp.flags': 2,
  'tcp.urgent': 0,
  'tcp.header': 1,
}
const TCP6: Shown = { ...TCP, 'ip6.chain': 1 }
const UDP: Shown = { 'meta.l4proto': 17, 'frag.offset': 0, 'th.sport': 40000, 'th.dport': 53, 'udp.checksum': 0 }
/** A first fragment or a whole packet that ends behind the ports. */
const SHORT: Shown = { 'meta.l4proto': 6, 'frag.offset': 0, 'th.sport': 40000, 'th.dport': 22 }
const LATER: Shown = { 'meta.l4proto': 6, 'frag.offset': 185 }

// xt_tcpudp.c: tcp_mt, udp_mt, and seen on Linux 6.18
describeMatch('tcp', { backend: 'legacy' }, [
  ['-p tcp --dport 22', TCP, 'yes'],
  ['-p tcp --dport 22', UDP, 'no'],
  ['-p tcp ! --dport 22', TCP, 'no'],
  ['-p tcp --dport 21:23 --sport 40000:', TCP, 'yes'],
  ['-p tcp --syn', TCP, 'yes'],
  ['-p tcp --syn', { ...TCP, 'tcp.flags': 0x12 }, 'no'],
  ['-p tcp ! --syn', { ...TCP, 'tcp.flags': 0x12 }, 'yes'],
  ['-p tcp --tcp-flags ALL NONE', { ...TCP, 'tcp.flags': 0xc0 }, 'yes'], // ECE and CWR are none of ALL
  ['-p tcp --dport 22', SHORT, 'drop'],
  ['-p tcp ! --dport 22', SHORT, 'drop'],
  ['-p tcp -m tcp', SHORT, 'drop'],
  ['-p tcp --dport 22', LATER, 'no'],
  ['-p tcp ! --dport 22', LATER, 'no'],
  ['-p tcp --dport 22', { ...LATER, 'frag.offset': 1 }, 'drop'],
  ['-p tcp ! --dport 0:65535', TCP, 'no'],
])
describeMatch('tcp', { backend: 'nft' }, [
  ['-p tcp --dport 22', TCP, 'yes'],
  ['-p tcp --dport 22', SHORT, 'yes'],
  ['-p tcp --syn', SHORT, 'no'],
  ['-p tcp ! --syn', SHORT, 'no'],
  ['-p tcp ! --dport 80', { 'meta.l4proto': 6, 'frag.offset': 0 }, 'no'],
  ['-p tcp --dport 22', { ...LATER, 'frag.offset': 1 }, 'no'],
  ['-p tcp --dport 22', { ...LATER, 'th.dport': 22 }, 'yes'], // a later fragment’s payload is taken for a header
  ['-p tcp -m tcp', SHORT, 'drop'], // without options it stays the match of x_tables
])
describeMatch('tcp', { family: 6, backend: 'legacy' }, [
  ['-p tcp --dport 22', TCP6, 'yes'],
  ['-p tcp --dport 22', { ...TCP6, 'frag.offset': 1 }, 'no'],
  ['-p tcp', { 'meta.l4proto': 6 }, 'drop'], // extension headers that lead nowhere
])
describeMatch('tcp', { family: 6, backend: 'nft' }, [['-p tcp', { 'meta.l4proto': 6 }, 'no']])
describeMatch('udp', { backend: 'legacy' }, [
  ['-p udp --dport 53', UDP, 'yes'],
  ['-p udp ! --sport 1:1023', UDP, 'yes'],
  ['-p udp --dport 53', { 'meta.l4proto': 17, 'frag.offset': 0, 'th.dport': 53 }, 'drop'],
  ['-p udp --dport 53', { 'meta.l4proto': 17, 'frag.offset': 3 }, 'no'],
])
describeMatch('udp', { backend: 'nft' }, [
  ['-p udp --dport 53', { 'meta.l4proto': 17, 'frag.offset': 0, 'th.dport': 53 }, 'yes'],
  ['-p udp ! --dport 53', { 'meta.l4proto': 17, 'frag.offset': 0 }, 'no'],
])

const ICMP: Shown = { 'meta.l4proto': 1, 'frag.offset': 0, 'icmp.type': 3, 'icmp.code': 4, 'icmp.sequence': 0 }
describeMatch('icmp', {}, [
  ['-p icmp --icmp-type 3', ICMP, 'yes'],
  ['-p icmp --icmp-type 3/4', ICMP, 'yes'],
  ['-p icmp --icmp-type 3/3', ICMP, 'no'],
  ['-p icmp ! --icmp-type 3/3', ICMP, 'yes'],
  ['-p icmp --icmp-type any', ICMP, 'yes'],
  ['-p icmp ! --icmp-type any', ICMP, 'no'],
  ['-p icmp --icmp-type 3', { 'meta.l4proto': 1, 'frag.offset': 0, 'icmp.type': 3, 'icmp.code': 4 }, 'drop'],
  ['-p icmp --icmp-type 3', { 'meta.l4proto': 1, 'frag.offset': 9 }, 'no'],
])
describeMatch('icmp6', { family: 6 }, [
  ['-p icmpv6 --icmpv6-type 3', { ...ICMP, 'meta.l4proto': 58, 'ip6.chain': 1 }, 'yes'],
  ['-p icmpv6 --icmpv6-type 255', { ...ICMP, 'meta.l4proto': 58, 'ip6.chain': 1 }, 'no'], // no "any" here
])
describeMatch('multiport', {}, [
  ['-p tcp -m multiport --dports 80,20:25', TCP, 'yes'],
  ['-p tcp -m multiport ! --dports 80,20:25', TCP, 'no'],
  ['-p tcp -m multiport --ports 40000', TCP, 'yes'],
  ['-p tcp -m multiport ! --ports 40000', TCP, 'no'],
  ['-p tcp -m multiport --dports 22', { 'meta.l4proto': 6, 'frag.offset': 0 }, 'drop'],
  ['-p tcp -m multiport ! --dports 22', LATER, 'no'],
])

const CT: Shown = { 'ct.state': 2, 'ct.status': 8 | 2, 'ct.direction': 1, 'ct.mark': 0x12, 'ct.protocol': 6, 'ct.expires': 100, 'ct.original.saddr': ip('10.0.0.1'), 'ct.original.dport': 80 } // biome-ignore format: one connection
const INVALID: Shown = { 'ct.state': 1 }
// xt_conntrack.c: conntrack_mt
describeMatch('conntrack', {}, [
  ['-m conntrack --ctstate RELATED,ESTABLISHED', CT, 'yes'],
  ['-m conntrack ! --ctstate RELATED,ESTABLISHED', CT, 'no'],
  ['-m conntrack --ctstate INVALID', INVALID, 'yes'],
  ['-m conntrack --ctstate UNTRACKED', { 'ct.state': 64 }, 'yes'],
  ['-m conntrack --ctstate DNAT', { ...CT, 'ct.status': 32 }, 'yes'],
  ['-m conntrack --ctstate DNAT,NEW', CT, 'no'],
  ['-m conntrack ! --ctstate SNAT', INVALID, 'yes'],
  ['-m conntrack --ctproto tcp', CT, 'yes'],
  ['-m conntrack ! --ctproto tcp', INVALID, 'no'], // no connection, no match
  ['-m conntrack --ctstate INVALID --ctproto tcp', INVALID, 'yes'], // without a connection the state alone decides
  ['-m conntrack --ctstate ESTABLISHED --ctproto udp', CT, 'no'],
  ['-m conntrack --ctorigsrc 10.0.0.0/8 --ctorigdstport 80', CT, 'yes'],
  ['-m conntrack ! --ctorigsrc 10.0.0.0/255.0.0.1', CT, 'yes'],
  ['-m conntrack --ctdir REPLY', CT, 'yes'],
  ['-m conntrack --ctdir ORIGINAL', CT, 'no'],
  ['-m conntrack --ctstatus SEEN_REPLY', CT, 'yes'],
  ['-m conntrack --ctstatus NONE', { ...CT, 'ct.status': 0 }, 'no'],
  ['-m conntrack ! --ctstatus NONE', CT, 'yes'],
  ['-m conntrack --ctexpire 50:100', CT, 'yes'],
  ['-m conntrack ! --ctexpire 100:50', CT, 'yes'],
])
describeMatch('state', {}, [
  ['-m state --state NEW,ESTABLISHED', CT, 'yes'],
  ['-m state ! --state NEW', INVALID, 'yes'],
])
describeMatch('connmark', {}, [
  ['-m connmark --mark 0x2/0xf', CT, 'yes'],
  ['-m connmark ! --mark 0x2/0xf', CT, 'no'],
  ['-m connmark ! --mark 0x2/0xf', INVALID, 'no'],
])
describeMatch('helper', {}, [
  ['-m helper --helper ftp', CT, 'no'],
  ['-m helper ! --helper ftp', INVALID, 'yes'],
  ['-m helper --helper ftp', { ...CT, 'ct.status': 1 }, 'no'],
  ['-m helper --helper ftp', { ...CT, 'ct.status': 1, 'ct.helper': ifName('ftp') }, 'yes'],
  ['-m helper --helper ftp-2121', { ...CT, 'ct.status': 1, 'ct.helper': ifName('ftp') }, 'yes'],
  ['-m helper --helper ft', { ...CT, 'ct.status': 1, 'ct.helper': ifName('ftp') }, 'no'],
  ['-m helper --helper ""', { ...CT, 'ct.status': 1, 'ct.helper': ifName('tftp') }, 'yes'],
])
describeMatch('mark', {}, [
  ['-m mark --mark 0x10/0xf0', { 'meta.mark': 0x1f }, 'yes'],
  ['-m mark ! --mark 0x10', { 'meta.mark': 0x1f }, 'yes'],
  ['-m mark --mark 0x1/0xf0', { 'meta.mark': 1 }, 'no'], // a bit outside of the mask is never equal
])
describeMatch('comment', {}, [['-m comment --comment x', {}, 'yes']])
describeMatch('addrtype', {}, [
  ['-m addrtype --dst-type LOCAL,BROADCAST', { 'fib daddr': 2 }, 'yes'],
  ['-m addrtype ! --dst-type LOCAL', { 'fib daddr': 2 }, 'no'],
  ['-m addrtype --src-type UNICAST --dst-type LOCAL', { 'fib saddr': 1, 'fib daddr': 1 }, 'no'],
])
// xt_addrtype.c: match_type6: types that are no matter of routes all have to hold
describeMatch('addrtype', { family: 6 }, [
  ['-m addrtype --dst-type LOCAL', { 'fib daddr': 2, 'ip6.daddr': ip('fd00::1') }, 'yes'],
  ['-m addrtype --dst-type MULTICAST', { 'ip6.daddr': ip('ff02::1') }, 'yes'],
  ['-m addrtype --dst-type MULTICAST,UNICAST', { 'ip6.daddr': ip('ff02::1') }, 'no'],
  ['-m addrtype --dst-type UNICAST', { 'ip6.daddr': ip('fe80::1') }, 'yes'],
  ['-m addrtype --dst-type UNICAST', { 'ip6.daddr': ip('::') }, 'no'],
  ['-m addrtype --dst-type UNICAST', { 'ip6.daddr': ip('::ffff:1.2.3.4') }, 'no'],
  ['-m addrtype --dst-type UNSPEC', { 'ip6.daddr': ip('::') }, 'yes'],
])
describeMatch('limit', { backend: 'legacy' }, [
  [
    '-m limit --limit 1/second --limit-burst 2',
    [{}, {}, {}, { after: 1 }, { after: 1 }],
    ['yes', 'yes', 'no', 'yes', 'no'],
  ],
])
describeMatch('statistic', {}, [
  ['-m statistic --mode nth --every 3 --packet 0', [{}, {}, {}, {}], ['yes', 'no', 'no', 'yes']],
  ['-m statistic --mode nth --every 3 --packet 2', [{}, {}, {}, {}], ['no', 'no', 'yes', 'no']],
  ['-m statistic --mode nth ! --every 2 --packet 0', [{}, {}], ['no', 'yes']],
  ['-m statistic --mode random --probability 0.9', {}, 'yes'],
  ['-m statistic --mode random ! --probability 0.9', {}, 'no'],
])
describeMatch('ttl', {}, [
  ['-m ttl --ttl-eq 64', { 'ip.ttl': 64 }, 'yes'],
  ['-m ttl ! --ttl-eq 64', { 'ip.ttl': 64 }, 'no'],
  ['-m ttl --ttl-lt 64', { 'ip.ttl': 64 }, 'no'],
  ['-m ttl --ttl-gt 63', { 'ip.ttl': 64 }, 'yes'],
  ['-m ttl --ttl-lt 0', { 'ip.ttl': 0 }, 'no'],
])
describeMatch('hl', { family: 6 }, [
  ['-m hl --hl-eq 255', { 'ip.ttl': 255 }, 'yes'],
  ['-m hl --hl-gt 255', { 'ip.ttl': 255 }, 'no'],
])
describeMatch('length', {}, [
  ['-m length --length 100:200', { 'ip.length': 200 }, 'yes'],
  ['-m length ! --length 100:200', { 'ip.length': 200 }, 'no'],
  ['-m length --length 200:100', { 'ip.length': 150 }, 'no'],
])
describeMatch('length', { family: 6 }, [
  ['-m length --length 100', { 'ip6.length': 60 }, 'yes'],
  ['-m length --length 0:39', { 'ip6.length': 0 }, 'no'],
])
describeMatch('mac', {}, [
  ['-m mac --mac-source 00:11:22:33:44:55', { 'ether.saddr': parseMac('00:11:22:33:44:55')! }, 'yes'],
  ['-m mac ! --mac-source 00:11:22:33:44:55', { 'ether.saddr': 1 }, 'yes'],
  ['-m mac ! --mac-source 00:11:22:33:44:55', {}, 'no'],
  ['-m mac --mac-source XX:XX:XX:XX:XX:XX', { 'ether.saddr': 1 }, 'unknown'],
  ['-m mac --mac-source XX:XX:XX:XX:XX:XX', {}, 'no'],
])
describeMatch('iprange', {}, [
  ['-m iprange --src-range 10.0.0.1-10.0.0.9', { 'ip.saddr': ip('10.0.0.9') }, 'yes'],
  ['-m iprange ! --src-range 10.0.0.1-10.0.0.9', { 'ip.saddr': ip('10.0.0.10') }, 'yes'],
  ['-m iprange --src-range 10.0.0.9-10.0.0.1', { 'ip.saddr': ip('10.0.0.5') }, 'no'],
])
describeMatch('pkttype', {}, [
  ['-m pkttype --pkt-type unicast', { 'meta.pkttype': 0 }, 'yes'],
  ['-m pkttype --pkt-type multicast', { 'meta.pkttype': 5, 'ip.daddr': ip('224.0.0.1') }, 'yes'],
  ['-m pkttype --pkt-type broadcast', { 'meta.pkttype': 5, 'ip.daddr': ip('10.0.0.255') }, 'yes'],
  ['-m pkttype ! --pkt-type broadcast', { 'meta.pkttype': 1, 'ip.daddr': ip('10.0.0.255') }, 'no'],
])
describeMatch('tos', {}, [
  ['-m tos --tos 0x10/0x3f', { 'ip.tos': 0xd0 }, 'yes'],
  ['-m tos ! --tos 0x10', { 'ip.tos': 0xd0 }, 'yes'],
])
describeMatch('dscp', {}, [
  ['-m dscp --dscp-class EF', { 'ip.tos': 0xbb }, 'yes'],
  ['-m dscp ! --dscp 0x2e', { 'ip.tos': 0xbb }, 'no'],
])
describeMatch('devgroup', {}, [
  ['-m devgroup --src-group 0x1/0xf', { 'meta.iifgroup': 0x11 }, 'yes'],
  ['-m devgroup ! --src-group 0x1', { 'meta.iifgroup': 0x11 }, 'yes'],
])
describeMatch('realm', {}, [['-m realm --realm 0x1/0xf', { 'meta.realm': 0x21 }, 'yes']])
describeMatch('tcpmss', {}, [
  ['-p tcp -m tcpmss --mss 500:1400', { ...TCP, 'tcp.mss': 1400 }, 'yes'],
  ['-p tcp -m tcpmss ! --mss 500:1400', TCP, 'yes'], // no such option
  ['-p tcp -m tcpmss --mss 500:1400', SHORT, 'drop'],
])
const EMPTY = ifName('')
describeMatch('owner', { chain: 'OUTPUT' }, [
  ['-m owner --uid-owner 1000', { 'socket.exists': 1, 'socket.uid': 1000 }, 'yes'],
  ['-m owner ! --uid-owner 1000', { 'socket.exists': 1, 'socket.uid': 1000 }, 'no'],
  ['-m owner --uid-owner 0-999 --gid-owner 5', { 'socket.exists': 1, 'socket.uid': 1, 'socket.gid': 6 }, 'no'],
  ['-m owner --uid-owner 1000', { 'socket.exists': 1, 'socket.uid': 'unknown' }, 'unknown'],
  // without a socket: only where all that is asked is inverted (xt_owner.c: owner_mt)
  ['-m owner --uid-owner 0', { 'socket.exists': 0 }, 'no'],
  ['-m owner ! --uid-owner 0', { 'socket.exists': 0 }, 'yes'],
  ['-m owner ! --socket-exists', { 'socket.exists': 0 }, 'yes'],
  ['-m owner ! --socket-exists', { 'socket.exists': 1 }, 'no'],
  ['-m owner --socket-exists', { 'socket.exists': 1 }, 'yes'],
  ['-m owner --gid-owner 5 --suppl-groups', { 'socket.exists': 1, 'socket.gid': 5 }, 'yes'],
  ['-m owner --gid-owner 5 --suppl-groups', { 'socket.exists': 1, 'socket.gid': 6 }, 'unknown'],
])
describeMatch('physdev', { chain: 'FORWARD' }, [
  ['-m physdev --physdev-in vnet+', { 'meta.physiifname': ifName('vnet0') }, 'yes'],
  ['-m physdev ! --physdev-in vnet0', {}, 'yes'],
  ['-m physdev --physdev-is-bridged', { 'meta.bridged': 0 }, 'no'],
  ['-m physdev ! --physdev-is-bridged', { 'meta.bridged': 0 }, 'yes'],
  ['-m physdev --physdev-is-in', { 'meta.physiifname': ifName('vnet0') }, 'yes'],
])
describeMatch('set', {}, [
  ['-m set --match-set a src', { 'ip.saddr': 1, sets: ['a'] }, 'yes'],
  ['-m set ! --match-set a src', { 'ip.saddr': 1, sets: [] }, 'yes'],
  ['-m set --match-set a src', { 'ip.saddr': 1, sets: ['b'] }, 'no'],
])
describeMatch('sctp', {}, [
  ['-p sctp --dport 80', { 'meta.l4proto': 132, 'frag.offset': 0, 'th.dport': 80, 'sctp.checksum': 0 }, 'yes'],
  ['-p sctp --dport 80', { 'meta.l4proto': 132, 'frag.offset': 0, 'th.dport': 80 }, 'drop'],
])
const DCCP: Shown = { 'meta.l4proto': 33, 'frag.offset': 0, 'th.dport': 80, 'dccp.type': 0x0f, 'dccp.sequence': 0 }
describeMatch('dccp', {}, [
  ['-p dccp --dport 80', DCCP, 'yes'],
  ['-p dccp -m dccp --dccp-types RESET', DCCP, 'yes'],
  ['-p dccp -m dccp ! --dccp-types RESET,INVALID', DCCP, 'no'],
  ['-p dccp -m dccp --dccp-types INVALID', { ...DCCP, 'dccp.type': 0x1f }, 'yes'],
  ['-p dccp --dport 80', { ...DCCP, 'frag.offset': 1 }, 'no'],
])
describeMatch('esp', {}, [
  ['-p esp -m esp --espspi 1:5', { 'meta.l4proto': 50, 'frag.offset': 0, 'esp.spi': 5, 'esp.sequence': 1 }, 'yes'],
  ['-p esp -m esp --espspi 1:5', { 'meta.l4proto': 50, 'frag.offset': 0, 'esp.spi': 5 }, 'drop'],
])
/** Wednesday, 2026-11-25, 13:00 UTC. */
const WEDNESDAY: Shown = { 'meta.time': 1795611600, 'meta.daytime': 46800, 'meta.weekday': 3, 'meta.monthday': 25 }
describeMatch('time', {}, [
  ['-m time --timestart 09:00 --timestop 13:00', WEDNESDAY, 'yes'],
  ['-m time --timestart 14:00 --timestop 13:00', WEDNESDAY, 'yes'],
  ['-m time --timestart 22:00 --timestop 06:00', WEDNESDAY, 'no'],
  ['-m time --weekdays Mon,Tue', WEDNESDAY, 'no'],
  ['-m time ! --weekdays Mon,Tue --monthdays 25', WEDNESDAY, 'yes'],
  ['-m time --datestart 2026-11-25T13:00:01', WEDNESDAY, 'no'],
  ['-m time --datestop 2026-11-25T13:00:00', WEDNESDAY, 'yes'],
  ['-m time --timestart 22:00 --timestop 14:00 --contiguous --weekdays Tue', WEDNESDAY, 'yes'], // still Tuesday’s span
  ['-m time --timestart 22:00 --timestop 14:00 --contiguous --weekdays Wed', WEDNESDAY, 'no'],
  ['-m time --kerneltz --timestart 09:00', WEDNESDAY, 'unknown'],
])
describeMatch('cpu', {}, [['-m cpu --cpu 0', { 'meta.cpu': 'unknown' }, 'unknown']])
// xt_connbytes.c: connbytes_mt
const COUNTED: Shown = { 'ct.original.packets': 5, 'ct.total.bytes': 900, 'ct.reply.average': 150 }
describeMatch('connbytes', {}, [
  ['-m connbytes --connbytes 5:9 --connbytes-dir original --connbytes-mode packets', COUNTED, 'yes'],
  ['-m connbytes ! --connbytes 5:9 --connbytes-dir original --connbytes-mode packets', COUNTED, 'no'],
  ['-m connbytes --connbytes 901 --connbytes-dir both --connbytes-mode bytes', COUNTED, 'no'],
  ['-m connbytes --connbytes :150 --connbytes-dir reply --connbytes-mode avgpkt', COUNTED, 'yes'],
  ['-m connbytes ! --connbytes 5 --connbytes-dir original --connbytes-mode packets', {}, 'no'],
])
// xt_quota.c: quota_mt
describeMatch('quota', {}, [
  ['-m quota --quota 100', [{ 'meta.length': 60 }, { 'meta.length': 60 }, { 'meta.length': 20 }], ['yes', 'no', 'no']],
  ['-m quota ! --quota 100', [{ 'meta.length': 100 }, { 'meta.length': 1 }], ['no', 'yes']],
])
// xt_hashlimit.c: hashlimit_mt
const FROM = (host: number, after = 0): Shown => ({
  ...TCP,
  'ip.saddr': ip(`10.0.0.${host}`),
  'th.sport': 1000 + host,
  after,
})
const SIZE = (length: number, after = 0): Shown => ({ 'meta.length': length, after })
describeMatch('hashlimit', {}, [
  [
    '-m hashlimit --hashlimit-upto 1/s --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name x',
    [FROM(1), FROM(1), FROM(1), FROM(2), FROM(1, 1)],
    ['yes', 'yes', 'no', 'yes', 'yes'],
  ],
  ['-m hashlimit --hashlimit-above 1/s --hashlimit-burst 1 --hashlimit-name x', [FROM(1), FROM(2)], ['no', 'yes']],
  [
    '-m hashlimit --hashlimit-upto 1/s --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-srcmask 24 --hashlimit-name x',
    [FROM(1), FROM(2)],
    ['yes', 'no'],
  ],
  [
    '-m hashlimit --hashlimit-upto 1/s --hashlimit-burst 1 --hashlimit-mode srcport --hashlimit-name x',
    [FROM(1), FROM(2), { 'meta.l4proto': 6 }, ICMP, ICMP],
    ['yes', 'yes', 'drop', 'yes', 'no'],
  ],
  [
    '-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-htable-expire 2000 --hashlimit-name x',
    [FROM(1), FROM(1, 1), FROM(1, 3)],
    ['yes', 'no', 'yes'],
  ], // forgotten when it was idle
  // 1,024 bytes a second: a packet of 500 bytes costs 32 of the 65 units that a second brings
  [
    '-m hashlimit --hashlimit-upto 1kb/s --hashlimit-name x',
    [SIZE(500), SIZE(500), SIZE(500), SIZE(500, 1), SIZE(2000, 3), SIZE(2000, 3)],
    ['yes', 'yes', 'no', 'yes', 'yes', 'no'],
  ],
  [
    '-m hashlimit --hashlimit-above 1kb/s --hashlimit-burst 2kb --hashlimit-name x',
    [SIZE(1000), SIZE(1000), SIZE(1000), SIZE(1000)],
    ['no', 'no', 'no', 'yes'],
  ],
  [
    '-m hashlimit --hashlimit-upto 2/s --hashlimit-burst 1 --hashlimit-name x --hashlimit-rate-match --hashlimit-rate-interval 2',
    [SIZE(1), SIZE(1), SIZE(1), SIZE(1), SIZE(1, 2), SIZE(1, 4), SIZE(1, 9)],
    ['yes', 'yes', 'yes', 'no', 'yes', 'yes', 'yes'],
  ],
])
describeMatch('recent', {}, [['-m recent --rcheck --name x', { 'ip.saddr': 1 }, 'no']])
describeMatch('the header', {}, [
  ['-s 10.0.0.0/8', { 'ip.saddr': ip('10.255.255.255') }, 'yes'],
  ['-s 10.0.0.1/255.0.0.255', { 'ip.saddr': ip('10.9.9.1') }, 'yes'],
  ['! -s 0.0.0.0/0', { 'ip.saddr': 1 }, 'no'],
  ['! -i eth0', { 'meta.iifname': EMPTY }, 'yes'],
  ['-i +', { 'meta.iifname': EMPTY }, 'yes'],
  ['! -i +', { 'meta.iifname': EMPTY }, 'no'],
  ['-i eth+', { 'meta.iifname': ifName('eth10') }, 'yes'],
  ['-i eth0', { 'meta.iifname': ifName('eth01') }, 'no'],
  ['-f', { 'frag.offset': 1 }, 'yes'],
  ['! -f', { 'frag.offset': 0 }, 'yes'],
  ['! -p tcp', UDP, 'yes'],
])
describeMatch('the header', { backend: 'nft' }, [['! -i +', { 'meta.iifname': EMPTY }, 'yes']])

/** What a target does, in the first place that takes it. */
const EFFECTS: readonly (readonly [
  family: 4 | 6,
  table: string,
  chain: string,
  rule: string,
  effects: readonly unknown[],
])[] = [
  [4, 'filter', 'INPUT', '-j ACCEPT', [{ do: 'accept' }]],
  [4, 'filter', 'INPUT', '-j DROP', [{ do: 'drop' }]],
  [4, 'filter', 'INPUT', '-j RETURN', [{ do: 'return' }]],
  [4, 'filter', 'INPUT', '-j QUEUE', [{ do: 'queue', number: 0, bypass: false }]],
  [4, 'filter', 'INPUT', '-j NFQUEUE --queue-balance 2:5 --queue-bypass', [{ do: 'queue', number: 2, bypass: true }]],
  [
    4,
    'filter',
    'INPUT',
    '-j REJECT',
    [{ do: 'reject', with: { send: 'icmp', code: 3, name: 'icmp-port-unreachable' } }],
  ],
  [
    6,
    'filter',
    'INPUT',
    '-j REJECT',
    [{ do: 'reject', with: { send: 'icmp6', code: 4, name: 'icmp6-port-unreachable' } }],
  ],
  [
    6,
    'filter',
    'INPUT',
    '-j REJECT --reject-with port-unreach',
    [{ do: 'reject', with: { send: 'icmp6', code: 4, name: 'icmp6-port-unreachable' } }],
  ],
  [4, 'filter', 'INPUT', '-p tcp -j REJECT --reject-with tcp-reset', [{ do: 'reject', with: { send: 'tcp-reset' } }]],
  [4, 'filter', 'INPUT', '-j LOG --log-prefix "a b"', [{ do: 'log', prefix: 'a b' }]],
  [4, 'filter', 'INPUT', '-j NFLOG --nflog-prefix x', [{ do: 'log', prefix: 'x', handed: true }]],
  [4, 'filter', 'INPUT', '-j AUDIT --type drop', [{ do: 'log', prefix: 'AUDIT drop', handed: true }]],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j MARK --set-mark 0x1/0xff',
    [{ do: 'set', field: 'meta.mark', keep: 0xffffff00, xor: { from: 'constant', value: 1 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j MARK --set-mark 0x100/0xff',
    [{ do: 'set', field: 'meta.mark', keep: 0xfffffe00, xor: { from: 'constant', value: 0x100 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j MARK --and-mark 0xf',
    [{ do: 'set', field: 'meta.mark', keep: 0xf, xor: { from: 'constant', value: 0 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j MARK --or-mark 0xf',
    [{ do: 'set', field: 'meta.mark', keep: 0xfffffff0, xor: { from: 'constant', value: 0xf } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j MARK --xor-mark 0xf',
    [{ do: 'set', field: 'meta.mark', keep: 0xffffffff, xor: { from: 'constant', value: 0xf } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j CONNMARK --set-mark 1',
    [{ do: 'set', field: 'ct.mark', keep: 0, xor: { from: 'constant', value: 1 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j CONNMARK --save-mark --mask 0xff',
    [{ do: 'set', field: 'ct.mark', keep: 0xffffff00, xor: { from: 'masked', of: 'meta.mark', mask: 0xff } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j CONNMARK --restore-mark',
    [{ do: 'set', field: 'meta.mark', keep: 0, xor: { from: 'masked', of: 'ct.mark', mask: 0xffffffff } }],
  ],
  [4, 'mangle', 'PREROUTING', '-j TTL --ttl-dec 2', [{ do: 'add', field: 'ip.ttl', by: -2 }]],
  [
    6,
    'mangle',
    'PREROUTING',
    '-j HL --hl-set 9',
    [{ do: 'set', field: 'ip.ttl', keep: 0, xor: { from: 'constant', value: 9 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j TOS --set-tos 0x10/0x3f',
    [{ do: 'set', field: 'ip.tos', keep: 0xc0, xor: { from: 'constant', value: 0x10 } }],
  ],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j DSCP --set-dscp-class EF',
    [{ do: 'set', field: 'ip.tos', keep: 3, xor: { from: 'constant', value: 0xb8 } }],
  ],
  [
    4,
    'mangle',
    'POSTROUTING',
    '-j CLASSIFY --set-class 1:2',
    [{ do: 'set', field: 'meta.priority', keep: 0, xor: { from: 'constant', value: 0x10002 } }],
  ],
  [4, 'mangle', 'POSTROUTING', '-j CHECKSUM --checksum-fill', []],
  [4, 'mangle', 'PREROUTING', '-j TEE --gateway 10.0.0.1', [{ do: 'duplicate', gateway: ip('10.0.0.1') }]],
  [4, 'mangle', 'FORWARD', '-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu', [{ do: 'mss', to: 'path' }]],
  [
    4,
    'nat',
    'PREROUTING',
    '-p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.2:80-90/70 --persistent',
    [
      {
        do: 'nat',
        manip: 'dst',
        to: { addresses: [ip('10.0.0.1'), ip('10.0.0.2')], ports: [80, 90], basePort: 70, persistent: true },
      },
    ],
  ],
  [
    6,
    'nat',
    'PREROUTING',
    '-p tcp -j DNAT --to-destination [fd00::1]:80',
    [{ do: 'nat', manip: 'dst', to: { addresses: [ip('fd00::1'), ip('fd00::1')], ports: [80, 80] } }],
  ],
  [
    4,
    'nat',
    'POSTROUTING',
    '-j SNAT --to-source 10.0.0.1 --random',
    [{ do: 'nat', manip: 'src', to: { addresses: [ip('10.0.0.1'), ip('10.0.0.1')], random: true } }],
  ],
  [
    4,
    'nat',
    'POSTROUTING',
    '-j MASQUERADE --random-fully',
    [{ do: 'nat', manip: 'src', how: 'masquerade', to: { fullyRandom: true } }],
  ],
  [
    4,
    'nat',
    'OUTPUT',
    '-p tcp -j REDIRECT --to-ports 8080',
    [{ do: 'nat', manip: 'dst', how: 'redirect', to: { ports: [8080, 8080] } }],
  ],
  [
    4,
    'nat',
    'POSTROUTING',
    '-j NETMAP --to 10.1.0.0/16',
    [{ do: 'nat', manip: 'src', to: { addresses: [ip('10.1.0.0'), ip('10.1.255.255')], netmap: true } }],
  ],
  [
    4,
    'nat',
    'OUTPUT',
    '-j NETMAP --to 10.1.0.0/16',
    [{ do: 'nat', manip: 'dst', to: { addresses: [ip('10.1.0.0'), ip('10.1.255.255')], netmap: true } }],
  ],
  [4, 'raw', 'PREROUTING', '-j NOTRACK', [{ do: 'notrack' }]],
  [4, 'raw', 'PREROUTING', '-j CT --notrack', [{ do: 'notrack' }]],
  [4, 'raw', 'PREROUTING', '-j CT --zone-orig 5', [{ do: 'template', zone: 5, zoneDirection: 'original' }]],
  [4, 'raw', 'PREROUTING', '-p tcp -j CT --helper ftp', [{ do: 'template', helper: 'ftp' }]],
  [4, 'raw', 'PREROUTING', '-j TRACE', []],
  [
    4,
    'mangle',
    'PREROUTING',
    '-p tcp -j TPROXY --on-port 5000 --tproxy-mark 1/1',
    [{ do: 'to-socket', port: 5000, mark: 1, mask: 1 }],
  ],
  [
    6,
    'mangle',
    'PREROUTING',
    '-p udp -j TPROXY --on-port 0 --on-ip ::1',
    [{ do: 'to-socket', ip: 1n, port: 0, mark: 0, mask: 0 }],
  ],
  [4, 'filter', 'FORWARD', '-p tcp -j SYNPROXY --mss 1460', [{ do: 'answer-syn', offers: 1, mss: 1460, scale: 0 }]],
  [
    4,
    'mangle',
    'PREROUTING',
    '-j HMARK --hmark-tuple src,dport --hmark-mod 10 --hmark-rnd 7 --hmark-offset 3',
    [
      {
        do: 'hash-mark',
        by: {
          connection: false,
          srcMask: 0xffffffff,
          dstMask: 0,
          ports: { mask: 0xffff, set: 0 },
          protocolMask: 0,
          seed: 7,
          modulus: 10,
          offset: 3,
        },
      },
    ],
  ],
  [4, 'mangle', 'FORWARD', '-p tcp -j TCPOPTSTRIP --strip-options mss,3', [{ do: 'strip-options', kinds: [2, 3] }]],
  [4, 'mangle', 'FORWARD', '-p tcp -j ECN --ecn-tcp-remove', [{ do: 'tcp-bits', keep: 0x3f, set: 0 }]],
  [
    4,
    'mangle',
    'FORWARD',
    '-p tcp -j ECN --ecn-tcp-ece 1 --ecn-ip-ect 2',
    [
      { do: 'set', field: 'ip.tos', keep: 0xfc, xor: { from: 'constant', value: 2 } },
      { do: 'tcp-bits', keep: 0xbf, set: 0x40 },
    ],
  ],
  [
    6,
    'mangle',
    'POSTROUTING',
    '-j SNPT --src-pfx fd00::/16 --dst-pfx fd01::/48',
    [
      {
        do: 'map-prefix',
        which: 'src',
        from: { ip: ip('fd00::'), length: 16 },
        to: { ip: ip('fd01::'), length: 48 },
      },
    ],
  ],
  [
    6,
    'mangle',
    'PREROUTING',
    '-j DNPT --src-pfx fd00::/64 --dst-pfx fd01::/64',
    [
      {
        do: 'map-prefix',
        which: 'dst',
        from: { ip: ip('fd00::'), length: 64 },
        to: { ip: ip('fd01::'), length: 64 },
      },
    ],
  ],
  [
    4,
    'filter',
    'INPUT',
    '-j IDLETIMER --timeout 5 --label x',
    [{ do: 'log', prefix: '', what: 'IDLETIMER x: starts anew' }],
  ],
  [4, 'filter', 'INPUT', '-j LED --led-trigger-id x', [{ do: 'log', prefix: '', what: 'LED netfilter-x' }]],
  [
    4,
    'filter',
    'INPUT',
    '-j RATEEST --rateest-name x --rateest-interval 1s --rateest-ewmalog 4s',
    [{ do: 'log', prefix: '', what: 'RATEEST x: counted' }],
  ],
  [4, 'security', 'INPUT', '-j SECMARK --selctx a:b', [{ do: 'log', prefix: '', what: 'SECMARK a:b' }]],
  [4, 'security', 'INPUT', '-j CONNSECMARK --save', [{ do: 'log', prefix: '', what: 'CONNSECMARK save' }]],
  [
    4,
    'filter',
    'INPUT',
    '-j SET --add-set a src',
    [{ do: 'change-set', how: 'add', use: { set: 'a', directions: ['src'], family: 4 }, exist: false }],
  ],
  [4, 'filter', 'INPUT', '-j ULOG --ulog-prefix x', [{ do: 'log', prefix: 'x', handed: true }]],
  [
    4,
    'filter',
    'INPUT',
    '-j CLUSTERIP',
    [
      {
        do: 'unknown',
        text: '-j CLUSTERIP',
        needs: 'which node the kernel counts itself to is not in a snapshot',
      },
    ],
  ],
]

const effectsOf = (family: 4 | 6, table: string, chain: string, rule: string): readonly unknown[] => {
  const chains = Object.keys(TABLES[table]!).map((name) => `:${name} ACCEPT [0:0]`)
  const read = readSave([`*${table}`, ...chains, `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n'), { file: 'f', family })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  const { steps } = read.save.tables[0]!.chains.get(chain)!.rules[0]!
  return steps.flatMap((step) => ('do' in step ? [step.do] : []))
}

test.each(EFFECTS.map((row) => [row[3], row] as const))('%s', (_, [family, table, chain, rule, effects]) => {
  expect(effectsOf(family, table, chain, rule)).toEqual(effects)
})

test('NETMAP in a chain that is reached from both sides does what the hook is for', () => {
  const chains = Object.keys(TABLES['nat']!).map((name) => `:${name} ACCEPT [0:0]`)
  const rules = (...from: readonly string[]) => from.map((chain) => `-A ${chain} -j X`)
  const first = (...from: readonly string[]) => {
    const lines = ['*nat', ...chains, ':X - [0:0]', ...rules(...from), '-A X -j NETMAP --to 10.1.0.0/16', 'COMMIT', '']
    const read = readSave(lines.join('\n'), { file: 'f', family: 4 })
    const step = read.ok ? read.save.tables[0]!.chains.get('X')!.rules[0]!.steps.at(-1) : undefined
    return step && 'do' in step ? (step.do.do === 'nat' ? step.do.manip : step.do.do) : undefined
  }
  expect(first('PREROUTING', 'OUTPUT')).toBe('dst')
  expect(first('POSTROUTING')).toBe('src')
  expect(first('PREROUTING', 'POSTROUTING')).toBe('hook')
})

test('every match and every target stands in these tables', async () => {
  const { readFileSync } = await import('node:fs')
  const files = [import.meta.filename, import.meta.filename.replace('meaning', 'packets')]
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  expect(Object.keys(matches).filter((name) => !text.includes(`describeMatch('${name}'`))).toEqual([])
  expect(
    Object.keys(targets).filter((name) => !EFFECTS.some(([, , , rule]) => `${rule} `.includes(`-j ${name} `))),
  ).toEqual([])
})
