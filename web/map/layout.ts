import { STAGES, type Stage, type StageName } from '../../src/path/stages.js'
import type { PathMap } from '../engine/answers.js'

/** One box inside a hook: a base chain, or what else is registered there. */
export type Entry = PathMap['hooks'][number]['entries'][number]

export interface Box {
  readonly stage: StageName
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly entries: readonly Entry[]
}

export interface Edge {
  readonly from: StageName
  readonly to: StageName
  readonly exit: string
  /** SVG path data. */
  readonly d: string
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly boxes: ReadonlyMap<StageName, Box>
  readonly edges: readonly Edge[]
}

/** Four bands: up to the sockets, through the IP layer, along the bridge, ARP. Columns from where packets come in to where they leave. */
type Band = 'local' | 'through' | 'bridge' | 'arp'
const PLACES: Readonly<Record<Exclude<StageName, 'end'>, readonly [column: number, band: Band]>> = {
  receive: [0, 'through'],
  'ip-receive': [1, 'through'],
  prerouting: [2, 'through'],
  'route-input': [3, 'through'],
  'forward-checks': [4, 'through'],
  forward: [5, 'through'],
  postrouting: [6, 'through'],
  fragment: [7, 'through'],
  neighbour: [8, 'through'],
  transmit: [9, 'through'],
  decapsulate: [1, 'local'],
  reassemble: [2, 'local'],
  input: [3, 'local'],
  deliver: [4, 'local'],
  generate: [5, 'local'],
  output: [6, 'local'],
  encapsulate: [8, 'local'],
  'bridge-input': [1, 'bridge'],
  'bridge-prerouting': [2, 'bridge'],
  'bridge-decision': [3, 'bridge'],
  'bridge-egress': [4, 'bridge'],
  'bridge-forward': [5, 'bridge'],
  'bridge-postrouting': [6, 'bridge'],
  'bridge-output': [9, 'local'],
  'arp-receive': [1, 'arp'],
  arp: [3, 'arp'],
  'arp-output': [8, 'arp'],
}

const STAGE_NAMES = Object.keys(PLACES) as Exclude<StageName, 'end'>[]

export const stageOf = (name: StageName): Stage => STAGES[name]

const BANDS: readonly Band[] = ['local', 'through', 'bridge', 'arp']
const HOOK_WIDTH = 190
const PLAIN_WIDTH = 112
const GAP = 42
const MARGIN = 26
const BAND_GAP = 64
export const HEAD = 34
export const ROW = 22
const PLAIN_HEIGHT = 54

const COLUMNS = 10
/** Columns in which a hook stands are wide. */
const WIDTHS = Array.from({ length: COLUMNS }, (_, column) =>
  STAGE_NAMES.some((name) => PLACES[name][0] === column && stageOf(name).hook) ? HOOK_WIDTH : PLAIN_WIDTH,
)

export function layoutOf(map: PathMap | undefined): Layout {
  const entriesOf = (name: StageName): readonly Entry[] => {
    const { hook } = stageOf(name)
    return map?.hooks.find((one) => one.hook === hook)?.entries ?? []
  }
  const heightOf = (name: StageName) =>
    stageOf(name).hook ? HEAD + Math.max(1, entriesOf(name).length) * ROW + 8 : PLAIN_HEIGHT
  const bandHeights = BANDS.map((band) =>
    Math.max(...STAGE_NAMES.filter((name) => PLACES[name][1] === band).map(heightOf)),
  )
  const centre = (band: Band): number => {
    const index = BANDS.indexOf(band)
    const above = bandHeights.slice(0, index).reduce((sum, height) => sum + height + BAND_GAP, 0)
    return MARGIN + LANE + above + bandHeights[index]! / 2
  }
  const left = (column: number): number =>
    MARGIN + LANE + WIDTHS.slice(0, column).reduce((sum, width) => sum + width + GAP, 0)
  const boxes = new Map<StageName, Box>()
  for (const stage of STAGE_NAMES) {
    const [column, band] = PLACES[stage]
    const width = stageOf(stage).hook ? HOOK_WIDTH : PLAIN_WIDTH
    const height = heightOf(stage)
    const x = left(column) + (WIDTHS[column]! - width) / 2
    boxes.set(stage, { stage, x, y: centre(band) - height / 2, width, height, entries: entriesOf(stage) })
  }
  const width = left(COLUMNS) - GAP + MARGIN + LANE
  const height = MARGIN * 2 + LANE * 2 + bandHeights.reduce((sum, one) => sum + one, 0) + BAND_GAP * (BANDS.length - 1)
  return { width, height, boxes, edges: edgesOf(boxes, width, height) }
}

/** Room around the boxes for ways that lead back: over the top, along the bottom. */
const LANE = 24

function edgesOf(boxes: ReadonlyMap<StageName, Box>, width: number, height: number): readonly Edge[] {
  return [...boxes.keys()].flatMap((from) =>
    [...new Map(Object.entries(stageOf(from).exits).map(([exit, to]) => [to, exit]))].flatMap(([to, exit]) => {
      const target = boxes.get(to as StageName)
      return target
        ? [
            {
              from,
              to: target.stage,
              exit,
              d: pathBetween(boxes.get(from)!, target, [...boxes.values()], width, height),
            },
          ]
        : []
    }),
  )
}

const middle = ({ y, height }: Box) => y + height / 2
const right = ({ x, width }: Box) => x + width
const bottom = ({ y, height }: Box) => y + height
const centreX = ({ x, width }: Box) => x + width / 2
/** Two ways between the same boxes, or several that meet at one side, stand apart by this much. */
const APART = 14

function pathBetween(from: Box, to: Box, all: readonly Box[], width: number, height: number): string {
  const [, band] = PLACES[from.stage as keyof typeof PLACES]
  const [, targetBand] = PLACES[to.stage as keyof typeof PLACES]
  const inBand = all.filter(({ stage }) => PLACES[stage as keyof typeof PLACES][1] === band)
  const low = Math.max(...inBand.map(bottom)) + LANE / 2
  const [a, b] = [middle(from), middle(to)]
  // back from the wire to the beginning: all the way round, under everything
  if (from.stage === 'transmit' && to.stage === 'receive') {
    const [x1, x2, under] = [width - MARGIN / 2, MARGIN / 2, height - MARGIN / 2]
    return rounded([
      [right(from), a],
      [x1, a],
      [x1, under],
      [x2, under],
      [x2, b],
      [to.x, b],
    ])
  }
  if (centreX(from) === centreX(to)) {
    const down = from.y < to.y
    const x = centreX(from) + (down ? APART : -APART)
    return down ? `M${x} ${bottom(from)}V${to.y}` : `M${x} ${from.y}V${bottom(to)}`
  }
  const forward = to.x >= right(from)
  if (band === targetBand) {
    const between = inBand.filter((one) => one.x > Math.min(from.x, to.x) && one.x < Math.max(from.x, to.x))
    if (forward && between.length === 0) return `M${right(from)} ${a}H${to.x}`
    // over what stands in between
    const over = Math.min(from.y, to.y, ...between.map(({ y }) => y)) - (forward ? LANE / 2 : LANE)
    const [x1, x2] = [centreX(from) + (forward ? APART : 0), centreX(to) - (forward ? APART : 0)]
    return rounded([
      [x1, from.y],
      [x1, over],
      [x2, over],
      [x2, to.y],
    ])
  }
  if (to.stage === 'transmit') {
    // from the bridge: from below, those that cross other boxes under them
    const crosses = inBand.some((one) => one.x > from.x && one.x < to.x && middle(one) === a)
    const x = centreX(to) + (crosses ? APART : -APART)
    return crosses
      ? rounded([
          [centreX(from), bottom(from)],
          [centreX(from), low],
          [x, low],
          [x, bottom(to)],
        ])
      : rounded([
          [right(from), a],
          [x, a],
          [x, bottom(to)],
        ])
  }
  if (forward) {
    const x = to.x - Math.min(GAP, to.x - right(from)) / 2
    return rounded([
      [right(from), a],
      [x, a],
      [x, b],
      [to.x, b],
    ])
  }
  if (from.y < to.y)
    return rounded([
      [from.x, a],
      [centreX(to), a],
      [centreX(to), to.y],
    ])
  const lane = (bottom(to) + from.y) / 2
  return rounded([
    [centreX(from), from.y],
    [centreX(from), lane],
    [centreX(to), lane],
    [centreX(to), bottom(to)],
  ])
}

const RADIUS = 10

/** A line through corners that are rounded. */
function rounded(points: readonly (readonly [number, number])[]): string {
  const [first, ...rest] = points
  let d = `M${first![0]} ${first![1]}`
  rest.forEach(([x, y], i) => {
    const before = i === 0 ? first! : rest[i - 1]!
    const after = rest[i + 1]
    if (!after) {
      d += `L${x} ${y}`
      return
    }
    const cut = (px: number, py: number) => {
      const length = Math.hypot(px - x, py - y)
      const part = Math.min(RADIUS, length / 2) / (length || 1)
      return [x + (px - x) * part, y + (py - y) * part] as const
    }
    const [x1, y1] = cut(before[0], before[1])
    const [x2, y2] = cut(after[0], after[1])
    d += `L${x1} ${y1}Q${x} ${y} ${x2} ${y2}`
  })
  return d
}
