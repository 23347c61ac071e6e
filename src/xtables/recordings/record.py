#!/usr/bin/env python3
"""Asks iptables and ip6tables 1.8.9 on this machine what they make of every line of cases.txt, and writes text.json.

`record.py NAME` does the same for NAME.txt and NAME.json. Needs root. Every case is loaded alone, in a network namespace of its own kind (legacy, nft), with iptables-restore; what
iptables-save then prints is the answer, or null where the rule was refused (`why` has the first line of the complaint).
"""
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
CHAINS = {
    'filter': 'INPUT FORWARD OUTPUT', 'nat': 'PREROUTING INPUT OUTPUT POSTROUTING', 'raw': 'PREROUTING OUTPUT',
    'mangle': 'PREROUTING INPUT FORWARD OUTPUT POSTROUTING', 'security': 'INPUT FORWARD OUTPUT',
}


def run(namespace, words, given=None):
    environment = dict(os.environ, XTABLES_LOCKFILE=f'/run/{namespace}.lock')
    return subprocess.run(['ip', 'netns', 'exec', namespace, *words], input=given, capture_output=True, text=True, env=environment)


def ask(namespace, backend, family, table, chain, rule):
    tool = f'ip{"6" if family == 6 else ""}tables-{backend}'
    lines = [f'*{table}', ':USER - [0:0]', f'-A {chain} {rule}', 'COMMIT', '']
    if '-m rateest' in rule:
        for name in ('RE1', 'RE2'):
            estimator = ['--rateest-name', name, '--rateest-interval', '250ms', '--rateest-ewmalog', '0.5s']
            run(namespace, [tool, '-t', 'mangle', '-A', 'OUTPUT', '-j', 'RATEEST', *estimator])
    done = run(namespace, [f'{tool}-restore'], '\n'.join(lines))
    if done.returncode != 0:
        complaint = [line for line in done.stderr.splitlines() if line.strip()]
        return None, complaint[0] if complaint else ''
    saved = run(namespace, [f'{tool}-save', '-t', table]).stdout
    return [line for line in saved.splitlines() if line.startswith('-A')], ''


# of the module netlink(7): a counter n1, as `nfacct add n1` makes it
NFACCT = """
import socket, struct
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
attribute = struct.pack('HH', 7, 1) + b'n1\\0\\0'
body = struct.pack('BBH', 0, 0, 0) + attribute
link.send(struct.pack('IHHII', 16 + len(body), 7 << 8, 0x605, 1, 0) + body)
"""


def record(backend, cases):
    answers = []
    name = f'xtk-{backend}'
    subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
    subprocess.run(['ip', 'netns', 'add', name], check=True)
    try:
        run(name, ['ipset', 'create', 's4', 'hash:ip,port'])
        run(name, ['ipset', 'create', 's6', 'hash:ip,port', 'family', 'inet6'])
        run(name, [sys.executable, '-c', NFACCT])
        for family, table, chain, rule in cases:
            rule = re.sub(r'\bsX\b', f's{family}', rule)
            answers.append((family, table, chain, rule, *ask(name, backend, family, table, chain, rule)))
    finally:
        subprocess.run(['ip', 'netns', 'del', name])
    return answers


def main():
    given, made = (f'{sys.argv[1]}.txt', f'{sys.argv[1]}.json') if len(sys.argv) > 1 else ('cases.txt', 'text.json')
    cases = []
    for line in open(os.path.join(HERE, given), encoding='utf8'):
        if line.startswith('#') or not line.strip():
            continue
        families, table, chain, rule = line.rstrip('\n').split(' ', 3)
        cases += [(int(family), table, chain, rule) for family in families]
    with ThreadPoolExecutor(2) as pool:
        legacy, nft = pool.map(lambda backend: record(backend, cases), ['legacy', 'nft'])
    out = []
    for one, other in zip(legacy, nft):
        family, table, chain, rule, saved, why = one
        entry = {'family': family, 'table': table, 'chain': chain, 'rule': rule, 'legacy': saved}
        if other[4] != saved:
            entry['nft'] = other[4]
        if why or other[5]:
            entry['why'] = why or other[5]
        out.append(entry)
    with open(os.path.join(HERE, made), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(entry, ensure_ascii=False) for entry in out) + '\n]\n')
    print(len(out), 'cases')


if __name__ == '__main__':
    sys.exit(main())
