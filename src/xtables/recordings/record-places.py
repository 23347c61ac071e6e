#!/usr/bin/env python3
"""Asks iptables and ip6tables 1.8.9 on this machine in which tables and chains they take every rule of places.txt, and writes places.json.

Needs root, and a network namespace of its own for each backend: unshare -n python3 record-places.py. Every rule is loaded alone, with iptables-restore, once in the base
chain itself and once in a chain to which that jumps.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CHAINS = {
    'filter': 'INPUT FORWARD OUTPUT', 'nat': 'PREROUTING INPUT OUTPUT POSTROUTING', 'raw': 'PREROUTING OUTPUT',
    'mangle': 'PREROUTING INPUT FORWARD OUTPUT POSTROUTING', 'security': 'INPUT FORWARD OUTPUT',
}


def takes(family, backend, text):
    tool = f'ip{"6" if family == "6" else ""}tables-{backend}-restore'
    return subprocess.run([tool], input=text, capture_output=True, text=True).returncode == 0


def places(family, backend, rule, below):
    lines = f':USER - [0:0]\n-A {{0}} -j USER\n-A USER {rule}' if below else f'-A {{0}} {rule}'
    return [
        f'{table} {chain}' for table, chains in CHAINS.items() for chain in chains.split()
        if takes(family, backend, f'*{table}\n{lines.format(chain)}\nCOMMIT\n')
    ]


def main():
    out = []
    for line in open(os.path.join(HERE, 'places.txt'), encoding='utf8'):
        if line.startswith('#'):
            continue
        families, rule = line.rstrip('\n').split(' ', 1)
        for family in families:
            for backend in ('legacy', 'nft'):
                entry = {'family': int(family), 'backend': backend, 'rule': rule}
                entry['base'] = places(family, backend, rule, False)
                entry['below'] = places(family, backend, rule, True)
                out.append(entry)
    with open(os.path.join(HERE, 'places.json'), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(entry) for entry in out) + '\n]\n')
    print(len(out), 'answers')


if __name__ == '__main__':
    sys.exit(main())
