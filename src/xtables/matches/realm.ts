import { equals, invertedIf, masked } from '../../rules/condition.js'
import { listedMark } from '../list-words.js'
import { defineMatch } from '../match.js'
import { routeRealm as value } from '../named-mark.js'

export const realm = defineMatch({
  name: 'realm',
  families: [4],
  required: ['realm'],
  chains: ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  options: { realm: { flag: '--realm', invertible: true, value, doc: 'the realm, after its mask, is this' } },
  doc: { summary: 'Matches the realm of the route.', kernel: 'net/netfilter/xt_realm.c: realm_mt' },
  list: ({ realm }, { numeric, saved }) =>
    numeric ? `${realm!.inverted ? ' !' : ''} realm ${listedMark(realm!.value)}` : ` ${saved().replace('--', '')}`,
  lower: ({ realm }) =>
    invertedIf(realm!.inverted, equals(masked('meta.realm', realm!.value.mask), realm!.value.value)),
})
