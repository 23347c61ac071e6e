import type { LinkLanguage } from './language.js'
import type { LinkRule } from './rule.js'

export interface TableProblem {
  /** errno, in the words of strerror. */
  readonly why: 'Invalid argument' | 'Too many links' | 'Operation not supported'
  readonly text: string
  readonly rule: LinkRule
}

type Chains = ReadonlyMap<string, { readonly name: string; readonly rules: readonly LinkRule[] }>

/** As deep as jumps may go (NFT_JUMP_STACK_SIZE). */
const DEEPEST = 16

/** What the kernel sees only in the table as a whole: jumps in a circle, jumps to a base chain, targets that do not stand there. */
export function tableProblem(table: string, chains: Chains, language: LinkLanguage): TableProblem | undefined {
  const bases = language.tables[table] ?? {}
  for (const { name, rules } of chains.values())
    for (const rule of rules) {
      const { jump, target } = rule.fields
      if (jump !== undefined && !target && Object.hasOwn(bases, jump))
        return { why: 'Operation not supported', text: `${jump} is a base chain`, rule }
      const places = target?.places
      if (!places) continue
      const text = `${target.name} stands in ${Object.entries(places)
        .map(([one, hooks]) => `${hooks.join(' and ')} of ${one}`)
        .join(', ')} only`
      if (!places[table]) return { why: 'Invalid argument', text, rule }
      if (Object.hasOwn(bases, name) && !places[table].includes(name)) return { why: 'Invalid argument', text, rule }
    }
  for (const base of Object.keys(bases)) {
    const found = below(base, base, table, chains, [])
    if (found) return found
  }
  return undefined
}

/** From a chain downwards; `base`: where frames come from. A circle that no base chain leads to is none for the kernel. */
function below(
  name: string,
  base: string,
  table: string,
  chains: Chains,
  way: readonly string[],
): TableProblem | undefined {
  for (const rule of chains.get(name)?.rules ?? []) {
    const { jump, target } = rule.fields
    const places = target?.places?.[table]
    if (places && !places.includes(base))
      return { why: 'Invalid argument', text: `${target!.name} does not stand below ${base}`, rule }
    if (jump === undefined || target || !chains.has(jump)) continue
    if (jump === name || way.includes(jump)) return { why: 'Too many links', text: `a circle through ${jump}`, rule }
    if (way.length + 2 > DEEPEST) return { why: 'Too many links', text: 'jumps too deep', rule }
    const found = below(jump, base, table, chains, [...way, name])
    if (found) return found
  }
  return undefined
}
