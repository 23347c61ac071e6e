import { expect, test } from 'vitest'
import { plainLine } from './line.js'
import { quoteRule, ruleOptions } from './rule-text.js'

test.each([
  ['-A INPUT -p tcp -j DROP', ['-A INPUT', '-p tcp', '-j DROP']],
  ['-A X ! -s 10.0.0.0/8 -j DROP', ['-A X', '! -s 10.0.0.0/8', '-j DROP']],
  [
    '-A X -m conntrack ! --ctstate RELATED,DNAT -j DROP',
    ['-A X', '-m conntrack', '! --ctstate RELATED,DNAT', '-j DROP'],
  ],
  ['-A X -m comment --comment "a -j b \\" c" -j DROP', ['-A X', '-m comment', '--comment "a -j b \\" c"', '-j DROP']],
  [
    '-A X -p tcp -m tcp --tcp-flags FIN,SYN SYN -j DROP',
    ['-A X', '-p tcp', '-m tcp', '--tcp-flags FIN,SYN SYN', '-j DROP'],
  ],
  ['-A X -j NFLOG --nflog-prefix "-x"', ['-A X', '-j NFLOG', '--nflog-prefix "-x"']],
  ['-A X -m limit --limit 5/min', ['-A X', '-m limit', '--limit 5/min']],
])('%s', (text, options) => {
  expect(ruleOptions(text)).toEqual(options)
})

test('a long rule goes on under its first option', () => {
  const rule = {
    number: 12,
    text: '-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 5432 -j ACCEPT',
  }
  expect(quoteRule(rule, { indent: 6, width: 60, role: 'rule' }).map(plainLine)).toEqual([
    '      12 -A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0',
    '           -p tcp -m tcp --dport 5432 -j ACCEPT',
  ])
})
