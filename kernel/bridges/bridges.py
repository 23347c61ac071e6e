"""Random bridge cases, asked of this machine's kernel: frames into the far ends of a bridge's ports, frames out of them, counters.

    python3 kernel/bridges/bridges.py --seed 1 --cases 100 > cases.json

Each case has a network namespace of its own (unshare), a bridge with three ports (veth) and one link beside it, rules of ebtables, and of iptables and ip6tables with
physdev. `--seed recorded --cases 14` is src/path/recordings/bridges.json. Needs root, iproute2, ethtool, ebtables and iptables (the nft variants). The model is asked by src/path/bridge-recorded.test.ts, which reads such a file.
"""
import argparse, ctypes, json, os, random, re, socket, struct, subprocess, sys, time

CLONE_NEWNET = 0x40000000
PACKET = 263
LIBC = ctypes.CDLL(None, use_errno=True)
HOSTS = ['a1', 'a2', 'a3', 's1']
NEAR = {'a1': 'p1', 'a2': 'p2', 'a3': 'p3', 's1': 'r1'}
mac_of = {f'a{i}': f'02:00:00:00:00:a{i}' for i in (1, 2, 3)}
BRIDGE = '02:00:00:00:00:ff'
raw = lambda text: bytes.fromhex(text.replace(':', ''))


def sh(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True)


def unshare():
    if LIBC.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'unshare')
    return os.open('/proc/self/ns/net', os.O_RDONLY)


# redirects are sent by the clock
ROUTED = [f'net.ipv4.conf.{name}.{key}=0' for name in ('all', 'br0', 'r1') for key in ('rp_filter', 'send_redirects')]
QUIET = 'net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1'


def lab(flags, sysctls, own):
    """The far ends are in a namespace of their own: what comes out there must not be answered."""
    far = unshare()
    sh(f'sysctl -qw {QUIET}; ip link set lo up')
    near = unshare()
    lines = ['link set lo up', f'link add br0 address {BRIDGE} type bridge forward_delay 0 mcast_snooping 0']
    for i in (1, 2, 3):
        lines += [f'link add p{i} address 02:00:00:00:00:1{i} type veth peer name a{i} address {mac_of[f"a{i}"]} netns /proc/{os.getpid()}/fd/{far}',
                  f'link set p{i} master br0']
    for name in ['br0', 'p1', 'p2', 'p3']:
        lines += [f'link set {name} up']
    lines += [f'link add r1 address 02:00:00:00:00:21 type veth peer name s1 address 02:00:00:00:00:b1 netns /proc/{os.getpid()}/fd/{far}', 'link set r1 up',
              'addr add 10.0.1.254/24 dev r1', 'neigh add 10.0.1.9 lladdr 02:00:00:00:00:b1 dev r1 nud permanent']
    lines += ['addr add 10.0.0.254/24 dev br0'] + [f'neigh add 10.0.0.{i} lladdr 02:00:00:00:00:a{i} dev br0 nud permanent' for i in (1, 2, 3, 9)]
    lines += [f'link set br0 type bridge {words}' for words in own]
    sh(f'sysctl -qw {QUIET} ' + ' '.join(sysctls))
    done = subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    for port, words in flags.items():
        if words:
            sh(f'bridge link set dev {port} {words}')
    for i in (1, 2, 3):
        sh(f'ethtool -K p{i} tx off')
    sh('ethtool -K r1 tx off; sysctl -qw ' + ' '.join(ROUTED))
    enter(far)
    for name in HOSTS:
        sh(f'ip link set {name} arp off up; ethtool -K {name} tx off')
    time.sleep(0.05)
    found = sockets()
    enter(near)
    return found


def enter(namespace):
    if LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


def sockets():
    found = {}
    for name in HOSTS:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        one.bind((name, 0))
        one.setsockopt(PACKET, 8, 1)  # PACKET_AUXDATA: the tag that the kernel has taken off
        one.setblocking(False)
        found[name] = one
    return found


def blanked(data):
    """Without the IP id, and the checksum over it, of what this host itself sends."""
    if data[12:14] == b'\x08\x00' and data[26:30] == bytes([10, 0, 0, 254]):
        return data[:18] + b'\0\0' + data[20:24] + b'\0\0' + data[26:]
    return data


def received(socks):
    out = []
    for name, one in socks.items():
        while True:
            try:
                data, more, _, address = one.recvmsg(4096, 256)
            except BlockingIOError:
                break
            for level, kind, told in more:
                if (level, kind) == (PACKET, 8):
                    status, _, _, _, _, tci, tpid = struct.unpack('IIIHHHH', told[:20])
                    if status & 0x10:
                        data = data[:12] + struct.pack('!HH', tpid if status & 0x40 else 0x8100, tci) + data[12:]
            if address[2] != 4:
                out.append([NEAR[name], blanked(data).hex()])
    return sorted(out)


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def transport(draw, family):
    """Protocol and bytes: UDP, TCP, ICMP, or too little of one."""
    kind = draw.choice(['udp', 'udp', 'udp', 'tcp', 'icmp', 'igmp', 'short'])
    sport, dport = draw.choice([1000, 1001]), draw.choice([53, 80])
    if kind == 'tcp':
        return 6, struct.pack('!HHIIBBHHH', sport, dport, 1, 0, 0x50, 2, 1000, 0, 0)
    if kind == 'icmp':
        return (1 if family == 4 else 58), struct.pack('!BBHHH', draw.choice([8, 13, 3] if family == 4 else [128, 1, 3]), draw.choice([0, 1]), 0, 7, 1)
    if kind == 'igmp' and family == 4:
        return 2, struct.pack('!BBHI', draw.choice([0x11, 0x16, 0x17]), 0, 0, 0)
    if kind == 'short':
        return 17, struct.pack('!HB', sport, 0)
    return 17, struct.pack('!HHHH', sport, dport, 12, 0 if family == 4 else 1) + b'abcd'


def ipv4(draw, source, destination):
    src, dst = (socket.inet_aton(one if isinstance(one, str) else f'10.0.0.{one}') for one in (source, destination))
    protocol, body = transport(draw, 4)
    flags = draw.choice([0x4000] * 8 + [0x2000, 0x0002])
    if destination == 254:
        protocol, body = 1, struct.pack('!BBHHH', 8, 0, 0, 7, draw.choice([1, 2]))
        body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
        flags = 0x4000
    if flags & 0x2000:
        body += bytes(-len(body) % 8)
    head = struct.pack('!BBHHHBBH', 0x45, draw.choice([0, 0x10]), 20 + len(body), 1, flags, 64, protocol, 0) + src + dst
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def ipv6(draw, source, destination):
    src, dst = (socket.inet_pton(socket.AF_INET6, f'2001:db8::{one}') for one in (source, destination))
    protocol, body = transport(draw, 6)
    chain = draw.choice(['', '', '', '', 'options', 'first', 'later', 'none'])
    if chain == 'options':
        protocol, body = 60, bytes([protocol, 0, 1, 4, 0, 0, 0, 0]) + body
    elif chain == 'first':
        protocol, body = 44, bytes([protocol, 0, 0, 1, 0, 0, 0, 5]) + body + bytes(-len(body) % 8)
    elif chain == 'later':
        protocol, body = 44, bytes([protocol, 0, 0, 16, 0, 0, 0, 5]) + body
    elif chain == 'none':
        protocol, body = 59, b''
    return struct.pack('!IHBB', 0x60000000, len(body), protocol, 64) + src + dst + body


def arp(draw, sender, source, destination):
    head = draw.choice([(1, 0x800, 6, 4)] * 10 + [(2, 0x800, 6, 4), (1, 0x801, 6, 4), (1, 0x800, 6, 16), (1, 0x800, 8, 4)])
    op = draw.choice([1, 1, 2])
    rest = sender + socket.inet_aton(f'10.0.0.{source}') + raw('00:00:00:00:00:00') + socket.inet_aton(f'10.0.0.{destination}')
    return struct.pack('!HHBBH', *head, op) + (rest if head[2:] == (6, 4) else rest + bytes(20))


def llc(draw):
    """A frame of 802.3: a BPDU, SNAP, or anything."""
    kind = draw.choice(['bpdu', 'bpdu', 'snap', 'other'])
    if kind == 'bpdu':
        mac = [raw('02:00:00:00:00:a1'), raw('02:00:00:00:00:a2')]
        body = b'\x42\x42\x03' + struct.pack('!HBB', 0, draw.choice([0, 0, 2]), draw.choice([0, 0, 0x80])) + bytes([draw.choice([0, 1, 0x80])]) + struct.pack('!H', draw.choice([0x8000, 1])) + draw.choice(mac) + struct.pack('!I', draw.choice([0, 4])) \
            + struct.pack('!H', draw.choice([0x8000, 1])) + draw.choice(mac) + struct.pack('!HHHHH', draw.choice([1, 0x8001]), draw.choice([0, 256]), 0x1400, 0x200, 0xf00)
        body = draw.choice([body] * 4 + [body[:7]])
    elif kind == 'snap':
        body = b'\xaa\xaa' + draw.choice([b'\x03', b'\x00\x00']) + b'\0\0\0' + draw.choice([b'\x08\x00', b'\x80\x9b']) + bytes(10)
    else:
        body = bytes([draw.choice([0x42, 0xaa, 0xe0]), draw.choice([0x42, 0xe0]), 3]) + bytes(20)
    return struct.pack('!H', len(body)) + body


KINDS = {'stp': ['length'], 'length': ['length'], 'vlan': ['tagged'], 'arp': ['arp'], 'ip': ['ipv4'], 'ip6': ['ipv6'], 'among': ['ipv4', 'ipv4', 'arp']}


def frame(draw, port, focus):
    ends = [1, 2, 3, 9]
    source = draw.choice([port, port, port, 9]) if port != 'r1' else 9
    destination = draw.choice(ends)
    host = draw.random() < 0.15
    sender = raw(f'02:00:00:00:00:a{source}')
    to = draw.choice([f'02:00:00:00:00:a{destination}'] * 3 + ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:05', '01:80:c2:00:00:0e', '01:80:c2:00:00:00', f'01:80:c2:00:00:0{draw.choice("0123e")}'])
    kind = draw.choice(['ipv4', 'ipv4', 'ipv6', 'arp', 'other', 'length'])
    if port == 'r1':
        return (raw('02:00:00:00:00:21') + raw('02:00:00:00:00:b1') + b'\x08\x00' + ipv4(draw, '10.0.1.9', draw.choice([1, 2, 3, 9, 254]))).hex()
    if focus and draw.random() < 0.6:
        kind, host = draw.choice(KINDS[focus]), False
    tagged = kind == 'tagged'
    kind = draw.choice(['ipv4', 'ipv6', 'arp', 'length']) if tagged else kind
    if host:
        kind, to, destination = draw.choice([('ipv4', BRIDGE, 254), ('ipv4', BRIDGE, '10.0.1.9'), ('arp', 'ff:ff:ff:ff:ff:ff', 254), ('arp', BRIDGE, 254)])
    if kind == 'ipv4':
        rest = b'\x08\x00' + ipv4(draw, source, destination)
    elif kind == 'ipv6':
        rest = b'\x86\xdd' + ipv6(draw, source, destination)
    elif kind == 'arp':
        rest = b'\x08\x06' + arp(draw, sender, source, draw.choice([destination, destination, source]))
    elif kind == 'other':
        rest = b'\x88\xcc' + b'\x02\x07' + bytes(18)
    else:
        rest = llc(draw)
        to = draw.choice([to, '01:80:c2:00:00:00'])
    tags = draw.choice([b''] * (0 if tagged else 6) + [b'\x81\x00' + struct.pack('!H', draw.choice([0, 5, 5, 0x6005, 0x6000, 7])), b'\x88\xa8\x00\x05', b'\x88\xa8\x00\x05\x81\x00\x00\x07'] if not host else [b''])
    return (raw(to) + sender + tags + rest).hex()


def one_of(draw, kind):
    if kind == 'among':
        return draw.choice(['', '! ']) + draw.choice(['--among-src 02:00:00:00:00:a1,02:00:00:00:00:a2', '--among-dst 02:00:00:00:00:a3', '--among-src 02:00:00:00:00:a1=10.0.0.1,02:00:00:00:00:a2', '--among-dst 02:00:00:00:00:a2=10.0.0.2,02:00:00:00:00:a1=10.0.0.1',
                                                        '--among-src 02:00:00:00:00:a1 --among-dst 02:00:00:00:00:a2=10.0.0.2'])
    return ' '.join(draw.choice(['', '', '! ']) + one for one in draw.sample(['--stp-type config', '--stp-type tcn', '--stp-flags 0x1', '--stp-flags 0', '--stp-flags topology-change-ack', '--stp-root-prio 128', '--stp-root-prio 0:1000', '--stp-root-addr 00:02:00:00:00:00/ff:ff:00:00:00:00',
                    '--stp-root-cost 0:4000000000', '--stp-root-cost 2701131776', '--stp-sender-prio 0:1000', '--stp-sender-addr 00:02:00:00:00:00', '--stp-port 41344:41472', '--stp-msg-age 256', '--stp-max-age 0:20', '--stp-hello-time 2', '--stp-forward-delay 15'], draw.choice([1, 1, 2])))


RULES = {'stp': ['stp'], 'length': ['-p Length'], 'vlan': ['-p 802_1Q'], 'arp': ['-p ARP'], 'ip': ['-p IPv4'], 'ip6': ['-p IPv6'], 'among': ['among']}


def rule(draw, chain, focus):
    words = []
    kind = draw.choice(['', '', '-p IPv4', '-p IPv4', '-p ARP', '-p ARP', '-p IPv6', '-p IPv6', '! -p IPv4', '-p LLDP', '-p Length', '-p Length', '-p 802_1Q', '-p 802_1Q', '-p 0x88a8', 'stp', 'among'])
    if focus and draw.random() < 0.7:
        kind = draw.choice(RULES[focus])
    words += [] if kind not in ('stp', 'among') else [one_of(draw, kind)]
    kind = '' if kind in ('stp', 'among') else kind
    words += [kind] if kind else []
    ins, outs = chain in ('INPUT', 'FORWARD', 'PREROUTING'), chain in ('FORWARD', 'POSTROUTING')
    if ins and draw.random() < 0.4:
        words += [draw.choice(['', '! ']) + f'-i p{draw.choice("123")}']
    if outs and draw.random() < 0.4:
        words += [draw.choice(['', '! ']) + f'-o p{draw.choice("123")}']
    if draw.random() < 0.3:
        words += [draw.choice(['-s 02:00:00:00:00:a1', '! -s 02:00:00:00:00:a2', '-d Broadcast', '-d Multicast', '-d Unicast', '-d 02:00:00:00:00:a3', '-s 02:00:00:00:00:a0/ff:ff:ff:ff:ff:fc'])]
    if kind == '-p IPv4' and draw.random() < 0.8:
        words += [draw.choice(['--ip-proto udp ! --ip-dport 53', '--ip-proto udp ! --ip-sport 1000', '--ip-proto icmp --ip-icmp-type echo-request', '--ip-proto icmp ! --ip-icmp-type 8/1', '--ip-proto igmp --ip-igmp-type membership-query', '! --ip-proto udp', '--ip-proto tcp --ip-sport 1000:1001', '--ip-src 10.0.0.1', '! --ip-dst 10.0.0.2', '--ip-dst 10.0.0.2/31', '--ip-proto udp', '--ip-proto udp --ip-dport 53', '--ip-tos 0x10', '--ip-proto tcp'])]
    if kind == '-p IPv6' and draw.random() < 0.8:
        words += [draw.choice(['--ip6-proto udp ! --ip6-dport 80', '--ip6-proto ipv6-icmp --ip6-icmp-type echo-request', '--ip6-proto ipv6-icmp ! --ip6-icmp-type 128:129/0', '! --ip6-proto udp', '--ip6-proto ipv6-frag', '--ip6-proto tcp --ip6-sport 1000', '! --ip6-src 2001:db8::2', '--ip6-tclass 0x00', '--ip6-src 2001:db8::1', '--ip6-proto udp --ip6-dport 80', '--ip6-dst 2001:db8::2/127'])]
    if kind == '-p ARP' and draw.random() < 0.8:
        words += [draw.choice(['--arp-gratuitous', '! --arp-gratuitous', '! --arp-ip-dst 10.0.0.2', '! --arp-mac-src 02:00:00:00:00:a2', '--arp-mac-dst 00:00:00:00:00:00', '! --arp-htype 1', '--arp-ptype 0x800', '--arp-op Request', '! --arp-op Request', '--arp-ip-src 10.0.0.1', '--arp-ip-dst 10.0.0.0/30', '--arp-mac-src 02:00:00:00:00:a1', '--arp-htype 1'])]
    if kind == '-p Length' and draw.random() < 0.9:
        words += [draw.choice(['--802_3-sap 0x42', '! --802_3-sap 0x42', '--802_3-sap 0xaa', '--802_3-type 0x0800', '! --802_3-type 0x0800', '--802_3-type 0x809b']) if draw.random() < 0.6 else one_of(draw, 'stp')]
    if kind == '-p 802_1Q' and draw.random() < 0.9:
        words += [draw.choice(['--vlan-id 5', '! --vlan-id 5', '--vlan-id 0 --vlan-prio 3', '--vlan-prio 3', '! --vlan-prio 3', '--vlan-encap 0800', '! --vlan-encap 0806', '--vlan-id 5 --vlan-encap 86DD', '--vlan-encap 8100'])]
    extra = draw.choice(['', '', '', '--mark 0x1', '! --mark 0x1', '--pkttype-type broadcast', '--pkttype-type otherhost', '--limit 1/day --limit-burst 1'])
    words += [extra] if extra else []
    targets = ['ACCEPT', 'DROP', 'CONTINUE', 'DROP', 'RETURN' if chain == 'USER' else 'DROP', 'USER', 'mark --mark-set 0x1 --mark-target CONTINUE', 'mark --mark-or 0x2 --mark-target ACCEPT']
    if chain == 'PREROUTING':
        targets += ['dnat --to-dst 02:00:00:00:00:a2 --dnat-target ACCEPT', 'redirect --redirect-target CONTINUE', 'dnat --to-dst 02:00:00:00:00:a3 --dnat-target CONTINUE']
        if kind == '-p ARP':
            targets += ['arpreply --arpreply-mac 02:00:00:00:00:77 --arpreply-target DROP'] * 3
    if chain == 'POSTROUTING':
        targets += ['snat --to-src 02:00:00:00:00:77 --snat-target ACCEPT', 'snat --to-src 02:00:00:00:00:77 --snat-arp --snat-target CONTINUE']
    targets += ['CONTINUE'] * (12 if focus else 4)
    target = draw.choice([one for one in targets if not (chain == 'USER' and one == 'USER')])
    return f'-A {chain} {" ".join(words)} -j {target}'


def ip_rule(draw, family):
    words = ['', '-m physdev --physdev-in p1', '-m physdev ! --physdev-in p2', '-m physdev --physdev-is-bridged --physdev-out p3', '-m physdev --physdev-is-bridged', '-i br0', '-p udp --dport 53']
    words += ['-m physdev --physdev-is-in', '-m physdev ! --physdev-is-bridged']
    words += ['-s 10.0.0.1', '-d 10.0.0.2', '-p icmp'] if family == 4 else ['-s 2001:db8::1', '-d 2001:db8::2', '-p ipv6-icmp']
    return f'-A {draw.choice(["FORWARD", "FORWARD", "FORWARD", "INPUT", "OUTPUT"])} {draw.choice(words)} -j {draw.choice(["ACCEPT", "DROP", "RETURN"])}'


def case(draw, number):
    focus = draw.choice([None, None, *KINDS])
    flags = {f'p{i}': draw.choice(['', '', '', 'hairpin on', 'isolated on', 'learning off', 'flood off', 'mcast_flood off', 'bcast_flood off', 'isolated on hairpin on']) for i in (1, 2, 3)}
    calls = draw.choice([0, 1, 1])
    sysctls = [f'net.bridge.bridge-nf-call-{name}={draw.choice([0, calls])}' for name in ('iptables', 'ip6tables', 'arptables')] + [f'net.ipv4.ip_forward={draw.choice([0, 1])}', f'net.bridge.bridge-nf-filter-vlan-tagged={draw.choice([0, 0, 1])}']
    own = [f'nf_call_{name} 1' for name in ('iptables', 'ip6tables', 'arptables') if draw.random() < 0.25]
    own += [f'group_fwd_mask {draw.choice([8, 0x4000, 0x4008])}'] if draw.random() < 0.2 else []
    own += ['no_linklocal_learn 1'] if draw.random() < 0.1 else []
    socks = lab(flags, sysctls, own)
    tables = {'filter': ['INPUT', 'FORWARD', 'OUTPUT'], 'nat': ['PREROUTING', 'OUTPUT', 'POSTROUTING']}
    asked = {table: chains for table, chains in tables.items() if draw.random() < 0.8}
    for table, chains in asked.items():
        sh(f'ebtables -t {table} -N USER')
        for chain in ['USER'] + list(chains) * 2:
            for _ in range(draw.choice([0, 1, 2])):
                sh(f'ebtables -t {table} {rule(draw, chain, focus)}')
        if draw.random() < 0.15:
            sh(f'ebtables -t {table} -P {draw.choice([one for one in chains if one != "OUTPUT"])} DROP')
    for family, program in ((4, 'iptables'), (6, 'ip6tables')):
        for _ in range(draw.choice([0, 2, 3])):
            sh(f'{program} {ip_rule(draw, family)}')
    files = {'ip-link': sh('ip -d link').stdout, 'ip-addr': sh('ip addr').stdout, 'bridge-link': sh('bridge -d link').stdout, 'sysctl': '\n'.join(one.replace('=', ' = ') for one in [*sysctls, *ROUTED]) + '\n',
             'ip-route': sh('ip route show table all').stdout, 'ip-neigh': sh('ip neigh').stdout,
             'ebtables-save': sh('ebtables-save').stdout, 'iptables-save': sh('iptables-save').stdout, 'ip6tables-save': sh('ip6tables-save').stdout}
    received(socks)
    frames = []
    for _ in range(30):
        port = draw.choice([1, 2, 3] * 4 + ['r1'])
        one = frame(draw, port, focus)
        socks['s1' if port == 'r1' else f'a{port}'].send(bytes.fromhex(one))
        time.sleep(0.002)
        out = received(socks)
        frames.append(['r1' if port == 'r1' else f'p{port}', one, out])
    counted = {'ebtables': sh('EBTABLES_SAVE_COUNTER=yes ebtables-save -c').stdout or sh('ebtables-save').stdout, 'iptables': sh('iptables-save -c').stdout, 'ip6tables': sh('ip6tables-save -c').stdout}
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
