import type { Connections } from '../../path/connect.js'
import { ask } from '../ask.js'
import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts, startOf } from '../load.js'
import { type PacketOptions, packetOptions, type ViewOptions, viewOptions } from '../options.js'
import { readPacket } from '../packet.js'
import { paint, widthOf } from '../paint.js'

type Options = PacketOptions & Omit<ViewOptions, 'brief'> & { readonly race?: boolean }

export const connect: CommandSpec<Options> = {
  name: 'connect',
  arguments: '<snapshot> [packet...]',
  summary: 'does the connection work: request, reply and the next packet, both ways',
  exits: '0 it works, 1 it does not (or not always), 3 undecided.',
  examples: [
    "connect samples/k8s-cluster 'tcp > 10.96.100.7:80 from node1/shell'",
    "connect samples/docker-host 'tcp 198.51.100.9 > 192.0.2.10:8080'",
  ],
  options(command) {
    viewOptions(packetOptions(command)).option(
      '--race',
      'two UDP packets of one socket at once: what happens where both begin the same connection (a resolver that asks for A and AAAA)',
    )
  },
  async run([snapshot, words], options, io) {
    const request = await readPacket((words ?? []) as readonly string[], options, io)
    const hosts = await loadHosts(snapshot as string, options.with, io, startOf(request))
    const { connect: converse } = await import('../../path/connect.js')
    const result = await ask(() => converse(hosts, request, { race: options.race ?? false }))
    io.out(await shown(result, options, io))
    const works = result.branches.map((branch) => branch.works)
    if (works.includes(null)) return EXIT.undecided
    if (result.branches.some(({ supposing }) => supposing !== undefined) && new Set(works).size > 1)
      return EXIT.undecided
    return works.includes(false) ? EXIT.no : EXIT.yes
  },
}

async function shown(result: Connections, options: Options, io: Io): Promise<string> {
  const { connectJson, connectText, connectVerdict } = await import('../../report/connect.js')
  if (options.json) return `${JSON.stringify(connectJson(result), undefined, 2)}\n`
  const view = { width: widthOf(io), verbose: options.verbose ?? false }
  return paint(options.quiet ? connectVerdict(result) : connectText(result, view), io, options.color)
}
