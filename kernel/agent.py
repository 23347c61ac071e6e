#!/usr/bin/env python3
"""Resident helper of the kernel harness; Python's standard library only. One process is one lab.

It leaves the network namespace in which it was started for two new ones without a name: `far`, where the other ends of the
veth pairs lie and frames are sent and caught, and `router`, the namespace under test, in which it stays and runs tools.
Nothing holds these namespaces but this process, so they are gone when it ends, however it ends; it ends when stdin closes.

Requests and answers are lines of JSON: {"op": ..., ...} in, {"ok": true, ...} or {"error": text} out.
"""
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = (1 << 14) | (1 << 18)
PR_SET_PDEATHSIG = 1
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
SO_BINDTODEVICE = 25
SO_ATTACH_FILTER = 26
IP_TRANSPARENT = 19
IPV6_TRANSPARENT = 75
ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO = 0x17, 0x1f, 0x24, 0x2c
NETLINK_NETFILTER = 12
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NFNLGRP_NFTRACE = 9
FENCE_ROUNDS = 4
FENCE_TRIES = 50
STORM = 20000  # rules can make a packet go round for ever
FENCE = b'\xff' * 12 + b'\x88\xb5' + b'fence' * 10

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')


def netns():
    return os.stat('/proc/self/ns/net').st_ino


def rest(sock):
    """Whatever has come in by now."""
    frames = []
    while True:
        try:
            frames.append(sock.recv(65536))
            if len(frames) > STORM:
                raise RuntimeError('a storm of frames')
        except BlockingIOError:
            return frames
        except OSError as error:
            if error.errno in (errno.ENETDOWN, errno.ENOBUFS):
                continue
            raise


def make_transparent(sock):
    """What the model assumes of any socket that TPROXY finds. To be called behind bind, which would let any address through."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)


class Lab:
    def __init__(self):
        self.home = netns()
        self.taps = {}
        self.poll = select.poll()
        self.fence = None
        self.raw = {}
        self.listeners = []
        self.log = None
        # mounts of our own: the xtables lock file must not be shared with anybody
        checked(libc.unshare(CLONE_NEWNS), 'unshare mounts')
        checked(libc.mount(b'none', b'/', None, MS_REC_PRIVATE, None), 'mount --make-rprivate /')
        checked(libc.mount(b'tmpfs', b'/run', b'tmpfs', 0, None), 'mount tmpfs /run')
        checked(libc.unshare(CLONE_NEWNET), 'unshare network')
        self.far = os.open('/proc/self/ns/net', os.O_RDONLY)
        checked(libc.unshare(CLONE_NEWNET), 'unshare network')
        self.router = os.open('/proc/self/ns/net', os.O_RDONLY)
        self.here = self.router
        self.others = {}

    def enter(self, namespace):
        checked(libc.setns(namespace, CLONE_NEWNET), 'setns')
        if netns() == self.home:
            raise RuntimeError('refused: this is the namespace that the harness was started in')

    def in_far(self, action):
        self.enter(self.far)
        try:
            return action()
        finally:
            self.enter(self.here)

    def handle(self, op, request, ns=None):
        """One request, in the router's namespace or in another of `op_namespace`."""
        operation = getattr(self, 'op_' + op)
        return operation(**request) if ns is None else self.within(ns, lambda: operation(**request))

    def within(self, ns, action):
        self.here = self.others[ns]
        self.enter(self.here)
        try:
            return action()
        finally:
            self.here = self.router
            self.enter(self.here)

    # -- operations

    def op_namespace(self, name):
        """One more namespace beside the router's, for requests with `ns`: a second router."""
        checked(libc.unshare(CLONE_NEWNET), 'unshare network')
        self.others[name] = os.open('/proc/self/ns/net', os.O_RDONLY)
        self.enter(self.router)
        return {'path': f'/proc/{os.getpid()}/fd/{self.others[name]}'}

    def op_hello(self, cpu=None):
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        return {'far': f'/proc/{os.getpid()}/fd/{self.far}', 'pid': os.getpid(), 'kernel': os.uname().release}

    def op_run(self, argv, input='', far=False):
        """Runs a tool in the router's (or the far) namespace."""
        if far:
            return self.in_far(lambda: self.op_run(argv, input))
        if netns() == self.home:
            raise RuntimeError('refused: this is the namespace that the harness was started in')
        done = subprocess.run(argv, input=input.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return {'status': done.returncode, 'out': done.stdout.decode('utf8', 'replace'), 'err': done.stderr.decode('utf8', 'replace')}

    def op_sysctl(self, values):
        """Sets sysctls of the router's namespace where they differ (a dot in an interface's name is `|`); returns those that this kernel does not have, or does not take."""
        missing, refused = [], []
        for name, value in values.items():
            path = '/proc/sys/' + name.replace('.', '/').replace('|', '.')
            try:
                with open(path) as file:
                    if file.read().split() == str(value).split():
                        continue
                with open(path, 'w') as file:
                    file.write(str(value))
            except FileNotFoundError:
                missing.append(name)
            except OSError:
                refused.append(name)
        return {'missing': missing, 'refused': refused}

    def op_plain(self, devices, far=False):
        """No offload: what `ethtool -K DEVICE tx off tso off gso off gro off` does."""
        if far:
            return self.in_far(lambda: self.op_plain(devices))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for device in devices:
                for command in (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO):
                    value = ctypes.create_string_buffer(struct.pack('II', command, 0))
                    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack('16sP', device.encode(), ctypes.addressof(value)))
        return {}

    def op_open(self, devices, fence):
        """Opens a socket on each far end, and the two ends of the fence: a pair of its own, to wait until the CPU's queue is empty."""
        def tap(device):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            sock.bind((device, ETH_P_ALL))
            sock.setblocking(False)
            return sock

        def both():
            for device in devices:
                self.taps[device] = tap(device)
            self.fence = [tap(device) for device in fence]

        self.in_far(both)
        for sock in self.taps.values():
            rest(sock)
            self.poll.register(sock, select.POLLIN)
        return {}

    def op_sockets(self, sockets):
        """Sockets that take what comes and never answer: a filter throws everything away behind the look-up. Gives those that cannot be."""
        failed = []
        for number, one in enumerate(sockets):
            family = socket.AF_INET6 if one['family'] == 6 else socket.AF_INET
            kind = socket.SOCK_STREAM if one['protocol'] == 'tcp' else socket.SOCK_DGRAM
            sock = socket.socket(family, kind)
            try:
                nothing = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))  # BPF_RET: keep no byte
                sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HP', 1, ctypes.addressof(nothing)))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(one['only6']))
                if one['device']:
                    sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, one['device'].encode() + b'\0')
                sock.bind((one['address'], one['port']))
                make_transparent(sock)
                if kind == socket.SOCK_STREAM:
                    sock.listen()
                self.listeners.append(sock)
            except OSError as error:
                sock.close()
                failed.append([number, os.strerror(error.errno)])
        return {'failed': failed}

    def op_listen(self, udp):
        """UDP sockets that take what comes and never answer."""
        for address, port in udp:
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            make_transparent(sock)
            self.listeners.append(sock)
        return {}

    def fence_in(self, sender):
        """The queue of this CPU may be full of frames that go round for ever."""
        for _ in range(FENCE_TRIES):
            try:
                return sender.send(FENCE)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.01)
        raise RuntimeError('a storm of frames')

    def settle(self):
        """Frames are handled in softirq on this CPU, in order; a few rounds through the fence come after all of them."""
        sender, receiver = self.fence
        for _ in range(FENCE_ROUNDS):
            self.fence_in(sender)
            try:
                receiver.recv(64)  # mostly it is there already
                continue
            except BlockingIOError:
                ready, _, _ = select.select([receiver], [], [], 2)
            if not ready:
                raise RuntimeError('the fence frame did not come back')
            rest(receiver)

    def caught(self):
        self.settle()
        ready = {number for number, _ in self.poll.poll(0)}
        return [[name, frame.hex()] for name, sock in self.taps.items() if sock.fileno() in ready for frame in rest(sock)]

    def op_send(self, at, frame, pause=0):
        """Puts a frame on a far end, or (`local`, or the name of another namespace) sends an IP packet from there; answers with all that came out. `pause`: seconds before."""
        if pause:
            time.sleep(pause)
        octets = bytes.fromhex(frame)
        failed = 0
        try:
            if at == 'local':
                self.generate(octets)
            elif at in self.others:
                self.within(at, lambda: self.generate(octets))
            else:
                self.taps[at].send(octets)
        except OSError as error:
            failed = error.errno
        for sock in self.listeners:
            if sock.type == socket.SOCK_DGRAM:
                sock.setblocking(False)
                rest(sock)
        answer = {'caught': self.caught(), 'errno': failed}
        if self.log:
            answer['trace'] = self.events()
        return answer

    def op_replay(self, packets, pause=0):
        """Several of them, one after the other."""
        return {'answers': [self.op_send(at, frame, pause) for at, frame in packets]}

    def generate(self, packet):
        """As a raw socket with IP_HDRINCL does; the destination of the call is that of the header."""
        version = packet[0] >> 4
        which = (self.here, version)
        if which not in self.raw:
            family = socket.AF_INET6 if version == 6 else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            if version == 6:
                sock.setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
            self.raw[which] = sock
        destination = packet[24:40] if version == 6 else packet[16:20]
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        self.raw[which].sendto(packet, (socket.inet_ntop(family, destination), 0))

    def op_forget(self):
        """Removes every connection of the namespace: ctnetlink's delete without a tuple."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
            sock.send(struct.pack('IHHIIBBH', 20, (1 << 8) | 2, 1 | 4, 1, 0, 0, 0, 0))  # IPCTNL_MSG_CT_DELETE, request + ack
            code = struct.unpack_from('i', sock.recv(4096), 16)[0]
            if code != 0:
                raise OSError(-code, 'ctnetlink: ' + os.strerror(-code))
        return {}

    def op_tracked(self):
        """How many connections there are."""
        with open('/proc/sys/net/netfilter/nf_conntrack_count') as file:
            return {'count': int(file.read())}

    def op_flush(self):
        """Every table of nf_tables goes: what `nft flush ruleset` asks for, without starting a program."""
        def message(kind, flags, body):
            return struct.pack('IHHII', 16 + len(body), kind, 1 | flags, 1, 0) + body
        batch = struct.pack('>BBH', 0, 0, 10)  # nfgenmsg: NFNL_SUBSYS_NFTABLES
        request = (
            message(16, 0, batch)  # NFNL_MSG_BATCH_BEGIN
            + message((10 << 8) | 2, 4, struct.pack('>BBH', 0, 0, 0))  # NFT_MSG_DELTABLE of any family, no name
            + message(17, 0, batch)  # NFNL_MSG_BATCH_END
        )
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
            sock.send(request)
            code = struct.unpack_from('i', sock.recv(4096), 16)[0]
            if code != 0:
                raise OSError(-code, 'nf_tables: ' + os.strerror(-code))
        return {}

    def op_quiet(self):
        return {'caught': self.caught()}

    def op_drops(self):
        """How many frames the capture lost since the last call."""
        lost = 0
        for sock in self.taps.values():
            _, drops = struct.unpack('II', sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            lost += drops
        return {'lost': lost}

    # -- the kernel's own trace: xt_TRACE through nfnetlink_log, group 0; nf_tables through its own multicast group

    def op_trace(self, backend):
        if self.log:
            return {}
        if backend == 'nft':
            self.log = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            self.log.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            self.log.bind((0, 0))
            self.log.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE)
            self.log.setblocking(False)
            return {}
        for family in ('2', '10'):
            with open(f'/proc/sys/net/netfilter/nf_log/{family}', 'w') as file:
                file.write('nfnetlink_log')
        self.log = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.log.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.log.bind((0, 0))
        self.configure(self.attribute(1, b'\x01'))  # NFULNL_CFG_CMD_BIND
        self.configure(self.attribute(2, struct.pack('>IBx', 128, 2)) + self.attribute(5, struct.pack('>I', 1)))  # copy packets, one a message
        self.log.setblocking(False)
        return {}

    @staticmethod
    def attribute(kind, value):
        return struct.pack('HH', len(value) + 4, kind) + value + b'\0' * (-len(value) % 4)

    def configure(self, attributes):
        body = struct.pack('>BBH', 0, 0, 0) + attributes
        self.log.send(struct.pack('IHHII', len(body) + 16, (4 << 8) | 1, 1 | 4, 1, 0) + body)  # NFULNL_MSG_CONFIG, request + ack
        answer = self.log.recv(4096)
        code = struct.unpack_from('i', answer, 16)[0]
        if code != 0:
            raise OSError(-code, 'nfnetlink_log: ' + os.strerror(-code))

    def events(self):
        prefixes = []
        for message in rest(self.log):
            at = 0
            while at + 16 <= len(message):
                length, kind = struct.unpack_from('IH', message, at)
                if kind == 4 << 8:  # NFULNL_MSG_PACKET
                    prefixes += self.prefix(message[at + 20:at + length])
                elif kind == 10 << 8 | 17:  # NFT_MSG_TRACE
                    prefixes += self.traced(message[at + 20:at + length])
                at += (length + 3) & ~3
        return prefixes

    @staticmethod
    def prefix(attributes):
        at = 0
        while at + 4 <= len(attributes):
            length, kind = struct.unpack_from('HH', attributes, at)
            if kind & 0x7fff == 10:  # NFULA_PREFIX
                return [attributes[at + 4:at + length].rstrip(b'\0').decode()]
            at += (length + 3) & ~3
        return []


    @staticmethod
    def traced(attributes):
        """`TABLE CHAIN rule HANDLE` for a rule that matched, `TABLE CHAIN policy`; nothing for the end of a chain."""
        found = {}
        at = 0
        while at + 4 <= len(attributes):
            length, kind = struct.unpack_from('HH', attributes, at)
            found[kind & 0x7fff] = attributes[at + 4:at + length]
            at += (length + 3) & ~3
        where = ' '.join(found[kind].rstrip(b'\0').decode() for kind in (1, 2))  # NFTA_TRACE_TABLE, NFTA_TRACE_CHAIN
        event = struct.unpack('>I', found[4])[0]  # NFTA_TRACE_TYPE
        if event == 1:  # NFT_TRACETYPE_POLICY
            return [f'{where} policy']
        return [f'{where} rule {struct.unpack(">Q", found[3])[0]}'] if event == 3 and 3 in found else []


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides; it closes our stdin
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    lab = Lab()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {'ok': True, **lab.handle(request.pop('op'), request, request.pop('ns', None))}
        except Exception as error:
            answer = {'error': f'{type(error).__name__}: {error}'}
        sys.stdout.write(json.dumps(answer) + '\n')
        sys.stdout.flush()


main()
