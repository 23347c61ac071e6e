import type { Family } from '../address/ip.js'
import {
  type AnyExtension,
  type Given,
  type OptionSpec,
  type OptionsOf,
  type OptionTable,
  problemOf,
  type RuleContext,
} from './extension.js'
import type { AnyMatch } from './match.js'
import { matchAliases, matches } from './matches/index.js'
import type { Plain } from './plain.js'
import type { AnyTarget } from './target.js'
import { targets } from './targets/index.js'

/** One option, and what its words have been read as so far: most words of a large ruleset come again and again. */
export interface KnownOption {
  readonly key: string
  // biome-ignore lint/suspicious/noExplicitAny: options of every type
  readonly spec: OptionSpec<any>
  readonly words: 0 | 1 | 2
  readonly invertible: boolean
  /** What a plain word says changes nothing but the value. */
  readonly plain: Plain | undefined
  /** By text, not inverted. */
  readonly read: Map<string, Given<unknown>>
}

/** An extension, made ready for reading: all of one shape, with what is asked of every rule at hand. */
export class Known<E extends AnyExtension = AnyExtension> {
  readonly extension: E
  readonly name: string
  /** By every name of its flag. */
  readonly options = new Map<string, KnownOption>()
  readonly tracks: AnyExtension['tracks']
  readonly defragments: boolean
  readonly chains: AnyExtension['chains']
  /** Nothing can be wrong with its options as a whole, in these families. */
  readonly #easy: readonly Family[]
  readonly #protocols: readonly number[] | undefined

  constructor(extension: E) {
    this.extension = extension
    this.name = extension.name
    this.tracks = extension.tracks
    this.defragments = extension.defragments === true
    this.chains = extension.chains
    const { exactlyOne, required, needsOption, tables, check, families, protocols } = extension
    this.#easy = exactlyOne || required || needsOption || tables || check ? [] : families
    this.#protocols = protocols
    for (const [key, spec] of Object.entries(extension.options as Readonly<Record<string, OptionSpec<unknown>>>)) {
      const option = {
        key,
        spec,
        words: spec.value.words,
        invertible: spec.invertible ?? false,
        plain: isOpen(extension) ? spec.value.plain : undefined,
        read: new Map(),
      }
      for (const flag of [spec.flag, ...(spec.aliases ?? [])]) this.options.set(flag, option)
    }
  }

  /** What is wrong with a set of options as a whole, or undefined. */
  problem(options: OptionsOf<OptionTable>, context: RuleContext): string | undefined {
    const { protocol } = context
    if (this.#easy.includes(context.family))
      if (this.#protocols === undefined || (protocol !== undefined && this.#protocols.includes(protocol)))
        return undefined
    return problemOf(this.extension, options, context)
  }
}

/** Is it only their presence that its options are checked and printed by? */
const isOpen = ({ plainWords, check, print, tracks, chains }: AnyExtension): boolean =>
  plainWords ?? !(check || print || typeof tracks === 'function' || typeof chains === 'function')

function byName<E extends AnyExtension>(registry: Readonly<Record<string, E>>): ReadonlyMap<string, Known<E>> {
  const known = new Map<E, Known<E>>()
  const once = (extension: E): Known<E> => {
    const made = known.get(extension) ?? new Known(extension)
    known.set(extension, made)
    return made
  }
  return new Map(Object.entries(registry).map(([name, extension]) => [name, once(extension)]))
}

/** All extensions, with what was read of one file. Made anew for each file: it holds on to the file's words. */
export class Registry {
  readonly matches: ReadonlyMap<string, Known<AnyMatch>> = byName({ ...matches, ...matchAliases })
  readonly targets: ReadonlyMap<string, Known<AnyTarget>> = byName(targets)
  /** The match that `-p` with a protocol brings along, by family and protocol. */
  readonly #implied = new Map<number, Known<AnyMatch>>()

  constructor() {
    for (const known of this.matches.values())
      for (const family of known.extension.families)
        for (const protocol of known.extension.impliedBy ?? []) this.#implied.set(family * 256 + protocol, known)
  }

  /** The options whose words may be plain, by flag. */
  plain(): ReadonlyMap<string, Plain> {
    const found = new Map<string, Plain>()
    for (const registry of [this.matches, this.targets])
      for (const { options } of registry.values())
        for (const [flag, { plain }] of options) if (plain && !found.has(flag)) found.set(flag, plain)
    return found
  }

  impliedBy(family: Family, protocol: number | undefined): Known<AnyMatch> | undefined {
    return protocol === undefined ? undefined : this.#implied.get(family * 256 + protocol)
  }
}
