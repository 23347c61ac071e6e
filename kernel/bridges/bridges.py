"""Random bridge cases, asked of this machine's kernel: frames into the far ends of a bridge's ports, frames out of them, counters.

    python3 kernel/bridges/bridges.py --seed 1 --cases 100 > cases.json

Each case has a network namespace of its own (unshare), a bridge with three ports (veth), rules of ebtables and of iptables with physdev. Needs root, iproute2,
ebtables and iptables (the nft variants). The model is asked by src/path/bridge-recorded.test.ts, which reads such a file.
"""
import argparse, ctypes, json, os, random, re, socket, struct, subprocess, sys, time

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
HOSTS = ['a1', 'a2', 'a3']
mac_of = {f'a{i}': f'02:00:00:00:00:a{i}' for i in (1, 2, 3)}
BRIDGE = '02:00:00:00:00:ff'
raw = lambda text: bytes.fromhex(text.replace(':', ''))


def sh(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True)


def lab(flags, sysctls):
    if LIBC.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'unshare')
    lines = ['link set lo up', f'link add br0 address {BRIDGE} type bridge forward_delay 0 mcast_snooping 0']
    for i in (1, 2, 3):
        lines += [f'link add p{i} address 02:00:00:00:00:1{i} type veth peer name a{i} address {mac_of[f"a{i}"]}',
                  f'link set p{i} master br0', f'link set a{i} arp off']
    for name in ['br0'] + [f'{k}{i}' for k in 'pa' for i in (1, 2, 3)]:
        lines += [f'link set {name} up']
    lines += ['addr add 10.0.0.254/24 dev br0']
    sh('sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 ' + ' '.join(sysctls))
    done = subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    for port, words in flags.items():
        if words:
            sh(f'bridge link set dev {port} {words}')
    for i in (1, 2, 3):
        sh(f'ethtool -K p{i} tx off; ethtool -K a{i} tx off')
    time.sleep(0.05)


def sockets():
    found = {}
    for name in HOSTS:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        one.bind((name, 0))
        one.setblocking(False)
        found[name] = one
    return found


def received(socks):
    out = []
    for name, one in socks.items():
        while True:
            try:
                data, address = one.recvfrom(4096)
            except BlockingIOError:
                break
            if address[2] != 4:
                out.append([name.replace('a', 'p'), data.hex()])
    return sorted(out)


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(draw, source, destination):
    src, dst = (socket.inet_aton(f'10.0.0.{one}') for one in (source, destination))
    body = struct.pack('!HHHH', draw.choice([1000, 1001]), draw.choice([53, 80]), 12, 0) + b'abcd'
    head = struct.pack('!BBHHHBBH', 0x45, draw.choice([0, 0x10]), 20 + len(body), 1, 0x4000, 64, 17, 0) + src + dst
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def ipv6(draw, source, destination):
    src, dst = (socket.inet_pton(socket.AF_INET6, f'2001:db8::{one}') for one in (source, destination))
    return struct.pack('!IHBB', 0x60000000, 12, 17, 64) + src + dst + struct.pack('!HHHH', 1000, draw.choice([53, 80]), 12, 1) + b'abcd'


def arp(draw, sender, source, destination):
    return struct.pack('!HHBBH', 1, 0x800, 6, 4, draw.choice([1, 1, 2])) + sender + socket.inet_aton(f'10.0.0.{source}') + raw('00:00:00:00:00:00') + socket.inet_aton(f'10.0.0.{destination}')


def frame(draw, port):
    ends = [1, 2, 3, 9]
    source = draw.choice([port, port, port, 9])
    destination = draw.choice(ends)
    sender = raw(f'02:00:00:00:00:a{source}')
    to = draw.choice([f'02:00:00:00:00:a{destination}'] * 3 + ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:05', '01:80:c2:00:00:0e', '01:80:c2:00:00:00'])
    kind = draw.choice(['ipv4', 'ipv4', 'ipv6', 'arp', 'other', 'length'])
    if kind == 'ipv4':
        rest = b'\x08\x00' + ipv4(draw, source, destination)
    elif kind == 'ipv6':
        rest = b'\x86\xdd' + ipv6(draw, source, destination)
    elif kind == 'arp':
        rest = b'\x08\x06' + arp(draw, sender, source, destination)
    elif kind == 'other':
        rest = b'\x88\xcc' + b'\x02\x07' + bytes(18)
    else:
        rest = b'\x00\x10' + b'\x42\x42\x03' + bytes(13)
    return (raw(to) + sender + rest).hex()


def rule(draw, chain):
    words = []
    kind = draw.choice(['', '', '-p IPv4', '-p ARP', '-p IPv6', '! -p IPv4', '-p LLDP', '-p Length'])
    words += [kind] if kind else []
    ins, outs = chain in ('INPUT', 'FORWARD', 'PREROUTING'), chain in ('FORWARD', 'POSTROUTING')
    if ins and draw.random() < 0.4:
        words += [draw.choice(['', '! ']) + f'-i p{draw.choice("123")}']
    if outs and draw.random() < 0.4:
        words += [draw.choice(['', '! ']) + f'-o p{draw.choice("123")}']
    if draw.random() < 0.3:
        words += [draw.choice(['-s 02:00:00:00:00:a1', '! -s 02:00:00:00:00:a2', '-d Broadcast', '-d Multicast', '-d Unicast', '-d 02:00:00:00:00:a3', '-s 02:00:00:00:00:a0/ff:ff:ff:ff:ff:fc'])]
    if kind == '-p IPv4' and draw.random() < 0.8:
        words += [draw.choice(['--ip-src 10.0.0.1', '! --ip-dst 10.0.0.2', '--ip-dst 10.0.0.2/31', '--ip-proto udp', '--ip-proto udp --ip-dport 53', '--ip-tos 0x10', '--ip-proto tcp'])]
    if kind == '-p IPv6' and draw.random() < 0.8:
        words += [draw.choice(['--ip6-src 2001:db8::1', '--ip6-proto udp --ip6-dport 80', '--ip6-dst 2001:db8::2/127'])]
    if kind == '-p ARP' and draw.random() < 0.8:
        words += [draw.choice(['--arp-op Request', '! --arp-op Request', '--arp-ip-src 10.0.0.1', '--arp-ip-dst 10.0.0.0/30', '--arp-mac-src 02:00:00:00:00:a1', '--arp-htype 1'])]
    extra = draw.choice(['', '', '', '--mark 0x1', '! --mark 0x1', '--pkttype-type broadcast', '--pkttype-type otherhost', '--limit 1/day --limit-burst 1'])
    words += [extra] if extra else []
    targets = ['ACCEPT', 'DROP', 'CONTINUE', 'DROP', 'RETURN' if chain == 'USER' else 'DROP', 'USER', 'mark --mark-set 0x1 --mark-target CONTINUE', 'mark --mark-or 0x2 --mark-target ACCEPT']
    if chain == 'PREROUTING':
        targets += ['dnat --to-dst 02:00:00:00:00:a2 --dnat-target ACCEPT', 'redirect --redirect-target CONTINUE', 'dnat --to-dst 02:00:00:00:00:a3 --dnat-target CONTINUE']
        if kind == '-p ARP':
            targets += ['arpreply --arpreply-mac 02:00:00:00:00:77 --arpreply-target DROP'] * 3
    if chain == 'POSTROUTING':
        targets += ['snat --to-src 02:00:00:00:00:77 --snat-target ACCEPT', 'snat --to-src 02:00:00:00:00:77 --snat-arp --snat-target CONTINUE']
    target = draw.choice([one for one in targets if not (chain == 'USER' and one == 'USER')])
    return f'-A {chain} {" ".join(words)} -j {target}'


def ip_rule(draw):
    words = [draw.choice(['', '-m physdev --physdev-in p1', '-m physdev ! --physdev-in p2', '-m physdev --physdev-is-bridged --physdev-out p3', '-m physdev --physdev-is-bridged', '-i br0', '-s 10.0.0.1', '-d 10.0.0.2', '-p udp --dport 53'])]
    return f'-A FORWARD {words[0]} -j {draw.choice(["ACCEPT", "DROP", "MARK --set-mark 1", "RETURN"]) if False else draw.choice(["ACCEPT", "DROP", "RETURN"])}'


def case(draw, number):
    flags = {f'p{i}': draw.choice(['', '', '', 'hairpin on', 'isolated on', 'learning off', 'flood off', 'isolated on hairpin on']) for i in (1, 2, 3)}
    calls = draw.choice([0, 1])
    sysctls = [f'net.bridge.bridge-nf-call-{name}={calls}' for name in ('iptables', 'ip6tables', 'arptables')] + ['net.ipv4.ip_forward=0']
    lab(flags, sysctls)
    tables = {'filter': ['INPUT', 'FORWARD', 'OUTPUT'], 'nat': ['PREROUTING', 'OUTPUT', 'POSTROUTING']}
    asked = {table: chains for table, chains in tables.items() if draw.random() < 0.8}
    for table, chains in asked.items():
        sh(f'ebtables -t {table} -N USER')
        for chain in ['USER'] + [one for one in chains if one != 'OUTPUT'] * 2:
            for _ in range(draw.choice([0, 1, 2])):
                sh(f'ebtables -t {table} {rule(draw, chain)}')
        if draw.random() < 0.15:
            sh(f'ebtables -t {table} -P {draw.choice([one for one in chains if one != "OUTPUT"])} DROP')
    for _ in range(draw.choice([0, 2, 3])):
        sh(f'iptables {ip_rule(draw)}')
    files = {'ip-link': sh('ip -d link').stdout, 'ip-addr': sh('ip addr').stdout, 'bridge-link': sh('bridge -d link').stdout, 'sysctl': '\n'.join(one.replace('=', ' = ') for one in sysctls) + '\n',
             'ebtables-save': sh('ebtables-save').stdout, 'iptables-save': sh('iptables-save').stdout}
    socks = sockets()
    received(socks)
    frames = []
    for _ in range(20):
        port = draw.choice([1, 2, 3])
        one = frame(draw, port)
        socks[f'a{port}'].send(bytes.fromhex(one))
        time.sleep(0.002)
        out = received(socks)
        frames.append([f'p{port}', one, out])
    counted = {'ebtables': sh('EBTABLES_SAVE_COUNTER=yes ebtables-save -c').stdout or sh('ebtables-save').stdout, 'iptables': sh('iptables-save -c').stdout}
    for one in socks.values():
        one.close()
    return {'name': number, 'files': files, 'frames': frames, 'after': counted}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', default='1')
    parser.add_argument('--cases', type=int, default=20)
    args = parser.parse_args()
    found = []
    for i in range(args.cases):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, 'w') as pipe:
                json.dump(case(random.Random(f'{args.seed}:{i}'), f'{args.seed}:{i}'), pipe)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        if text:
            found.append(text)
    print('[\n' + ',\n'.join(found) + '\n]')


main()
