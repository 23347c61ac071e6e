#!/usr/bin/env python3
"""Real sockets through a router of the kernel's own; Python's standard library only.

Three network namespaces without a name: client - router - server, joined by veth pairs. `lab.py NAME` runs one conversation and prints one JSON
document: every frame that the router received or sent, in the order in which it handled them, its state before and its connections afterwards.
The namespaces are gone when the process ends. Everything runs on one CPU, so that the order of frames is the order of work.
"""
import ctypes
import ftplib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC_PRIVATE = (1 << 14) | (1 << 18)
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_OUTGOING = 4
ETH_P_ALL = 3
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
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
    """`mtu`: of the link to the server."""

    def __init__(self, rules4='', rules6='', mtu=1500):
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


# -- the two ends

def http_server(family, port, size):
    """Answers one request with so many bytes."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', port))
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        request = b''
        while b'\r\n\r\n' not in request:
            request += connection.recv(65536)
        if request.startswith(b'POST'):
            have = len(request.split(b'\r\n\r\n', 1)[1])
            while have < size:
                have += len(connection.recv(65536))
            connection.sendall(b'HTTP/1.0 204 No Content\r\n\r\n')
        else:
            connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' % size + bytes(range(256)) * (size // 256))
        connection.close()
        listener.close()

    return serve


def download(address, port, size):
    def fetch():
        with socket.create_connection((address, port), 20) as sock:
            sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
            got = b''
            while True:
                data = sock.recv(65536)
                if not data:
                    break
                got += data
        body = got.split(b'\r\n\r\n', 1)[1]
        assert body == bytes(range(256)) * (size // 256), f'{len(body)} bytes came'

    return fetch


def upload(address, port, size):
    def send():
        with socket.create_connection((address, port), 20) as sock:
            sock.sendall(b'POST / HTTP/1.0\r\n\r\n' + b'u' * size)
            assert sock.recv(100).startswith(b'HTTP/1.0 204')

    return send


class FtpServer:
    """As much of RFC 959 and RFC 2428 as ftplib asks for."""

    def __init__(self, family, port=21):
        self.family = family
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('', port))
        self.listener.listen()
        self.passive = self.active = None

    def data(self):
        if self.passive:
            connection, _ = self.passive.accept()
            self.passive.close()
            self.passive = None
            return connection
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(('', 20))
        sock.settimeout(10)
        sock.connect(self.active)
        return sock

    def listen(self, control):
        self.passive = socket.socket(self.family, socket.SOCK_STREAM)
        self.passive.bind((control.getsockname()[0], 0))
        self.passive.listen()
        self.passive.settimeout(10)
        return self.passive.getsockname()

    def serve(self):
        control, _ = self.listener.accept()
        self.listener.close()
        say = lambda line: control.sendall(line.encode() + b'\r\n')
        say('220 here')
        for raw in control.makefile('rb'):
            word, _, rest = raw.decode().strip().partition(' ')
            word = word.upper()
            if word == 'QUIT':
                say('221 bye')
                break
            if word == 'PORT':
                numbers = rest.split(',')
                self.active = ('.'.join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))
                say('200 PORT')
            elif word == 'EPRT':
                _, _, address, port, _ = rest.split(rest[0])
                self.active = (address, int(port))
                say('200 EPRT')
            elif word == 'PASV':
                address, port = self.listen(control)[:2]
                say(f'227 Entering Passive Mode ({address.replace(".", ",")},{port >> 8},{port & 255}).')
            elif word == 'EPSV':
                say(f'229 Entering Extended Passive Mode (|||{self.listen(control)[1]}|)')
            elif word in ('RETR', 'NLST'):
                say('150 here it comes')
                with self.data() as data:
                    data.sendall(b'file\r\n' * 500)
                say('226 done')
            elif word == 'STOR':
                say('150 go on')
                with self.data() as data:
                    while data.recv(65536):
                        pass
                say('226 done')
            else:
                say({'USER': '331 name taken', 'PASS': '230 come in', 'TYPE': '200 fine'}.get(word, '200 yes'))
        control.close()


def ftp_client(address, passive):
    def talk():
        ftp = ftplib.FTP()
        # the address that the server names is the one that counts, as with clients of old
        ftp.trust_server_pasv_ipv4_address = True
        ftp.connect(address, 21, timeout=15)
        ftp.login('x', 'y')
        ftp.set_pasv(passive)
        for _ in range(2):
            got = []
            ftp.retrbinary('RETR file', got.append)
            assert len(b''.join(got)) == 3000
        import io
        ftp.storbinary('STOR other', io.BytesIO(b'z' * 4000))
        ftp.quit()

    return talk


def udp_server(family, port, answers):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(('', port))
    sock.settimeout(10)

    def serve():
        for _ in range(answers):
            data, peer = sock.recvfrom(2000)
            sock.sendto(data[:2] + b'\x81\x80' + data[4:] + b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1', peer)

    return serve


def dns_client(address, times, family=socket.AF_INET):
    def ask():
        for number in range(times):
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.settimeout(5)
                for kind in (1, 28):
                    sock.sendto(struct.pack('>HHHHHH', number, 0x100, 1, 0, 0, 0) + b'\7example\3org\0' + struct.pack('>HH', kind, 1), (address, 53))
                    sock.recv(2000)

    return ask


def traceroute(address, hops):
    """UDP to closed ports with a growing TTL; the errors are read from the socket's queue."""

    def probe():
        for ttl in range(1, hops + 1):
            for attempt in range(3):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
                    sock.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
                    sock.sendto(b'probe', (address, 33434 + 3 * ttl + attempt))
                    select.select([], [], [sock], 0.5)
                    time.sleep(0.01)

    return probe


def tftp_server(size):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('', 69))
    sock.settimeout(10)

    def serve():
        _, peer = sock.recvfrom(2000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as data:
            data.bind(('', 0))
            data.settimeout(10)
            for block in range(1, size // 512 + 2):
                data.sendto(struct.pack('>HH', 3, block) + b't' * min(512, size - 512 * (block - 1)), peer)
                answer, peer = data.recvfrom(100)
                assert answer == struct.pack('>HH', 4, block)

    return serve


def tftp_client(address, size):
    def fetch():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.sendto(b'\0\1file\0octet\0', (address, 69))
            have = 0
            while True:
                data, peer = sock.recvfrom(1000)
                sock.sendto(b'\0\4' + data[2:4], peer)
                have += len(data) - 4
                if len(data) < 516:
                    break
            assert have == size

    return fetch


# -- the conversations

NAT = '*nat\n-A PREROUTING -d 10.2.0.9 -j DNAT --to-destination 10.2.0.20\n-A POSTROUTING -o r1 -j MASQUERADE\nCOMMIT\n'
CLOSED = '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n{}COMMIT\n'
WEB = '*nat\n-A PREROUTING -d 10.2.0.9 -p tcp --dport 80 -j DNAT --to-destination 10.2.0.20:8080\n-A POSTROUTING -o r1 -j MASQUERADE\nCOMMIT\n'
helper = lambda name, protocol, port: f'*raw\n-A PREROUTING -p {protocol} --dport {port} -j CT --helper {name}\nCOMMIT\n'
only = lambda protocol, port: CLOSED.format(f'-A FORWARD -p {protocol} --dport {port} -j ACCEPT\n')
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
