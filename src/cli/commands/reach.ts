import { type Command, InvalidArgumentError } from 'commander'
import type { ReachQuestion } from '../../analysis/reach.js'
import type { Hosts, Namespace } from '../../path/world.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import { loadHosts } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { paint } from '../paint.js'

interface Options extends ColourOptions {
  readonly from: string
  readonly to?: string
  readonly at?: string
  readonly json?: boolean
  readonly nodes?: number
  readonly with: readonly string[]
}

export const reach: CommandSpec<Options> = {
  name: 'reach',
  arguments: '<snapshot>',
  summary: 'over all packets: which new connections get through a host to an address',
  exits: '0 some do, 1 none does, 2 bad usage or unreadable input, 3 undecided.',
  examples: [
    'reach samples/docker-ufw-host --from internet --to 172.17.0.2:80/tcp',
    'reach samples/docker-ufw-host --from 10.0.0.0/8 --to 192.0.2.10:22/tcp',
    "reach rules --from eth0 --to '[2001:db8::10]:443/tcp' --at router",
  ],
  options(command: Command) {
    jsonOption(command)
      .option(
        '--from <where>',
        'internet (addresses that nobody in the snapshot has, from outside), any, a prefix of sources, or an interface',
        'internet',
      )
      .option('--to <address>', 'ADDRESS, ADDRESS:PORT/PROTOCOL: where they get to, behind any translation')
      .option('--at <host[/netns]>', 'the namespace that they come through; the only host')
      .option('--nodes <number>', 'memory at most, as nodes of decision diagrams', positive)
    withOption(command)
    colourOption(command)
  },
  async run([snapshot], options, io) {
    if (options.to === undefined) throw new UserError('packetwalk: reach: to what? For example --to 10.0.0.5:443/tcp')
    const to = await target(options.to)
    const hosts = await loadHosts(snapshot as string, options.with, io)
    const at = await placeOf(hosts, options.at)
    const from = await origin(options.from, at)
    const { reach: ask } = await import('../../analysis/reach.js')
    const { NodeLimitError } = await import('../../sets/bdd.js')
    const { VisitLimitError } = await import('../../sets/chains.js')
    try {
      const result = ask(hosts, { at, from, to }, options.nodes === undefined ? {} : { limit: options.nodes })
      const report = await import('../../report/reach.js')
      if (options.json) io.out(`${JSON.stringify(report.reachJson(result), undefined, 2)}\n`)
      else io.out(paint(report.reachText(result, options.to), io, options.color))
      return result.answer === 'some' ? EXIT.yes : result.answer === 'none' ? EXIT.no : EXIT.undecided
    } catch (error) {
      if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
      io.err(`packetwalk: ${error.message}: no answer\n`)
      return EXIT.undecided
    }
  },
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, 'ipv6-icmp': 58 }

/** `10.0.0.5`, `10.0.0.5:443/tcp`, `[2001:db8::1]:443/tcp`. */
async function target(text: string): Promise<ReachQuestion['to']> {
  const { parseIp } = await import('../../address/ip.js')
  const [, bracketed, plain, port, protocol] =
    /^(?:\[([^\]]+)\]|([^/]*?))(?::(\d+))?(?:\/(\w[\w-]*))?$/.exec(text) ?? []
  const address = parseIp(bracketed ?? plain ?? '') ?? parseIp(text)
  const number = protocol === undefined ? undefined : PROTOCOLS[protocol]
  const wrong =
    address === undefined ||
    (protocol !== undefined && number === undefined) ||
    (port !== undefined && (Number(port) > 65535 || number === undefined))
  if (wrong)
    throw new UserError(
      `packetwalk: --to ${text}: it must be ADDRESS, or ADDRESS:PORT/PROTOCOL with ${Object.keys(PROTOCOLS).join(', ')}`,
    )
  return {
    address,
    ...(number === undefined ? {} : { protocol: number }),
    ...(port === undefined ? {} : { port: Number(port) }),
  }
}

async function placeOf(hosts: Hosts, name: string | undefined): Promise<Namespace> {
  const { findPlace } = await import('../../path/resolve.js')
  const { placeName } = await import('../../path/world.js')
  const roots = hosts.namespaces.filter(({ namespace }) => namespace === '')
  const found = name === undefined ? (roots.length === 1 ? roots[0] : undefined) : findPlace(hosts, name)
  if (found) return found
  const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
  throw new UserError(
    name === undefined
      ? `packetwalk: through which host? Add --at: there are ${known}`
      : `packetwalk: --at ${name}: nothing in the snapshot is called so: it holds ${known}`,
  )
}

async function origin(text: string, { links }: Namespace): Promise<ReachQuestion['from']> {
  if (text === 'internet') return { outside: true }
  if (text === 'any') return {}
  const { parsePrefix } = await import('../../address/prefix.js')
  const prefix = parsePrefix(text)
  if (prefix) return { prefix }
  if (links.some(({ name }) => name === text)) return { iif: text }
  throw new UserError(
    `packetwalk: --from ${text}: neither internet, nor any, nor a prefix, nor an interface: there are ${links
      .map(({ name }) => name)
      .slice(0, 12)
      .join(', ')}`,
  )
}

function positive(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value < 1000) throw new InvalidArgumentError('It must be a number of at least 1000.')
  return value
}
