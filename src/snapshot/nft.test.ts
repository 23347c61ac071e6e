import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readBaseChains } from './nft.js'

const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url), 'utf8')

/** Priorities are numbers in JSON and may be names in text. */
const PRIORITIES: Readonly<Record<string, string>> = {
  raw: '-300', mangle: '-150', dstnat: '-100', filter: '0', security: '50', srcnat: '100',
} // biome-ignore format: a table

describe('text and JSON name the same base chains', () => {
  test.each(['docker-host', 'docker-ufw-host', 'docker-host/netns/db', 'k8s-cluster/node1', 'k8s-cluster/node2'])(
    '%s',
    (host) => {
      const fromText = readBaseChains(sample(`${host}/nft-ruleset.nft`))
      const fromJson = readBaseChains(sample(`${host}/nft-ruleset.json`))
      const plain = fromText.map((chain) => ({ ...chain, priority: PRIORITIES[chain.priority] ?? chain.priority }))
      const key = (chain: { family: string; table: string; name: string }) =>
        `${chain.family} ${chain.table} ${chain.name}`
      const sorted = <T extends { family: string; table: string; name: string }>(all: readonly T[]) =>
        [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1))
      expect(sorted(plain)).toEqual(sorted(fromJson))
      expect(fromJson.length).toBeGreaterThan(1)
    },
  )
  test('nothing but the version', () =>
    expect(readBaseChains(sample('docker-host/netns/web/nft-ruleset.json'))).toEqual([]))
})

test('what nft prints around rules', () => {
  expect(
    readBaseChains(`table inet f {
	set s {
		type ipv4_addr
		elements = { 10.0.0.1,
			     10.0.0.2 }
	}

	map m {
		type inet_service : verdict
	}

	chain in { # handle 1
		type filter hook input priority filter - 10; policy drop;
		tcp dport { 22,
			80 } accept
		ct state vmap { established : accept, invalid : drop }
	}

	chain helper {
		accept
	}

	chain empty {
		type filter hook output priority 0; policy accept;
	}
}
table netdev n {
	chain i {
		type filter hook ingress device "eth0" priority -500; policy accept;
		drop
	}
}
`),
  ).toEqual([
    // a set over two lines counts as two: the number is for people
    { family: 'inet', table: 'f', name: 'in', hook: 'input', priority: 'filter - 10', policy: 'drop', rules: 3 },
    { family: 'inet', table: 'f', name: 'empty', hook: 'output', priority: '0', policy: 'accept', rules: 0 },
    { family: 'netdev', table: 'n', name: 'i', hook: 'ingress', priority: '-500', policy: 'accept', rules: 1 },
  ])
})
