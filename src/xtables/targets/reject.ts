import type { RejectWith } from '../../rules/effect.js'
import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** Names with their ICMP codes (libipt_REJECT.c, libip6t_REJECT.c); `short`: the other spellings. */
const WITH4 = {
  'icmp-net-unreachable': 0,
  'icmp-host-unreachable': 1,
  'icmp-proto-unreachable': 2,
  'icmp-port-unreachable': 3,
  'icmp-net-prohibited': 9,
  'icmp-host-prohibited': 10,
  'icmp-admin-prohibited': 13,
} as const
const WITH6 = {
  'icmp6-no-route': 0,
  'icmp6-adm-prohibited': 1,
  'icmp6-addr-unreachable': 3,
  'icmp6-port-unreachable': 4,
  'icmp6-policy-fail': 5,
  'icmp6-reject-route': 6,
} as const
const SHORT: Readonly<Record<string, string>> = {
  'net-unreach': 'icmp-net-unreachable', 'host-unreach': 'icmp-host-unreachable', 'proto-unreach': 'icmp-proto-unreachable', 'port-unreach': 'icmp-port-unreachable',
  'net-prohib': 'icmp-net-prohibited', 'host-prohib': 'icmp-host-prohibited', 'admin-prohib': 'icmp-admin-prohibited', 'tcp-rst': 'tcp-reset',
  'no-route': 'icmp6-no-route', 'adm-prohibited': 'icmp6-adm-prohibited', 'addr-unreach': 'icmp6-addr-unreachable', 'policy-fail': 'icmp6-policy-fail', 'reject-route': 'icmp6-reject-route',
} // biome-ignore format: a table

const kind: Codec<RejectWith> = {
  words: 1,
  metavar: 'type',
  parse(word) {
    const name = word in WITH4 || word in WITH6 || word === 'tcp-reset' ? word : SHORT[word]
    if (name === 'tcp-reset') return { send: 'tcp-reset' }
    if (name !== undefined && name in WITH4) return { send: 'icmp', code: WITH4[name as keyof typeof WITH4], name }
    if (name !== undefined && name in WITH6) return { send: 'icmp6', code: WITH6[name as keyof typeof WITH6], name }
    throw new WordError(`unknown reject type "${word}"`)
  },
  print: (given) => (given.send === 'tcp-reset' ? 'tcp-reset' : given.name),
}

const DEFAULT4: RejectWith = { send: 'icmp', code: 3, name: 'icmp-port-unreachable' }
const DEFAULT6: RejectWith = { send: 'icmp6', code: 4, name: 'icmp6-port-unreachable' }

export const reject = defineTarget({
  name: 'REJECT',
  families: [4, 6],
  tables: ['filter'],
  chains: ['INPUT', 'FORWARD', 'OUTPUT'],
  options: { with: { flag: '--reject-with', value: kind, doc: 'what the sender is told; port unreachable' } },
  doc: {
    summary: 'Ends the packet and tells its sender.',
    notes: [
      'The answer makes its own way through OUTPUT.',
      'No answer goes to later fragments, ICMP errors, resets, broadcasts, or packets with a wrong checksum.',
    ],
    kernel: 'net/ipv4/netfilter/ipt_REJECT.c, net/netfilter/nf_reject_ipv4.c',
  },
  check({ with: given }, { family, protocol }) {
    if (given?.value.send === 'tcp-reset' && protocol !== 6) return 'tcp-reset needs -p tcp'
    const wrong = given && given.value.send !== 'tcp-reset' && (given.value.send === 'icmp') !== (family === 4)
    return wrong ? `${kind.print(given.value)} is of the other family` : undefined
  },
  print: ({ with: given }, { family }) =>
    `--reject-with ${kind.print(given?.value ?? (family === 4 ? DEFAULT4 : DEFAULT6))}`,
  lower: ({ with: given }, { family }) => [
    { do: 'reject', with: given?.value ?? (family === 4 ? DEFAULT4 : DEFAULT6) },
  ],
})
