import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { changeHosts } from '../snapshot/change/index.js'
import { readSnapshot } from '../snapshot/index.js'
import { applyCommand, isList, printSave, readListings, readSave, restore, type SaveFile } from '../xtables/index.js'
import { SaveReader } from '../xtables/save-reader.js'

/** What is asked of every input: no exception, no more time than this, and every refusal with its place. */
export const LIMIT_MS = 50

export interface Fuzzed {
  readonly inputs: number
  readonly refused: number
  readonly slowestMs: number
  readonly failures: readonly { readonly parser: string; readonly input: string; readonly what: string }[]
}

interface Place {
  readonly line: number
  readonly column: number
}

/** Reads an input; gives the problems with it, if there are any. */
interface Parser {
  readonly name: string
  readonly corpus: readonly string[]
  /** The text that is really read, and what of it is the input's. */
  read(input: string): readonly Place[]
}

const linesOf = (path: string): readonly string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')

interface Asked {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
}

/** Every parser of text that people write or paste, with real lines for it. `root`: of the repository. */
function parsers(root: string): readonly Parser[] {
  const recordings = join(root, 'src/xtables/recordings')
  const samples = join(root, 'samples')
  const asked = (name: string): readonly Asked[] => JSON.parse(readFileSync(join(recordings, `${name}.json`), 'utf8'))
  const rules = [...asked('text'), ...asked('matches')]
  const start = readSave(readFileSync(join(recordings, 'command-rules.txt'), 'utf8'), { file: 'f', family: 4 })
  const save: SaveFile = start.ok ? start.save : fail('the rules to begin with')
  const docker = join(samples, 'docker-host')
  const snapshot = readSnapshot(
    ['iptables-save', 'ip-addr.json', 'ip-link.json', 'ip-route.json', 'ip-rule.json', 'sysctl'].map((name) => ({
      path: `h/${name}`,
      text: readFileSync(join(docker, name), 'utf8'),
    })),
  )
  const hosts = snapshot.ok ? snapshot.hosts : fail('the snapshot to begin with')
  const listings = asked('tails').flatMap(
    (row) => (row as unknown as { legacy?: { n: readonly string[] } }).legacy?.n ?? [],
  )
  const HEAD = ' pkts bytes target     prot opt in     out     source               destination         '
  return [
    {
      name: 'iptables-save',
      corpus: rules.map(({ table, chain, rule }) => `${table} -A ${chain} ${rule}`),
      read(input) {
        const [table = '', ...rest] = input.split(' ')
        const known = /^(raw|mangle|nat|filter|security)$/.test(table) ? table : 'filter'
        const read = readSave(`*${known}\n:USER - [0:0]\n${rest.join(' ')}\nCOMMIT\n`, {
          file: 'f',
          family: input.includes('::') || input.includes('icmp6') ? 6 : 4,
        })
        if (!read.ok) return read.problems
        // what is read has a meaning, and what is printed is read again as the same
        for (const chain of read.save.tables[0]?.chains.values() ?? []) for (const rule of chain.rules) void rule.steps
        return []
      },
    },
    {
      name: 'lines alike',
      corpus: rules.map(({ table, chain, rule }) => `${table} -A ${chain} ${rule}`),
      read(input) {
        const [table = '', ...rest] = input.split(' ')
        const known = /^(raw|mangle|nat|filter|security)$/.test(table) ? table : 'filter'
        const line = rest.join(' ')
        const text = `*${known}\n:USER - [0:0]\n${line}\n${line}\n-A USER -j RETURN\n${line}\nCOMMIT\n`
        const options = {
          file: 'f',
          family: input.includes('::') || input.includes('icmp6') ? 6 : 4,
          keepGoing: true,
        } as const
        const [one, other] = [0, Number.POSITIVE_INFINITY].map((small) => {
          const reader = new SaveReader(text, options, small)
          reader.read()
          return { problems: reader.problems, printed: printSave(reader.result()) }
        })
        if (JSON.stringify(one) !== JSON.stringify(other))
          throw new Error(`read otherwise when seen before: ${JSON.stringify(one)}`)
        return one!.problems
      },
    },
    {
      name: 'a whole file',
      corpus: linesOf(join(docker, 'iptables-save')),
      read(input) {
        const text = `*filter\n:INPUT ACCEPT [0:0]\n${input}\n-A INPUT -j ACCEPT\nCOMMIT\n`
        const read = readSave(text, { file: 'f', family: 4, keepGoing: true })
        return read.ok ? [] : read.problems
      },
    },
    {
      name: 'iptables',
      corpus: linesOf(join(recordings, 'commands.txt')),
      read(input) {
        const done = applyCommand(save, input)
        return done.ok ? [] : done.problems
      },
    },
    {
      name: 'iptables-restore',
      corpus: linesOf(join(recordings, 'commands.txt')).map((line) => line.replace(/^iptables /, '')),
      read(input) {
        const done = restore(save, `*filter\n${input}\nCOMMIT\n`, { file: 'f', noflush: true })
        return done.ok ? [] : done.problems
      },
    },
    {
      name: 'iptables -L',
      corpus: listings,
      read(input) {
        const text = `Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n${HEAD}\n${input}\n`
        isList(text)
        const read = readListings(text, { file: 'f', family: input.includes('::') ? 6 : 4 })
        return read.ok ? [] : read.problems
      },
    },
    {
      name: '--with',
      corpus: COMMANDS,
      read(input) {
        const done = changeHosts(hosts, [{ text: input, name: 'w' }], () => hosts.namespaces[0]!)
        return done.ok ? [] : done.problems
      },
    },
    {
      name: 'a paste',
      corpus: [
        ...COMMANDS,
        'default via 192.0.2.254 dev eth0',
        '10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.1',
        '0:\tfrom all lookup local',
        '32766:\tfrom all fwmark 0x1/0xff lookup main',
        'net.ipv4.ip_forward = 1',
        '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP',
        '    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0',
        ...listings.slice(0, 50),
      ],
      read(input) {
        const read = readSnapshot([
          {
            path: 'p',
            text: `root@h:~# ip route\ndefault via 192.0.2.1 dev eth0\n${input}\nroot@h:~# ip rule\n0:\tfrom all lookup local\n`,
          },
        ])
        return read.ok ? [] : read.problems
      },
    },
  ]
}

const COMMANDS = [
  'ip route add 10.1.0.0/16 via 172.17.0.2 metric 5', 'ip route del default', 'ip -6 route add fd01::/64 via fd00::2 dev eth0', 'ip rule add from 1.2.3.0/24 fwmark 0x1/0xff lookup 100 prio 5',
  'ip rule del prio 32766', 'ip addr add 10.0.0.1/24 brd + dev eth0', 'ip link set eth0 mtu 1400 up', 'sysctl -w net.ipv4.ip_forward=1', 'iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT',
  'ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:01 dev eth0', 'sudo ip netns exec web iptables -F', 'h: ip6tables -P INPUT DROP',
] // biome-ignore format: a table

function fail(what: string): never {
  throw new Error(`cannot read ${what}`)
}

/** mulberry32: 0 ≤ x < 1. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const ODD = [
  '',
  '"',
  "'",
  '\\',
  '!',
  '-',
  '--',
  ',',
  ':',
  '/',
  '0',
  '-1',
  '99999999999999999999',
  '0x',
  '::',
  '\t',
  '\u0000',
  '\uFFFF',
  '💥',
  '%s',
  '[',
  ']',
  '(',
  '*',
  '#',
  '$(',
  '`',
  '\r',
  '-A',
  'COMMIT',
  '=',
  '|',
]

/** A real line, with some of it changed: words left out, doubled, swapped with those of another line; characters changed; cut off. */
function mutated(line: string, other: string, draw: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)]!
  let text = line
  for (let n = Math.floor(draw() * 4); n > 0; n--) {
    const words = text.split(' ')
    const at = Math.floor(draw() * words.length)
    const place = Math.floor(draw() * (text.length + 1))
    switch (Math.floor(draw() * 9)) {
      case 0:
        words.splice(at, 1)
        text = words.join(' ')
        break
      case 1:
        words.splice(at, 0, words[at]!)
        text = words.join(' ')
        break
      case 2:
        words[at] = pick(other.split(' '))
        text = words.join(' ')
        break
      case 3:
        words.splice(at, 0, pick(ODD))
        text = words.join(' ')
        break
      case 4:
        text = text.slice(0, place) + pick(ODD) + text.slice(place)
        break
      case 5:
        text = text.slice(0, place) + text.slice(place + 1)
        break
      case 6:
        text = text.slice(0, place)
        break
      case 7:
        text = text.slice(0, place) + String.fromCharCode(Math.floor(draw() * 128)) + text.slice(place + 1)
        break
      case 8:
        text = `${text} ${other}`.repeat(draw() < 0.02 ? 40 : 1)
        break
    }
  }
  return text
}

/** For what was slow the first time: the machine may have been busy with something else. */
function timeOf(work: () => unknown): number {
  const begun = cpuMs()
  try {
    work()
  } catch {
    // told the first time
  }
  return cpuMs() - begun
}

/** Of this process, in milliseconds: what else the machine does is left out. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Gives `count` mutated lines to the parsers, in turn. `root`: of the repository, whose recordings are the real lines. */
export function fuzzParsers(root: string, count: number, seed: number, most = 10): Fuzzed {
  const draw = random(seed)
  const all = parsers(root)
  const failures: { parser: string; input: string; what: string }[] = []
  let refused = 0
  let slowestMs = 0
  let inputs = 0
  for (; inputs < count && failures.length < most; inputs++) {
    const { name, corpus, read } = all[inputs % all.length]!
    const line = () => corpus[Math.floor(draw() * corpus.length)]!
    const input = mutated(line(), line(), draw)
    const report = (what: string) => failures.push({ parser: name, input, what })
    const begun = cpuMs()
    try {
      const problems = read(input)
      if (problems.length > 0) refused++
      for (const { line, column } of problems)
        if (!(line >= 1 && column >= 1)) report(`a refusal without a place: ${line}:${column}`)
    } catch (error) {
      report(error instanceof Error ? (error.stack ?? error.message) : `${error}`)
    }
    const took = cpuMs() - begun
    if (took > LIMIT_MS) {
      const least = Math.min(took, ...[1, 2, 3].map(() => timeOf(() => read(input))))
      slowestMs = Math.max(slowestMs, least)
      if (least > LIMIT_MS) report(`${least.toFixed(0)} ms`)
    } else slowestMs = Math.max(slowestMs, took)
  }
  return { inputs, refused, slowestMs, failures }
}
