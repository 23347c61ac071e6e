#!/usr/bin/env python3
"""Real sockets through a router of the kernel's own; Python's standard library only.

Three network namespaces without a name: client - router - server, joined by veth pairs. `lab.py NAME` runs one conversation and prints one JSON
document: every frame that the router received or sent, in the order in which it handled them, its state before and its connections afterwards.
The namespaces are gone when the process ends. Everything runs on one CPU, so that the order of frames is the order of work.
"""
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from ends import FtpServer, dns_client, download, ftp_client, http_server, tftp_client, tftp_server, traceroute, udp_server, upload

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC_PRIVATE = (1 << 14) | (1 << 18)
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_OUTGOING = 4
ETH_P_ALL = 3
libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')


def new_namespace():
    checked(libc.unshare(CLONE_NEWNET), 'unshare network')
    return os.open('/proc/self/ns/net', os.O_RDONLY)


def enter(namespace):
    """For the thread that calls."""
    checked(libc.setns(namespace, CLONE_NEWNET), 'setns')


def run(argv, text=''):
    done = subprocess.run(argv, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f'{argv}: {done.stderr.decode()}')
    return done.stdout.decode('utf8', 'replace')


MACS = {'c0': '02:00:00:00:01:10', 'r0': '02:00:00:00:00:10', 'r1': '02:00:00:00:00:11', 's0': '02:00:00:00:01:11'}


class Lab:
    """`mtu`: of the link to the server; `sysctls`: of the router."""

    def __init__(self, rules4='', rules6='', mtu=1500, sysctls=()):
        checked(libc.unshare(CLONE_NEWNS), 'unshare mounts')
        checked(libc.mount(b'none', b'/', None, MS_REC_PRIVATE, None), 'mount --make-rprivate /')
        checked(libc.mount(b'tmpfs', b'/run', b'tmpfs', 0, None), 'mount tmpfs /run')
        self.client, self.server = new_namespace(), new_namespace()
        self.router = new_namespace()
        here = f'/proc/{os.getpid()}/fd'
        for near, far, namespace, size in (('r0', 'c0', self.client, 1500), ('r1', 's0', self.server, mtu)):
            run(['ip', 'link', 'add', near, 'mtu', str(size), 'address', MACS[near], 'type', 'veth', 'peer', 'name', far, 'mtu', str(size), 'address', MACS[far], 'netns', f'{here}/{namespace}'])
        ends = ((self.client, 'c0', 1, 2, 'r0', 1), (self.router, 'r0', 1, 1, 'c0', 2), (self.router, 'r1', 2, 1, 's0', 20), (self.server, 's0', 2, 20, 'r1', 1))
        for namespace, name, net, number, peer, other in ends:
            enter(namespace)
            self.quiet(name)
            run(['ip', '-batch', '-'], f'link set lo up\nlink set {name} up\naddr add 10.{net}.0.{number}/16 brd + dev {name}\n'
                f'addr add fd00:{net}::{number}/64 dev {name} nodad\n'
                f'neigh replace 10.{net}.0.{other} lladdr {MACS[peer]} dev {name} nud permanent\n'
                f'neigh replace fd00:{net}::{other} lladdr {MACS[peer]} dev {name} nud permanent\n')
            run(['ethtool', '-K', name, 'tx', 'off', 'sg', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'])
        for namespace, net in ((self.client, 1), (self.server, 2)):
            enter(namespace)
            run(['ip', 'route', 'add', 'default', 'via', f'10.{net}.0.1'])
            run(['ip', '-6', 'route', 'add', 'default', 'via', f'fd00:{net}::1'])
        enter(self.router)
        run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.netfilter.nf_conntrack_acct=1', 'net.ipv4.icmp_ratelimit=0',
             'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.r0.rp_filter=0', 'net.ipv4.conf.r1.rp_filter=0'])
        if sysctls:
            run(['sysctl', '-qw', *sysctls])
        if rules4:
            run(['iptables-legacy-restore'], rules4)
        if rules6:
            run(['ip6tables-legacy-restore'], rules6)
        # listener reports are over soon after the last address
        time.sleep(0.3)
        self.files = self.state()
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 512 << 20)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.tap.setblocking(False)

    @staticmethod
    def quiet(name):
        base = '/proc/sys/net/ipv6/conf'
        for key, value in (('accept_dad', '0'), ('router_solicitations', '0'), ('addr_gen_mode', '1'), ('accept_ra', '0')):
            with open(f'{base}/{name}/{key}', 'w') as file:
                file.write(value)

    @staticmethod
    def state():
        commands = {
            'ip-link.json': ['ip', '-d', '-j', 'link', 'show'], 'ip-addr.json': ['ip', '-j', 'addr', 'show'],
            'ip-route.json': ['ip', '-j', 'route', 'show', 'table', 'all'], 'ip-route6.json': ['ip', '-6', '-j', 'route', 'show', 'table', 'all'],
            'ip-rule.json': ['ip', '-j', 'rule', 'show'], 'ip-rule6.json': ['ip', '-6', '-j', 'rule', 'show'],
            'ip-neigh.json': ['ip', '-j', 'neigh', 'show'], 'sockets': ['ss', '-tuln'],
            'iptables-legacy-save': ['iptables-legacy-save'], 'ip6tables-legacy-save': ['ip6tables-legacy-save'],
        }
        files = {name: run(argv) for name, argv in commands.items()}
        wanted = ('net.ipv4.', 'net.ipv6.conf', 'net.ipv6.icmp', 'net.netfilter.')
        done = subprocess.run(['sysctl', '-a'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        files['sysctl'] = '\n'.join(line for line in done.split('\n') if line.startswith(wanted)) + '\n'
        return files

    def inside(self, namespace, action):
        """Runs in a thread of its own, in that namespace; its exception is the caller's."""
        box = {}

        def body():
            try:
                enter(namespace)
                box['value'] = action()
            except Exception as error:
                box['error'] = error

        thread = threading.Thread(target=body, daemon=True)
        thread.start()

        def join():
            thread.join(60)
            if thread.is_alive():
                raise RuntimeError('a conversation hangs')
            if 'error' in box:
                raise box['error']
            return box['value']

        return join

    def frames(self):
        """What the router has handled, in order: seconds, device, whether it was sent, the bytes."""
        time.sleep(0.3)
        taken = []
        while True:
            try:
                data, ancillary, _, address = self.tap.recvmsg(65536, 64)
            except BlockingIOError:
                break
            if address[0] == 'lo':
                continue
            seconds, nanoseconds = struct.unpack('qq', ancillary[0][2])
            taken.append([f'{seconds}.{nanoseconds:09d}', address[0], address[2] == PACKET_OUTGOING, data.hex()])
        _, lost = struct.unpack('II', self.tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if lost:
            raise RuntimeError(f'{lost} frames were not caught')
        return taken


# -- the conversations

NAT = '*nat\n-A PREROUTING -d 10.2.0.9 -j DNAT --to-destination 10.2.0.20\n-A POSTROUTING -o r1 -j MASQUERADE\nCOMMIT\n'
CLOSED = '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n{}COMMIT\n'
WEB = '*nat\n-A PREROUTING -d 10.2.0.9 -p tcp --dport 80 -j DNAT --to-destination 10.2.0.20:8080\n-A POSTROUTING -o r1 -j MASQUERADE\nCOMMIT\n'
helper = lambda name, protocol, port: f'*raw\n-A PREROUTING -p {protocol} --dport {port} -j CT --helper {name}\nCOMMIT\n'
only = lambda protocol, port: CLOSED.format(f'-A FORWARD -p {protocol} --dport {port} -j ACCEPT\n')
PROXY = ('*raw\n-A PREROUTING -i r0 -p tcp --syn -j CT --notrack\nCOMMIT\n'
         '*filter\n-A FORWARD -i r0 -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460\n'
         '-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n')
STRICT = ('net.netfilter.nf_conntrack_tcp_loose=0',)
V4, V6 = socket.AF_INET, socket.AF_INET6
MEGA = 1 << 20

CONVERSATIONS = {
    'http': (dict(rules4=WEB + only('tcp', 8080)), lambda: http_server(V4, 8080, 10 * MEGA), download('10.2.0.9', 80, 10 * MEGA)),
    'http6': (dict(rules6=only('tcp', 8080)), lambda: http_server(V6, 8080, 2 * MEGA), download('fd00:2::20', 8080, 2 * MEGA)),
    'http6-nat': (dict(rules6='*nat\n-A PREROUTING -d fd00:2::9 -p tcp --dport 80 -j DNAT --to-destination [fd00:2::20]:8080\n-A POSTROUTING -o r1 -j MASQUERADE\nCOMMIT\n'),
                  lambda: http_server(V6, 8080, MEGA), download('fd00:2::9', 80, MEGA)),
    'ftp-active': (dict(rules4=helper('ftp', 'tcp', 21) + NAT + only('tcp', 21)), lambda: FtpServer(V4).serve, ftp_client('10.2.0.9', False)),
    'ftp-passive': (dict(rules4=helper('ftp', 'tcp', 21) + NAT + only('tcp', 21)), lambda: FtpServer(V4).serve, ftp_client('10.2.0.9', True)),
    'ftp-active6': (dict(rules6=helper('ftp', 'tcp', 21) + only('tcp', 21)), lambda: FtpServer(V6).serve, ftp_client('fd00:2::20', False)),
    'ftp-passive6': (dict(rules6=helper('ftp', 'tcp', 21) + only('tcp', 21)), lambda: FtpServer(V6).serve, ftp_client('fd00:2::20', True)),
    'dns': (dict(rules4=NAT + only('udp', 53)), lambda: udp_server(V4, 53, 20), dns_client('10.2.0.9', 10)),
    'tftp': (dict(rules4=helper('tftp', 'udp', 69) + NAT + only('udp', 69)), lambda: tftp_server(20000), tftp_client('10.2.0.9', 20000)),
    'traceroute': (dict(rules4=NAT), lambda: lambda: None, traceroute('10.2.0.9', 3)),
    'synproxy': (dict(rules4=PROXY, sysctls=STRICT), lambda: http_server(V4, 8080, 20480), download('10.2.0.20', 8080, 20480)),
    'synproxy6': (dict(rules6=PROXY, sysctls=STRICT), lambda: http_server(V6, 8080, 20480), download('fd00:2::20', 8080, 20480)),
    'pmtu': (dict(rules4=WEB, mtu=1280), lambda: http_server(V4, 8080, 100000), upload('10.2.0.9', 80, 100000)),
    'pmtu6': (dict(rules6='*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n', mtu=1280), lambda: http_server(V6, 8080, 100000), upload('fd00:2::20', 8080, 100000)),
}


def main():
    if sys.argv[1:] == ['--list']:
        print('\n'.join(CONVERSATIONS))
        return
    signal.alarm(120)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    setup, make_server, client = CONVERSATIONS[sys.argv[1]]
    lab = Lab(**setup)
    made = {}

    def serve():
        action = make_server()
        made['ready'] = True
        return action()

    server = lab.inside(lab.server, serve)
    while 'ready' not in made:
        time.sleep(0.01)
    lab.inside(lab.client, client)()
    server()
    frames = lab.frames()
    listing = [run(['conntrack', '-L', '-o', 'extended', '-f', family]) for family in ('ipv4', 'ipv6')]
    json.dump({'kernel': os.uname().release, 'files': lab.files, 'frames': frames, 'conntrack': '\n'.join(listing)}, sys.stdout)


main()
