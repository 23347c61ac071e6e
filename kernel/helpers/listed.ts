import { parseIp } from '../../src/address/ip.js'
import { bytesToHex, hexToBytes } from '../../src/packet/hex.js'
import { simulate } from '../../src/path/simulate.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import type { Caught } from '../agent.js'
import { ip4, ip6, tcp, udp } from '../cases/frames.js'
import { type Ruleset, restoreText } from '../cases/ruleset.js'
import { arrives, type Flow, seenOf } from '../cases/stage.js'
import { blankIds } from '../judge.js'
import type { Injection, Lab } from '../lab.js'
import { withoutCounts } from '../verdict.js'

/** What a host's listings said, and what its kernel did with the first packet of each connection that its helpers expected. */
export interface ListedCase {
  readonly name: string
  readonly family: 4 | 6
  /** A snapshot, `conntrack` and `expectations` among its files. */
  readonly files: Readonly<Record<string, string>>
  readonly now: number
  readonly probes: readonly { readonly at: string; readonly frame: string; readonly sent: readonly Caught[] }[]
}

/** Plays a conversation, takes the listings, and sends what was expected. Undefined: nothing was, or nothing with ports. */
export async function listedCase(
  name: string,
  lab: Lab,
  ruleset: Ruleset,
  flow: Flow,
): Promise<ListedCase | undefined> {
  const { family, backend } = lab.spec
  await lab.flushConnections()
  const complaint = await lab.load(restoreText(ruleset, backend))
  if (complaint !== undefined) return undefined
  const now = Math.floor(Date.now() / 1000)
  let next = flow.next([])
  for (let n = 0; !next.done && n < 80; n++) next = flow.next(seenOf((await lab.send(next.value)).sent))
  const { save, conntrack } = await lab.aftermath()
  const expected = await lab.expectations()
  const probes: ListedCase['probes'][number][] = []
  for (const line of expected) {
    const probe = probeOf(line, family, 40000 + probes.length)
    if (probe) probes.push({ ...probe, sent: (await lab.send(probe)).sent })
  }
  if (probes.length === 0) return undefined
  const files = {
    ...(await lab.files()),
    [family === 4 ? 'iptables-save' : 'ip6tables-save']: withoutCounts(save),
    conntrack: `${conntrack.join('\n')}\n`,
    expectations: `${expected.join('\n')}\n`,
  }
  return { name, family, files, now, probes }
}

/** The first packet of what a line of `conntrack -L expect` tells of. */
function probeOf(line: string, family: 4 | 6, free: number): Injection | undefined {
  const found = /proto=(\d+) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) mask-src=(\S+)/.exec(line)
  if (!found) return undefined
  const [, protocol, listed, dst, sport, dport] = found as unknown as [string, string, string, string, string, string]
  const anybody = parseIp(listed) === 0 || parseIp(listed) === 0n
  const src = anybody ? (family === 4 ? '192.0.2.99' : '2001:db8:99::1') : listed
  const ends = { src, dst, sport: Number(sport) || free, dport: Number(dport) }
  if (protocol !== '6' && protocol !== '17') return undefined
  const content =
    protocol === '6'
      ? tcp({ ...ends, seq: 1000, ack: 0, flags: 2, options: '', window: 60000 }, '')
      : udp(ends, '80000001')
  const header = { src, dst, protocol: Number(protocol) }
  const packet = family === 4 ? ip4({ ...header, id: 1, fragment: 0x4000 }, content) : ip6(header, content)
  return arrives(/^(10\.1\.|fd00:1::)/.test(src) ? 'r0' : 'r1', packet)
}

/** What the model makes of the same packets, knowing the listings alone: each difference, and what it is not sure of. */
export function listedDifferences({ files, now, probes }: ListedCase) {
  const read = readSnapshot(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    { now },
  )
  if (!read.ok) throw new Error(JSON.stringify(read.problems[0]))
  const [place] = read.hosts.namespaces
  const simulation = simulate(read.hosts, { now, seed: 1, assumeNeighbours: false })
  const found: string[] = []
  const unsure: string[] = []
  for (const { at, frame, sent } of probes) {
    const { branch, sent: model } = simulation.receive(place!, at, hexToBytes(frame)!, now)
    const [kernel, ours] = [shown(sent), shown(model.map((one) => [one.interface, bytesToHex(one.frame)]))]
    if (branch.outcome === 'undecided') unsure.push(branch.where.text)
    else if (kernel !== ours) found.push(`packet at ${at} ${frame}\n   kernel: ${kernel}\n   model:  ${ours}`)
  }
  return { found, unsure }
}

/** But for IP ids, which the kernel draws. */
const shown = (sent: readonly Caught[]): string =>
  sent
    .map(([at, frame]) => `${at} ${blankIds(frame)}`)
    .sort()
    .join('\n')
