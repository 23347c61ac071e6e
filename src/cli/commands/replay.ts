import type { CapturedPacket } from '../../packet/capture-types.js'
import type { Handled, Simulation } from '../../path/simulation.js'
import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { OpenCapture } from '../capture.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts } from '../load.js'
import { withOption } from '../options.js'

interface Options {
  readonly json?: boolean
  readonly out?: string
  readonly counters?: string
  readonly conntrack?: string
  readonly events?: string
  readonly namespace?: string
  readonly iface?: string
  readonly assumeNeighbours?: boolean
  readonly seed: string
  readonly with: readonly string[]
}

export const replay: CommandSpec<Options> = {
  name: 'replay',
  arguments: '<snapshot> <capture>',
  summary: 'a capture through the model: one JSON line for each packet, with every frame that leaves',
  exits: '0.',
  examples: [
    'replay samples/k8s-cluster capture.pcapng --namespace node1 --out sent.pcapng',
    'replay snapshot capture.pcap --iface eth0 --counters after.txt --conntrack -',
  ],
  options(command) {
    withOption(command)
      .option('--json', 'JSON Lines (there is no other form)')
      .option('--out <file>', 'the frames that leave, as pcapng')
      .option('--counters <file>', 'all tables afterwards, as iptables-save -c prints them (-: standard output)')
      .option('--conntrack <file>', 'the connections afterwards, as conntrack -L -o extended prints them')
      .option('--events <file>', 'what connections do, as conntrack -E -o extended,timestamp prints it')
      .option('--namespace <host[/netns]>', 'where the packets arrive')
      .option('--iface <name>', 'the interface, where the capture names none')
      .option('--assume-neighbours', 'take neighbours that the table does not have as ones that answer')
      .option('--seed <number>', 'for what the kernel draws at random', '1')
  },
  async run([snapshot, capture], options, io) {
    const usual = async (hosts: Hosts) => placeOf(hosts, options.namespace)
    const hosts = await loadHosts(snapshot as string, options.with, io, usual)
    const place = placeOf(hosts, options.namespace)
    const { openCapture } = await import('../capture.js')
    const opened = await openCapture(capture as string, io)
    const { simulate } = await import('../../path/simulate.js')
    const { EventWriter } = await import('../writers.js')
    const events = options.events === undefined ? undefined : EventWriter.open(options.events, place, io)
    const begin = (now: number) =>
      simulate(hosts, {
        captured: true,
        now,
        seed: Number(options.seed),
        assumeNeighbours: options.assumeNeighbours ?? false,
        steps: false,
        ...(events ? { events: (event) => events.write(event) } : {}),
      })
    const { simulation, now } = await walkAll(begin, place, opened, options, io).finally(() => events?.close())
    await writeResults(simulation, place, now, options, io)
    return EXIT.yes
  },
}

/** The namespace that is asked for; without, the only host's own. */
function placeOf(hosts: Hosts, name: string | undefined): Namespace {
  const known = hosts.namespaces.map(placeName)
  const candidates = hosts.namespaces.filter((of) =>
    name === undefined ? of.namespace === '' : placeName(of) === name,
  )
  const [place] = candidates
  if (place && candidates.length === 1) return place
  const list = known.slice(0, 12).join(', ')
  if (name === undefined) throw new UserError(`packetwalk: --namespace: which one? There are ${list}`)
  throw new UserError(`packetwalk: --namespace: nothing in the snapshot is called "${name}": there are ${list}`)
}

const secondsOf = (packet: CapturedPacket | undefined): number | undefined =>
  packet?.nanoseconds === undefined ? undefined : Number(packet.nanoseconds) / 1e9

/** Packet by packet, in constant memory: what comes out is written at once. A file that is broken somewhere is refused before its first packet. */
async function walkAll(
  begin: (now: number) => Simulation,
  place: Namespace,
  capture: OpenCapture,
  options: Options,
  io: Io,
): Promise<{ readonly simulation: Simulation; readonly now: number }> {
  const { handledLine, refusedLine } = await import('../../report/replay.js')
  const { Progress } = await import('../progress.js')
  const { CaptureWriter, LineWriter } = await import('../writers.js')
  const progress = new Progress(io)
  if (capture.rewinds) for (const { number } of capture.packets()) progress.tell(() => `${number} packets read`)
  const out = options.out === undefined ? undefined : CaptureWriter.open(options.out, place)
  const lines = new LineWriter(io)
  let simulation: Simulation | undefined
  let now = 0
  let stamp = 0n
  try {
    for (const packet of capture.packets()) {
      const at = secondsOf(packet)
      simulation ??= begin(at ?? 0)
      now = Math.max(now, at ?? now)
      stamp = packet.nanoseconds ?? stamp
      const handled = enter(simulation, place, packet, options.iface, now)
      const refused = typeof handled === 'string'
      lines.write(refused ? refusedLine(packet.number, handled) : handledLine(packet.number, handled))
      if (!refused) for (const sent of handled.sent) out?.write(sent.interface, stamp, sent.frame)
      progress.tell(() => `${packet.number} packets walked`)
    }
  } finally {
    progress.end()
    lines.flush()
    out?.close()
  }
  return { simulation: simulation ?? begin(0), now }
}

const ETHERNET = 1
const RAW_IP: ReadonlySet<number> = new Set([12, 101, 228, 229])
/** The interface block whose packets the host itself sends. */
const LOCAL = 'local'

/** Hands a packet to the namespace where it belongs; or says why that cannot be done. */
function enter(
  simulation: Simulation,
  place: Namespace,
  packet: CapturedPacket,
  iface: string | undefined,
  at: number,
): Handled | string {
  const { linktype, bytes } = packet
  const name = packet.interface ?? iface
  if (name === undefined)
    throw new UserError('packetwalk: the capture does not name an interface: give it with --iface')
  if (name === LOCAL) {
    if (!RAW_IP.has(linktype))
      throw new UserError(`packetwalk: interface "local" has link type ${linktype}, not raw IP`)
    return simulation.generate(place, bytes, at)
  }
  if (!place.links.some((link) => link.name === name)) {
    const names = place.links.map((link) => link.name).join(', ')
    throw new UserError(`packetwalk: ${placeName(place)} has no interface "${name}": there are ${names}`)
  }
  if (linktype !== ETHERNET) return `link type ${linktype} on ${name} is not read: frames must be Ethernet`
  return simulation.receive(place, name, bytes, at)
}

async function writeResults(
  simulation: Simulation,
  place: Namespace,
  now: number,
  { counters, conntrack }: Options,
  io: Io,
): Promise<void> {
  if (counters !== undefined) {
    const { countersText } = await import('../../report/counters.js')
    await write(counters, [countersText(simulation, place)], io)
  }
  if (conntrack !== undefined) {
    const { connectionsText } = await import('../../report/connections.js')
    const accounting = place.sysctls?.get('net.netfilter.nf_conntrack_acct') === '1'
    await write(conntrack, [connectionsText(simulation.connections(place), { now, accounting })], io)
  }
}

async function write(path: string, parts: readonly string[], io: Io): Promise<void> {
  if (path === '-') {
    for (const part of parts) io.out(part)
    return
  }
  const { writeFile } = await import('node:fs/promises')
  const { unreadable } = await import('../load.js')
  try {
    await writeFile(path, parts.join(''))
  } catch (error) {
    throw unreadable(path, error)
  }
}
