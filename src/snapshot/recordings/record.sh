#!/bin/sh
# record.sh: one namespace with much in it, as iproute2, bridge and ss print it, in text and in JSON. Root, and a kernel of one's own.
# The same state twice: what is read from the text must be what is read from the JSON.
set -e
cd "$(dirname "$0")"
a=snrec-a b=snrec-b
clean() { ip netns del $a 2>/dev/null || :; ip netns del $b 2>/dev/null || :; }
trap clean EXIT
clean
ip netns add $a; ip netns add $b
at() { ip netns exec $a "$@"; }
at ip link set lo up
at ip link add eth0 type veth peer name eth0 netns $b
ip netns exec $b ip link set eth0 up
at ip link set eth0 address 02:00:00:00:00:01 mtu 1400 group 7 up
at ip link add br0 type bridge nf_call_iptables 1
at ip link set br0 address 02:00:00:00:00:02 up
at ip link add port1 type veth peer name far1
at ip link set port1 master br0 up
at ip link set far1 up
at ip link set port1 type bridge_slave hairpin on isolated on learning off flood off
at ip link add dum0 type veth peer name dum1
at ip link set dum0 arp off up; at ip link set dum1 up
at ip link add eth0.10 link eth0 type macvlan mode bridge
at ip link set eth0.10 up
at ip link add vx0 type vxlan id 42 local 192.0.2.1 remote 192.0.2.9 dev eth0 dstport 4789 ttl 5 nolearning
at ip link set vx0 address 02:00:00:00:00:03 up
at ip link add vx1 type vxlan id 43 group 239.1.1.1 dev eth0 dstport 8472
at ip tuntap add tun0 mode tun
at ip link set tun0 up
at ip addr add 192.0.2.1/24 brd + dev eth0
at ip addr add 192.0.2.2/24 dev eth0 label eth0:1
at ip addr add 192.0.2.3/24 dev eth0 valid_lft 4000 preferred_lft 0
at ip addr add 10.9.0.1 peer 10.9.0.2/32 dev tun0
at ip addr add 169.254.7.1/16 dev dum0 scope link
at ip addr add 10.7.0.1/24 dev br0
at ip addr add 2001:db8:1::1/64 dev eth0 nodad
at ip addr add 2001:db8:2::1 peer 2001:db8:2::2/128 dev dum0 nodad
at ip addr add 2001:db8:3::1/64 dev br0 nodad home
sleep 3
at ip route add default via 192.0.2.254 dev eth0 proto static metric 100
at ip route add 10.1.0.0/16 via 192.0.2.254 src 192.0.2.2 mtu lock 1300 advmss 1260
at ip route add 10.2.0.0/16 nexthop via 192.0.2.10 dev eth0 weight 3 nexthop via 10.9.0.2 dev tun0 weight 1 onlink
at ip route add blackhole 10.3.0.0/16
at ip route add unreachable 10.4.0.0/16 metric 4278198272
at ip route add prohibit 10.5.0.0/16 table 200
at ip route add throw 10.6.0.0/16 table 200
at ip route add 10.8.0.0/16 tos 0x10 via 192.0.2.254
at ip route add 203.0.113.7 via 198.51.100.1 dev dum0 onlink table 200
at ip route add 10.11.0.0/16 via inet6 2001:db8:1::9 dev eth0
at ip route add 10.12.0.0/16 dev dum0 scope link table 1000 realm 5
at ip -6 route add default via 2001:db8:1::ff dev eth0 metric 512
at ip -6 route add 2001:db8:8::/48 nexthop via 2001:db8:1::a dev eth0 nexthop via 2001:db8:1::b dev eth0 weight 2
at ip -6 route add unreachable 2001:db8:9::/48
at ip -6 route add 2001:db8:a::/48 from 2001:db8:1::/64 via 2001:db8:1::ff dev eth0
at ip nexthop add id 5 via 192.0.2.77 dev eth0
at ip nexthop add id 6 via 192.0.2.78 dev eth0
at ip nexthop add id 7 group 5,2/6
at ip route add 10.13.0.0/16 nhid 5
at ip route add 10.14.0.0/16 nhid 7
at ip rule add from 192.0.2.0/25 lookup 200 priority 100
at ip rule add not from 10.1.1.1 to 10.0.0.0/8 lookup 1000 priority 110
at ip rule add fwmark 0x10/0xff lookup 200 priority 120
at ip rule add fwmark 0x20 iif eth0 blackhole priority 130
at ip rule add oif gone0 unreachable priority 140
at ip rule add ipproto tcp sport 1000 dport 80-90 prohibit priority 150
at ip rule add uidrange 1000-1999 tos 0x10 lookup 200 priority 160
at ip rule add lookup main suppress_prefixlength 0 priority 170
at ip rule add goto 32766 priority 180
at ip rule add goto 9999 priority 181
at ip rule add nop priority 190
at ip rule add l3mdev priority 195
at ip rule add lookup main suppress_ifgroup 7 priority 196
at ip -6 rule add from 2001:db8:1::/64 iif lo lookup 200 priority 100
at ip -6 rule add fwmark 1 ipproto ipv6-icmp lookup 200 priority 101
at ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe dev eth0 nud permanent
at ip neigh add 192.0.2.253 lladdr 02:00:00:00:00:fd dev eth0 nud stale
at ip neigh add 192.0.2.252 dev eth0 nud failed
at ip neigh add 2001:db8:1::ff lladdr 02:00:00:00:00:fe dev eth0 router nud permanent
at ip neigh add proxy 192.0.2.200 dev eth0
at bridge fdb add 02:00:00:00:00:55 dev port1 master static
at bridge fdb add 02:00:00:00:00:66 dev vx0 dst 192.0.2.66 self permanent
at bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.67 port 8472 vni 44 self permanent
at python3 -c '
import socket, time, os
def udp(f, a): s = socket.socket(f, socket.SOCK_DGRAM); s.bind(a); return s
def tcp(f, a, only=0):
    s = socket.socket(f, socket.SOCK_STREAM)
    if f == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(a); s.listen(5); return s
kept = [tcp(socket.AF_INET, ("127.0.0.1", 631)), tcp(socket.AF_INET, ("0.0.0.0", 22)), tcp(socket.AF_INET6, ("::", 22), 1), tcp(socket.AF_INET6, ("::", 80)),
  tcp(socket.AF_INET6, ("2001:db8:1::1", 443)), udp(socket.AF_INET, ("0.0.0.0", 53)), udp(socket.AF_INET6, ("::", 5353))]
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0"); v.bind(("0.0.0.0", 68)); kept.append(v)
ll = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); ll.bind(("fe80::ff:fe00:1", 546, 0, socket.if_nametoindex("eth0"))); kept.append(ll)
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.bind(("192.0.2.1", 4000)); c.connect(("192.0.2.254", 514)); kept.append(c)
t = socket.create_connection(("127.0.0.1", 631)); kept.append(t)
r = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); kept.append(r)
open("/tmp/snrec-ready", "w").close(); time.sleep(20)
' & listener=$!
while [ ! -e /tmp/snrec-ready ]; do sleep 0.1; done; rm /tmp/snrec-ready
both() { name=$1 json=$2; shift 2; at "$@" >"$name.txt"; first=$1; shift; at "$first" $json "$@" >"$name.json"; }
both ip-link '-j -p' ip -d link show
both ip-addr -j ip addr show
both ip-route -j ip route show table all
both ip-route6 -j ip -6 route show table all
both ip-rule -j ip rule show
both ip-rule6 -j ip -6 rule show
both ip-neigh -j ip neigh show
both bridge-link -j bridge -d link show
both bridge-fdb -j bridge fdb show
at ip -d addr show >ip-d-addr.txt
at ip -o addr show >ip-o-addr.txt
at ip -o -d link show >ip-o-link.txt
at ip route show >ip-route-main.txt
at ip -s -s link show >ip-s-link.txt
at ip -d route show table all >ip-d-route.txt
at ss -tuln >ss-tuln.txt
at ss -tulnpe >ss-tulnpe.txt
at ss -tuanp >ss-tuanp.txt
at ss -anwp >ss-anwp.txt
at netstat -tuln >netstat-tuln.txt 2>/dev/null || rm -f netstat-tuln.txt
kill $listener
