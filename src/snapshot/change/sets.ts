import { applyIpset } from '../../ipset/apply.js'
import { SnapshotSets } from '../../ipset/named.js'
import { Sets } from '../../ipset/sets.js'
import { printSets } from '../../ipset/text.js'
import type { Namespace } from '../../path/world.js'
import type { ShellWord } from '../../xtables/index.js'
import { Refusal } from './refusal.js'

/** What an `ipset` command comes to. */
export interface SetsChanged {
  readonly namespace: Namespace
  /** What the real program prints on its standard output, and on its standard error though nothing is wrong: the answer to a test. */
  readonly out: string
  readonly err: string
  /** 1: a test that found nothing. */
  readonly status: number
}

/** `ipset COMMAND …`. `input`: what `restore` reads. Throws Refusal. */
export function changeSets(namespace: Namespace, words: readonly ShellWord[], input?: string): SetsChanged {
  const before = setsOf(namespace)
  const texts = readsFrom(words)?.rest ?? words.map(({ text }) => text)
  const held = (name: string) => uses(namespace, name)
  const done = applyIpset(['ipset', ...texts.slice(1)], before, { now: 0, held, input: input ?? '' })
  if (done.problem) {
    const { message, column } = done.problem
    throw new Refusal(`ipset v7.17: ${message}`, wordAt(words, column) ?? words[0])
  }
  const { sets, out, err, status } = done
  return { namespace: { ...namespace, sets: new SnapshotSets(sets) }, out, err, status }
}

/** All sets, as `ipset save` prints them. */
export const savedSets = (namespace: Namespace): string => printSets(setsOf(namespace), { now: 0 })

const setsOf = ({ sets }: Namespace): Sets => (sets instanceof SnapshotSets ? sets.sets : new Sets())

/** The file that `ipset restore < FILE` or `-file FILE` reads, and the words without it. */
export function readsFrom(
  words: readonly ShellWord[],
): { readonly path: string; readonly rest: readonly string[] } | undefined {
  const texts = words.map(({ text }) => text)
  if (!texts.some((text) => /^(--)?res(t(o(r(e)?)?)?)?$|^-R$/.test(text))) return undefined
  const at = texts.findIndex((text) => /^(<|-f|--?file)$/.test(text))
  const path = texts[at + 1]
  return at < 0 || path === undefined ? undefined : { path, rest: [...texts.slice(0, at), ...texts.slice(at + 2)] }
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
