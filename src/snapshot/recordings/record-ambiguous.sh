#!/bin/sh
# record-ambiguous.sh: four namespaces whose pairs all have the same interface numbers (3 and 3), as iproute2 prints them. Root, and a kernel of one's own.
# a-b share a subnet, c-d have no addresses but have heard each other; a-r, b-r, c-r, d-r are told apart by their numbers.
set -e
cd "$(dirname "$0")/ambiguous"
all='r a b c d'
clean() { for n in $all; do ip netns del snam-$n 2>/dev/null || :; done; }
trap clean EXIT
clean
for n in $all; do ip netns add snam-$n; ip -n snam-$n link set lo up; done
i=1
for n in a b c d; do
  ip -n snam-$n link add eth0 index 2 type veth peer name veth$n netns snam-r
  ip -n snam-$n addr add 10.0.$i.2/24 dev eth0; ip -n snam-r addr add 10.0.$i.1/24 dev veth$n
  ip -n snam-$n link set eth0 up; ip -n snam-r link set veth$n up
  i=$((i + 1))
done
pair() {
  ip -n snam-$1 link add eth1 index 3 type veth peer name eth1 index 3 netns snam-$2
  ip -n snam-$1 link set eth1 address 02:00:00:00:00:$1$1 up; ip -n snam-$2 link set eth1 address 02:00:00:00:00:$2$2 up
}
pair a b; pair c d
ip -n snam-a addr add 10.9.0.1/24 dev eth1; ip -n snam-b addr add 10.9.0.2/24 dev eth1
ip -n snam-c neigh add 169.254.1.1 lladdr 02:00:00:00:00:dd dev eth1
for n in $all; do
  o=.; [ $n = r ] || o=netns/$n
  mkdir -p $o
  ip -n snam-$n -d -j link show >$o/ip-link.json
  ip -n snam-$n -j addr show >$o/ip-addr.json
  ip -n snam-$n -j neigh show >$o/ip-neigh.json
done
