import { applyIpset } from '../../ipset/apply.js'
import { SnapshotSets } from '../../ipset/named.js'
import { Sets } from '../../ipset/sets.js'
import type { Namespace } from '../../path/world.js'
import type { ShellWord } from '../../xtables/index.js'
import { Refusal } from './refusal.js'

/** `ipset COMMAND …`. Throws Refusal. */
export function changeSets(namespace: Namespace, words: readonly ShellWord[]): Namespace {
  const before = namespace.sets instanceof SnapshotSets ? namespace.sets.sets : new Sets()
  const texts = words.map(({ text }) => text)
  const done = applyIpset(['ipset', ...texts.slice(1)], before, { now: 0, held: (name) => uses(namespace, name) })
  if (done.problem) {
    const { message, column } = done.problem
    throw new Refusal(`ipset v7.17: ${message}`, wordAt(words, column) ?? words[0])
  }
  return { ...namespace, sets: new SnapshotSets(done.sets) }
}

/** The word that begins there when they are put in a row, the program's name being `ipset`. */
function wordAt(words: readonly ShellWord[], column: number): ShellWord | undefined {
  let at = 1
  for (const [i, word] of words.entries()) {
    if (at === column) return word
    at += (i === 0 ? 'ipset' : word.text).length + 1
  }
  return undefined
}

const USE = /--(?:match|add|del|map)-set (\S+)/g

/** How many rules name the set. */
function uses({ tables }: Namespace, name: string): number {
  let count = 0
  for (const { chains } of tables)
    for (const { rules } of chains.values())
      for (const { text } of rules) for (const [, used] of text.matchAll(USE)) if (used === name) count++
  return count
}
