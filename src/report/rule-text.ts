import { fill, type Line, printable, type Role, type Span, span } from './line.js'

/** Words of a rule as iptables-save prints it; a quoted argument is one word, quotes kept. */
const WORD = /"(?:[^"\\]|\\.)*"|\S+/g

/**
 * A rule cut where a line may break: an option together with its arguments, a `!` together with what it negates,
 * `-j TARGET` together with the target's name only.
 */
export function ruleOptions(text: string): string[] {
  const options: string[] = []
  let open = false
  for (const word of printable(text).match(WORD) ?? []) {
    const begins = word === '!' || /^--?[A-Za-z]/.test(word)
    const negated = open && options.at(-1) === '!'
    if (options.length === 0 || (begins && !negated)) {
      options.push(word)
      open = true
    } else options[options.length - 1] += ` ${word}`
  }
  return options
}

/** Quotes a rule within `width` columns: `4 -A INPUT -p tcp …`, later lines under the first option. */
export function quoteRule(
  rule: { readonly number: number; readonly text: string },
  { indent, width, role }: { readonly indent: number; readonly width: number; readonly role: Role },
): Line[] {
  const number = `${rule.number}`
  const pieces: Span[] = ruleOptions(rule.text).map((option) => span(option, role))
  return fill({ indent, hang: number.length + 3, pieces: [span(number, 'dim'), ...pieces] }, width)
}
