import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ReachQuestion } from '../../analysis/reach.js'
import type { Target } from '../../analysis/reach-matrix.js'
import type { Hosts, Namespace } from '../../path/world.js'
import { MATRIX_FORMATS, MATRIX_VIEWS, type MatrixFormat, type MatrixView } from '../../report/reach-matrix.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { paint } from '../paint.js'
import { originOf, spotsOf, targetOf } from '../reach-args.js'

interface Options extends ColourOptions {
  readonly from: string
  readonly to?: string
  readonly at?: string
  readonly through: readonly string[]
  readonly avoiding: readonly string[]
  readonly family?: '4' | '6' | 'both'
  readonly replies?: boolean
  readonly matrix?: boolean
  readonly service?: string
  readonly view: MatrixView
  readonly format: MatrixFormat
  readonly json?: boolean
  readonly nodes?: number
  readonly with: readonly string[]
}

export const reach: CommandSpec<Options> = {
  name: 'reach',
  arguments: '<snapshot>',
  summary: 'over all packets: which new connections get from here to there',
  exits: '0 some do, 1 none does, 2 bad usage or unreadable input, 3 undecided.',
  examples: [
    'reach samples/docker-ufw-host --from internet --to 172.17.0.2:80/tcp',
    'reach samples/k8s-cluster --from node1/shell --to node2/web',
    'reach samples/k8s-cluster --matrix --view sources --format markdown',
    'reach rules --matrix --service 22/tcp',
    'reach samples/docker-ufw-host --from 10.0.0.0/8 --to db:5432/tcp --avoiding docker0',
    "reach rules --from eth0 --to '[2001:db8::10]:443/tcp' --at router",
  ],
  options(command: Command) {
    jsonOption(command)
      .option(
        '--from <where>',
        'internet (addresses that nobody in the snapshot has, from outside), any, a prefix of sources, HOST[/NETNS] (what it sends), or [HOST[/NETNS]:]INTERFACE (what comes in there)',
        'internet',
      )
      .option(
        '--to <where>',
        'ADDRESS, HOST[/NETNS] or internet, with :PORT/PROTOCOL or without: where they end, behind any translation',
      )
      .option('--through <spot>', 'only what passes HOST[/NETNS] or an interface of it (repeatable)', collect, [])
      .option('--avoiding <spot>', 'only what passes none of these (repeatable)', collect, [])
      .option('--at <host[/netns]>', 'as --through; an interface after --from is one of this namespace')
      .addOption(new Option('--family <family>', 'IPv4, IPv6, or both').choices(['4', '6', 'both']))
      .option(
        '--replies',
        'also what comes back over connections that TO begins: their replies (ESTABLISHED) and ICMP errors about them (RELATED)',
      )
      .option(
        '--matrix',
        'a table of everybody who sends (and the internet) by everything that listens or is translated; by --to alone where it is given',
      )
      .option(
        '--service <port/protocol>',
        'with --matrix: which classes of addresses may open connections to which, by each chain that filters, for this service (22/tcp)',
      )
      .addOption(
        new Option('--view <view>', 'of the table: who gets there, or which sources the receiver sees')
          .choices([...MATRIX_VIEWS])
          .default('reach'),
      )
      .addOption(new Option('--format <format>', 'of the table').choices([...MATRIX_FORMATS]).default('pretty'))
      .option('--nodes <number>', 'memory at most, as nodes of decision diagrams', positive)
    withOption(command)
    colourOption(command)
  },
  async run([snapshot], options, io) {
    if (options.service !== undefined) return orGiveUp(io, () => services(snapshot as string, options, io))
    if (options.matrix) return orGiveUp(io, () => table(snapshot as string, options, io))
    const { to } = options
    if (to === undefined) throw new UserError('packetwalk: reach: to what? For example --to 10.0.0.5:443/tcp')
    const hosts = await loadHosts(snapshot as string, options.with, io)
    const question = await questionOf(hosts, options, to)
    const { reach: ask, reachBack } = await import('../../analysis/reach.js')
    const families =
      options.family === 'both' ? ([4, 6] as const) : options.family ? [Number(options.family) as 4 | 6] : undefined
    const limits = { ...(options.nodes === undefined ? {} : { limit: options.nodes }), ...(families && { families }) }
    return orGiveUp(io, async () => {
      const result = ask(hosts, question, limits)
      const back = options.replies ? reachBack(hosts, await reversed(hosts, options, to), limits) : undefined
      const report = await import('../../report/reach.js')
      if (options.json) {
        const document = { ...report.reachJson(result), ...(back && { replies: report.repliesJson(back) }) }
        io.out(`${JSON.stringify(document, undefined, 2)}\n`)
      } else {
        const lines = report.reachText(result, to)
        const others = back ? [[], ...report.repliesText(back, to, options.from)] : []
        io.out(paint([...lines, ...others], io, options.color))
      }
      return result.answer === 'some' ? EXIT.yes : result.answer === 'none' ? EXIT.no : EXIT.undecided
    })
  },
}

/** Questions that need more memory than they may have are not answered. */
async function orGiveUp(io: Io, question: () => Promise<number>): Promise<number> {
  const { NodeLimitError } = await import('../../sets/bdd.js')
  const { VisitLimitError } = await import('../../sets/chains.js')
  try {
    return await question()
  } catch (error) {
    if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
    io.err(`packetwalk: ${error.message}: no answer\n`)
    return EXIT.undecided
  }
}

async function table(snapshot: string, options: Options, io: Io): Promise<number> {
  if (options.family === 'both') throw new UserError('packetwalk: reach: --matrix is of one family: --family 4 or 6')
  const hosts = await loadHosts(snapshot, options.with, io)
  await allKnown(hosts)
  const { matrix } = await import('../../analysis/reach-matrix.js')
  const { matrixFile, matrixJson, matrixText } = await import('../../report/reach-matrix.js')
  const targets = options.to === undefined ? undefined : [await columnOf(hosts, options.to)]
  const result = matrix(hosts, {
    ...(targets && { targets }),
    ...(options.nodes === undefined ? {} : { limit: options.nodes }),
    ...(options.family && { family: Number(options.family) as 4 | 6 }),
    examples: options.json === true,
  })
  if (options.json) io.out(`${JSON.stringify(matrixJson(result), undefined, 2)}\n`)
  else if (options.format === 'pretty') io.out(paint(matrixText(result, options.view), io, options.color))
  else io.out(matrixFile(result, options.view, options.format))
  return EXIT.yes
}

/** Rules alone are enough: no route and no address is asked for. */
async function services(snapshot: string, options: Options, io: Io): Promise<number> {
  const text = options.service!
  const [, port, protocol] = /^(\d+)\/(tcp|udp)$/.exec(text.replace(/^(tcp|udp)\/(\d+)$/, '$2/$1')) ?? []
  if (!options.matrix || port === undefined || Number(port) > 65535)
    throw new UserError(
      `packetwalk: reach: --service ${text}: ${options.matrix ? 'it must be PORT/tcp or PORT/udp' : 'it goes with --matrix'}`,
    )
  if (options.family === 'both') throw new UserError('packetwalk: reach: --matrix is of one family: --family 4 or 6')
  const hosts = await loadHosts(snapshot, options.with, io)
  const place = await placeOf(hosts, options.at)
  const { serviceTables } = await import('../../analysis/service-tables.js')
  const { serviceFile, serviceJson, serviceText } = await import('../../report/service-matrix.js')
  const family = options.family === '6' ? 6 : 4
  const service = { protocol: protocol === 'tcp' ? 6 : 17, dport: Number(port) }
  const limits = options.nodes === undefined ? {} : { limit: options.nodes }
  const tables = serviceTables(hosts, service, { family, ...(place && { place }), ...limits })
  const name = `${port}/${protocol}`
  if (options.json) io.out(`${JSON.stringify(serviceJson(tables, name, family), undefined, 2)}\n`)
  else if (options.format === 'pretty') io.out(paint(serviceText(tables, name), io, options.color))
  else io.out(serviceFile(tables, name, options.format))
  return tables.every(({ classes }) => classes) ? EXIT.yes : EXIT.undecided
}

/** A column that the question names. */
async function columnOf(hosts: Hosts, text: string): Promise<Target> {
  const { addressOf } = await import('../../analysis/reach-matrix.js')
  const { place, address = place && addressOf(place, 4), protocol, port } = await targetOf(hosts, text)
  if (address === undefined || protocol === undefined || port === undefined)
    throw new UserError(
      `packetwalk: reach: --matrix --to ${text}: a column is ADDRESS or HOST[/NETNS] with :PORT/PROTOCOL`,
    )
  return { label: text, address, protocol, port }
}

/** A host of which only rules are known is not one whose packets could be followed. */
async function allKnown(hosts: Hosts): Promise<void> {
  const blind = hosts.namespaces.find(({ links, routes }) => links.length === 0 && routes.length === 0)
  if (!blind) return
  const { placeName } = await import('../../path/world.js')
  throw new UserError(
    `packetwalk: reach: which addresses and routes ${placeName(blind)} has is not known: add what ip addr and ip route print`,
  )
}

async function questionOf(hosts: Hosts, options: Options, target: string): Promise<ReachQuestion> {
  await allKnown(hosts)
  const at = await placeOf(hosts, options.at)
  const through = [...(at ? [{ place: at }] : []), ...(await spotsOf(hosts, options.through, '--through'))]
  return {
    ...(await originOf(hosts, options.from, at)),
    to: await targetOf(hosts, target),
    through,
    avoiding: await spotsOf(hosts, options.avoiding, '--avoiding'),
  }
}

/** Who the target may begin to talk to: the replies come back by connection tracking. */
async function reversed(hosts: Hosts, options: Options, target: string): Promise<ReachQuestion> {
  const { ownerOf } = await import('../../path/resolve.js')
  const { place, address } = await targetOf(hosts, target)
  const owner = place ?? (address === undefined ? undefined : ownerOf(hosts, address)?.namespace)
  if (!owner) throw new UserError(`packetwalk: --replies: nobody in the snapshot has the address of ${target}`)
  const { parseIp } = await import('../../address/ip.js')
  const known = options.from === 'internet' || parseIp(options.from) !== undefined
  if (!known) await originOf(hosts, options.from, undefined)
  const to = known || (await isPlace(hosts, options.from)) ? await targetOf(hosts, options.from, '--from') : {}
  return { from: { place: owner }, to }
}

async function isPlace(hosts: Hosts, name: string): Promise<boolean> {
  const { findPlace } = await import('../../path/resolve.js')
  return findPlace(hosts, name) !== undefined
}

async function placeOf(hosts: Hosts, name: string | undefined): Promise<Namespace | undefined> {
  if (name === undefined) return undefined
  const { findPlace } = await import('../../path/resolve.js')
  const { placeName } = await import('../../path/world.js')
  const found = findPlace(hosts, name)
  if (found) return found
  const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
  throw new UserError(`packetwalk: --at ${name}: nothing in the snapshot is called so: it holds ${known}`)
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

function positive(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value < 1000) throw new InvalidArgumentError('It must be a number of at least 1000.')
  return value
}
