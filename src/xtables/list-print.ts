import type { Family } from '../address/ip.js'
import type { Counters } from '../rules/program.js'
import { type AddressMask, showIp } from './address-mask.js'
import {
  type AnyExtension,
  type Given,
  type OptionsOf,
  type OptionTable,
  printOptions,
  type RuleContext,
} from './extension.js'
import { printProtocol } from './protocol.js'
import type { SaveRule } from './rule.js'
import type { RuleFields, Use } from './rule-fields.js'
import type { SaveChain } from './save-file.js'

/** What `iptables -L` was asked for. */
export interface ListOptions {
  /** -n */
  readonly numeric: boolean
  /** -v */
  readonly verbose: boolean
  /** -x: counters in full */
  readonly exact: boolean
  readonly lineNumbers: boolean
  /** Only this rule, from 1, and no heading. */
  readonly number: number | undefined
}

/** A table, or one that is being changed. */
export interface SaveTableView {
  readonly chains: ReadonlyMap<string, SaveChain>
}

/**
 * `iptables -L`: columns of iptables 1.8.9 (iptables/xshared.c: print_header, print_rule_details, print_ifaces, print_ipv4_addresses).
 * Addresses are not looked up: without -n they print as numbers too, except those that every host has names for.
 */
export function listTable(table: SaveTableView, chains: readonly SaveChain[], options: ListOptions): string {
  const { number } = options
  if (number !== undefined) return chains.map(({ rules }) => lineOf(rules[number - 1], number, options)).join('')
  const references = referencesOf(table)
  return chains
    .map((chain) => heading(chain, references, options) + chain.rules.map((rule, i) => lineOf(rule, i + 1, options)).join(''))
    .join('\n') // biome-ignore format: one thing
}

/** How many rules lead to each chain; where nothing asks, nothing is counted. */
function referencesOf({ chains }: SaveTableView): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { rules } of chains.values())
    for (const { jump } of rules) if (jump !== undefined) found.set(jump, (found.get(jump) ?? 0) + 1)
  return found
}

const NONE: Counters = { packets: 0, bytes: 0 }

function heading(
  { name, policy, counters = NONE }: SaveChain,
  references: ReadonlyMap<string, number>,
  options: ListOptions,
): string {
  const { verbose, exact, lineNumbers } = options
  const counted = verbose
    ? ` ${shortCount(counters.packets, exact)}packets, ${shortCount(counters.bytes, exact)}bytes`
    : ''
  const what = policy === undefined ? `${references.get(name) ?? 0} references` : `policy ${policy}${counted}`
  const columns = [
    lineNumbers ? 'num  ' : '',
    verbose ? (exact ? `${'pkts'.padStart(8)} ${'bytes'.padStart(10)} ` : ' pkts bytes ') : '',
    'target     prot opt',
    verbose ? ' in     out    ' : '',
    ` ${'source'.padEnd(19)}  ${'destination'.padEnd(19)} `,
  ]
  return `Chain ${name} (${what})\n${columns.join('')}\n`
}

function lineOf(rule: SaveRule | undefined, number: number, options: ListOptions): string {
  if (!rule) return ''
  const { fields, context } = rule
  const { numeric, verbose, exact, lineNumbers } = options
  const { packets, bytes } = fields.counters ?? NONE
  const { protocol } = fields
  const shown = protocol?.value ?? 0
  const device = (given: Given<string> | undefined) => interfaceText(given, context.backend, numeric)
  const columns = [
    lineNumbers ? `${`${number}`.padEnd(4)} ` : '',
    verbose ? inColumn(packets, exact) + inColumn(bytes, exact) : '',
    `${targetText(fields).padEnd(9)} `,
    protocol?.inverted ? '!' : ' ',
    `${(numeric ? `${shown}` : protocolText(shown)).padEnd(4)} `,
    `${optionColumn(fields)} `,
    verbose ? ` ${device(fields.iif).padEnd(6)} ${device(fields.oif).padEnd(6)} ` : '',
    `${addressText(fields.src, context.family, numeric)} `,
    `${addressText(fields.dst, context.family, numeric)} `,
    extras(fields, context, numeric),
  ]
  return `${columns.join('')}\n`
}

const targetText = ({ jump, target }: RuleFields): string =>
  jump?.chain ?? target?.extension?.listedAs ?? target?.name ?? ''

const protocolText = (protocol: number): string => (protocol === 0 ? 'all' : printProtocol(protocol))

const optionColumn = ({ fragment }: RuleFields): string => (fragment ? (fragment.inverted ? '!f' : '-f') : '--')

/** nft does not keep `+`, which is any interface. */
function interfaceText(given: Given<string> | undefined, backend: RuleContext['backend'], numeric: boolean): string {
  const said = given && given.value !== '' && (given.value !== '+' || given.inverted || backend === 'legacy')
  const name = said ? given.value : numeric ? '*' : 'any'
  return given?.inverted ? `!${name}` : name
}

/** With the sign in front that takes one column. */
function addressText(given: Given<AddressMask> | undefined, family: Family, numeric: boolean): string {
  return `${given?.inverted ? '!' : ' '}${addressWord(given?.value, family, numeric).padEnd(19)}`
}

function addressWord(value: AddressMask | undefined, family: Family, numeric: boolean): string {
  if (!value || value.length === 0) return numeric ? (family === 4 ? '0.0.0.0/0' : '::/0') : 'anywhere'
  const { ip, mask, length } = value
  const text = (numeric ? undefined : NAMES[`${ip}/${length}`]) ?? showIp(ip)
  if (length === (family === 4 ? 32 : 128)) return text
  return `${text}/${length >= 0 ? length : showIp(mask)}`
}

/** What every /etc/hosts and /etc/networks has; other names are not looked up. */
const NAMES: Readonly<Record<string, string>> = {
  [`${0x7f000001}/32`]: 'localhost',
  [`${0x7f000000}/8`]: 'loopback',
  [`${0xa9fe0000}/16`]: 'link-local',
}

/** What stands behind the columns. */
function extras({ matches, target, jump }: RuleFields, context: RuleContext, numeric: boolean): string {
  const parts = matches.map((use) => listed(use, context, numeric))
  const last = target ? listed(target, context, numeric) : ''
  return `${jump?.goto ? '[goto] ' : ''}${parts.join('')}${last}`
}

function listed({ name, extension, options, raw }: Use<AnyExtension>, context: RuleContext, numeric: boolean): string {
  if (!extension) return ` ${name}${raw ? ` ${raw}` : ''}`
  const given = options as OptionsOf<OptionTable>
  return extension.list?.(given, { ...context, numeric, saved: () => printOptions(extension, given, context) }) ?? ''
}

/** xtables_print_num, in a table. */
function inColumn(value: number, exact: boolean): string {
  if (exact) return `${`${value}`.padStart(8)} `
  const [number, unit] = short(value)
  return unit === '' ? `${`${number}`.padStart(5)} ` : `${`${number}`.padStart(4)}${unit} `
}

/** xtables_print_num, in a sentence. */
/** xtables_print_num, without columns: 123456 is `123K `. */
export function shortCount(value: number, exact: boolean): string {
  if (exact) return `${value} `
  const [number, unit] = short(value)
  return `${number}${unit} `
}

function short(value: number): readonly [number, string] {
  if (value <= 99_999) return [value, '']
  let number = value
  for (const unit of ['K', 'M', 'G']) {
    number = Math.floor((number + 500) / 1000)
    if (number <= 9999) return [number, unit]
  }
  return [Math.floor((number + 500) / 1000), 'T']
}

/** `iptables -S [CHAIN [RULE]] [-v]`. */
export function listRules(chains: readonly SaveChain[], number: number | undefined, counted: boolean): string {
  const rules = chains.flatMap((chain) => (number === undefined ? chain.rules : chain.rules.slice(number - 1, number)))
  const heads = number === undefined ? chains.map((chain) => headLine(chain, counted)) : []
  return [...heads, ...rules.map((rule) => (counted ? withCounters(rule) : rule.text))]
    .map((line) => `${line}\n`)
    .join('')
}

const headLine = ({ name, policy, counters = NONE }: SaveChain, counted: boolean): string =>
  policy === undefined
    ? `-N ${name}`
    : `-P ${name} ${policy}${counted ? ` -c ${counters.packets} ${counters.bytes}` : ''}`

/** The counters stand before the target. */
function withCounters(rule: SaveRule): string {
  const { packets, bytes } = rule.counters ?? NONE
  return rule.textWith(`-c ${packets} ${bytes}`)
}

/** What -v shows of a rule that a command is about (print_firewall_line with FMT_PRINT_RULE). */
export function showRule(fields: RuleFields, context: RuleContext): string {
  const { protocol, iif, oif, src, dst } = fields
  const signed = (given: Given<AddressMask> | undefined) =>
    `${given?.inverted ? '!' : ' '}${addressWord(given?.value, context.family, true)}`
  return `${targetText(fields)} ${protocol?.inverted ? '!' : ' '}${protocolText(protocol?.value ?? 0)} opt ${optionColumn(fields)} in ${interfaceText(iif, context.backend, true)} out ${interfaceText(oif, context.backend, true)} ${signed(src)} ${signed(dst).replace(/^(.)/, '$1-> ')}  ${extras(fields, context, true)}\n`
}
