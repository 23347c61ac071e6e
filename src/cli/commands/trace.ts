import type { OutcomeName, Trail } from '../../path/trail.js'
import { ask } from '../ask.js'
import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'
import { loadHosts, startOf } from '../load.js'
import { type PacketOptions, packetOptions, type ViewOptions, viewOptions } from '../options.js'
import { readPacket } from '../packet.js'
import { paint, widthOf } from '../paint.js'

type Options = PacketOptions & ViewOptions

export const trace: CommandSpec<Options> = {
  name: 'trace',
  arguments: '<snapshot> [packet...]',
  summary: 'the whole trail of one packet: every hook, chain and routing decision, and why',
  exits: '0 it arrives (delivered, or sent on), 1 it does not (or not always), 3 undecided.',
  examples: [
    "trace samples/k8s-cluster 'tcp > 10.96.100.7:80 from node1'",
    "trace samples/docker-host 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 syn in eth0' --verbose",
    'trace samples/docker-host --proto udp --dst 8.8.8.8 --dport 53 --json',
    "trace samples/docker-host 'tcp 198.51.100.9 > 192.0.2.10:8080 in eth0' --with 'iptables -I DOCKER-USER -j DROP'",
  ],
  options(command) {
    viewOptions(packetOptions(command))
  },
  async run([snapshot, words], options, io) {
    const request = await readPacket((words ?? []) as readonly string[], options, io)
    const hosts = await loadHosts(snapshot as string, options.with, io, startOf(request))
    const { trace: walk } = await import('../../path/trace.js')
    const trail = await ask(() => walk(hosts, request))
    io.out(await shown(trail, options, io))
    return exitOf(trail.branches)
  },
}

async function shown(trail: Trail, options: Options, io: Parameters<(typeof trace)['run']>[2]): Promise<string> {
  if (options.json) {
    const { trailJson } = await import('../../report/json.js')
    return `${JSON.stringify(trailJson(trail), undefined, 2)}\n`
  }
  const width = widthOf(io)
  if (options.brief) {
    const { briefText } = await import('../../report/brief.js')
    return paint(briefText(trail, width), io, options.color)
  }
  const { trailText, verdictLines } = await import('../../report/text.js')
  const lines = options.quiet ? verdictLines(trail) : trailText(trail, { width, verbose: options.verbose ?? false })
  return paint(lines, io, options.color)
}

const ARRIVES: Readonly<Record<OutcomeName, boolean | undefined>> = {
  delivered: true,
  sent: true,
  dropped: false,
  rejected: false,
  undecided: undefined,
}

/**
 * One way that is not known leaves the whole undecided, and so do suppositions that disagree; where the kernel draws lots, every way must arrive.
 */
export function exitOf(branches: Trail['branches']): number {
  const answers = branches.map(({ outcome }) => ARRIVES[outcome])
  if (answers.includes(undefined)) return EXIT.undecided
  if (branches.some(({ supposing }) => supposing !== undefined) && new Set(answers).size > 1) return EXIT.undecided
  return answers.includes(false) ? EXIT.no : EXIT.yes
}
