#!/usr/bin/env python3
"""Gives every text of restores.txt to iptables-legacy-restore and iptables-nft-restore 1.8.9, each time with the rules of command-rules.txt loaded,
and writes how they ended and the rules afterwards: restores.json. A text begins behind `## OPTIONS`. Needs root."""
import json
import os
import subprocess

from record import HERE, run


def saved(name, backend):
    lines = run(name, [f'iptables-{backend}-save', '-c']).stdout.splitlines()
    return [line for line in lines if not line.startswith('#')]


def main():
    rules = open(os.path.join(HERE, 'command-rules.txt'), encoding='utf8').read()
    out = []
    for text in open(os.path.join(HERE, 'restores.txt'), encoding='utf8').read().split('## ')[1:]:
        options, body = text.split('\n', 1)
        row = {'options': options.strip(), 'text': body}
        for backend in ('legacy', 'nft'):
            name = f'xtr-{backend}'
            subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
            subprocess.run(['ip', 'netns', 'add', name], check=True)
            run(name, [f'iptables-{backend}-restore', '--counters'], rules)
            done = run(name, [f'iptables-{backend}-restore', *options.split()], body)
            row[backend] = {'status': done.returncode, 'err': done.stderr, 'out': done.stdout, 'after': saved(name, backend)}
            subprocess.run(['ip', 'netns', 'del', name])
        out.append(row)
    with open(os.path.join(HERE, 'restores.json'), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(row, ensure_ascii=False) for row in out) + '\n]\n')


if __name__ == '__main__':
    main()
