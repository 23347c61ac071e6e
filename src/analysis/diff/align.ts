/** Lines that both lists have in the same order, by their places: enough of them to leave little over, not always the most there are. */
export type Common = readonly (readonly [old: number, now: number])[]

interface Gap {
  readonly from: readonly [old: number, now: number]
  readonly to: readonly [old: number, now: number]
}

/**
 * What two lists have in common: equal beginnings and ends, and between them the longest row of lines that are in each exactly once, in the same order (patience
 * diff), again in each gap. Time: n log n for each depth of gaps.
 */
export function align(old: readonly string[], now: readonly string[]): Common {
  const found: [number, number][] = []
  const open: Gap[] = [{ from: [0, 0], to: [old.length, now.length] }]
  for (let gap = open.pop(); gap; gap = open.pop()) {
    let [[a, b], [endA, endB]] = [gap.from, gap.to]
    while (a < endA && b < endB && old[a] === now[b]) found.push([a++, b++])
    while (a < endA && b < endB && old[endA - 1] === now[endB - 1]) found.push([--endA, --endB])
    if (a === endA || b === endB) continue
    const anchors = risingLongest(onceInEach(old, now, a, endA, b, endB))
    for (const [i, [x, y]] of anchors.entries()) {
      found.push([x, y])
      open.push({ from: i === 0 ? [a, b] : [anchors[i - 1]![0] + 1, anchors[i - 1]![1] + 1], to: [x, y] })
    }
    const last = anchors.at(-1)
    if (last) open.push({ from: [last[0] + 1, last[1] + 1], to: [endA, endB] })
  }
  return found.sort(([x], [y]) => x - y)
}

/** Lines that are once in each part, by their places, in the order of the old one. */
function onceInEach(
  old: readonly string[],
  now: readonly string[],
  a: number,
  endA: number,
  b: number,
  endB: number,
): readonly (readonly [number, number])[] {
  const places = new Map<string, number>()
  for (let i = b; i < endB; i++) places.set(now[i]!, places.has(now[i]!) ? -1 : i)
  const times = new Map<string, number>()
  for (let i = a; i < endA; i++) times.set(old[i]!, (times.get(old[i]!) ?? 0) + 1)
  const found: (readonly [number, number])[] = []
  for (let i = a; i < endA; i++) {
    const place = places.get(old[i]!)
    if (place !== undefined && place >= 0 && times.get(old[i]!) === 1) found.push([i, place])
  }
  return found
}

/** The longest part of the list whose second numbers rise. */
function risingLongest(pairs: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const ends: number[] = []
  const before: number[] = []
  for (const [i, [, value]] of pairs.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (pairs[ends[middle]!]![1] < value) low = middle + 1
      else high = middle
    }
    before[i] = low === 0 ? -1 : ends[low - 1]!
    ends[low] = i
  }
  const found: (readonly [number, number])[] = []
  for (let i = ends.at(-1) ?? -1; i >= 0; i = before[i]!) found.push(pairs[i]!)
  return found.reverse()
}
