#!/usr/bin/env python3
"""Resident helper for several hosts at a time; Python's standard library only.

Each host is a network namespace without a name that only this process holds: all are gone when it ends, however it ends, and it
ends when its stdin closes. Sockets stay in the namespace in which they were made, so one process can have some in each.

Requests and answers are lines of JSON: {"op": ..., ...} in, {"ok": true, ...} or {"error": text} out.
"""
import ctypes
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = (1 << 14) | (1 << 18)
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')


def netns():
    return os.stat('/proc/self/ns/net').st_ino


class Hosts:
    def __init__(self):
        self.home = netns()
        self.spaces = {}
        self.servers = {}
        checked(libc.unshare(CLONE_NEWNS), 'unshare mounts')
        checked(libc.mount(b'none', b'/', None, MS_REC_PRIVATE, None), 'mount --make-rprivate /')
        checked(libc.mount(b'tmpfs', b'/run', b'tmpfs', 0, None), 'mount tmpfs /run')

    def enter(self, name):
        checked(libc.setns(self.spaces[name], CLONE_NEWNET), 'setns')
        if netns() == self.home:
            raise RuntimeError('refused: this is the namespace that the harness was started in')

    def op_make(self, names):
        """New namespaces; gives a path for each, which `ip link … netns PATH` takes."""
        for name in names:
            checked(libc.unshare(CLONE_NEWNET), 'unshare network')
            self.spaces[name] = os.open('/proc/self/ns/net', os.O_RDONLY)
        return {'paths': {name: f'/proc/{os.getpid()}/fd/{self.spaces[name]}' for name in names}}

    def op_run(self, at, argv, input=''):
        self.enter(at)
        done = subprocess.run(argv, input=input.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return {'status': done.returncode, 'out': done.stdout.decode('utf8', 'replace'), 'err': done.stderr.decode('utf8', 'replace')}

    def op_sysctl(self, at, values):
        self.enter(at)
        for name, value in values.items():
            with open('/proc/sys/' + name.replace('.', '/'), 'w') as file:
                file.write(str(value))
        return {}

    def op_serve(self, at, protocol, port):
        """Who listens here says its name to whoever comes."""
        self.enter(at)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(('0.0.0.0', port))
        if protocol == 'tcp':
            sock.listen()
        sock.setblocking(False)
        self.servers[sock] = at
        return {}

    def op_talk(self, at, protocol, address, port, seconds):
        """A client's connection, and what it and the server see of it."""
        self.enter(at)
        kind = socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as client:
            client.setblocking(False)
            seen = {'server': None, 'peer': None, 'to': None}
            try:
                code = client.connect_ex((address, port))
                if code not in (0, errno.EINPROGRESS):
                    return {'symptom': os.strerror(code).lower(), **seen}
                if protocol == 'udp':
                    client.send(b'who')
            except OSError as error:
                return {'symptom': os.strerror(error.errno).lower(), **seen}
            return self.wait(client, protocol, time.monotonic() + seconds, seen)

    def wait(self, client, protocol, until, seen):
        taken = []
        try:
            while True:
                left = until - time.monotonic()
                ready, _, _ = select.select([client, *self.servers], [], [], max(left, 0))
                # on a busy machine the time may be over before anybody has looked
                if left <= 0 and not ready:
                    return {'symptom': 'timeout', **seen}
                for sock in ready:
                    if sock is client:
                        try:
                            if client.recv(100):
                                return {'symptom': 'connected' if protocol == 'tcp' else 'answered', **seen}
                        except BlockingIOError:
                            continue
                        except OSError as error:
                            return {'symptom': os.strerror(error.errno).lower(), **seen}
                    elif sock.type == socket.SOCK_STREAM:
                        one, peer = sock.accept()
                        taken.append(one)
                        seen = {'server': self.servers[sock], 'peer': list(peer), 'to': list(one.getsockname())}
                        one.send(self.servers[sock].encode())
                    else:
                        _, peer = sock.recvfrom(100)
                        seen = {'server': self.servers[sock], 'peer': list(peer), 'to': [None, sock.getsockname()[1]]}
                        sock.sendto(self.servers[sock].encode(), peer)
        finally:
            for one in taken:
                one.close()


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides; it closes our stdin
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    hosts = Hosts()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {'ok': True, **getattr(hosts, 'op_' + request.pop('op'))(**request)}
        except Exception as error:
            answer = {'error': f'{type(error).__name__}: {error}'}
        sys.stdout.write(json.dumps(answer) + '\n')
        sys.stdout.flush()


main()
