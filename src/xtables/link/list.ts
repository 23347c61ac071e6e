import { shortCount } from '../list-print.js'
import type { LinkCommand } from './command-line.js'
import type { LinkChain } from './file.js'
import type { LinkLanguage } from './language.js'
import type { LinkGiven, LinkRule } from './rule.js'
import { printLinkRule } from './rule.js'

/** What a rule says, without its chain. */
export const bodyOf = ({ text, fields }: LinkRule): string => text.slice(`-A ${fields.chain} `.length)

/** `ebtables -L` (iptables/nft-bridge.c: nft_bridge_print_rule). 1.8.9 tells RETURN of every chain that users made, whatever its policy is. */
export function listBridge(
  table: string,
  chains: readonly LinkChain[],
  isBase: (name: string) => boolean,
  command: LinkCommand,
): string {
  const { lineNumbers, counters: counted } = command
  const line = (rule: LinkRule, i: number) => {
    const { packets, bytes } = rule.counters ?? { packets: 0, bytes: 0 }
    return `${lineNumbers ? `${i + 1} ` : ''}${bodyOf(rule)}${counted ? ` , pcnt = ${packets} -- bcnt = ${bytes}` : ''}\n`
  }
  const blocks = chains.map(({ name, policy, rules }) => {
    const shown = isBase(name) ? policy : 'RETURN'
    return `Bridge chain: ${name}, entries: ${rules.length}, policy: ${shown}\n${rules.map(line).join('')}`
  })
  return `Bridge table: ${table}\n\n${blocks.join('\n')}`
}

const OPCODES = ['Request', 'Reply', 'Request_Reverse', 'Reply_Reverse', 'DRARP_Request', 'DRARP_Reply', 'DRARP_Error', 'InARP_Request', 'ARP_NAK'] // biome-ignore format: a table

interface Masked {
  readonly value: number
  readonly mask: number | undefined
}

/** Names that stand in a listing without -n (iptables/nft-arp.c: nft_arp_print_rule_details). */
function named(flag: string, { value }: Masked): string | undefined {
  if (flag === '--opcode') return OPCODES[value - 1]
  if (flag === '--h-type') return value === 1 ? 'Ethernet' : undefined
  if (flag === '--proto-type') return value === 0x0800 ? 'IPv4' : undefined
  return undefined
}

/** The rule as `arptables -L` has it. Addresses are not looked up. */
export function arpLine(
  rule: LinkRule,
  language: LinkLanguage,
  { numeric, verbose }: Pick<LinkCommand, 'numeric' | 'verbose'>,
): string {
  const { fields } = rule
  const base = new Map<string, LinkGiven>()
  const anything = (flag: string): LinkGiven => ({
    option: { flag, parse: String, print: String },
    value: numeric ? '*' : 'any',
    inverted: false,
  })
  for (const option of language.base) {
    const given =
      fields.base.get(option.flag) ??
      (verbose && (option.flag === '-i' || option.flag === '-o') ? anything(option.flag) : undefined)
    if (!given) continue
    const name = numeric || given.option.flag.length === 2 ? undefined : named(option.flag, given.value as Masked)
    base.set(
      option.flag,
      name === undefined
        ? given
        : {
            ...given,
            option: {
              ...given.option,
              print: (value: Masked) => name + given.option.print(value).replace(/^[^/]*/, ''),
            },
          },
    )
  }
  return printLinkRule({ ...fields, base }, language).slice(`-A ${fields.chain} `.length)
}

/** `arptables -L` (iptables/nft-arp.c: nft_arp_print_header, nft_arp_print_rule). */
export function listArp(
  chains: readonly LinkChain[],
  references: (name: string) => number,
  language: LinkLanguage,
  command: LinkCommand,
): string {
  const { verbose, exact, lineNumbers, number } = command
  const line = (rule: LinkRule, i: number) => {
    const { packets, bytes } = rule.counters ?? { packets: 0, bytes: 0 }
    const counted = verbose ? ` , pcnt=${shortCount(packets, exact)}-- bcnt=${shortCount(bytes, exact)}` : ''
    return `${lineNumbers ? `${i + 1} ` : ''}${arpLine(rule, language, command)}${counted}\n`
  }
  if (number !== undefined)
    return chains.flatMap(({ rules }) => (rules[number - 1] ? [line(rules[number - 1]!, number - 1)] : [])).join('')
  const heading = ({ name, policy, counters }: LinkChain) => {
    if (policy === '-') return `Chain ${name} (${references(name)} references)\n`
    const { packets, bytes } = counters ?? { packets: 0, bytes: 0 }
    const counted = verbose ? ` ${shortCount(packets, exact)}packets, ${shortCount(bytes, exact)}bytes` : ''
    return `Chain ${name} (policy ${policy}${counted})\n`
  }
  return chains.map((chain) => heading(chain) + chain.rules.map(line).join('')).join('\n')
}
