import type { Planted } from './planted.js'

/** A fault, where it is to be found, and the same ruleset without it. */
export interface PlantedFault {
  /** The lint rule. */
  readonly id: string
  readonly planted: Planted
  /** `filter/INPUT 2`, or a chain alone; in order. */
  readonly finds: readonly string[]
  readonly clean: Planted
}

const STATEFUL = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const LINKS = [
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000',
  '    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00',
  '    inet 127.0.0.1/8 scope host lo',
  '    inet6 ::1/128 scope host',
  '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP group default qlen 1000',
  '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
  '    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0',
  '    inet6 2001:db8::10/64 scope global',
  '3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default',
  '    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff',
  '    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0',
  '',
].join('\n')
const ROUTES = `default via 192.0.2.1 dev eth0
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
`
const UPLINKS = `${LINKS}4: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP group default qlen 1000
    link/ether 02:00:00:00:00:03 brd ff:ff:ff:ff:ff:ff
    inet 203.0.113.10/24 brd 203.0.113.255 scope global eth1
`
/** Marked packets leave by the second uplink. */
const UPLINK_ROUTES = `${ROUTES}203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.10
default via 203.0.113.1 dev eth1 table 100
`
const UPLINK_RULES = (selector: string) =>
  `0:\tfrom all lookup local\n100:\tfrom ${selector} lookup 100\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n`
const SETS =
  'create blocked hash:ip family inet hashsize 1024 maxelem 65536\ncreate pairs hash:ip,port family inet hashsize 1024 maxelem 65536\n'
const FORWARDING = 'net.ipv4.ip_forward = 1\n'
const DNAT = 'nat: -A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80'

export const CASES: readonly PlantedFault[] = [
  {
    id: 'accept-by-source-port',
    planted: { iptables: ['INPUT DROP', '-A INPUT -p udp -m udp --sport 53 -j ACCEPT'] },
    finds: ['filter/INPUT 1'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT', '-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT'] },
  },
  {
    id: 'both-backends',
    planted: { iptables: ['-A INPUT -s 10.0.0.1/32 -j DROP'], legacy: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: [''],
    clean: { iptables: ['-A INPUT -s 10.0.0.1/32 -j DROP'], legacy: ['INPUT ACCEPT'] },
  },
  {
    id: 'catch-all-not-last',
    planted: { iptables: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -j DROP', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', '-A INPUT -p udp -j ACCEPT'] },
    finds: ['filter/INPUT 3'],
    clean: { iptables: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', '-A INPUT -j DROP'] },
  },
  {
    id: 'catch-all-not-last',
    // together they take everything, none does alone
    planted: { iptables: ['-A INPUT -s 0.0.0.0/1 -j ACCEPT', '-A INPUT -s 128.0.0.0/1 -j DROP', '-A INPUT -p tcp -j ACCEPT'] },
    finds: ['filter/INPUT 3'],
    clean: { iptables: ['-A INPUT -s 0.0.0.0/1 -j ACCEPT', '-A INPUT -s 128.0.0.0/2 -j DROP', '-A INPUT -p tcp -j ACCEPT'] },
  },
  {
    id: 'chain-unreachable',
    planted: { iptables: ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 10.2.0.0/16 -j guests', '-A guests -p tcp -j ACCEPT'] },
    finds: ['filter/guests'],
    clean: { iptables: ['-A INPUT -s 10.2.0.0/16 -j guests', '-A INPUT -s 10.0.0.0/8 -j DROP', '-A guests -p tcp -j ACCEPT'] },
  },
  {
    id: 'chain-unused',
    planted: { iptables: ['-A INPUT -p tcp -j ACCEPT', '-A old -s 10.0.0.1/32 -j DROP'] },
    finds: ['filter/old'],
    clean: { iptables: ['-A INPUT -p tcp -j old', '-A old -s 10.0.0.1/32 -j DROP'] },
  },
  {
    id: 'equal-priorities',
    planted: { iptables: ['-A INPUT -s 10.0.0.1/32 -j DROP'], legacy: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: ['filter/INPUT'],
    clean: { iptables: ['-A INPUT -s 10.0.0.1/32 -j DROP'], legacy: ['mangle: -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
  },
  {
    id: 'flush-locks-out',
    planted: { iptables: ['INPUT DROP', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: ['filter/INPUT'],
    clean: { iptables: ['INPUT ACCEPT', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -j DROP'] },
  },
  {
    id: 'invalid-not-translated',
    planted: { iptables: ['FORWARD DROP', '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT', 'nat: -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'], 'ip-addr': LINKS, 'ip-route': ROUTES, sysctl: FORWARDING },
    finds: ['nat/POSTROUTING 1'],
    clean: { iptables: ['FORWARD DROP', '-A FORWARD -m conntrack --ctstate INVALID -j DROP', '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT', 'nat: -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'], 'ip-addr': LINKS, 'ip-route': ROUTES, sysctl: FORWARDING },
  },
  {
    id: 'ipv6-open',
    planted: {
      iptables: ['INPUT DROP', STATEFUL, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'],
      ip6tables: ['INPUT DROP', STATEFUL, '-A INPUT -p tcp -m multiport --dports 22,3306 -j ACCEPT'],
      'ip-addr': LINKS,
    },
    finds: ['filter/INPUT'],
    clean: {
      iptables: ['INPUT DROP', STATEFUL, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'],
      ip6tables: ['INPUT DROP', STATEFUL, '-A INPUT -p tcp -m multiport --dports 22 -j ACCEPT', '-A INPUT -p ipv6-icmp -j ACCEPT'],
      'ip-addr': LINKS,
    },
  },
  {
    id: 'jump-to-empty-chain',
    planted: { iptables: ['-N hooks', '-A INPUT -j hooks'] },
    finds: ['filter/INPUT 1'],
    clean: { iptables: ['-A INPUT -j hooks', '-A hooks -p tcp -j RETURN'] },
  },
  {
    id: 'limit-after-established',
    planted: { iptables: ['INPUT DROP', STATEFUL, '-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT'] },
    finds: ['filter/INPUT 2'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT', STATEFUL] },
  },
  {
    id: 'log-without-limit',
    planted: { iptables: ['-A INPUT -p tcp -m tcp --dport 23 -j LOG --log-prefix "telnet "', '-A INPUT -j logdrop', '-A logdrop -j LOG', '-A logdrop -j DROP'] },
    finds: ['filter/INPUT 1', 'filter/logdrop 1'],
    clean: { iptables: ['-A INPUT -p tcp -m tcp --dport 23 -m limit --limit 3/min -j LOG --log-prefix "telnet "', '-A INPUT -m limit --limit 3/min -j logdrop', '-A logdrop -j LOG', '-A logdrop -j DROP'] },
  },
  {
    id: 'loopback-dropped',
    planted: { iptables: ['INPUT DROP', STATEFUL, '-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: ['filter/INPUT'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -i lo -j ACCEPT', STATEFUL, '-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT'] },
  },
  {
    id: 'mark-after-routing',
    planted: {
      iptables: ['-A OUTPUT -m owner --uid-owner 1000 -j MARK --set-mark 0x1', 'mangle: -A FORWARD -s 10.0.0.0/8 -j MARK --set-mark 0x1'],
      'ip-rule': '0:\tfrom all lookup local\n100:\tfrom all fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
    },
    finds: ['filter/OUTPUT 1', 'mangle/FORWARD 1'],
    clean: {
      iptables: ['mangle: -A OUTPUT -m owner --uid-owner 1000 -j MARK --set-mark 0x1', 'mangle: -A PREROUTING -s 10.0.0.0/8 -j MARK --set-mark 0x1', 'mangle: -A FORWARD -s 10.0.0.0/8 -j MARK --set-mark 0x2'],
      'ip-rule': '0:\tfrom all lookup local\n100:\tfrom all fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
    },
  },
  {
    id: 'masquerade-everything',
    planted: { iptables: ['nat: -A POSTROUTING -j MASQUERADE'] },
    finds: ['nat/POSTROUTING 1'],
    clean: { iptables: ['nat: -A POSTROUTING -o eth0 -j MASQUERADE', 'nat: -A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN', 'nat: -A POSTROUTING -j MASQUERADE'] },
  },
  {
    id: 'matches-before-nat',
    planted: { iptables: [DNAT, '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -i eth0 -p tcp -m tcp --dport 8080 -j DROP'], 'ip-addr': LINKS },
    finds: ['filter/DOCKER-USER 1'],
    clean: {
      iptables: [DNAT, '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8080 -j DROP', '-A DOCKER-USER -i eth0 -p tcp -m tcp --dport 80 -j DROP', '-A DOCKER-USER -p tcp -m multiport --dports 8080,9000 -j DROP'],
      'ip-addr': LINKS,
    },
  },
  {
    id: 'nat-without-forwarding',
    planted: { iptables: ['nat: -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE', DNAT], sysctl: 'net.ipv4.ip_forward = 0\n', 'ip-addr': LINKS },
    finds: ['nat/POSTROUTING 1', 'nat/PREROUTING 1'],
    clean: { iptables: ['nat: -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE', DNAT], sysctl: 'net.ipv4.ip_forward = 1\n', 'ip-addr': LINKS },
  },
  {
    id: 'ndp-blocked',
    planted: { ip6tables: ['INPUT DROP', STATEFUL, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: ['filter/INPUT'],
    clean: { ip6tables: ['INPUT DROP', STATEFUL, '-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT', '-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT'] },
  },
  {
    id: 'no-established-accept',
    planted: { iptables: ['INPUT DROP', '-A INPUT -i lo -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
    finds: ['filter/INPUT'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -i lo -j ACCEPT', STATEFUL, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] },
  },
  {
    id: 'no-established-accept',
    planted: { iptables: ['FORWARD DROP', '-A FORWARD -p tcp -m conntrack --ctstate NEW -j ACCEPT'] },
    finds: ['filter/FORWARD'],
    clean: { iptables: ['FORWARD DROP', '-A FORWARD -m state --state ESTABLISHED -j ACCEPT', '-A FORWARD -p tcp -m conntrack --ctstate NEW -j ACCEPT'] },
  },
  {
    id: 'one-way-route',
    planted: { iptables: ['-A INPUT -i lo -j ACCEPT'], 'ip-addr': UPLINKS, 'ip-route': UPLINK_ROUTES, 'ip-rule': UPLINK_RULES('all fwmark 0x1'), sysctl: 'net.ipv4.conf.all.rp_filter = 1\n' },
    finds: [''],
    // the way back from the second uplink's own address is found without a mark
    clean: { iptables: ['-A INPUT -i lo -j ACCEPT'], 'ip-addr': UPLINKS, 'ip-route': UPLINK_ROUTES, 'ip-rule': UPLINK_RULES('203.0.113.10'), sysctl: 'net.ipv4.conf.all.rp_filter = 1\n' },
  },
  {
    id: 'one-way-route',
    planted: { iptables: ['-A INPUT -i lo -j ACCEPT'], 'ip-addr': UPLINKS, 'ip-route': UPLINK_ROUTES, 'ip-rule': UPLINK_RULES('all fwmark 0x1'), sysctl: 'net.ipv4.conf.eth1.rp_filter = 1\n' },
    finds: [''],
    clean: { iptables: ['-A INPUT -i lo -j ACCEPT'], 'ip-addr': UPLINKS, 'ip-route': UPLINK_ROUTES, 'ip-rule': UPLINK_RULES('all fwmark 0x1'), sysctl: 'net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.eth1.rp_filter = 1\n' },
  },
  {
    id: 'path-mtu-blocked',
    planted: { iptables: ['INPUT DROP', '-A INPUT -i lo -j ACCEPT', '-A INPUT -m state --state ESTABLISHED -j ACCEPT', '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT'] },
    finds: [],
    clean: { iptables: ['INPUT DROP', STATEFUL] },
  },
  {
    id: 'path-mtu-blocked',
    planted: { iptables: ['INPUT DROP', '-A INPUT -i lo -j ACCEPT', '-A INPUT -p icmp -m icmp --icmp-type 3/4 -j DROP', STATEFUL] },
    finds: ['filter/INPUT'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -p icmp -m icmp --icmp-type 3/4 -j ACCEPT', '-A INPUT -p tcp -j ACCEPT'] },
  },
  {
    id: 'published-port-bypasses-input',
    planted: { iptables: ['INPUT DROP', STATEFUL, DNAT, 'FORWARD DROP', '-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT'], 'ip-addr': LINKS, 'ip-route': ROUTES, sysctl: FORWARDING },
    finds: ['nat/PREROUTING 1'],
    clean: { iptables: ['INPUT DROP', STATEFUL, DNAT, 'FORWARD DROP', '-A FORWARD -s 10.0.0.0/8 -d 172.17.0.3/32 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT'], 'ip-addr': LINKS, 'ip-route': ROUTES, sysctl: FORWARDING },
  },
  {
    id: 'redirect-loop',
    planted: { iptables: ['nat: -A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128', 'nat: -A OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:5353'] },
    finds: ['nat/OUTPUT 1'],
    clean: { iptables: ['nat: -A OUTPUT -p tcp -m tcp --dport 80 -m owner ! --uid-owner 13 -j REDIRECT --to-ports 3128'] },
  },
  {
    id: 'route-localnet',
    planted: { iptables: ['-A INPUT -p tcp -m tcp --dport 23 -j DROP'], sysctl: 'net.ipv4.conf.eth0.route_localnet = 1\n', 'ip-addr': LINKS },
    finds: [''],
    clean: { iptables: ['-A INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP'], sysctl: 'net.ipv4.conf.eth0.route_localnet = 1\n', 'ip-addr': LINKS },
  },
  {
    id: 'rule-contradicted',
    planted: { iptables: ['-A INPUT -s 10.0.0.0/8 -j ACCEPT', '-A INPUT -s 10.1.2.3/32 -p tcp -j DROP', '-A FORWARD -p tcp -j REJECT', '-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT'] },
    finds: ['filter/INPUT 2', 'filter/FORWARD 2'],
    clean: { iptables: ['-A INPUT -s 10.1.2.3/32 -p tcp -j DROP', '-A INPUT -s 10.0.0.0/8 -j ACCEPT', '-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT', '-A FORWARD -p tcp -j REJECT'] },
  },
  {
    id: 'rule-matches-nothing',
    planted: { iptables: ['-A INPUT -p tcp -m conntrack --ctstate NEW -m state --state ESTABLISHED -j ACCEPT'] },
    finds: ['filter/INPUT 1'],
    clean: { iptables: ['-A INPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -m state --state ESTABLISHED -j ACCEPT'] },
  },
  {
    id: 'rule-out-of-place',
    planted: { iptables: ['-A INPUT -p udp -j names', '-A names -p tcp -m tcp --dport 53 -j ACCEPT'] },
    finds: ['filter/names 1'],
    clean: { iptables: ['-A INPUT -j names', '-A names -p tcp -m tcp --dport 53 -j ACCEPT'] },
  },
  {
    id: 'rule-redundant',
    planted: { iptables: ['INPUT DROP', '-A INPUT -s 10.1.0.0/16 -p tcp -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -j ACCEPT', '-A INPUT -p udp -m udp --dport 5353 -j DROP'] },
    finds: ['filter/INPUT 1', 'filter/INPUT 3'],
    clean: { iptables: ['INPUT DROP', '-A INPUT -s 10.1.0.0/16 -p tcp -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -j LOG', '-A INPUT -s 10.0.0.0/8 -j ACCEPT', '-A INPUT -p udp -m udp --dport 5353 -j DROP', '-A INPUT -p udp -j ACCEPT'] },
  },
  {
    id: 'rule-shadowed',
    planted: { iptables: ['-A INPUT -s 10.0.0.0/9 -j DROP', '-A INPUT -s 10.128.0.0/9 -p tcp -j DROP', '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP'] },
    finds: ['filter/INPUT 3'],
    clean: { iptables: ['-A INPUT -s 10.0.0.0/9 -j DROP', '-A INPUT -s 10.128.0.0/9 -p tcp -j DROP', '-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 22 -j DROP'] },
  },
  {
    id: 'set-dimensions',
    planted: { iptables: ['-A INPUT -m set --match-set blocked src,dst -j DROP', '-A INPUT -m set --match-set pairs src -j DROP', '-A INPUT -m set --match-set pairs src,dst -j DROP'], 'ipset-save': SETS },
    finds: ['filter/INPUT 1', 'filter/INPUT 2'],
    clean: { iptables: ['-A INPUT -m set --match-set blocked src -j DROP', '-A INPUT -m set --match-set pairs src,dst -j DROP'], 'ipset-save': SETS },
  },
  {
    id: 'set-missing',
    planted: { iptables: ['-A INPUT -m set --match-set blokced src -j DROP', '-A INPUT -m set --match-set blocked src -j DROP', '-A INPUT -j SET --add-set seen src'], 'ipset-save': SETS },
    finds: ['filter/INPUT 1', 'filter/INPUT 3'],
    clean: { iptables: ['-A INPUT -m set --match-set blocked src -j DROP'], 'ipset-save': SETS },
  },
  {
    id: 'state-before-tracking',
    planted: { iptables: ['raw: -A PREROUTING -m conntrack --ctstate NEW -p tcp -j ACCEPT', 'raw: -A PREROUTING -p tcp -j DROP'] },
    finds: ['raw/PREROUTING 1'],
    clean: { iptables: ['mangle: -A PREROUTING -m conntrack --ctstate NEW -p tcp -j ACCEPT', 'mangle: -A PREROUTING -p tcp -j DROP', 'raw: -A PREROUTING -p udp -j NOTRACK'] },
  },
  {
    id: 'unknown-interface',
    planted: { iptables: ['-A INPUT -i ppp0 -j DROP', '-A FORWARD -i eth0 -o ppp1 -j ACCEPT'], 'ip-addr': LINKS },
    finds: ['filter/INPUT 1', 'filter/FORWARD 1'],
    clean: { iptables: ['-A INPUT -i eth0 -j DROP', '-A FORWARD ! -i ppp0 -o docker0 -j ACCEPT', '-A FORWARD -i ppp+ -j DROP'], 'ip-addr': LINKS },
  },
] // biome-ignore format: one line for each ruleset
