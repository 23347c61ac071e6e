#!/usr/bin/env python3
"""Gives every line of commands.txt to iptables-legacy and iptables-nft 1.8.9, each time with the rules of command-rules.txt loaded, and writes
what they printed, how they ended, and the rules afterwards: commands.json. Needs root."""
import json
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

from record import HERE, run


def saved(name, backend):
    lines = run(name, [f'iptables-{backend}-save', '-c']).stdout.splitlines()
    return [line for line in lines if not line.startswith('#')]


def ask(backend):
    name = f'xtc-{backend}'
    rules = open(os.path.join(HERE, 'command-rules.txt'), encoding='utf8').read()
    out = []
    for line in open(os.path.join(HERE, 'commands.txt'), encoding='utf8'):
        words = shlex.split(line)
        if not words:
            continue
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
        subprocess.run(['ip', 'netns', 'add', name], check=True)
        run(name, [f'iptables-{backend}-restore', '--counters'], rules)
        before = saved(name, backend)
        done = run(name, [f'{words[0]}-{backend}', *words[1:]])
        after = saved(name, backend)
        entry = {'command': line.rstrip('\n'), 'status': done.returncode}
        if done.stdout:
            entry['out'] = done.stdout
        if done.stderr:
            entry['err'] = done.stderr
        if done.returncode == 0 and after != before:
            entry['after'] = after
        out.append(entry)
    subprocess.run(['ip', 'netns', 'del', name])
    return out


def main():
    with ThreadPoolExecutor(2) as pool:
        legacy, nft = pool.map(ask, ['legacy', 'nft'])
    rows = []
    for one, other in zip(legacy, nft):
        rows.append({'command': one.pop('command'), 'legacy': one, 'nft': None if {**other, 'command': None} == {**one, 'command': None} else other})
    for row in rows:
        if row['nft'] is None:
            del row['nft']
        else:
            del row['nft']['command']
    with open(os.path.join(HERE, 'commands.json'), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(row, ensure_ascii=False) for row in rows) + '\n]\n')


if __name__ == '__main__':
    main()
