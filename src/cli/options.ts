import { type Command, InvalidArgumentError, Option } from 'commander'
import type { When } from './paint.js'
import { WHEN } from './paint.js'

export interface ColourOptions {
  readonly color: When
}

export const colourOption = (command: Command): Command =>
  command.addOption(new Option('--color <when>', 'colours').choices([...WHEN]).default('auto'))

export const jsonOption = (command: Command): Command => command.option('--json', 'one JSON document instead of text')

export interface ViewOptions extends ColourOptions, WithOptions {
  readonly json?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly brief?: boolean
}

/** How much of an answer is shown. */
export function viewOptions(command: Command): Command {
  jsonOption(command)
    .option('-v, --verbose', 'also what did not match, with the first value that differed')
    .option('-q, --quiet', 'the verdict in one line')
    .option('--brief', 'one line for each chain')
  return colourOption(withOption(command))
}

export interface WithOptions {
  readonly with: readonly string[]
}

/** The what-if: commands that are carried out on the snapshot before anything else happens. */
export const withOption = (command: Command): Command =>
  command
    .option(
      '--with <command>',
      "carry out 'iptables|ebtables|arptables …', 'ip route|rule|addr|link|neigh …', 'ipset …' or 'sysctl …' on the snapshot first (repeatable)",
      collect,
      [],
    )
    .addHelpText('after', `\n${WITH_HELP}`)

const WITH_HELP = `--with commands are carried out in the order given, in the namespace in which the packet starts (for
commands without a packet: on the only host). Elsewhere: --with 'HOST: iptables …', --with
'HOST/NETNS: ip route add …', or --with 'ip netns exec NETNS iptables …'. What the real program
would refuse is refused in its words, with status 2.`

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** The packet's fields as flags, for those who do not like sentences. */
export interface PacketOptions {
  readonly proto?: string
  readonly src?: string
  readonly sport?: number
  readonly dst?: string
  readonly dport?: number
  readonly in?: string
  readonly from?: string
  readonly flags?: string
  readonly type?: number
  readonly code?: number
  readonly mark?: string
  readonly ttl?: number
  readonly tos?: string
  readonly len?: number
  readonly uid?: number
  readonly gid?: number
  readonly ctstate?: string
}

export const packetOptions = (command: Command): Command =>
  command
    .option('--proto <name>', 'tcp, udp, icmp, …')
    .option('--src <address>', 'where it comes from: an address, or a name of the snapshot')
    .option('--sport <port>', 'source port', upTo(65535))
    .option('--dst <address>', 'where it goes to')
    .option('--dport <port>', 'destination port', upTo(65535))
    .option('--in <interface>', 'the interface at which it arrives')
    .option('--from <host[/netns]>', 'the namespace that sends it')
    .option('--flags <flags>', 'TCP flags: syn, syn,ack, …')
    .option('--type <number>', 'ICMP type', upTo(255))
    .option('--code <number>', 'ICMP code', upTo(255))
    .option('--mark <mark>', 'firewall mark')
    .option('--ttl <number>', 'time to live', upTo(255))
    .option('--tos <byte>', 'TOS byte')
    .option('--len <bytes>', 'length of the IP packet', upTo(65535))
    .option('--uid <number>', 'user id of the sender', upTo(2 ** 32 - 1))
    .option('--gid <number>', 'group id of the sender', upTo(2 ** 32 - 1))
    .option('--ctstate <state>', 'take the connection as NEW, ESTABLISHED, …')

const upTo =
  (most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value <= most)) throw new InvalidArgumentError(`It must be a number from 0 to ${most}.`)
    return value
  }

/** The sentence of the packet language that words and flags together make. */
export function packetSentence(words: readonly string[], options: PacketOptions): string {
  return [...words, ...endpoints(options), ...circumstances(options)].join(' ')
}

/** True where flags say who talks to whom: then there is no room for words that say it too. */
export const namesEndpoints = ({ proto, src, sport, dst, dport }: PacketOptions): boolean =>
  [proto, src, sport, dst, dport].some((given) => given !== undefined)

function endpoints(options: PacketOptions): string[] {
  if (!namesEndpoints(options)) return []
  const { proto, src, sport, dst, dport } = options
  return [proto ?? 'tcp', endpoint(src ?? '', sport), '>', endpoint(dst ?? '', dport)].filter((word) => word !== '')
}

function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`
}

function circumstances(options: PacketOptions): string[] {
  const { flags, type, code } = options
  const words: string[] = flags === undefined ? [] : [flags]
  if (type !== undefined) words.push('type', `${type}`, 'code', `${code ?? 0}`)
  for (const name of ['in', 'from', 'mark', 'ttl', 'tos', 'len', 'uid', 'gid', 'ctstate'] as const) {
    const value = options[name]
    if (value !== undefined) words.push(name, `${value}`)
  }
  return words
}
