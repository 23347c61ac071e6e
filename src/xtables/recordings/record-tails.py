#!/usr/bin/env python3
"""What iptables -L -v says of every rule of text.json and matches.json, with -n and without, for both programs: tails.json. Needs root.

Run record.py first, which makes them. Rules are loaded together, as many as go together, and listed in the order in which they were loaded."""
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from record import HERE, run

def listing(name, tool, table, chain, options):
    lines = run(name, [tool, '-t', table, options, chain]).stdout.split('\n')
    return lines[2:-1]


def load(name, tool, table, chain, rules):
    text = '\n'.join([f'*{table}', ':USER - [0:0]', *[f'-A {chain} {rule}' for rule in rules], 'COMMIT', ''])
    return run(name, [f'{tool}-restore'], text).returncode == 0


def split(name, tool, table, chain, cases, lengths):
    """Listings of the rules of each case: as many at once as the program takes."""
    if not cases:
        return []
    if load(name, tool, table, chain, [case['rule'] for case in cases]):
        numeric, named = [listing(name, tool, table, chain, options) for options in ('-nvL', '-vL')]
        if len(numeric) == len(named) == sum(lengths):
            out, at = [], 0
            for length in lengths:
                out.append((numeric[at:at + length], named[at:at + length]))
                at += length
            return out
    if len(cases) == 1:
        return [(None, None)]
    half = len(cases) // 2
    return split(name, tool, table, chain, cases[:half], lengths[:half]) + split(name, tool, table, chain, cases[half:], lengths[half:])


def record(backend, groups):
    name = f'xtt-{backend}'
    subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
    subprocess.run(['ip', 'netns', 'add', name], check=True)
    answers = {}
    try:
        for (family, table, chain), cases in groups.items():
            for create in (['s4', 'hash:ip,port'], ['s6', 'hash:ip,port', 'family', 'inet6']):
                run(name, ['ipset', 'create', *create])
            own = [case for case in cases if case.get(backend, case['legacy']) is not None]
            lengths = [len(case.get(backend, case['legacy'])) for case in own]
            tool = f'ip{"6" if family == 6 else ""}tables-{backend}'
            for case, answer in zip(own, split(name, tool, table, chain, own, lengths)):
                answers[id(case)] = answer
    finally:
        subprocess.run(['ip', 'netns', 'del', name])
    return answers


def main():
    cases = []
    for file in ('text.json', 'matches.json'):
        cases += json.load(open(os.path.join(HERE, file), encoding='utf8'))
    groups = {}
    for case in cases:
        groups.setdefault((case['family'], case['table'], case['chain']), []).append(case)
    with ThreadPoolExecutor(2) as pool:
        legacy, nft = pool.map(lambda backend: record(backend, groups), ['legacy', 'nft'])
    out = []
    for case in cases:
        row = {key: case[key] for key in ('family', 'table', 'chain', 'rule')}
        for backend, answers in (('legacy', legacy), ('nft', nft)):
            numeric, named = answers.get(id(case), (None, None))
            if numeric is not None:
                row[backend] = {'n': numeric, **({} if numeric == named else {'names': named})}
        if row.get('nft') == row.get('legacy'):
            row.pop('nft', None)
        if len(row) > 4:
            out.append(row)
    with open(os.path.join(HERE, 'tails.json'), 'w', encoding='utf8') as file:
        file.write('[\n' + ',\n'.join(json.dumps(row, ensure_ascii=False) for row in out) + '\n]\n')
    print(len(out), 'rules')


if __name__ == '__main__':
    main()
