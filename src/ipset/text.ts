import type { Data } from './data.js'
import type { Entry } from './element.js'
import { KEYWORDS } from './keywords.js'
import type { IpSet } from './set.js'
import type { Sets } from './sets.js'
import type { Keyword, SetType } from './type.js'

/** What is printed of an element beside itself, as the kernel lists it (ip_set_put_extensions). */
function dataOf({ keeps }: IpSet, entry: Entry, now: number): Data {
  const { skb } = entry
  return {
    ...(keeps.timeout === undefined ? {} : { timeout: remaining(entry.expires, now) }),
    ...(entry.nomatch ? { nomatch: true } : {}),
    ...(entry.element.wildcard ? { wildcard: true } : {}),
    ...(keeps.counters ? { packets: entry.packets, bytes: entry.bytes } : {}),
    ...(entry.comment === undefined ? {} : { comment: entry.comment }),
    ...(skb && (skb.mark || skb.markMask) ? { skbmark: [skb.mark, skb.markMask] as const } : {}),
    ...(skb?.priority ? { skbprio: skb.priority } : {}),
    ...(skb?.queue ? { skbqueue: skb.queue } : {}),
  }
}

/** Whole seconds; the last one is not told as 0, which means "for ever" (ip_set_timeout_get). */
function remaining(expires: number, now: number): number {
  return expires === 0 ? 0 : Math.max(1, Math.floor(expires - now + 1e-6))
}

const optionsText = (keywords: readonly Keyword[], data: Data): string =>
  keywords
    .map((keyword) => KEYWORDS[keyword].print?.(data))
    .filter((text) => text !== undefined && text !== '')
    .map((text) => ` ${text}`)
    .join('')

/** `family inet hashsize 1024 maxelem 65536`; with a space in front. */
function headerText({ type, created }: IpSet): string {
  const keywords = type.options.create.filter((keyword) => keyword !== 'family' || type.families === 'both')
  return optionsText(keywords, created)
}

export const createLine = (name: string, set: IpSet): string => `create ${name} ${set.type.name}${headerText(set)}`

/** `10.0.0.0/8 timeout 10 nomatch` */
export const entryText = (set: IpSet, entry: Entry, now: number): string =>
  `${set.type.print(entry.element)}${optionsText(set.type.options.add, dataOf(set, entry, now))}`

export interface TextOptions {
  /** Seconds since the epoch: what is left of timeouts counts from there. */
  readonly now: number
  /** Only this set. */
  readonly name?: string
  /** Elements in an order of their own (hash types only), as `ipset -sorted` has them. */
  readonly sorted?: boolean
}

const chosen = (sets: Sets, { name }: TextOptions) =>
  sets.listed.filter((one) => name === undefined || one.name === name)

function elements(set: IpSet, { now, sorted }: TextOptions): readonly string[] {
  const lines = [...set.entries(now)].map((entry) => entryText(set, entry, now))
  return sorted && set.type.kind === 'hash' ? lines.sort(bySize) : lines
}

/** As `ipset save` prints it. */
export function printSets(sets: Sets, options: TextOptions): string {
  const lines: string[] = []
  for (const { name, set } of chosen(sets, options)) {
    lines.push(createLine(name, set))
    for (const element of elements(set, options)) lines.push(`add ${name} ${element}`)
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** As `ipset list` prints it, but for the size in memory, which only a kernel has. `terse`: without the elements. */
export function listSets(
  sets: Sets,
  options: TextOptions & { readonly terse?: boolean; readonly held?: (name: string) => number },
): string {
  return chosen(sets, options)
    .map(({ name, set }) =>
      [
        `Name: ${name}`,
        `Type: ${set.type.name}`,
        `Revision: ${revision(set.type)}`,
        `Header:${headerText(set)}`,
        `References: ${sets.references(name) + (options.held?.(name) ?? 0)}`,
        `Number of entries: ${set.body.elements}`,
        ...(options.terse ? [] : ['Members:', ...elements(set, options)]),
        '',
      ].join('\n'),
    )
    .join('\n')
}

const revision = (type: SetType): number => type.revision

/** lib/session.c: bystrcmp, which compares numbers as numbers as far as both lines have them; hexadecimal ones at that. */
function bySize(a: string, b: string): number {
  let [x, y] = [a, b]
  let sign = 1
  while (x !== '' && y !== '') {
    const [one, other] = [/^\s*[+-]?(0x)?[\da-f]+/i.exec(x)?.[0], /^\s*[+-]?(0x)?[\da-f]+/i.exec(y)?.[0]]
    if (one === undefined || other === undefined) {
      const [n, m] = [/^[^:,]*/.exec(x)![0].length, /^[^:,]*/.exec(y)![0].length]
      if (n === 0 && m === 0) return compare(x, y)
      if (n !== m) return n < m ? -1 : 1
      const order = compare(x.slice(0, n), y.slice(0, m))
      if (order !== 0) return order
      ;[x, y, sign] = [x.slice(n + 1), y.slice(m + 1), 1]
      continue
    }
    const [n, m] = [Number.parseInt(one, 16), Number.parseInt(other, 16)]
    if (n !== m) return sign * (n - m)
    const [after, behind] = [x[one.length] ?? '', y[other.length] ?? '']
    if (after === '/' || behind === '/') {
      if (after !== behind) return after === '/' ? 1 : -1
      sign = -1
    }
    ;[x, y] = [x.slice(one.length + 1), y.slice(other.length + 1)]
    if (x.startsWith(':') !== y.startsWith(':')) return x.startsWith(':') ? -1 : 1
    if (x.startsWith(':')) [x, y] = [x.slice(1), y.slice(1)]
  }
  return x === '' ? (y === '' ? 0 : -1) : 1
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
