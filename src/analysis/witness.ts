import { ifName } from '../address/ifname.js'
import { firstOf, lastOf, type Prefix, parsePrefix } from '../address/prefix.js'
import { ADDRESS_TYPE, type Field } from '../packet/fields.js'
import { parsePacketLine } from '../packet/language.js'
import { QuestionError } from '../path/resolve.js'
import { trace } from '../path/trace.js'
import type { Branch } from '../path/trail.js'
import { placeName } from '../path/world.js'
import type { Hook } from '../rules/program.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { type Sample, sampleOf, sampleText } from '../sets/sample.js'
import type { Scope } from './scope.js'

/** A packet of a set, and where `trace` says that it goes. */
export interface Witness {
  readonly sample: Sample
  /** As `trace` reads it. */
  readonly text: string
  readonly branches: readonly Branch[]
}

/**
 * A packet of `set` that arrives from outside on an interface that exists and that the walker leads where `goes` says; undefined where none of the ordinary ones
 * does (each interface is tried).
 */
export function witness(
  scope: Scope,
  set: Node,
  goes: (branches: readonly Branch[], sample: Sample) => boolean,
  wishes: readonly Node[] = [],
): Witness | undefined {
  const { space, namespace } = scope
  const { bdd } = space
  const arriving = bdd.and(set, fromOutside(scope))
  for (const { name, kind } of namespace.links) {
    if (kind === 'loopback') continue
    const here = bdd.and(arriving, space.equals('meta.iifname', ifName(name)))
    const sample = here === EMPTY ? undefined : sampleOf(space, here, wishes)
    if (!sample) continue
    // which namespace is meant is said where the interface's name does not tell
    for (const text of [sampleText(sample), sampleText(sample, scope.place)]) {
      const branches = walked(scope, text)
      if (branches && goes(branches, sample)) return { sample, text, branches }
      if (branches) break
    }
  }
  return undefined
}

/** What `trace` says of a packet; undefined where it cannot be asked, or begins in another namespace. */
export function walked({ hosts, place }: Pick<Scope, 'hosts' | 'place'>, text: string): readonly Branch[] | undefined {
  const parsed = parsePacketLine(text)
  if (!parsed.ok) return undefined
  try {
    const { branches } = trace(hosts, parsed.packet, { now: 0 })
    const [first] = branches[0]?.steps ?? []
    return first && placeName(first) === place ? branches : undefined
  } catch (error) {
    if (error instanceof QuestionError) return undefined
    throw error
  }
}

const NOT_FROM: Readonly<Record<4 | 6, readonly Prefix[]>> = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3'].map((text) => parsePrefix(text)!),
  6: ['::/127', 'ff00::/8', 'fe80::/10'].map((text) => parsePrefix(text)!),
}

/** Packets that can come in from others: not from this host's own addresses, nor from or to what is no address on a wire. */
export function fromOutside(scope: Scope): Node {
  const { space, family } = scope
  const { bdd } = space
  const [saddr, daddr]: readonly [Field, Field] = family === 4 ? ['ip.saddr', 'ip.daddr'] : ['ip6.saddr', 'ip6.daddr']
  const ranges = NOT_FROM[family].map((prefix) => [firstOf(prefix), lastOf(prefix)] as const)
  const parts = [
    bdd.not(space.in(saddr, ranges)),
    bdd.not(localAddresses(scope, 'saddr')),
    bdd.not(space.equals('meta.iifname', ifName('lo'))),
    family === 4 ? bdd.not(space.in(daddr, ranges)) : FULL,
  ]
  return parts.reduce((all, one) => bdd.and(all, one), existingInterfaces(scope))
}

/** Packets whose source or destination is an address of the namespace itself, loopback addresses included. */
export function localAddresses(scope: Scope, of: 'saddr' | 'daddr'): Node {
  const answers = scope.around.fib({ from: 'fib', what: 'type', of, over: 'any' })
  return answers.find(({ value }) => value === ADDRESS_TYPE.LOCAL)?.packets ?? EMPTY
}

/** Packets on interfaces that exist, where it is known which do. */
export function existingInterfaces({ space, namespace }: Scope): Node {
  const { links } = namespace
  if (links.length === 0) return FULL
  const names = ['', ...links.map(({ name }) => name)]
  const one = (field: Field) => space.union(names.map((name) => space.equals(field, ifName(name))))
  return space.bdd.and(one('meta.iifname'), one('meta.oifname'))
}

/** Did it pass all rules of a hook on some branch? What becomes of it behind the hook is another matter. */
export const passed =
  (hook: Hook) =>
  (branches: readonly Branch[]): boolean =>
    branches.some(
      ({ steps, where }) => where.hook !== hook && steps.some((step) => step.kind === 'hook' && step.hook === hook),
    )
