#!/usr/bin/env python3
"""Loads list-rules.txt with iptables-legacy and iptables-nft 1.8.9 and writes what -L -n -v and -save print of it: list.json. Needs root."""
import json
import os
import subprocess

from record import HERE, run

TABLES = ('filter', 'nat', 'mangle', 'raw')


def main():
    rules = open(os.path.join(HERE, 'list-rules.txt'), encoding='utf8').read()
    out = []
    for backend in ('legacy', 'nft'):
        name = f'xtk-{backend}'
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
        subprocess.run(['ip', 'netns', 'add', name], check=True)
        try:
            run(name, ['ipset', 'create', 's4', 'hash:ip,port'])
            done = run(name, [f'iptables-{backend}-restore', '--counters'], rules)
            if done.returncode != 0:
                raise SystemExit(done.stderr)
            for table in TABLES:
                saved = run(name, [f'iptables-{backend}-save', '-c', '-t', table]).stdout
                for options in ('-nvL', '-nvxL --line-numbers'):
                    listing = run(name, [f'iptables-{backend}', '-t', table, *options.split()]).stdout
                    out.append({'backend': backend, 'table': table, 'options': options, 'listing': listing, 'saved': saved})
        finally:
            subprocess.run(['ip', 'netns', 'del', name])
    with open(os.path.join(HERE, 'list.json'), 'w', encoding='utf8') as file:
        json.dump(out, file, ensure_ascii=False, indent=0)
        file.write('\n')


if __name__ == '__main__':
    main()
