import { parseIp } from '../../address/ip.js'
import type { Mac } from '../../address/mac.js'
import { recomputeHeader } from '../../packet/checksum.js'
import { frameOfPacket } from '../../packet/frame.js'
import { bytesToHex } from '../../packet/hex.js'
import { type Packet, put16, u16 } from '../../packet/packet.js'
import type { PacketRequest } from '../../packet/request.js'
import { begin } from '../../path/begin.js'
import { simulate } from '../../path/simulate.js'
import type { Handled } from '../../path/simulation.js'
import { questionRun } from '../../path/trace.js'
import type { Step } from '../../path/trail.js'
import { walk } from '../../path/walk.js'
import { type Hosts, type Namespace, type Neighbour, placeName } from '../../path/world.js'
import type { CountDifference, PacketVerdict, SentText } from '../../report/verify.js'
import type { Caught } from './agent.js'
import { isHeaderless } from './commands-of.js'
import { type Blank, comparable } from './frames.js'
import { FOUND_MAC, type Found, type Sandbox, type Sent } from './sandbox.js'
import { countsOf, modelCounts, NONE, type TableSave } from './tables.js'

/** A packet as the kernel gets it. */
export interface Question {
  readonly text: string
  readonly place: Namespace
  /** The interface at which it arrives; `local`: the namespace itself sends it. */
  readonly at: string
  /** With its Ethernet header; without where it is sent here. */
  readonly bytes: Uint8Array
}

/** A card of somebody outside. */
const SENDER = 0x02_00_00_00_03_02

/** Where a packet begins and its bytes. Throws QuestionError. */
export function questionOf(hosts: Hosts, text: string, request: PacketRequest): Question {
  const { cursor, start } = begin(questionRun(hosts, { choose: () => 0 }, {}), walk, request)
  const place = hosts.namespaces.find((one) => placeName(one) === placeName(start.place))!
  const { packet } = cursor.skb
  name(packet)
  if (start.in === undefined) return { text, place, at: 'local', bytes: packet.bytes }
  const { mac } = packet
  const source = mac?.source || SENDER
  return { text, place, at: entry(place, start.in, source), bytes: frameOfPacket(packet, { ...mac!, source }) }
}

/** An IPv4 id of its own, by which it is told from what the kernel makes; one that the question gave is kept. */
function name(packet: Packet): void {
  if (packet.family !== 4 || u16(packet.bytes, 4) !== 0) return
  put16(packet.bytes, 4, 0x5057)
  packet.touch()
  recomputeHeader(packet)
}

/** What arrives at a bridge came in through one of its ports: where the sender's card is known to be, or any. */
function entry({ links, fdb }: Namespace, name: string, sender: Mac): string {
  if (!links.some((link) => link.name === name && link.kind === 'bridge')) return name
  const known = fdb.find(({ mac, master }) => mac === sender && master === name)?.dev
  return known ?? links.find(({ master, up }) => master === name && up)?.name ?? name
}

interface KernelAnswer {
  readonly sent: Sent
  readonly saved: readonly TableSave[]
  readonly now: number
  /** Neighbours that were made up because the kernel asked for them. */
  readonly found: readonly Found[]
}

/** One more for each neighbour that turns up only when the one before is known. */
const MOST_ROUNDS = 4

/** Sends a packet in the sandbox, as if nothing had been there before. */
async function askKernel(sandbox: Sandbox, { at, bytes, place }: Question, found: Found[]): Promise<KernelAnswer> {
  for (let round = 1; ; round++) {
    await sandbox.reset()
    const now = Math.floor(Date.now() / 1000)
    const sent = await sandbox.send(at, bytesToHex(bytes))
    const unknown = sent.asked.filter((one) => !isKnown(place, one) && !found.some((other) => same(one, other)))
    if (unknown.length === 0 || round === MOST_ROUNDS) return { sent, saved: await sandbox.saved(), now, found }
    for (const one of unknown) {
      if (found.some((other) => same(one, other))) continue
      found.push(one)
      await sandbox.addNeighbour(one)
    }
  }
}

const same = (a: Found, b: Found): boolean => a.dev === b.dev && a.ip === b.ip
/** Known, if only as one that does not answer. */
const isKnown = ({ neighbours }: Namespace, { dev, ip }: Found): boolean =>
  neighbours.some((one) => one.dev === dev && one.ip === parseIp(ip))

/** Lots that the kernel draws are drawn by the model with other seeds until it comes to the same; so often at most. */
const MOST_SEEDS = 64

/** What the kernel does with a packet and what the model says. `found` grows by the neighbours that had to be made up. */
export async function verifyPacket(sandbox: Sandbox, question: Question, found: Found[]): Promise<PacketVerdict> {
  const { place, text, at } = question
  const head = { packet: text, namespace: placeName(place), at }
  if (sandbox.refused !== undefined) return undecided(head, sandbox.refused)
  if (at !== 'local' && !sandbox.canTake(at)) return undecided(head, `no frame can be put in at ${at}`)
  const kernel = await askKernel(sandbox, question, found)
  if (at !== 'local' && kernel.sent.failed !== 0)
    return undecided(head, `the frame cannot be put in at ${at}: it is longer than the link takes, or the link is down`)
  const world = worldOf(place, kernel.found)
  let least: PacketVerdict | undefined
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const verdict = { ...head, ...compare(question, world, kernel, seed) }
    if (verdict.verdict !== 'differs') return verdict
    least ??= verdict
  }
  return least!
}

const undecided = (head: Pick<PacketVerdict, 'packet' | 'namespace' | 'at'>, why: string): PacketVerdict => ({
  ...head,
  verdict: 'undecided',
  outcome: 'undecided',
  why,
  kernel: [],
  model: [],
  counters: [],
})

/** The namespace alone, as it stands in the sandbox: no connections yet, neighbours that answer. */
function worldOf(place: Namespace, found: readonly Found[]): Hosts {
  const made = found.map(({ dev, ip }): Neighbour => ({ dev, ip: parseIp(ip)!, mac: FOUND_MAC, state: 'PERMANENT' }))
  const fdb = found.flatMap(({ dev }) => {
    const port = place.links.find(({ master }) => master === dev)?.name
    return port === undefined ? [] : [{ mac: FOUND_MAC, dev: port, master: dev, remote: undefined, local: false }]
  })
  const namespace: Namespace = {
    ...place,
    neighbours: [...place.neighbours, ...made],
    fdb: [...place.fdb, ...fdb],
    connections: [],
  }
  return { namespaces: [namespace], wires: [], assumptions: [] }
}

function compare(
  { at, bytes }: Question,
  hosts: Hosts,
  { sent, saved, now }: KernelAnswer,
  seed: number,
): Omit<PacketVerdict, 'packet' | 'namespace' | 'at'> {
  const place = hosts.namespaces[0]!
  const simulation = simulate(hosts, { now, seed, assumeNeighbours: false })
  const handled =
    at === 'local' ? simulation.generate(place, bytes.slice(), now) : simulation.receive(place, at, bytes.slice(), now)
  const { outcome, where } = handled.branch
  const model = handled.sent.map((frame): Caught => [frame.interface, bytesToHex(frame.frame)])
  const blank = blankOf(place, handled, at, bytes)
  const key = (frames: readonly Caught[]) => frames.map((frame) => comparable(frame, blank)).sort()
  const [ours, theirs] = [key(model), key(sent.frames)]
  const counters = countDifferences(saved, place, simulation)
  const agrees = ours.join() === theirs.join() && counters.length === 0
  const answer = { outcome, why: where.text, kernel: shown(sent.frames), model: shown(model), counters }
  if (outcome === 'undecided') return { ...answer, verdict: 'undecided' }
  return { ...answer, verdict: agrees ? 'agrees' : 'differs' }
}

const shown = (frames: readonly Caught[]): readonly SentText[] =>
  frames.map(([link, frame]) => ({ interface: link, frame }))

function blankOf(place: Namespace, { branch }: Handled, at: string, bytes: Uint8Array): Blank {
  const packet = at === 'local' ? bytes : bytes.subarray(14)
  return {
    ports: drawsPorts(branch.steps),
    vxlan: new Set(place.links.flatMap(({ vxlan }) => (vxlan ? [vxlan.port] : []))),
    headerless: new Set(place.links.filter(isHeaderless).map(({ name }) => name)),
    id: packet[0]! >> 4 === 4 ? packet[4]! * 256 + packet[5]! : -1,
  }
}

const drawsPorts = (steps: readonly Step[]): boolean =>
  steps.some(
    (step) => (step.kind === 'nat' && step.ports !== undefined) || (step.kind === 'reply' && drawsPorts(step.walked)),
  )

function countDifferences(
  saved: readonly TableSave[],
  place: Namespace,
  run: Pick<ReturnType<typeof simulate>, 'ruleCounters' | 'policyCounters'>,
): readonly CountDifference[] {
  return saved.flatMap((save) => {
    const kernel = countsOf(save)
    const tables = place.tables.filter(({ backend, family }) => backend === save.backend && family === save.family)
    return modelCounts(tables, run.ruleCounters(place), run.policyCounters(place)).flatMap(
      ({ table, chain, number, text, packets, bytes }): readonly CountDifference[] => {
        const theirs = kernel.get(`${table.name} ${chain} ${number}`) ?? NONE
        if (theirs.packets === packets && theirs.bytes === bytes) return []
        return [{ table: table.name, chain, rule: number, text, kernel: theirs, model: { packets, bytes } }]
      },
    )
  })
}
