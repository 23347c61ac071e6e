import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { matches } from './matches/index.js'
import { readSave } from './save.js'
import { TABLES } from './tables.js'
import { targets } from './targets/index.js'

interface Answer {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
  /** What iptables-legacy-save printed; null: refused. */
  readonly legacy: readonly string[] | null
  /** Only where it differs. */
  readonly nft?: readonly string[] | null
  readonly why?: string
}

const answers: readonly Answer[] = ['text', 'matches', 'targets'].flatMap((name) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', `${name}.json`), 'utf8')),
)

type Where = Pick<Answer, 'family' | 'table' | 'chain'>

/** The lines as we print them, or what we say against the rule. */
function said({ family, table, chain }: Where, backend: 'legacy' | 'nft', rule: string): readonly string[] | string {
  const chains = Object.keys(TABLES[table]!).map((name) => `:${name} ACCEPT [0:0]`)
  const text = [`*${table}`, ...chains, ':USER - [0:0]', `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n')
  const read = readSave(text, { file: 'case', family, backend })
  if (!read.ok) return read.problems[0]!.message
  return read.save.tables[0]!.chains.get(chain)!.rules.map((one) => one.text)
}

/** No module of this kernel; SELinux is not on here. */
const ABSENT = /-m ipvs |-j (?:LED|ULOG|SECMARK|CLUSTERIP)\b/

/** Refused by iptables 1.8.9, read by us, on purpose. */
const LENIENT: Readonly<Record<string, string>> = {
  '--proto=tcp --dport=22 -j ACCEPT': 'the command takes it, only -restore does not',
  '-ptcp -jACCEPT': 'the command takes it, only -restore does not',
  '-s ! 10.0.0.0/8 -j DROP': 'dumps of iptables before 1.4.3 have it',
  '-p tcp --dport ! 22 -j ACCEPT': 'dumps of iptables before 1.4.3 have it',
  '-m nosuch -j ACCEPT': 'an extension that this machine does not have',
  '-p udplite -m udplite --dport 80 -j ACCEPT': 'an extension that this machine does not have',
  '-j LOG --log-level err': 'older versions have this name',
  '-p icmpv6 --icmpv6-type mld-listener-done -j ACCEPT': 'newer versions have this name',
  '-p icmpv6 --icmpv6-type mld-listener-query -j ACCEPT': 'newer versions have this name',
  '-m limit --limit 5/min --limit-burst 0 -j ACCEPT': 'nft takes it as 5',
  '-m set --match-set nosuch src -j ACCEPT': 'which sets there are is another file',
  '-m connlabel --label nolabel -j ACCEPT': 'names of labels are another file',
  '-m time --weekdays Mo,Tuesday,FRI -j ACCEPT': 'upper case is clear enough',
  '-j QUEUE': 'legacy takes it',
  '! -s 0.0.0.0/0 -j DROP': 'legacy takes it',
  '! -s ::/0 -j DROP': 'legacy takes it',
  '-p sctp --sport http': 'the port has this name for TCP',
  '-p mobility-header --mh-type 3': 'only -p mh brings the match along',
  '-m connlabel --label nolabel': 'names of labels are another file',
  '-m bpf --object-pinned /sys/fs/bpf/nosuch': 'what is pinned is not in a snapshot',
  '-m cgroup --path nosuch': 'which cgroups there are is not in a snapshot',
  '-m nfacct --nfacct-name nosuch': 'which counters there are is not in a snapshot',
  '-m nfacct --nfacct-name "n 1"': 'which counters there are is not in a snapshot',
  '-m rateest --rateest nosuch --rateest-lt --rateest-bps 8bit': 'which estimators there are is in another table',
  '-m rateest --rateest RE1 --rateest-lt': 'compares nothing',
}

/** Printed by iptables 1.8.9 in another way, or refused by us. */
const OTHERWISE: Readonly<Record<string, string>> = {
  '-m comment --comment "open -j ACCEPT': 'an open quote is a slip',
  '-m limit --limit 5/min --limit-burst 0 -j ACCEPT': 'nft takes it as 5',
  '-s 010.0.0.1 -j DROP': 'octal: inet_aton(3) takes it, nobody means it',
  '-m conntrack ! --ctorigdst 10.0.0.0/8 --ctreplsrc 10.0.0.1/255.0.255.0 ! --ctrepldst 1.2.3.4/32 -j ACCEPT':
    'iptables forgets a mask with holes when it prints',
  '-p tcp -j TPROXY --on-port 1 --on-ip localhost': 'names of hosts are another file',
  '! -p tcp -m tcp --dport 22 -j ACCEPT': 'nft takes it; no packet can match it',
  '-p tcp ! --dport 0:65535 -j ACCEPT': 'nft forgets the match',
  '-p tcp --tcp-flags NONE SYN,ACK -j ACCEPT': 'nft forgets the match',
  '-p tcp -m tcp --dport 80 -m tcp --sport 81 -j ACCEPT': 'nft makes one match of two',
  '-p tcp -m tcp --tcp-flags SYN,RST RST -m tcp --syn -j TCPMSS --set-mss 42': 'nft forgets the first match',
}

const title = ({ family, table, chain, rule }: Answer) => `IPv${family} ${table} ${chain}: ${rule}`

describe.each(['legacy', 'nft'] as const)('as iptables-%s 1.8.9 has it', (backend) => {
  const expected = (answer: Answer) => (backend === 'nft' && answer.nft !== undefined ? answer.nft : answer.legacy)

  test.each(answers.map((answer) => [title(answer), answer] as const))('%s', (_, answer) => {
    const wanted = expected(answer)
    const got = said(answer, backend, answer.rule)
    if (wanted === null) {
      if (!(answer.rule in LENIENT) && !ABSENT.test(answer.rule)) expect(got, answer.why).toBeTypeOf('string')
    } else if (!(answer.rule in OTHERWISE)) expect(got).toEqual(wanted)
  })

  const printed = answers.flatMap((answer) => (expected(answer) ?? []).map((line) => [answer, line] as const))
  const unprintable = new RegExp(
    [
      '--comment "open',
      '! -p tcp -m tcp --dport 22',
      // iptables does not read these back either, or as something else
      '--hashlimit-upto 0b/s',
      '--hashlimit-name a b',
      '(--rateest-[lg]t).*\\1',
      '--dccp-types $',
      '-m ipcomp$',
      '--genre $',
      '--genre Free BSD',
      '--label a b',
      '--rateest-name R g',
      '-j SNPT$',
      '-j SNPT --src-pfx \\S+$',
      '-j SNPT --dst-pfx',
    ].join('|'),
  )
  test.each(printed.filter(([, line]) => !unprintable.test(line)).map(([answer, line]) => [line, answer] as const))(
    'printed back: %s',
    (line, answer) => {
      expect(said(answer, backend, line.slice(`-A ${answer.chain} `.length))).toEqual([line])
    },
  )
})

describe('the cases', () => {
  test('know every exception', () => {
    const rules = new Set(answers.map(({ rule }) => rule))
    expect([...Object.keys(LENIENT), ...Object.keys(OTHERWISE)].filter((rule) => !rules.has(rule))).toEqual([])
  })

  const flags = Object.entries({ '-m': matches, '-j': targets }).flatMap(([option, registry]) =>
    Object.entries(registry).map(([name, extension]) => [`${option} ${name}`, name, extension] as const),
  )
  const all = answers.flatMap(({ legacy, nft, rule }) => [rule, ...(legacy ?? []), ...(nft ?? [])])

  test.each(flags)('%s: have each of its options', (use, _, extension) => {
    const lines = all.filter((line) => `${line} `.includes(`${use} `))
    const flags = Object.values(extension.options as Record<string, { flag: string }>).map(({ flag }) => flag)
    expect(lines.length, use).toBeGreaterThan(0)
    const spoken = answers.map(({ rule }) => rule).join('\n')
    expect(flags.filter((flag) => !`${spoken}\n`.match(new RegExp(`${flag}[\\s=]`)))).toEqual([])
  })
})
