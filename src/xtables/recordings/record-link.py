#!/usr/bin/env python3
"""Asks ebtables-nft and arptables-nft 1.8.9 what they make of every line of link-cases.txt (PROGRAM TABLE CHAIN RULE) and writes link.json: what
PROGRAM-nft-save then prints of the chain, or null where the rule was refused (`why` has the first line of the complaint). Needs root."""
import json
import os
import shlex
import subprocess

from record import HERE, run


def main():
    name = 'xtl-nft'
    out = []
    for line in open(os.path.join(HERE, 'link-cases.txt'), encoding='utf8'):
        if line.startswith('#') or not line.strip():
            continue
        program, table, chain, rule = (line.rstrip('\n') + ' ').split(' ', 3)
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
        subprocess.run(['ip', 'netns', 'add', name], check=True)
        run(name, [f'{program}-nft', '-t', table, '-N', 'USER'])
        done = run(name, [f'{program}-nft', '-t', table, '-A', chain, *shlex.split(rule)])
        row = {'program': program, 'table': table, 'chain': chain, 'rule': rule.strip(), 'saved': None}
        if done.returncode == 0:
            saved = run(name, [f'{program}-nft-save']).stdout
            row['saved'] = [one for one in saved.splitlines() if one.startswith('-A')]
        else:
            row['why'] = next((one for one in done.stderr.splitlines() if one.strip()), '')
        out.append(row)
    subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
    with open(os.path.join(HERE, 'link.json'), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(row, ensure_ascii=False) for row in out) + '\n]\n')


if __name__ == '__main__':
    main()
