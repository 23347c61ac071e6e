import type { Family } from '../address/ip.js'
import type { Counters } from '../rules/program.js'
import type { AddressMask } from './address-mask.js'
import {
  type AnyExtension,
  type Given,
  type OptionsOf,
  type OptionTable,
  protocolContext,
  type RuleContext,
} from './extension.js'
import type { Known } from './known.js'
import { LineError } from './line-error.js'
import type { AnyMatch } from './match.js'
import type { RuleFields, Use } from './rule-fields.js'
import { BASE_CHAINS, baseChainBit, isBuiltin } from './tables.js'
import type { AnyTarget } from './target.js'

/** A match or target while its options are being read. */
export class Loading<E extends AnyExtension = AnyExtension> {
  name = ''
  known: Known<E> | undefined = undefined
  options: Record<string, Given<unknown>> = {}
  raw: string | undefined = undefined
  at = 0
  /** Which part of it is being read (Extension.nextPart). */
  part = 0
}

const NOT_OUT: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT'])
const NOT_IN: ReadonlySet<string> = new Set(['OUTPUT', 'POSTROUTING'])

/** A rule while its words are being read. One object serves rule after rule. */
export class Draft {
  chain = ''
  readonly #family: Family
  readonly #table: string
  readonly #backend: 'legacy' | 'nft'
  src: Given<AddressMask> | undefined = undefined
  dst: Given<AddressMask> | undefined = undefined
  sources: readonly Given<AddressMask>[] | undefined = undefined
  destinations: readonly Given<AddressMask>[] | undefined = undefined
  protocol: Given<number> | undefined = undefined
  iif: Given<string> | undefined = undefined
  oif: Given<string> | undefined = undefined
  fragment: Given<true> | undefined = undefined
  /** Matches and the target, as they came: the first `count` of them. */
  readonly loaded: Loading[] = []
  count = 0
  target: Loading<AnyTarget> | undefined = undefined
  to: { readonly chain: string; readonly goto: boolean; readonly at: number } | undefined = undefined
  counters: Counters | undefined = undefined
  otherFamily = false

  constructor(family: Family, table: string, backend: 'legacy' | 'nft') {
    this.#family = family
    this.#table = table
    this.#backend = backend
  }

  begin(chain: string): void {
    this.chain = chain
    this.count = 0
    this.src = this.dst = undefined
    this.sources = this.destinations = undefined
    this.protocol = undefined
    this.iif = this.oif = undefined
    this.fragment = undefined
    this.target = undefined
    this.to = undefined
    this.counters = undefined
    this.otherFamily = false
  }

  /** Protocol number of `-p`, undefined without it or where it is inverted. */
  get positiveProtocol(): number | undefined {
    return this.protocol && !this.protocol.inverted ? this.protocol.value : undefined
  }

  /** One more match or target. Without `known` its words are kept as they are. */
  loading(name: string, known: Known | undefined, raw: string | undefined, at: number): Loading {
    let use = this.loaded[this.count]
    if (!use) {
      use = new Loading()
      this.loaded.push(use)
    }
    this.count++
    use.name = name
    use.known = known
    use.options = {}
    use.raw = raw
    use.at = at
    use.part = 0
    return use
  }

  once(what: 'source' | 'destination' | 'protocol' | 'in' | 'out', at: number): void {
    const given =
      what === 'source'
        ? (this.src ?? this.sources)
        : what === 'destination'
          ? (this.dst ?? this.destinations)
          : what === 'protocol'
            ? this.protocol
            : what === 'in'
              ? this.iif
              : this.oif
    if (given !== undefined) throw new LineError(`multiple -${what[0]} flags not allowed`, at)
  }

  /** Throws LineError where the options do not go together. */
  check(): void {
    if (this.oif && NOT_OUT.has(this.chain)) throw new LineError(`Can't use -o with ${this.chain}`, 0)
    if (this.iif && NOT_IN.has(this.chain)) throw new LineError(`Can't use -i with ${this.chain}`, 0)
    if (this.count === 0) return
    const context: RuleContext = {
      family: this.#family,
      table: this.#table,
      chain: this.chain,
      bases: () => BASE_CHAINS,
      backend: this.#backend,
      ...protocolContext(this.protocol),
      beside: (name) =>
        this.loaded.slice(0, this.count).flatMap((use) => (use.name === name ? [use.options as never] : [])),
    }
    for (let i = 0; i < this.count; i++) {
      const { known, options, at } = this.loaded[i]!
      const problem = known?.problem(options as OptionsOf<OptionTable>, context)
      if (problem !== undefined) throw new LineError(problem, at)
    }
  }

  /** The chain that it jumps or goes to. */
  get jump(): string | undefined {
    return this.to?.chain
  }

  /** Does it turn connection tracking on? */
  get tracks(): boolean {
    for (let i = 0; i < this.count; i++) {
      const { known, options } = this.loaded[i]!
      const tracks = known?.tracks
      if (typeof tracks === 'function' ? tracks(options as OptionsOf<OptionTable>) : tracks) return true
    }
    return false
  }

  /** Does it have fragments put together? */
  get defragments(): boolean {
    for (let i = 0; i < this.count; i++) if (this.loaded[i]!.known?.defragments) return true
    return false
  }

  /** Does it match everything, and end there? (ip_tables.c: unconditional) */
  get ends(): boolean {
    const { target } = this
    if (this.count !== 1 || !target?.known?.extension.ends) return false
    const asked = this.src ?? this.dst ?? this.sources ?? this.destinations ?? this.protocol ?? this.iif ?? this.oif
    return (asked ?? this.fragment) === undefined
  }

  /** The base chains that it may be reached from, as bits. */
  get allowed(): number {
    let allowed = BASE_CHAINS
    // what a checkentry asks of its hooks nft asks in base chains alone (nft_target_set_tgchk_param: hook_mask 0); what is registered, everywhere
    const unasked = this.#backend === 'nft' && !isBuiltin(this.#table, this.chain)
    for (let i = 0; i < this.count; i++) {
      const { known, options } = this.loaded[i]!
      const chains = known?.chains
      const names =
        typeof chains !== 'function' ? chains : unasked ? undefined : chains(options as OptionsOf<OptionTable>)
      if (names) allowed &= names.reduce((bits: number, name: string) => bits | baseChainBit(name), 0)
    }
    return allowed
  }

  /** How many rules the line makes: one for each pair of addresses. */
  get size(): number {
    return (this.sources?.length ?? 1) * (this.destinations?.length ?? 1)
  }

  /** The `index`-th rule of the line, sources outermost. */
  fields(index: number, counters: Counters | undefined): RuleFields {
    const inner = this.destinations?.length ?? 1
    return {
      chain: this.chain,
      src: this.sources ? this.sources[Math.floor(index / inner)] : this.src,
      dst: this.destinations ? this.destinations[index % inner] : this.dst,
      iif: this.iif,
      oif: this.oif,
      protocol: this.protocol,
      fragment: this.fragment,
      matches: this.loaded
        .slice(0, this.count)
        .filter((use) => use !== this.target)
        .map(used) as Use<AnyMatch>[],
      target: this.target && used(this.target),
      jump: this.to,
      counters: this.counters ?? counters,
    }
  }
}

const used = <E extends AnyExtension>({ name, known, options, raw, at }: Loading<E>): Use<E> => ({
  name,
  extension: known?.extension,
  options: options as OptionsOf<OptionTable>,
  raw,
  at,
})
