import { hexToBytes } from '../../src/packet/hex.js'
import { simulate } from '../../src/path/simulate.js'
import { eventLine } from '../../src/report/connections.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { type Ruleset, restoreText } from '../cases/ruleset.js'
import { type Flow, seenOf } from '../cases/stage.js'
import type { Pair } from '../judge.js'
import type { Injection, Lab } from '../lab.js'
import type { Random } from '../prng.js'
import { withoutCounts } from '../verdict.js'

/** A conversation, and what `conntrack -E -o extended` said meanwhile. */
export interface EventsCase {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly now: number
  readonly packets: readonly Injection[]
  readonly events: readonly string[]
}

/** Undefined: the kernel does not do the same twice, as where it draws a port. */
export async function eventsCase(
  name: string,
  [lab, other]: Pair,
  ruleset: Ruleset,
  flow: Flow,
): Promise<EventsCase | undefined> {
  const { family } = lab.spec
  const now = Math.floor(Date.now() / 1000)
  const packets: Injection[] = []
  const events = await watched(lab, ruleset, async () => {
    let next = flow.next([])
    while (!next.done && packets.length < MOST_PACKETS) {
      packets.push(next.value)
      next = flow.next(seenOf((await lab.send(next.value)).sent))
    }
  })
  const again = await watched(other, ruleset, () => other.replay(packets))
  if (!events || !again || !(sameEvents(events, again) || sameEvents(again, events))) return undefined
  const rules = family === 4 ? 'iptables-save' : 'ip6tables-save'
  return { name, files: { ...(await lab.files()), [rules]: withoutCounts(await lab.save()) }, now, packets, events }
}

const MOST_PACKETS = 80

/** What is told while something is played under these rules; undefined where the kernel does not take them. */
async function watched(lab: Lab, ruleset: Ruleset, play: () => Promise<unknown>) {
  await lab.flushConnections()
  if ((await lab.load(restoreText(ruleset, lab.spec.backend))) !== undefined) return undefined
  const watch = await lab.watch()
  await play()
  return (await lab.events(watch)).map((line) => line.trimEnd())
}

/** What the model says of the same packets. Undefined: it is not sure of one. */
export function modelEvents({ files, now, packets }: EventsCase): readonly string[] | undefined {
  const read = readSnapshot(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    { now },
  )
  if (!read.ok) throw new Error(JSON.stringify(read.problems[0]))
  const [place] = read.hosts.namespaces
  const lines: string[] = []
  const simulation = simulate(read.hosts, {
    now,
    seed: 1,
    assumeNeighbours: false,
    captured: true,
    events: (event) => lines.push(eventLine(event, true)),
  })
  let unsure = false
  for (const { at, frame } of packets) {
    const bytes = hexToBytes(frame)!
    const { branch } =
      at === 'local' ? simulation.generate(place!, bytes, now) : simulation.receive(place!, at, bytes, now)
    unsure ||= branch.outcome === 'undecided'
  }
  return unsure ? undefined : lines
}

/** A clock that goes on makes a timeout a second shorter. */
const near = (kernel: string, model: string): boolean => {
  const pattern = /^(.{9} \S+ +\d+ \S+ +\d+ )(\d+)( .*)$/
  const [one, other] = [pattern.exec(kernel), pattern.exec(model)]
  if (!one || !other) return kernel === model
  const late = Number(other[2]) - Number(one[2])
  return one[1] === other[1] && one[3] === other[3] && (late === 0 || late === 1)
}

export const sameEvents = (kernel: readonly string[], model: readonly string[]): boolean =>
  kernel.length === model.length && kernel.every((line, i) => near(line, model[i]!))

const ESTABLISHED = '-m conntrack --ctstate ESTABLISHED'
/** Rules that change marks and labels of connections that are under way. */
export function marking(random: Random, ruleset: Ruleset): Ruleset {
  const target = random.weighted([
    [3, undefined],
    [2, '-j CONNMARK --set-mark 0x9'],
    [2, '-j CONNMARK --set-xmark 0x1/0x0'],
    [1, '-j CONNMARK --set-mark 0'],
  ])
  const labels = random.chance(0.3)
    ? [{ chain: 'FORWARD', parts: [ESTABLISHED, '-m connlabel --label 5 --set'], target: '' }]
    : []
  const marks = target === undefined ? [] : [{ chain: 'FORWARD', parts: [ESTABLISHED], target }]
  return ruleset.map((table) =>
    table.name === 'mangle' ? { ...table, rules: [...table.rules, ...marks, ...labels] } : table,
  )
}
