import { inetNtop } from '../src/address/ip.js'
import type { Entry } from '../src/conntrack/entry.js'
import type { Tuple } from '../src/conntrack/tuple.js'
import { CT_STATUS } from '../src/packet/fields.js'
import { bytesToHex, hexToBytes } from '../src/packet/hex.js'
import { simulate } from '../src/path/simulate.js'
import type { Handled, Simulation } from '../src/path/simulation.js'
import type { Branch, ChainVisit, Step } from '../src/path/trail.js'
import type { Hosts, Namespace } from '../src/path/world.js'
import { expectationsText } from '../src/report/connections.js'
import type { Rule } from '../src/rules/program.js'
import { readSnapshot } from '../src/snapshot/index.js'
import type { Caught } from './agent.js'
import { isLocal, SECOND_FOLDER } from './place.js'
import {
  type Count,
  expectationText,
  type Recording,
  rulesFile,
  setLines,
  type Verdict,
  withoutCounts,
} from './verdict.js'

/** What the model says about the packets of a verdict, in the kernel's words. */
export interface Answer {
  readonly sent: readonly (readonly Caught[])[]
  readonly counts: readonly Count[]
  readonly conntrack: readonly string[]
  readonly expectations: readonly string[]
  readonly second: { readonly counts: readonly Count[]; readonly conntrack: readonly string[] } | undefined
  /** As `setLines` leaves `ipset save`; undefined where the case has none. */
  readonly sets: readonly string[] | undefined
  readonly trace: readonly (readonly string[])[]
  /** What the model says it does not know, by packet from 1: such a case compares nothing. */
  readonly unknown: readonly string[]
  /** How each packet fared, for people. */
  readonly outcomes: readonly string[]
}

export type Lab = Pick<Recording, 'family' | 'backend' | 'second' | 'files'>

/** Reads the snapshot that the case began with, and walks its packets. Throws what the model throws. */
export function ask(lab: Lab, verdict: Verdict): Answer {
  const hosts = read(lab, verdict)
  const place = hosts.namespaces.find(({ namespace }) => namespace === '')
  const behind = hosts.namespaces.find(({ namespace }) => namespace !== '')
  const expected = lab.second ? 2 : 1
  if (!place || hosts.namespaces.length !== expected || hosts.wires.length !== expected - 1)
    throw new Error(
      `${hosts.namespaces.length} namespaces and ${hosts.wires.length} wires were read, not ${expected} routers`,
    )
  const carryFrames = behind !== undefined
  const simulation = simulate(hosts, {
    now: verdict.now,
    seed: 1,
    assumeNeighbours: false,
    carryFrames,
    captured: verdict.heard === true,
  })
  const wired = new Set(hosts.wires.flatMap(({ ends }) => ends.map(({ link }) => link)))
  const handled = verdict.packets.map(({ at, frame }, i) => {
    const now = verdict.now + i * (verdict.pause ?? 0)
    const bytes = hexToBytes(frame)!
    if (isLocal(at)) return simulation.generate(at === 'local' ? place : behind!, bytes, now)
    const router = behind?.links.some(({ name }) => name === at) ? behind : place
    return simulation.receive(router, at, bytes, now)
  })
  const order = [place, ...(behind ? [behind] : [])].flatMap(({ links }) => links.map(({ name }) => name))
  const connections = (router: Namespace) =>
    simulation
      .connections(router)
      .filter(({ original }) => original.family === lab.family)
      .map(connectionLine)
      .sort()
  return {
    sent: handled.map(({ sent }) =>
      sorted(
        sent
          .filter((frame) => !wired.has(frame.interface))
          .map((frame): Caught => [frame.interface, bytesToHex(frame.frame)]),
        order,
      ),
    ),
    counts: countsIn(place, simulation, lab.family),
    conntrack: connections(place),
    second: behind && { counts: countsIn(behind, simulation, lab.family), conntrack: connections(behind) },
    expectations: expectationsText(simulation.expectations(place), verdict.now)
      .split('\n')
      .filter((line) => line !== '')
      .map(expectationText)
      .sort(),
    sets: verdict.sets && setLines(simulation.sets(place)?.print(verdict.now) ?? ''),
    trace: handled.map(({ branch }) => traceOf(branch.steps, place)),
    unknown: [
      ...handled.flatMap(({ branch: { outcome, where } }, i) =>
        outcome === 'undecided' ? [`packet ${i + 1}: ${where.text}`] : [],
      ),
      ...handled.flatMap(({ branch }) => undecidedVisits(branch.steps)),
    ],
    outcomes: handled.map(outcomeOf),
  }
}

function read(lab: Lab, verdict: Verdict): Hosts {
  const files: (readonly [path: string, text: string])[] = [
    ...Object.entries(lab.files),
    [rulesFile(lab), withoutCounts(verdict.save)],
    ...(lab.second && verdict.second
      ? [
          [
            `${SECOND_FOLDER}${rulesFile({ ...lab, backend: lab.second.backend })}`,
            withoutCounts(verdict.second.save),
          ] as const,
        ]
      : []),
    ...(verdict.sets ? [['ipset-save', verdict.sets.before] as const] : []),
  ]
  const result = readSnapshot(files.map(([path, text]) => ({ path, text })))
  if (result.ok) return result.hosts
  throw new Error(`the snapshot is not read: ${JSON.stringify(result.problems[0])}`)
}

/** Rules of which a packet could not tell whether they match it. */
const undecidedVisits = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.kind === 'reply' || step.kind === 'copy') return undecidedVisits(step.walked)
    if (step.kind !== 'hook') return []
    const visits = step.chains.flatMap((chain) => (chain.skipped === undefined ? chain.visits : []))
    return visits.flatMap(({ outcome, rule }) => (outcome === 'unknown' ? [`rule: ${rule.text}`] : []))
  })

/** The capture has one socket a link: order between links is not seen. */
const sorted = (sent: readonly Caught[], order: readonly string[]): readonly Caught[] =>
  order.flatMap((link) => sent.filter(([at]) => at === link))

const outcomeOf = ({ branch }: Handled): string => describe(branch)
const describe = ({ outcome, where }: Branch): string =>
  [outcome, where.hook, where.table, where.chain, where.rule, where.reason, where.text]
    .filter((part) => part !== undefined && part !== '')
    .join(' ')

function countsIn(place: Namespace, simulation: Simulation, family: 4 | 6): readonly Count[] {
  const rules = simulation.ruleCounters(place)
  const policies = simulation.policyCounters(place)
  return place.tables.filter((table) => table.family === family).flatMap((table) =>
    [...table.chains.values()].flatMap((chain) => {
      const at = { table: table.name, chain: chain.name }
      const policy = policies.get(`${table.family} ${table.backend} ${table.name} ${chain.name}`)
      return [
        ...(chain.base ? [{ ...at, number: 0, text: chain.base.policy.toUpperCase(), ...NOTHING, ...policy }] : []),
        ...chain.rules.map((rule, i) => ({ ...at, number: i + 1, text: rule.text, ...NOTHING, ...rules.get(rule) })),
      ]
    }),
  ) // biome-ignore format: one thing
}

const NOTHING = { packets: 0, bytes: 0 } as const

/** As `connectionText` leaves a line of `conntrack -L`. */
export function connectionLine({
  original,
  reply,
  status,
  mark,
  zone,
  zoneDirection,
  protocol,
  counters,
  helper,
}: Entry): string {
  const state =
    protocol.kind === 'tcp'
      ? [protocol.state]
      : protocol.kind === 'other' && protocol.state !== ''
        ? [protocol.state]
        : []
  const count = ({ packets, bytes }: { packets: number; bytes: number }) => `packets=${packets} bytes=${bytes}`
  return [
    original.protocol,
    ...state,
    tupleText(original),
    ...(zoneDirection === 'original' ? [`zone-orig=${zone}`] : []),
    count(counters.original),
    ...(status & CT_STATUS.SEEN_REPLY ? [] : ['[UNREPLIED]']),
    tupleText(reply),
    ...(zoneDirection === 'reply' ? [`zone-reply=${zone}`] : []),
    count(counters.reply),
    ...(status & CT_STATUS.ASSURED ? ['[ASSURED]'] : []),
    `mark=${mark}`,
    ...(zone === 0 || zoneDirection !== undefined ? [] : [`zone=${zone}`]),
    ...(helper === undefined ? [] : [`helper=${helper}`]),
  ].join(' ')
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])

function tupleText({ protocol, src, dst, sport, dport }: Tuple): string {
  const addresses = `src=${inetNtop(src)} dst=${inetNtop(dst)}`
  if (WITH_PORTS.has(protocol)) return `${addresses} sport=${sport} dport=${dport}`
  if (protocol === 1 || protocol === 58) return `${addresses} type=${dport >> 8} code=${dport & 255}`
  if (protocol === 47) return `${addresses} srckey=0x${sport.toString(16)} dstkey=0x${dport.toString(16)}`
  return addresses
}

// -- the trail in the words of the kernel's trace

/** `filter:FORWARD:rule:2` for every rule that matched and every policy, answers on the way included; sorted, implied returns left out. */
function traceOf(steps: readonly Step[], place: Namespace): readonly string[] {
  const lines: string[] = []
  for (const step of steps) {
    if (step.kind === 'reply' || step.kind === 'copy') lines.push(...traceOf(step.walked, place))
    if (step.kind === 'hook')
      for (const chain of step.chains) if (chain.skipped === undefined) lines.push(...chainTrace(chain, place))
  }
  return lines.sort()
}

const UNCONDITIONAL = /^-A \S+ -j (ACCEPT|DROP|RETURN)$/

function chainTrace(
  { table, chain, visits, decidedBy, backend, family }: ChainVisit,
  place: Namespace,
): readonly string[] {
  // nf_tables traces the verdict of a rule whose match drops the packet; ip_tables does not
  const told = (outcome: string) => outcome === 'yes' || (backend === 'nft' && outcome === 'drop')
  const matched = visits.filter(({ outcome, rule }) => told(outcome) && !rule.text.endsWith(' -j TRACE'))
  const lines = matched.map(
    ({ chain: at, number, rule }) =>
      `${table}:${at}:${backend === 'nft' ? 'rule' : wordFor(rule, at === chain)}:${number}`,
  )
  if (decidedBy.rule !== undefined) return lines
  const rules = place.tables
    .find((one) => one.name === table && one.backend === backend && one.family === family)
    ?.chains.get(chain)?.rules
  return [...lines, `${table}:${chain}:policy:${(rules?.length ?? 0) + 1}`]
}

/** The kernel takes a verdict without conditions for the end of its chain (ip_tables.c: get_chainname_rulenum). */
const wordFor = ({ text }: Rule, base: boolean): string =>
  !UNCONDITIONAL.test(text) ? 'rule' : base ? 'policy' : 'return'

/** The kernel's lines without what the trail does not have: the implied end of a user chain, and TRACE seen by a packet that is traced already. Sorted. */
export function kernelTrace(lines: readonly string[], save: string): readonly string[] {
  const rules = new Map<string, string[]>()
  let table = ''
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    const chain = /^(?:\[\d+:\d+\] )?-A (\S+)/.exec(line)?.[1]
    if (chain !== undefined) rules.set(`${table}:${chain}`, [...(rules.get(`${table}:${chain}`) ?? []), line])
  }
  return lines
    .filter((line) => {
      const [at, chain, word, number] = line.split(':')
      const rule = rules.get(`${at}:${chain}`)?.[Number(number) - 1]
      return rule === undefined ? word !== 'return' : !rule.endsWith(' -j TRACE')
    })
    .sort()
}
