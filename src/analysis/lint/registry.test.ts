import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { plantedHost } from '../../testing/planted.js'
import { CASES } from '../../testing/planted-lint.js'
import { LINT_RULES } from './index.js'
import { lint } from './lint.js'
import { LEVELS } from './types.js'

const DOCS = join(import.meta.dirname, '../../../docs/lint')
const page = (id: string) => readFileSync(join(DOCS, `${id}.md`), 'utf8')
const ids = LINT_RULES.map(({ id }) => id)

/** What administrators get wrong, and the lint rules that find it. */
const FAULTS: readonly (readonly [fault: string, ...by: string[]])[] = [
  ['a rule shadowed by one before it, or by several together', 'rule-shadowed'],
  ['a rule without which the others do the same', 'rule-redundant'],
  ['a chain that no packet gets to', 'chain-unreachable'],
  ['a jump to an empty chain', 'jump-to-empty-chain'],
  ['a chain that nobody calls', 'chain-unused'],
  ['a catch-all that is not last', 'catch-all-not-last'],
  ['an ACCEPT before a narrower DROP, rules that contradict each other', 'rule-contradicted'],
  ['a rule that matches nothing, anywhere or where it stands', 'rule-matches-nothing', 'rule-out-of-place'],
  ['values from before NAT asked for behind it', 'matches-before-nat'],
  ['a published port that bypasses what INPUT denies', 'published-port-bypasses-input'],
  ['closed over IPv4, open over IPv6', 'ipv6-open'],
  ['nothing accepts ESTABLISHED or RELATED', 'no-established-accept'],
  ['the ICMP of path MTU discovery is blocked', 'path-mtu-blocked'],
  ['neighbour discovery is blocked', 'ndp-blocked'],
  ['INVALID packets leave without translation', 'invalid-not-translated'],
  ['MASQUERADE without -o and -s', 'masquerade-everything'],
  ['translation, but no forwarding', 'nat-without-forwarding'],
  ['a limit behind ESTABLISHED', 'limit-after-established'],
  ['LOG without a limit', 'log-without-limit'],
  ["the proxy's own traffic is redirected to it", 'redirect-loop'],
  ['source validation against routes of one direction', 'one-way-route'],
  ['route_localnet opens 127.0.0.1', 'route-localnet'],
  ['legacy and nft tables at once', 'both-backends'],
  ['two chains of equal priority', 'equal-priorities'],
  ['a set that is missing, or has another number of dimensions', 'set-missing', 'set-dimensions'],
  ['a mark that ip rule uses, set too late', 'mark-after-routing'],
  ['policy DROP and a flush', 'flush-locks-out'],
]

describe('what lint is to find has a lint rule', () => {
  test.each(FAULTS)('%s', (_, ...by) => {
    expect(by.filter((id) => !ids.includes(id))).toEqual([])
  })
})

describe.each(LINT_RULES.map((rule) => [rule.id, rule] as const))('%s', (id, { level, summary }) => {
  const cases = CASES.filter((one) => one.id === id)
  const findings = cases.flatMap(({ planted }) =>
    lint(plantedHost(planted)).findings.filter((finding) => finding.id === id),
  )

  test('has a name, a level and a line about it', () => {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/)
    expect(LEVELS).toContain(level)
    expect(summary).toMatch(/^\S.{10,130}[^.\s]$/)
  })

  test('is planted, with a clean twin that differs', () => {
    expect(cases.some(({ finds }) => finds.length > 0)).toBe(true)
    for (const { planted, clean } of cases) {
      expect(clean).not.toEqual(planted)
      expect(lint(plantedHost(clean)).incomplete).toEqual([])
    }
  })

  test('says where, in files that were given', () => {
    for (const { at, related = [], message } of findings) {
      expect(message).toMatch(/^\S.*[^.\s]$/)
      for (const { source, number, text } of [at, ...related]) {
        expect(text).not.toBe('')
        // a rule has a line; a chain has one where it has rules
        if (number !== undefined) expect(source?.line).toBeGreaterThan(0)
        if (source) expect(source.file).toMatch(/^host\//)
      }
    }
  })

  test('has a page with the reason, an example and what to do', () => {
    const text = page(id)
    expect(text.startsWith(`# ${id}\n\n${summary[0]!.toUpperCase()}${summary.slice(1)}. Level: ${level}.\n`)).toBe(true)
    expect(text).toMatch(/\n## Why it matters\n\n\S.+\n## Example\n\n {4}\S.+\n## What to do\n\n\S/s)
  })

  test('its page tells how to silence it', () => {
    const where = findings.map(({ at }) =>
      at.number !== undefined ? 'rule' : at.chain !== undefined ? 'chain' : 'none',
    )
    const comment = `\`-m comment --comment 'packetwalk: ignore ${id}'\``
    const said = {
      rule: `To silence it for one rule: ${comment}.`,
      chain: `To silence it for one chain, in any of its rules: ${comment}.`,
      none: 'No comment silences it.',
    }[where[0]!]
    expect(new Set(where).size).toBe(1)
    expect(page(id).trimEnd().split('\n').at(-1)).toBe(`${said} For a whole run: \`--ignore ${id}\`.`)
  })
})

test('the list of lint rules is in order, without doubles', () => {
  expect(ids).toEqual([...new Set(ids)].sort())
})

test('every page is of a lint rule, and the list of them is whole', () => {
  const files = readdirSync(DOCS).filter((name) => name !== 'README.md')
  expect(files.sort()).toEqual(ids.map((id) => `${id}.md`).sort())
  const rows = page('README').match(/^\| \[.*$/gm)
  expect(rows).toEqual(LINT_RULES.map(({ id, level, summary }) => `| [${id}](${id}.md) | ${level} | ${summary} |`))
})
