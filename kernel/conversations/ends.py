"""The two ends of a conversation: servers and clients with real sockets, each a function to be run in its namespace."""
import ftplib
import io
import select
import socket
import struct
import time


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
