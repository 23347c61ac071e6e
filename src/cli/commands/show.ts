import type { Hosts, Namespace } from '../../path/world.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { load } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, type WithOptions, withOption } from '../options.js'
import { paint, widthOf } from '../paint.js'

interface Options extends ColourOptions, WithOptions {
  readonly json?: boolean
  readonly explain?: string
  readonly at?: string
}

export const show: CommandSpec<Options> = {
  name: 'show',
  arguments: '<snapshot>',
  summary: 'what was read: hosts, namespaces, links, tables, chains, and what was not recognised',
  exits:
    '0; with --explain 1 where no packet matches the rule, 2 where there is no such rule, 3 where memory does not suffice.',
  examples: [
    'show samples/k8s-cluster',
    'show samples/docker-host --json',
    'iptables-save | packetwalk show -',
    'show samples/docker-ufw-host --explain filter/FORWARD:3',
  ],
  options(command) {
    jsonOption(command)
      .option(
        '--explain <rule>',
        '[ip6:]TABLE/CHAIN:NUMBER: which packets come to this rule, which it decides, which rules before it take the rest',
      )
      .option('--at <host[/netns]>', 'where the rule is; the only host')
    colourOption(withOption(command))
  },
  async run([snapshot], options, io) {
    const { hosts, files } = await load(snapshot as string, options.with, io)
    if (options.explain !== undefined) return explained(hosts, options, options.explain, io)
    const { showJson, showText } = await import('../../report/show.js')
    if (options.json) io.out(`${JSON.stringify(showJson(hosts, files), undefined, 2)}\n`)
    else io.out(paint(showText(hosts, files, widthOf(io)), io, options.color))
    return EXIT.yes
  },
}

async function explained(hosts: Hosts, options: Options, rule: string, io: Io): Promise<number> {
  const place = await placeOf(hosts, options.at)
  const [, family, table, chain, number] = /^(?:(ip|ip4|ip6):)?([^/]+)\/(.+):(\d+)$/.exec(rule) ?? []
  if (table === undefined || chain === undefined)
    throw new UserError(
      `packetwalk: --explain ${rule}: it must be [ip6:]TABLE/CHAIN:NUMBER, for example filter/FORWARD:3`,
    )
  const { explain } = await import('../../analysis/explain.js')
  const { placeName } = await import('../../path/world.js')
  const { NodeLimitError } = await import('../../sets/bdd.js')
  const { VisitLimitError } = await import('../../sets/chains.js')
  try {
    const found = explain(hosts, { place, family: family === 'ip6' ? 6 : 4, table, chain, number: Number(number) })
    if (!found) throw new UserError(`packetwalk: --explain ${rule}: ${placeName(place)} has no such rule`)
    const { explainJson, explainText } = await import('../../report/explain.js')
    const name = `${placeName(place)} ${rule}`
    if (options.json) io.out(`${JSON.stringify(explainJson(name, found), undefined, 2)}\n`)
    else io.out(paint(explainText(name, found), io, options.color))
    return found.matches.lines.length > 0 ? EXIT.yes : EXIT.no
  } catch (error) {
    if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
    io.err(`packetwalk: ${error.message}: no answer\n`)
    return EXIT.undecided
  }
}

async function placeOf(hosts: Hosts, name: string | undefined): Promise<Namespace> {
  const { findPlace } = await import('../../path/resolve.js')
  const { placeName } = await import('../../path/world.js')
  const roots = hosts.namespaces.filter(({ namespace }) => namespace === '')
  const found = name === undefined ? (roots.length === 1 ? roots[0] : undefined) : findPlace(hosts, name)
  if (found) return found
  const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
  throw new UserError(`packetwalk: the rule of which host? --at is one of ${known}`)
}
