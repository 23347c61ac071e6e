import type { Family } from '../../address/ip.js'
import type { RejectWith } from '../../rules/effect.js'
import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

type Kind = RejectWith & { readonly send: 'icmp' | 'icmp6' }

const icmp = (code: number, name: string): Kind => ({ send: 'icmp', code, name })
const icmp6 = (code: number, name: string): Kind => ({ send: 'icmp6', code, name })
const RESET: RejectWith = { send: 'tcp-reset' }

/** Each with its other name, in the order in which libipt_REJECT.c and libip6t_REJECT.c look through them. */
const TABLE4: readonly (readonly [RejectWith, name: string, short: string])[] = [
  [icmp(0, 'icmp-net-unreachable'), 'icmp-net-unreachable', 'net-unreach'],
  [icmp(1, 'icmp-host-unreachable'), 'icmp-host-unreachable', 'host-unreach'],
  [icmp(2, 'icmp-proto-unreachable'), 'icmp-proto-unreachable', 'proto-unreach'],
  [icmp(3, 'icmp-port-unreachable'), 'icmp-port-unreachable', 'port-unreach'],
  [icmp(9, 'icmp-net-prohibited'), 'icmp-net-prohibited', 'net-prohib'],
  [icmp(10, 'icmp-host-prohibited'), 'icmp-host-prohibited', 'host-prohib'],
  [RESET, 'tcp-reset', 'tcp-rst'],
  [icmp(13, 'icmp-admin-prohibited'), 'icmp-admin-prohibited', 'admin-prohib'],
]
const TABLE6: typeof TABLE4 = [
  [icmp6(0, 'icmp6-no-route'), 'icmp6-no-route', 'no-route'],
  [icmp6(1, 'icmp6-adm-prohibited'), 'icmp6-adm-prohibited', 'adm-prohibited'],
  [icmp6(3, 'icmp6-addr-unreachable'), 'icmp6-addr-unreachable', 'addr-unreach'],
  [icmp6(4, 'icmp6-port-unreachable'), 'icmp6-port-unreachable', 'port-unreach'],
  [RESET, 'tcp-reset', 'tcp-reset'],
  [icmp6(5, 'icmp6-policy-fail'), 'icmp6-policy-fail', 'policy-fail'],
  [icmp6(6, 'icmp6-reject-route'), 'icmp6-reject-route', 'reject-route'],
]

/** What a word means in each family: `port-unreach` is there in both. */
type Meant = Readonly<Record<Family, RejectWith | undefined>>

/** The beginning of a name is enough: the first that begins so. */
const find = (table: typeof TABLE4, word: string): RejectWith | undefined =>
  table.find(([, name, short]) => name.startsWith(word) || short.startsWith(word))?.[0]

const nameOf = (given: RejectWith): string => (given.send === 'tcp-reset' ? 'tcp-reset' : given.name)

const kind: Codec<Meant> = {
  words: 1,
  metavar: 'type',
  parse(word) {
    const lower = word.toLowerCase()
    const meant = { 4: find(TABLE4, lower), 6: find(TABLE6, lower) }
    if (!meant[4] && !meant[6]) throw new WordError(`unknown reject type "${word}"`)
    return meant
  },
  print: (meant) => nameOf((meant[4] ?? meant[6])!),
}

const DEFAULT4: RejectWith = { send: 'icmp', code: 3, name: 'icmp-port-unreachable' }
const DEFAULT6: RejectWith = { send: 'icmp6', code: 4, name: 'icmp6-port-unreachable' }

export const reject = defineTarget({
  name: 'REJECT',
  families: [4, 6],
  tables: ['filter'],
  chains: ['INPUT', 'FORWARD', 'OUTPUT'],
  options: { with: { flag: '--reject-with', value: kind, doc: 'what the sender is told; port unreachable' } },
  listed: [[/reject-with (\S+)/y, (_, type) => `--reject-with ${type}`]],
  doc: {
    summary: 'Ends the packet and tells its sender.',
    notes: [
      'The answer makes its own way through OUTPUT.',
      'No answer goes to later fragments, ICMP errors, resets, broadcasts, or packets with a wrong checksum.',
    ],
    kernel: 'net/ipv4/netfilter/ipt_REJECT.c, net/netfilter/nf_reject_ipv4.c',
  },
  check({ with: given }, { family, protocol }) {
    if (!given) return undefined
    const meant = given.value[family]
    if (!meant) return `${kind.print(given.value)} is of the other family`
    return meant.send === 'tcp-reset' && protocol !== 6 ? 'tcp-reset needs -p tcp' : undefined
  },
  print: (given, { family }) => `--reject-with ${nameOf(answer(given, family))}`,
  list: (given, { family }) => ` reject-with ${nameOf(answer(given, family))}`,
  lower: (given, { family }) => [{ do: 'reject', with: answer(given, family) }],
})

const answer = (given: { readonly with?: { readonly value: Meant } }, family: Family): RejectWith =>
  given.with?.value[family] ?? (family === 4 ? DEFAULT4 : DEFAULT6)
