import { expect, test } from 'vitest'
import { ifName, ifNamesFrom } from '../address/ifname.js'
import { parseIp } from '../address/ip.js'
import { CT_STATE } from '../packet/fields.js'
import type { Ranges, Value } from '../rules/value.js'
import { explain } from './reason.js'

const ip = (text: string) => parseIp(text)!
const masked = (of: Value, mask: number): Value => ({ from: 'masked', of, mask })

const cases: readonly [Value, number | bigint | undefined, Ranges, boolean, string][] = [
  ['th.dport', 5432, [[8080, 8080]], false, 'destination port 5432 ≠ 8080'],
  ['th.dport', 5432, [[1000, 2000]], false, 'destination port 5432 is not in 1000-2000'],
  ['th.dport', 5432, [[80, 80], [443, 443], [8000, 8100]], false, 'destination port 5432 is not in {80, 443, 8000-8100}'],
  ['th.dport', 80, [[80, 80]], true, 'destination port is 80, which ! excludes'],
  ['ip.saddr', ip('10.244.0.5'), [[ip('10.244.0.0'), ip('10.244.255.255')]], true, 'source address 10.244.0.5 is in 10.244.0.0/16, which ! excludes'],
  ['ip.saddr', ip('10.1.0.5'), [[ip('10.1.0.9'), ip('10.1.0.12')]], false, 'source address 10.1.0.5 is not in 10.1.0.9-10.1.0.12'],
  ['ip6.daddr', ip('2001:db8::1'), [[ip('fe80::'), ip('fe80::ffff:ffff:ffff:ffff')]], false, 'destination address 2001:db8::1 is not in fe80::/64'],
  ['meta.iifname', ifName('eth0'), [[ifName('docker0'), ifName('docker0')]], false, 'in interface eth0 ≠ docker0'],
  ['meta.iifname', ifName('eth0'), [ifNamesFrom('br-')], false, 'in interface eth0 is not in br-+'],
  [masked('meta.mark', 0x4000), 0, [[0x4000, 0x4000]], false, 'mark & 0x4000 0x0 ≠ 0x4000'],
  [masked('ct.state', CT_STATE.RELATED | CT_STATE.ESTABLISHED), 0, [[1, 2 ** 32 - 1]], false, 'connection state NEW is none of ESTABLISHED,RELATED'],
  [masked('ct.state', CT_STATE.NEW), CT_STATE.NEW, [[1, 2 ** 32 - 1]], true, 'connection state NEW is one of NEW, which ! excludes'],
  [masked('tcp.flags', 0x17), 0x10, [[2, 2]], false, 'TCP flags & fin,syn,rst,ack ack ≠ syn'],
  ['th.sport', undefined, [[53, 53]], false, 'the packet has no source port'],
  [{ from: 'fib', what: 'type', of: 'daddr', over: 'any' }, 1, [[2, 2]], false, 'type of destination address UNICAST ≠ LOCAL'],
  [{ from: 'fib', what: 'type', of: 'saddr', over: 'oif' }, 2, [[2, 2]], true, 'type of source address on the out interface is LOCAL, which ! excludes'],
  [{ from: 'shifted', of: 'ip.tos', by: 2 }, 0, [[46, 46]], false, 'DSCP 0x0 ≠ 0x2e'],
] // biome-ignore format: a case a line

for (const [value, seen, wanted, inverted, sentence] of cases)
  test(sentence, () =>
    expect(explain({ value, seen, wanted, inverted, text: undefined }, false, { state: 'NEW' }).sentence).toBe(
      sentence,
    ),
  )

test('wanted and seen stand apart, as text', () => {
  const reason = { value: 'th.dport', seen: 5432, wanted: [[8080, 8080]], inverted: true, text: undefined } as const
  expect(explain(reason, true)).toEqual({
    field: 'destination port',
    wanted: '!8080',
    seen: '5432',
    sentence: 'destination port 5432 ≠ 8080',
  })
})

test.each([
  [
    { value: 'tcp.urgent', seen: undefined, wanted: 'readable', inverted: false, text: undefined },
    'the packet ends before its TCP header',
  ],
  [
    {
      value: undefined,
      seen: undefined,
      wanted: undefined,
      inverted: false,
      text: 'set BLOCKED: 203.0.113.9 is in it',
    },
    'set BLOCKED: 203.0.113.9 is in it',
  ],
  [
    { value: 'socket.uid', seen: undefined, wanted: undefined, inverted: false, text: 'this value is not known' },
    'sender uid: this value is not known',
  ],
] as const)('%j', (reason, sentence) => {
  expect(explain(reason, false).sentence).toBe(sentence)
})
