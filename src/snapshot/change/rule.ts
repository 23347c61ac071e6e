import { type Family, familyOf } from '../../address/ip.js'
import { printPrefix } from '../../address/prefix.js'
import type { Namespace } from '../../path/world.js'
import type { RoutingRule } from '../../routing/types.js'
import { readRules } from '../ip-rule.js'
import { InputError } from '../problem.js'
import { type Arguments, beginning, Refusal } from './refusal.js'

/** Words of `ip rule add` that `ip rule show` spells otherwise. */
const SPELLED: Readonly<Record<string, string>> = {
  table: 'lookup',
  dev: 'iif',
  dsfield: 'tos',
  suppress_prefixlen: 'suppress_prefixlength',
}

/** `ip rule add|del|flush …`. Throws Refusal, in the words of iproute2 6.1 and Linux 6.18. */
export function changeRules(namespace: Namespace, args: Arguments, hint: Family | undefined): Namespace {
  const operation = beginning(args.need(), ['add', 'delete', 'flush'] as const)
  if (operation === undefined) throw new Refusal(`Command "${args.last!.text}" is unknown, try "ip rule help".`, args.last)
  if (operation === 'flush') return with4or6(namespace, hint ?? 4, (rules) => rules.filter(({ priority }) => priority === 0))
  if (args.done) throw new Refusal(`"ip rule ${operation === 'add' ? 'add' : 'del'}" requires arguments.`, args.column)
  const { column } = args
  const { rule, family, priority, words, asked } = readRule(args, hint)
  if (operation === 'add')
    return with4or6(namespace, family, (rules) => {
      if (priority !== undefined && rules.some((other) => isSame(other, { ...rule, priority })))
        throw new Refusal('RTNETLINK answers: File exists', column)
      const number = priority ?? freePriority(rules)
      const made = { ...rule, priority: number, text: rule.text.replace(/^\d+/, `${number}`) }
      const at = rules.findIndex((other) => other.priority > number)
      return at < 0 ? [...rules, made] : [...rules.slice(0, at), made, ...rules.slice(at)]
    })
  return with4or6(namespace, family, (rules) => {
    const at = rules.findIndex((other) => isMeant(other, rule, priority, words, asked))
    if (at < 0) throw new Refusal('RTNETLINK answers: No such file or directory', column)
    return rules.filter((_, i) => i !== at)
  })
} // biome-ignore format: one thing

const with4or6 = (
  namespace: Namespace,
  family: Family,
  change: (rules: readonly RoutingRule[]) => readonly RoutingRule[],
): Namespace =>
  family === 4 ? { ...namespace, rules4: change(namespace.rules4) } : { ...namespace, rules6: change(namespace.rules6) }

/** One before the first rule that is not at 0 (net/core/fib_rules.c: fib_default_rule_pref). */
function freePriority(rules: readonly RoutingRule[]): number {
  const second = rules[1]
  return second && second.priority > 0 ? second.priority - 1 : 0
}

interface ReadRule {
  readonly rule: RoutingRule
  readonly family: Family
  /** Where one was said. */
  readonly priority: number | undefined
  readonly words: ReadonlySet<string>
  /** It says what to do. */
  readonly asked: boolean
}

/** The words as those of `ip rule show`, read by its reader. */
function readRule(args: Arguments, hint: Family | undefined): ReadRule {
  const { column } = args
  const words: string[] = []
  let priority: number | undefined
  let target = false
  while (!args.done) {
    const word = args.need()
    if (word === 'priority' || word === 'preference' || word === 'pref' || word === 'prio' || word === 'order') {
      const number = args.need()
      if (!/^\d+$/.test(number) || Number(number) > 0xffffffff)
        throw new Refusal(`Error: argument "${number}" is wrong: preference value is invalid`, args.last)
      priority = Number(number)
      continue
    }
    if (word === 'from' || word === 'to') words.push(word, address(args, hint))
    else if (word === 'type') continue
    else words.push(SPELLED[word] ?? word)
    if (['lookup', 'goto', 'nop', 'blackhole', 'unreachable', 'prohibit'].includes(words.at(-1)!)) target = true
  }
  if (!words.includes('from')) words.unshift(...(words[0] === 'not' ? [words.shift()!] : []), 'from', 'all')
  // without an action the main table is asked
  if (!target) words.push('lookup', 'main')
  try {
    const { rules } = readRules(`${priority ?? 0}: ${words.join(' ')}`, hint)
    const [rule] = rules as [RoutingRule]
    const named = [rule.from, rule.to].find((prefix) => prefix !== undefined)
    return { rule, family: hint ?? (named ? familyOf(named.ip) : 4), priority, words: new Set(words), asked: target }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new Refusal(`Error: argument is wrong: ${error.message}`, column)
  }
} // biome-ignore format: one thing

function address(args: Arguments, hint: Family | undefined): string {
  const word = args.need()
  if (word === 'all' || word === 'default' || word === 'any') return 'all'
  const [ip = '', length] = word.split('/')
  const isIpv4 = /^\d+(\.\d+){3}$/.test(ip) && ip.split('.').every((part) => Number(part) < 256)
  const isIpv6 = /^[\da-f:.]*:[\da-f:.]*$/i.test(ip)
  const wrong = hint === 4 ? !isIpv4 : hint === 6 ? !isIpv6 : !isIpv4 && !isIpv6
  if (wrong || (length !== undefined && !(Number(length) <= (isIpv4 ? 32 : 128))))
    throw new Refusal(`Error: any valid prefix is expected rather than "${word}".`, args.last)
  return word
}

const shape = ({ text, ...rule }: RoutingRule): string =>
  JSON.stringify(rule, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))

const isSame = (a: RoutingRule, b: RoutingRule): boolean => shape(a) === shape(b)

/** What was said must hold; the rest may be anything (net/core/fib_rules.c: rule_find). */
function isMeant(other: RoutingRule, rule: RoutingRule, priority: number | undefined, words: ReadonlySet<string>, asked: boolean): boolean {
  if (priority !== undefined && other.priority !== priority) return false
  const prefix = (one: RoutingRule['from']) => (one ? printPrefix(one) : 'all')
  const differs =
    (rule.from !== undefined && prefix(rule.from) !== prefix(other.from)) ||
    (rule.to !== undefined && prefix(rule.to) !== prefix(other.to)) ||
    (words.has('not') && !other.not) ||
    (rule.iif !== undefined && rule.iif !== other.iif) ||
    (rule.oif !== undefined && rule.oif !== other.oif) ||
    (rule.tos !== undefined && rule.tos !== other.tos) ||
    (rule.protocol !== undefined && rule.protocol !== other.protocol)
  if (differs) return false
  const same = (key: 'fwmark' | 'sport' | 'dport' | 'uidRange') =>
    rule[key] === undefined || JSON.stringify(rule[key]) === JSON.stringify(other[key])
  if (!same('fwmark') || !same('sport') || !same('dport') || !same('uidRange')) return false
  if (!asked) return true
  return JSON.stringify(rule.action) === JSON.stringify(other.action)
} // biome-ignore format: one thing
