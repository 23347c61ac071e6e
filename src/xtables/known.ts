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

/** Extensions by name, each made ready when it is asked for. */
export class Prepared<E extends AnyExtension> {
  readonly #extensions: ReadonlyMap<string, E>
  readonly #known = new Map<string, Known<E>>()

  constructor(extensions: ReadonlyMap<string, E>) {
    this.#extensions = extensions
  }

  has(name: string): boolean {
    return this.#extensions.has(name)
  }

  get(name: string): Known<E> | undefined {
    const ready = this.#known.get(name)
    if (ready) return ready
    const extension = this.#extensions.get(name)
    if (!extension) return undefined
    // under another name it is the same
    const known = [...this.#known.values()].find((one) => one.extension === extension) ?? new Known(extension)
    this.#known.set(name, known)
    return known
  }

  *values(): Generator<Known<E>> {
    for (const name of this.#extensions.keys()) yield this.get(name)!
  }
}

const MATCHES: ReadonlyMap<string, AnyMatch> = new Map(Object.entries({ ...matches, ...matchAliases }))
const TARGETS: ReadonlyMap<string, AnyTarget> = new Map(Object.entries(targets))

/** The match that `-p` with a protocol brings along, by family and protocol. */
const IMPLIED: ReadonlyMap<number, string> = new Map(
  [...MATCHES].flatMap(([name, { families, impliedBy = [] }]) =>
    families.flatMap((family) => impliedBy.map((protocol): [number, string] => [family * 256 + protocol, name])),
  ),
)

/** All extensions, with what was read of one file. Made anew for each file: it holds on to the file's words. */
export class Registry {
  readonly matches = new Prepared<AnyMatch>(MATCHES)
  readonly targets = new Prepared<AnyTarget>(TARGETS)
  #plain: Map<string, Plain> | undefined

  /** The options whose words may be plain, by flag. */
  get plain(): ReadonlyMap<string, Plain> {
    if (this.#plain) return this.#plain
    const found = new Map<string, Plain>()
    this.#plain = found
    for (const registry of [this.matches, this.targets])
      for (const { options } of registry.values())
        for (const [flag, { plain }] of options) if (plain && !found.has(flag)) found.set(flag, plain)
    return found
  }

  impliedBy(family: Family, protocol: number | undefined): Known<AnyMatch> | undefined {
    const name = protocol === undefined ? undefined : IMPLIED.get(family * 256 + protocol)
    return name === undefined ? undefined : this.matches.get(name)
  }
}
