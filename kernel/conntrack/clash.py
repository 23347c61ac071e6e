#!/usr/bin/env python3
"""Two packets of one flow between tracking and confirmation: what src/conntrack/clash.test.ts was made after.

A queue in FORWARD holds both behind PREROUTING, where NAT has led them to a server each; then they are let go one after the other. Prints what came out,
the connections, the counters of clashes, and whether answers find their way back. Its namespaces are gone when it ends. `clash.py [other|same|tcp]`.
"""
import ctypes
import os
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
NETLINK_NETFILTER, QUEUE = 12, 3 << 8
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
libc = ctypes.CDLL(None, use_errno=True)


def tool(*argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'{argv}: {done.stderr}')
    return done.stdout.strip()


def namespace():
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    return os.open('/proc/self/ns/net', os.O_RDONLY)


def checksum(octets):
    octets += b'\0' * (len(octets) % 2)
    total = sum(struct.unpack(f'>{len(octets) // 2}H', octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Lab:
    def __init__(self, mode):
        self.tcp = mode == 'tcp'
        protocol = 'tcp' if self.tcp else 'udp'
        self.servers = ['10.2.0.20', '10.2.0.20' if mode == 'same' else '10.2.0.21']
        far, router = namespace(), namespace()
        for i in (0, 1):
            tool('ip', 'link', 'add', f'r{i}', 'address', f'02:00:00:00:00:1{i}', 'type', 'veth', 'peer', 'name', f'f{i}', 'netns', f'/proc/{os.getpid()}/fd/{far}')
            tool('ip', 'link', 'set', f'r{i}', 'arp', 'off', 'up')
            tool('ip', 'addr', 'add', f'10.{i + 1}.0.1/16', 'dev', f'r{i}')
            tool('ethtool', '-K', f'r{i}', 'tx', 'off')
        tool('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.r0.rp_filter=0', 'net.netfilter.nf_conntrack_acct=1')
        tool('iptables-legacy-restore', text=f'''*nat
-A PREROUTING -d 10.2.0.9 -p {protocol} --dport 53 -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination {self.servers[0]}
-A PREROUTING -d 10.2.0.9 -p {protocol} --dport 53 -j DNAT --to-destination {self.servers[1]}
-A POSTROUTING -o r1 -j MASQUERADE
COMMIT
*mangle
-A FORWARD -p {protocol} -i r0 -j NFQUEUE --queue-num 0
COMMIT
''')
        libc.setns(far, CLONE_NEWNET)
        self.taps = []
        for i in (0, 1):
            tool('ip', 'link', 'set', f'f{i}', 'arp', 'off', 'up')
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            tap.bind((f'f{i}', 3))
            tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            tap.setblocking(False)
            self.taps.append(tap)
        libc.setns(router, CLONE_NEWNET)
        self.queue = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.queue.bind((0, 0))
        self.tell(2, self.attribute(1, struct.pack('>BxH', 1, socket.AF_INET)), True)  # NFQNL_CFG_CMD_BIND
        self.tell(2, self.attribute(2, struct.pack('>IB', 0, 1)), True)  # NFQNL_COPY_META

    @staticmethod
    def attribute(kind, value):
        return struct.pack('HH', len(value) + 4, kind) + value + b'\0' * (-len(value) % 4)

    def tell(self, kind, attributes, acknowledged=False):
        body = struct.pack('>BBH', 0, 0, 0) + attributes
        self.queue.send(struct.pack('IHHII', len(body) + 16, QUEUE | kind, 5 if acknowledged else 1, 1, 0) + body)
        if acknowledged and (code := struct.unpack_from('i', self.queue.recv(4096), 16)[0]) != 0:
            raise OSError(-code, 'nfnetlink_queue')

    def held(self):
        """The ids of the packets in the queue."""
        self.queue.settimeout(0.3)
        ids = []
        try:
            while True:
                message = self.queue.recv(65536)
                at = 20
                while at + 4 <= len(message):
                    length, kind = struct.unpack_from('HH', message, at)
                    if kind & 0x7fff == 1:  # NFQA_PACKET_HDR
                        ids.append(struct.unpack_from('>I', message, at + 4)[0])
                    at += (length + 3) & ~3
        except TimeoutError:
            return ids

    def release(self, number):
        self.tell(1, self.attribute(2, struct.pack('>II', 1, number)))
        time.sleep(0.1)
        return self.out()

    def packet(self, src, dst, sport, dport, number):
        ends = socket.inet_aton(src) + socket.inet_aton(dst)
        if self.tcp:
            segment = struct.pack('>HHIIBBHHH', sport, dport, 1000 * number, 0, 0x50, 2, 1000, 0, 0)
            segment = segment[:16] + struct.pack('>H', checksum(ends + struct.pack('>HH', 6, len(segment)) + segment)) + segment[18:]
        else:
            segment = struct.pack('>HHHH', sport, dport, 10, 0) + b'ab'
        header = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(segment), number, 0x4000, 64, 6 if self.tcp else 17, 0) + ends
        return header[:10] + struct.pack('>H', checksum(header)) + header[12:] + segment

    def send(self, link, *packet):
        self.taps[link].send(bytes.fromhex(f'02000000001{link}02000000011{link}0800') + self.packet(*packet))
        time.sleep(0.05)

    def out(self):
        seen = []
        for link, tap in enumerate(self.taps):
            while True:
                try:
                    frame = tap.recv(2000)
                except BlockingIOError:
                    break
                if frame[12:14] == b'\x08\0':
                    seen.append(f'r{link} {socket.inet_ntoa(frame[26:30])} > {socket.inet_ntoa(frame[30:34])} protocol {frame[23]}')
        return seen


def main():
    lab = Lab(sys.argv[1] if len(sys.argv) > 1 else 'other')
    for number in (1, 2):
        lab.send(0, '10.1.0.2', '10.2.0.9', 4000, 53, number)
    first, second = lab.held()
    print('the first   ', lab.release(first))
    print('the second  ', lab.release(second))
    # what stands beside the first connection lives for a second
    if not lab.tcp:
        for server in (lab.servers[1], lab.servers[1], lab.servers[0]):
            lab.send(1, server, '10.2.0.1', 53, 4000, 9)
            print(f'answer of {server}', lab.out())
    print(tool('conntrack', '-L', '-o', 'extended'))
    print([word for word in tool('conntrack', '-S').split() if word.startswith(('clash', 'insert_failed', 'drop=')) and not word.endswith('=0')])
    if not lab.tcp:
        time.sleep(1.5)
        lab.send(1, lab.servers[1], '10.2.0.1', 53, 4000, 9)
        print(f'answer of {lab.servers[1]}, later', lab.out())


main()
