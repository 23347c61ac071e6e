import type { Family } from '../../address/ip.js'
import { CT_STATE } from '../../packet/fields.js'
import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { Hook, Table } from '../../rules/program.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import { shownFields } from '../../sets/blocks.js'
import { describe } from '../../sets/describe.js'
import { pickOne, sampleText } from '../../sets/sample.js'
import type { Space } from '../../sets/space.js'
import { WayMath } from '../../sets/ways.js'
import { Scope, type ScopeOptions, sharedNames } from '../scope.js'
import { existingInterfaces, localAddresses } from '../witness.js'
import { sameHost, TableChange } from './changes.js'
import { type Cell, compare, type Fate } from './compare.js'
import type { Decided, Difference, Fares } from './difference.js'
import { didText, rewritingWords, sidesText, type Told } from './fate-text.js'
import { type BaseChain, type Both, pairBases, pairTables } from './pairs.js'
import { SamePacket } from './same-packet.js'
import { passagesOf, suspectsOf } from './suspects.js'
import { fatesOf, type Outcome } from './through.js'

interface Side {
  readonly hosts: Hosts
  readonly namespace: Namespace
}

export interface ChainsOptions extends ScopeOptions {
  /** First packets were compared from end to end, and some differ or none does: only what a walk of sets does not see is looked for. */
  readonly walked?: 'differ' | 'alike' | undefined
}

export interface ChainDifferences {
  readonly differences: readonly Difference[]
  /** Chains in which some packets hang on other lots or limits than before. */
  readonly undecided: readonly string[]
}

/** Base chains whose rules, or those of chains that they call, are not the same on both sides. */
export interface Changed {
  readonly change: TableChange
  readonly both: Both<BaseChain>
}

/** Told by the rules' words alone. */
export function changedChains(old: Namespace, now: Namespace, family: Family): readonly Changed[] {
  const same = sameHost(old, now, family)
  return pairTables(old, now, family).flatMap((tables) => {
    const change = new TableChange(tables.old, tables.now, same)
    return pairBases(tables).flatMap((both) => {
      const policy = ({ chain }: BaseChain) => chain.base?.policy
      const name = (both.now ?? both.old)!.chain.name
      const otherPolicy = (both.old ? policy(both.old) : 'accept') !== (both.now ? policy(both.now) : 'accept')
      return otherPolicy || change.isChanged(name) ? [{ change, both }] : []
    })
  })
}

/** Which packets base chains treat differently, whatever packets they are. Throws NodeLimitError, VisitLimitError, CellLimitError. */
export function chainDifferences(
  old: Side,
  now: Side,
  family: Family,
  changed: readonly Changed[],
  options: ChainsOptions = {},
): ChainDifferences {
  if (changed.length === 0) return { differences: [], undecided: [] }
  const comparison = new Comparison(old, now, family, changed, options)
  const undecided: string[] = []
  const differences = changed.flatMap((one) => [...comparison.of(one, undecided)])
  return { differences, undecided }
}

const MOST_BLOCKS = 60

class Comparison {
  readonly #old: Scope
  readonly #now: Scope
  readonly #math: WayMath
  readonly #same: SamePacket
  readonly #walked: ChainsOptions['walked']

  constructor(old: Side, now: Side, family: Family, changed: readonly Changed[], options: ChainsOptions) {
    const asked = new Set<Table | undefined>(changed.flatMap(({ change }) => [change.old, change.now]))
    const onlyAsked = ({ namespace }: Side) => ({
      ...namespace,
      tables: namespace.tables.filter((one) => asked.has(one)),
    })
    const names = sharedNames([onlyAsked(old), onlyAsked(now)], family)
    const known = { ...options, names, listedSets: true }
    this.#old = new Scope(old.hosts, old.namespace, family, known)
    this.#now = new Scope(now.hosts, now.namespace, family, { ...known, space: this.#old.space })
    this.#math = new WayMath(this.#old.space)
    this.#same = new SamePacket(this.#old.space)
    this.#walked = options.walked
  }

  *of({ change, both }: Changed, undecided: string[]): Generator<Difference> {
    const { space } = this.#now
    const { bdd } = space
    const { chain, table } = (both.now ?? both.old)!
    const base = chain.base!
    const all = this.#inputOf(base)
    const passages = passagesOf(change, this.#math, [this.#old.conditions, this.#now.conditions])
    const input = bdd.and(all, suspectsOf(space, change, both, passages))
    if (input === EMPTY) return
    const [olds, news] = [
      fatesOf(this.#math, passages.old, both.old, input),
      fatesOf(this.#math, passages.now, both.now, input),
    ]
    const found = compare(bdd, this.#same, input, olds, news)
    const where = `${placeName(this.#now.namespace)}, IPv${space.family}, ${table.name}/${chain.name}`
    if (found.undecided !== EMPTY) undecided.push(where)
    const cells = this.#walked ? found.cells.flatMap((cell) => this.#unseen(cell, base.type === 'nat')) : found.cells
    // where the host's interfaces are known, no others count
    const exists = this.#walked ? bdd.or(existingInterfaces(this.#now), existingInterfaces(this.#old)) : FULL
    const groups = grouped(cells.filter(({ packets }) => bdd.meets(packets, exists))).map((group) => ({
      ...group,
      set: space.union(group.cells.map(({ packets }) => packets)),
    }))
    // later fragments, and what is cut off within its header: told where nothing else differs
    const whole = groups.filter(({ set }) => bdd.meets(set, space.whole))
    for (const { set, ...group } of whole.length > 0 ? whole : groups) {
      const { packet, sample } = pickOne(space, set, this.#wishes(base.hook))!
      const { lines, more } = this.#linesOf(base.hook, set, all)
      const decided = (fates: readonly Fate<Outcome>[], base: BaseChain | undefined): readonly Decided[] =>
        unique(fates.filter((one) => bdd.meets(one.packets, packet)).map(({ of }) => decidedBy(of, base)))
      yield {
        kind: 'chain',
        place: placeName(this.#now.namespace),
        family: space.family,
        where: `${table.name}/${chain.name}`,
        table: table.name,
        chain: chain.name,
        hook: base.hook,
        before: { fares: group.fares[0], text: group.old },
        after: { fares: group.fares[1], text: group.now },
        packets: lines,
        more,
        // one that is cut off cannot be written down
        example: whole.length > 0 ? sampleText(sample) : undefined,
        out: sample.oif === '' ? undefined : sample.oif,
        rulesBefore: decided(olds, both.old),
        rulesAfter: decided(news, both.now),
      }
    }
  }

  /** Every packet that can come into a base chain. */
  #inputOf({ hook, type }: NonNullable<BaseChain['chain']['base']>): Node {
    const { space } = this.#now
    const { bdd } = space
    const input = this.#now.input(hook)
    if (type !== 'nat') return input
    // a nat chain sees the first packet of a connection only, put together
    const first = space.in('ct.state', [
      [CT_STATE.RELATED, CT_STATE.RELATED],
      [CT_STATE.NEW, CT_STATE.NEW],
    ])
    return bdd.and(bdd.and(input, first), space.equals('frag.offset', 0))
  }

  /** The packets of a cell whose difference a walk of sets does not see: other packets than it follows, and other ways of refusing. */
  #unseen(cell: Cell<Outcome>, isNat: boolean): readonly Cell<Outcome>[] {
    const { space } = this.#now
    const { bdd } = space
    const followed = followedBySets(this.#now)
    const inside = bdd.and(cell.packets, followed)
    // what differs from end to end differs for fragments and the like as well: that is not told again
    const others = this.#walked === 'differ' && inside !== EMPTY ? ofConnections(this.#now, isNat) : FULL
    const outside = bdd.and(bdd.minus(cell.packets, followed), others)
    const parts: Cell<Outcome>[] = outside === EMPTY ? [] : [{ ...cell, packets: outside }]
    if (inside !== EMPTY) {
      const seen = (fates: readonly Fate<Outcome>[]) =>
        fates.map((fate) => ({ ...fate, lots: '', is: seenByWalk(fate.of) }))
      const differs = compare(bdd, this.#same, inside, seen(cell.old), seen(cell.now)).cells
      const alike = differs.reduce((left: Node, one) => bdd.minus(left, one.packets), inside)
      if (alike !== EMPTY) parts.push({ ...cell, packets: alike })
    }
    return parts
  }

  /** To INPUT comes what is for this host: other destinations are told where there are no others. */
  #linesOf(hook: Hook, set: Node, within: Node) {
    const { space } = this.#now
    const local = hook === 'input' && this.#walked ? localAddresses(this.#now, 'daddr') : FULL
    const own = space.bdd.and(set, local)
    return own === EMPTY ? linesOf(space, set, within) : linesOf(space, own, space.bdd.and(within, local))
  }

  /** What an example is to be, where it can: on interfaces that exist, for this host in INPUT and for others in FORWARD. */
  #wishes(hook: Hook): readonly Node[] {
    const scope = this.#now
    const { bdd } = scope.space
    const local = localAddresses(scope, 'daddr')
    const address = hook === 'input' ? [local] : hook === 'forward' || hook === 'output' ? [bdd.not(local)] : []
    return [existingInterfaces(scope), bdd.not(localAddresses(scope, 'saddr')), ...address]
  }
}

/** First packets of connections that are whole, have no options, and go from one host to one other. */
function followedBySets({ space }: Scope): Node {
  const { bdd, family } = space
  const first = [CT_STATE.INVALID, CT_STATE.NEW, CT_STATE.UNTRACKED].map((state) => space.equals('ct.state', state))
  const parts = [space.union(first), space.whole, space.equals('frag.more', 0), space.equals('meta.pkttype', 0)]
  if (family === 4) {
    parts.push(space.equals('ip.hdrlength', 5))
    parts.push(
      bdd.not(
        space.in('ip.daddr', [
          [0, 0],
          [0xe0000000, 0xffffffff],
        ]),
      ),
    )
    parts.push(
      bdd.not(
        space.in('ip.saddr', [
          [0, 0xffffff],
          [0xe0000000, 0xffffffff],
        ]),
      ),
    )
  } else {
    const [multicast, linkLocal] = [0xffn << 120n, 0xfe80n << 112n]
    parts.push(
      bdd.not(
        space.in('ip6.daddr', [
          [0n, 0n],
          [multicast, (1n << 128n) - 1n],
        ]),
      ),
    )
    parts.push(
      bdd.not(
        space.in('ip6.saddr', [
          [0n, 0n],
          [linkLocal, linkLocal + (1n << 118n) - 1n],
          [multicast, (1n << 128n) - 1n],
        ]),
      ),
    )
  }
  return space.intersection(parts)
}

/** Packets of connections that exist, or that one of those has announced. */
const ofConnections = ({ space }: Scope, isNat: boolean): Node =>
  isNat
    ? EMPTY
    : space.bdd.or(space.equals('ct.state', CT_STATE.ESTABLISHED), space.equals('ct.state', CT_STATE.RELATED))

const isTranslation = (line: string) => /^(masquerade|redirect) /.test(line)

const seenByWalk = ({ verdict, did }: Outcome): string =>
  [verdict === 'accepted' ? 'accepted' : 'dropped', ...did.split('\n').filter(isTranslation)].join('\n')

const unique = (all: readonly Decided[]): readonly Decided[] => [
  ...new Map(all.map((one) => [`${one.rule?.chain} ${one.rule?.number} ${one.text}`, one])).values(),
]

/** Blocks of a set; where marks or states are scattered all over, without them. */
function linesOf(space: Space, set: Node, within: Node) {
  const found = describe(space, set, undefined, MOST_BLOCKS, within)
  if (found.lines.length > 0 || !found.more) return found
  const fields = shownFields(space.family).filter((field) => field !== 'meta.mark')
  return describe(space, set, fields, MOST_BLOCKS, within)
}

interface Grouped {
  readonly old: string
  readonly now: string
  readonly fares: readonly [Fares, Fares]
  readonly cells: Cell<Outcome>[]
}

/** Cells that people would call the same. */
function grouped(cells: readonly Cell<Outcome>[]): readonly Grouped[] {
  const found = new Map<string, Grouped>()
  for (const cell of cells) {
    const [old, now] = sidesText(told(cell.old), told(cell.now))
    const fares = [faresOf(cell.old), faresOf(cell.now)] as const
    const key = [old, now, ...fares].join('\n')
    const group = found.get(key)
    if (group) group.cells.push(cell)
    else found.set(key, { old, now, fares, cells: [cell] })
  }
  const order = ({ fares }: Grouped) => KINDS.indexOf(fares[0]) * KINDS.length + KINDS.indexOf(fares[1])
  return [...found.values()].sort((a, b) => order(a) - order(b))
}

const KINDS: readonly Fares[] = ['accepted', 'dropped', 'either']

const told = (fates: readonly Fate<Outcome>[]): readonly Told[] =>
  fates.map(({ of: { verdict, did, transform } }) => ({
    end: verdict,
    words: [...rewritingWords(transform), ...didText(did)],
  }))

function faresOf(fates: readonly Fate<Outcome>[]): Fares {
  const accepted = fates.some(({ of }) => of.verdict === 'accepted')
  const dropped = fates.some(({ of }) => of.verdict !== 'accepted')
  return accepted && dropped ? 'either' : accepted ? 'accepted' : 'dropped'
}

function decidedBy({ by }: Outcome, base: BaseChain | undefined): Decided {
  if (!base) return { rule: undefined, text: 'there is no such chain' }
  if (!by)
    return {
      rule: undefined,
      text: `policy ${(base.chain.base?.policy ?? 'accept').toUpperCase()} of ${base.chain.name}`,
    }
  const { source, text } = by.rule
  return {
    rule: { chain: `${base.table.name}/${by.chain}`, number: by.number, text, file: source?.file, line: source?.line },
    text,
  }
}
