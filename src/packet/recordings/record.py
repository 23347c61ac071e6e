#!/usr/bin/env python3
"""Asks this machine's kernel: sends frames into a host between two namespaces and prints what comes out.

Reads {"setup": ["command", ...], "cases": [{"name": ..., "packet": hex of the IP packet}, ...]} from standard input and prints
[{"name": ..., "sent": hex, "back": [hex], "onward": [hex]}, ...]: what came back to the sender, and what was forwarded.
The commands run in the host's namespace. Needs root. Topology:

    pkA a0 10.77.1.2, fd77:1::2 -- b0 10.77.1.1, fd77:1::1 pkB b1 10.77.2.1, fd77:2::1 -- c0 pkC
"""
import ctypes, json, os, socket, subprocess, sys, time

def sh(command, check=True):
    return subprocess.run(command, shell=True, check=check, capture_output=not check, text=True)

def clean():
    for ns in ("pkA", "pkB", "pkC"):
        sh(f"ip netns del {ns}", check=False)

def sockets_in(ns, link):
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    assert libc.setns(there, 0) == 0
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
    s.bind((link, 0))
    s.setblocking(False)
    assert libc.setns(home, 0) == 0
    return s

def quiet(frame):
    """Frames that the kernel sends of its own accord: neighbour discovery, multicast listener reports."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return False
    if kind != b"\x86\xdd":
        return True
    return frame[20] == 0 or (frame[20] == 58 and frame[54] in (130, 131, 132, 133, 134, 135, 136, 143))

def drain(s):
    found = []
    while True:
        try:
            frame = s.recv(65535)
        except BlockingIOError:
            return found
        if not quiet(frame):
            found.append(frame[14:].hex())

def main():
    job = json.load(sys.stdin)
    clean()
    try:
        for ns in ("pkA", "pkB", "pkC"):
            sh(f"ip netns add {ns}")
            sh(f"ip netns exec {ns} sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
        sh("ip link add a0 netns pkA type veth peer name b0 netns pkB")
        sh("ip link add b1 netns pkB type veth peer name c0 netns pkC")
        for ns, link in (("pkA", "a0"), ("pkB", "b0"), ("pkB", "b1"), ("pkC", "c0")):
            sh(f"ip netns exec {ns} ethtool -K {link} tx off rx off gso off gro off tso off >/dev/null 2>&1", check=False)
            sh(f"ip -n {ns} link set {link} up")
        inside = "ip netns exec pkB "
        for link, net in (("b0", 1), ("b1", 2)):
            sh(f"ip -n pkB link set {link} arp off")
            sh(f"ip -n pkB addr add 10.77.{net}.1/24 dev {link}")
            sh(f"ip -n pkB addr add fd77:{net}::1/64 dev {link} nodad")
        sh("ip -n pkB link set lo up")
        sh(inside + "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 "
           "net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=10000 net.ipv6.icmp.ratelimit=0 net.ipv6.auto_flowlabels=0")
        for command in job["setup"]:
            sh(inside + command)
        time.sleep(1.5)
        a, c = sockets_in("pkA", "a0"), sockets_in("pkC", "c0")
        mac = subprocess.run("ip -n pkB -j link show b0", shell=True, capture_output=True, text=True).stdout
        to = bytes.fromhex(json.loads(mac)[0]["address"].replace(":", ""))
        drain(a), drain(c)
        answers = []
        for case in job["cases"]:
            packet = bytes.fromhex(case["packet"])
            kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
            a.send(to + b"\x02\x00\x00\x00\x00\x01" + kind + packet)
            time.sleep(0.004)
            answers.append({"name": case["name"], "sent": packet.hex(), "back": drain(a), "onward": drain(c)})
        json.dump(answers, sys.stdout, indent=1)
    finally:
        clean()

main()
