import { expect, test } from 'vitest'
import type { Step } from '../src/path/trail.js'
import { state, traced } from './scenarios/state.js'

/** Every table on every hook that it can stand on, connection tracking on, and one DNAT in OUTPUT so that its second routing decision is taken. */
const hosts = (backend: 'legacy' | 'iptables') =>
  state({
    r: {
      links: { lan0: ['10.1.0.1/16'], wan0: ['203.0.113.7/24'] },
      routes: ['default via 203.0.113.1 dev wan0'],
      sysctl: {},
      sockets: ['tcp 0.0.0.0:22'],
      [backend]: `
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
*mangle
:PREROUTING ACCEPT
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:POSTROUTING ACCEPT
-A OUTPUT -d 192.0.2.1/32 -j DNAT --to-destination 198.51.100.2
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
*security
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
`,
    },
  })

const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
const ROWS = [
  '(routing decision) first',
  'raw',
  '(connection tracking)',
  'mangle',
  'nat (DNAT)',
  '(routing decision)',
  'filter',
  'security',
  'nat (SNAT)',
] as const

/** What a walk met, one word a station, in order. A routing decision belongs to the hook that it follows; the one that precedes every hook, to the next. */
function stations(steps: readonly Step[]): readonly (readonly [hook: string, row: string])[] {
  const met: (readonly [string, string])[] = []
  let hook: string | undefined
  for (const step of steps) {
    if (step.kind === 'hook') {
      hook = step.hook
      for (const { table, priority } of step.chains)
        met.push([hook, table === 'nat' ? (priority < 0 ? 'nat (DNAT)' : 'nat (SNAT)') : table])
    } else if (step.kind === 'conntrack') met.push([step.hook, '(connection tracking)'])
    else if (step.kind === 'route' || step.kind === 'reroute')
      met.push(hook === undefined ? ['output', '(routing decision) first'] : [hook, '(routing decision)'])
    if (step.kind === 'conntrack') hook = step.hook
  }
  return met
}

const IN = traced(hosts('legacy'), 'tcp 10.1.0.2:40000 > 10.1.0.1:22 in lan0').steps
const THROUGH = traced(hosts('legacy'), 'tcp 10.1.0.2:40000 > 198.51.100.9:80 in lan0').steps
const OUT = traced(hosts('legacy'), 'tcp > 192.0.2.1:80 from r').steps

test('which table is consulted on which hook', () => {
  const met = new Set([IN, THROUGH, OUT].flatMap(stations).map(([hook, row]) => `${row} @ ${hook}`))
  const table = ROWS.map(
    (row) => `${row.padEnd(24)}${HOOKS.map((hook) => (met.has(`${row} @ ${hook}`) ? ' ✓' : ' .')).join('')}`,
  )
  expect(table).toEqual([
    '(routing decision) first . . . ✓ .',
    'raw                      ✓ . . ✓ .',
    '(connection tracking)    ✓ . . ✓ .',
    'mangle                   ✓ ✓ ✓ ✓ ✓',
    'nat (DNAT)               ✓ . . ✓ .',
    '(routing decision)       ✓ . . ✓ .',
    'filter                   . ✓ ✓ ✓ .',
    'security                 . ✓ ✓ ✓ .',
    'nat (SNAT)               . ✓ . . ✓',
  ])
})

const order = (steps: readonly Step[]) => stations(steps).map(([hook, row]) => `${hook} ${row}`)

test('in which order: for this host', () => {
  expect(order(IN)).toEqual([
    'prerouting raw',
    'prerouting (connection tracking)',
    'prerouting mangle',
    'prerouting nat (DNAT)',
    'prerouting (routing decision)',
    'input mangle',
    'input filter',
    'input security',
    'input nat (SNAT)',
  ])
})

test('iptables-nft has its security table behind nat in INPUT: priority 150 instead of 50', () => {
  expect(order(traced(hosts('iptables'), 'tcp 10.1.0.2:40000 > 10.1.0.1:22 in lan0').steps).slice(-4)).toEqual([
    'input mangle',
    'input filter',
    'input nat (SNAT)',
    'input security',
  ])
})

test('in which order: through it', () => {
  expect(order(THROUGH)).toEqual([
    'prerouting raw',
    'prerouting (connection tracking)',
    'prerouting mangle',
    'prerouting nat (DNAT)',
    'prerouting (routing decision)',
    'forward mangle',
    'forward filter',
    'forward security',
    'postrouting mangle',
    'postrouting nat (SNAT)',
  ])
})

test('in which order: from it, with a second routing decision after DNAT', () => {
  expect(order(OUT)).toEqual([
    'output (routing decision) first',
    'output raw',
    'output (connection tracking)',
    'output mangle',
    'output nat (DNAT)',
    'output (routing decision)',
    'output filter',
    'output security',
    'postrouting mangle',
    'postrouting nat (SNAT)',
  ])
})
