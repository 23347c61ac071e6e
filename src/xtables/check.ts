import type { SaveRule } from './rule.js'
import { isBuiltin } from './tables.js'

/** What only a whole table can tell. `word`: where on its line. */
export interface TableProblem {
  readonly message: string
  readonly line: number
  readonly word: number
}

interface Checked {
  readonly name: string
  readonly chains: ReadonlyMap<
    string,
    { readonly name: string; readonly rules: readonly SaveRule[]; readonly line: number }
  >
}

/** Jumps to chains that do not exist, loops of jumps, and targets that may not be reached from where they are, as the kernel refuses them. */
export function checkTable(table: Checked): readonly TableProblem[] {
  const problems = [...missingChains(table)]
  if (problems.length > 0) return problems
  const loop = findLoop(table)
  return loop ? [loop] : [...misplaced(table)]
}

function* missingChains(table: Checked): Generator<TableProblem> {
  for (const { rules } of table.chains.values())
    for (const rule of rules) {
      const { jump } = rule.fields
      if (!jump) continue
      const at = { line: rule.line, word: jump.at }
      if (!table.chains.has(jump.chain))
        yield { ...at, message: `chain or target "${jump.chain}" does not exist in table ${table.name}` }
      else if (isBuiltin(table.name, jump.chain))
        yield { ...at, message: `${jump.chain} is a built-in chain: nothing jumps to it` }
    }
}

/** Depth first from every chain; a chain met again while it is being walked closes a loop (ip_tables.c: mark_source_chains). */
function findLoop(table: Checked): TableProblem | undefined {
  const done = new Set<string>()
  for (const start of table.chains.keys()) {
    const path: { name: string; next: number }[] = []
    const onPath = new Set<string>()
    const enter = (name: string) => {
      path.push({ name, next: 0 })
      onPath.add(name)
    }
    if (!done.has(start)) enter(start)
    for (let frame = path.at(-1); frame; frame = path.at(-1)) {
      const rule = table.chains.get(frame.name)!.rules[frame.next++]
      if (!rule) {
        path.pop()
        onPath.delete(frame.name)
        done.add(frame.name)
        continue
      }
      const to = rule.fields.jump?.chain
      if (to === undefined || done.has(to)) continue
      if (onPath.has(to)) {
        const names = path.map(({ name }) => name)
        const way = [...names.slice(names.indexOf(to)), to].join(' → ')
        return { line: rule.line, word: rule.fields.jump?.at ?? 0, message: `a loop of jumps: ${way}` }
      }
      enter(to)
    }
  }
  return undefined
}

/** A target that its kernel module takes only from certain base chains: also when it is reached through user chains. */
function* misplaced(table: Checked): Generator<TableProblem> {
  for (const base of table.chains.values()) {
    if (!isBuiltin(table.name, base.name)) continue
    const seen = new Set([base.name])
    const queue = [base.name]
    for (let name = queue.pop(); name !== undefined; name = queue.pop())
      for (const rule of table.chains.get(name)!.rules) {
        const { target, matches, jump } = rule.fields
        for (const { name, extension, options } of target ? [...matches, target] : matches) {
          const allowed = extension?.chains
          if (!allowed) continue
          const chains = typeof allowed === 'function' ? allowed(options) : allowed
          if (chains && !chains.includes(base.name))
            yield {
              line: rule.line,
              word: 0,
              message: `${name} may only be reached from ${chains.join(', ')}, not from ${base.name}`,
            }
        }
        if (jump && !seen.has(jump.chain)) {
          seen.add(jump.chain)
          queue.push(jump.chain)
        }
      }
  }
}
