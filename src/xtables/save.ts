import type { Counters } from '../rules/program.js'
import { printCounters } from './counters.js'
import type { SaveRule } from './rule.js'
import type { ReadOptions, ReadSave, SaveChain, SaveFile, SaveTable } from './save-file.js'
import { SaveReader } from './save-reader.js'

export type { Problem, ReadOptions, ReadSave, SaveChain, SaveFile, SaveTable } from './save-file.js'

/** Reads iptables-save, ip6tables-save, or `iptables -S` (which has no table lines). */
export function readSave(text: string, options: ReadOptions): ReadSave {
  const reader = new SaveReader(text, options)
  reader.read()
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems }
  return { ok: true, save: reader.result() }
}

/** How counters are to be printed. */
export interface PrintOptions {
  /** Before each rule, as iptables-save -c; the snapshot's own unless given. */
  readonly rule?: (rule: SaveRule) => Counters | undefined
  readonly policy?: (table: SaveTable, chain: SaveChain) => Counters | undefined
}

/** As iptables-save prints it. Rules have counters in front where they came with some. */
export function printSave(save: SaveFile, options: PrintOptions = {}): string {
  const lines: string[] = []
  for (const part of save.parts) {
    if (typeof part === 'string') {
      lines.push(part)
      continue
    }
    lines.push(`*${part.name}`)
    for (const chain of part.chains.values()) {
      const counters = options.policy?.(part, chain) ?? chain.counters ?? { packets: 0, bytes: 0 }
      lines.push(`:${chain.name} ${chain.policy ?? '-'} ${printCounters(counters)}`)
    }
    for (const chain of part.chains.values())
      for (const rule of chain.rules) lines.push(rule.print(options.rule?.(rule)))
    lines.push('COMMIT')
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
