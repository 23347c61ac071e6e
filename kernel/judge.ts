import type { Caught } from './agent.js'
import { type RuleSpec, type Ruleset, restoreText, type TableSpec, tablesOf } from './cases/ruleset.js'
import { withForceadd } from './cases/sets.js'
import { type Flow, seenOf } from './cases/stage.js'
import { type Injection, type Lab, type Outcome, routersOf } from './lab.js'
import { connectionText, expectationText, setLines, tidySave, type Verdict } from './verdict.js'

/** Two labs built from one description. A case runs in both: where they differ, the kernel has drawn lots and judges nobody. */
export type Pair = readonly [Lab, Lab]

export type Judgement =
  | { readonly is: 'judged'; readonly verdict: Verdict; readonly ruleset: Ruleset }
  | { readonly is: 'unstable'; readonly why: string }

interface Run {
  readonly packets: readonly Injection[]
  readonly outcomes: readonly Outcome[]
  readonly save: string
  readonly conntrack: readonly string[]
  readonly sets: readonly string[] | undefined
  readonly expectations: readonly string[] | undefined
  readonly second: Verdict['second']
}

/** Loads the rules (leaving out what the kernel refuses), lets the packets through in both labs, and compares the two. */
export async function judge(
  pair: Pair,
  name: string,
  wanted: Ruleset,
  traffic: Flow | readonly Injection[],
  sets: readonly string[] = [],
): Promise<Judgement> {
  const [lab, other] = pair
  const unstable = (why: string): Judgement => ({ is: 'unstable', why })
  await Promise.all(pair.filter(({ hasSets }) => hasSets).map(empty))
  const loaded = await lab.loadSets(sets)
  if ('complaint' in loaded) return unstable(`ipset: ${loaded.complaint}`)
  // what the first lab printed has the seeds of its hashes: the second gets the same
  const saved = loaded.saved === undefined ? undefined : withForceadd(loaded.saved, sets)
  const again = await other.loadSets(saved === undefined ? [] : saved.trim().split('\n'))
  if ('complaint' in again) return unstable(`ipset: ${again.complaint}`)
  const ruleset = await loadRepaired(lab, wanted)
  const complaint = await load(other, ruleset)
  if (complaint !== undefined) return unstable(`one lab takes the rules, the other does not: ${complaint}`)
  const now = Math.floor(Date.now() / 1000)
  const helpers = wanted.some(({ rules }) => rules.some(({ target }) => target.includes('--helper')))
  const pause = wanted.some(({ rules }) => rules.some(asksJiffies)) ? PAUSE : 0
  const first = await run(lab, traffic, helpers, pause)
  if (typeof first === 'string') return unstable(first)
  const second = await run(other, first.packets, helpers, pause)
  if (typeof second === 'string') return unstable(second)
  return combine(name, now, first, second, { ruleset, setsBefore: saved, pause })
}

/** No rules: what rules hold (`recent` lists, named sets) goes with them, and the new ones would come before the old ones go. */
async function empty(lab: Lab): Promise<void> {
  for (const which of routersOf(lab.spec)) await lab.load(restoreText([], lab.router(which).backend), which)
}

async function load(lab: Lab, ruleset: Ruleset): Promise<string | undefined> {
  await lab.flushConnections()
  for (const which of routersOf(lab.spec)) {
    const { backend } = lab.router(which)
    const nothing = backend === 'legacy' ? restoreText([], 'legacy') : ''
    const complaint = await lab.load(nothing + restoreText(tablesOf(ruleset, which), backend), which)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

/** The largest part of the ruleset that the kernel takes, found by leaving out rules table by table. */
async function loadRepaired(lab: Lab, wanted: Ruleset): Promise<Ruleset> {
  if ((await load(lab, wanted)) === undefined) return wanted
  const repaired: TableSpec[] = []
  for (const table of wanted) {
    let rules: readonly RuleSpec[] = table.rules
    if ((await load(lab, [table])) !== undefined) {
      const good: RuleSpec[] = []
      for (const rule of rules)
        if ((await load(lab, [{ ...table, rules: [...good, rule] }])) === undefined) good.push(rule)
      rules = good
    }
    repaired.push({ ...table, rules })
  }
  const complaint = await load(lab, repaired)
  if (complaint !== undefined)
    throw new Error(
      `the kernel does not take the repaired rules: ${complaint}\n${restoreText(repaired, lab.spec.backend)}`,
    )
  return repaired
}

const isFlow = (traffic: Flow | readonly Injection[]): traffic is Flow => 'next' in traffic
const MOST_PACKETS = 80

/** A frame longer than its link takes cannot even be put in. */
const isTooLong = ({ spec }: Lab, { at, frame }: Injection): boolean =>
  frame.length / 2 - 14 >
  ([...spec.links, ...(spec.second?.links ?? [])].find(({ name }) => name === at)?.mtu ?? Number.POSITIVE_INFINITY)

/** connlimit looks through its connections once a jiffy: 0.01 s where they are longest. */
const PAUSE = 0.012
const asksJiffies = ({ parts }: RuleSpec): boolean => parts.some((part) => part.startsWith('-m connlimit'))

async function run(
  lab: Lab,
  traffic: Flow | readonly Injection[],
  helpers: boolean,
  pause: number,
): Promise<Run | string> {
  const packets: Injection[] = []
  const outcomes: Outcome[] = []
  const send = async (injection: Injection) => {
    if (isTooLong(lab, injection)) return []
    packets.push(injection)
    const outcome = await lab.send(injection, pause)
    outcomes.push(outcome)
    return seenOf(outcome.sent)
  }
  if (isFlow(traffic)) {
    let next = traffic.next([])
    while (!next.done && packets.length < MOST_PACKETS) next = traffic.next(await send(next.value))
  } else {
    packets.push(...traffic)
    outcomes.push(...(await lab.replay(traffic, pause)))
  }
  const { frames, lost } = await lab.strays()
  if (frames.length > 0 || lost > 0) return `${frames.length} frames came late, ${lost} were lost`
  const { save, conntrack, sets, second } = await lab.aftermath()
  const connections = (lines: readonly string[]) => lines.map(connectionText).sort()
  return {
    packets,
    outcomes,
    save: tidySave(save),
    conntrack: connections(conntrack),
    second: second && { save: tidySave(second.save), conntrack: connections(second.conntrack) },
    sets: sets === undefined ? undefined : setLines(sets),
    expectations: helpers ? (await lab.expectations()).map(expectationText).sort() : undefined,
  }
}

interface Loaded {
  readonly ruleset: Ruleset
  readonly setsBefore: string | undefined
  readonly pause: number
}

function combine(
  name: string,
  now: number,
  first: Run,
  second: Run,
  { ruleset, setsBefore: before, pause }: Loaded,
): Judgement {
  const unstable = (why: string): Judgement => ({ is: 'unstable', why })
  if (first.save !== second.save) return unstable(`counters: ${apart(first.save.split('\n'), second.save.split('\n'))}`)
  if (first.conntrack.join() !== second.conntrack.join())
    return unstable(`connections: ${apart(first.conntrack, second.conntrack)}`)
  if (JSON.stringify(first.second) !== JSON.stringify(second.second)) return unstable('the second router')
  if (first.sets?.join() !== second.sets?.join()) return unstable(`sets: ${apart(first.sets!, second.sets!)}`)
  const sent: (readonly Caught[])[] = []
  const proxies = ruleset.some(({ rules }) => rules.some(({ target }) => target.startsWith('-j SYNPROXY')))
  for (const [i, outcome] of first.outcomes.entries()) {
    const cookies = (all: readonly Caught[]): readonly Caught[] =>
      proxies ? all.map(([link, frame]) => [link, blankCookie(frame)]) : all
    const frames = blank(cookies(outcome.sent), cookies(second.outcomes[i]!.sent))
    if (!frames)
      return unstable(
        `frames of packet ${i + 1}: ${apart(outcome.sent.map(String), second.outcomes[i]!.sent.map(String))}`,
      )
    if (outcome.trace.join() !== second.outcomes[i]!.trace.join()) return unstable(`trace of packet ${i + 1}`)
    sent.push(frames)
  }
  const traced = first.outcomes.some(({ trace }) => trace.length > 0)
  const trace = traced
    ? { trace: first.outcomes.map((outcome) => outcome.trace.map((line) => line.replace(/^TRACE: /, '').trim())) }
    : {}
  const sets = before === undefined ? {} : { sets: { before, after: first.sets! } }
  if (first.expectations?.join() !== second.expectations?.join())
    return unstable(`expectations: ${apart(first.expectations ?? [], second.expectations ?? [])}`)
  const { packets, save, conntrack } = first
  const expectations = first.expectations ? { expectations: first.expectations } : {}
  return {
    is: 'judged',
    ruleset,
    verdict: {
      name,
      now,
      packets,
      ...(pause === 0 ? {} : { pause }),
      sent,
      save,
      conntrack,
      ...(first.second ? { second: first.second } : {}),
      ...expectations,
      ...sets,
      ...trace,
    },
  }
}

/** The first thing that only one of the two has, for people. */
function apart(left: readonly string[], right: readonly string[]): string {
  const at = [...left.keys(), left.length].find((i) => left[i] !== right[i])!
  return `${left[at] ?? 'nothing'} | ${right[at] ?? 'nothing'}`
}

/** The frames of both runs as one, `?` for ids that the kernel drew; undefined where anything else differs. */
function blank(left: readonly Caught[], right: readonly Caught[]): readonly Caught[] | undefined {
  if (left.length !== right.length) return undefined
  const frames: Caught[] = []
  for (const [i, [link, one]] of left.entries()) {
    const [otherLink, other] = right[i]!
    if (link !== otherLink) return undefined
    if (one === other) frames.push([link, one])
    else if (blankIds(one) === blankIds(other)) frames.push([link, blankIds(one)])
    else return undefined
  }
  return frames
}

const TIMESTAMP = '44'

/** A frame without what the kernel writes into the timestamp options of its IPv4 header, and of one that an ICMP error quotes: it has the time of day. */
function blankStamps(frame: string, at = 28): string {
  const end = at + 8 * Number.parseInt(frame[at + 1] ?? '0', 16)
  const digits = [...frame]
  let stamped = false
  for (let option = at + 40; option < end; ) {
    const kind = frame.slice(option, option + 2)
    if (kind === '00') break
    const length = kind === '01' ? 2 : 2 * Number.parseInt(frame.slice(option + 2, option + 4), 16)
    if (!(length >= 2)) break
    if (kind === TIMESTAMP) digits.fill('?', option + 8, option + length)
    stamped ||= kind === TIMESTAMP
    option += length
  }
  // the checksum that covers it
  if (stamped && at > 28) digits.fill('?', at + 20, at + 24)
  const blanked = digits.join('')
  const quotes =
    at === 28 && frame.slice(46, 48) === '01' && ['03', '05', '0b', '0c'].includes(frame.slice(end, end + 2))
  if (!quotes) return blanked
  const inner = blankStamps(blanked, end + 16)
  return inner === blanked ? inner : `${inner.slice(0, end + 4)}????${inner.slice(end + 8)}`
}

/**
 * A frame with what the kernel draws by itself blanked: the IPv4 id, and the header checksum that covers it; the id of an IPv6
 * fragment header right behind the IPv6 header (packets that were put together are taken apart again under a new one).
 */
export function blankIds(frame: string): string {
  const without = (from: number, digits: number, text: string) =>
    `${text.slice(0, from)}${'?'.repeat(digits)}${text.slice(from + digits)}`
  if (frame.slice(24, 28) === '0800' && frame.length >= 68) return without(48, 4, without(36, 4, blankStamps(frame)))
  if (frame.slice(24, 28) === '86dd' && frame.slice(40, 42) === '2c') return without(116, 8, frame)
  return frame
}

/** Flags SYN and ACK, perhaps ECE, and no window. */
const TCP_SYN_ACK_WITHOUT_WINDOW = /^.{26}[15]20000/
/**
 * SYNPROXY's SYN-ACK (no window) without what hangs on the kernel's secret and its clock: the sequence number, the checksum over it, and all but the last digit of
 * its timestamp.
 */
export function blankCookie(frame: string): string {
  const four = frame.slice(24, 28) === '0800'
  if (four ? frame.slice(46, 48) !== '06' : frame.slice(24, 28) !== '86dd' || frame.slice(40, 42) !== '06') return frame
  const at = 28 + (four ? 8 * Number.parseInt(frame[29]!, 16) : 80)
  const header = frame.slice(at)
  if (!TCP_SYN_ACK_WITHOUT_WINDOW.test(header)) return frame
  const digits = [...frame]
  const blanked = (from: number, count: number) => digits.fill('?', at + from, at + from + count)
  blanked(8, 8)
  blanked(32, 4)
  const end = 8 * Number.parseInt(header[24]!, 16)
  for (let option = 40; option < end; ) {
    const kind = header.slice(option, option + 2)
    if (kind === '00') break
    if (kind === '08') blanked(option + 4, 7)
    option += kind === '01' ? 2 : 2 * Math.max(1, Number.parseInt(header.slice(option + 2, option + 4), 16) || 1)
  }
  return digits.join('')
}
