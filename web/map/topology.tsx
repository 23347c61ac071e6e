import { signal } from '@preact/signals'
import type { ElkNode } from 'elkjs'
import { useEffect } from 'preact/hooks'
import { placeOf } from '../engine/answers.js'
import { t } from '../i18n/index.js'
import { enlarged } from '../rem.js'
import { goTo, journey, lane, place, shown } from '../state.js'
import { pressable } from './pressable.js'
import { Zoomable, zoomSignal } from './zoom.js'

interface Node {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Wire {
  readonly from: string
  readonly to: string
  readonly label: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

interface Drawn {
  readonly width: number
  readonly height: number
  readonly nodes: readonly Node[]
  readonly wires: readonly Wire[]
}

interface ShownWire {
  readonly ends: readonly { readonly host: string; readonly namespace: string; readonly interface: string }[]
}

const drawn = signal<Drawn | undefined>(undefined)

/** The layout engine is large and comes only when there is something to lay out. */
async function draw(places: readonly string[], wires: readonly ShownWire[]): Promise<Drawn> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js')
  const pairs = wires.flatMap(({ ends }) => ends.slice(1).map((end) => [ends[0]!, end] as const))
  const laid: ElkNode = await new Elk().layout({
    id: 'all',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.spacing.nodeNode': '18',
      'elk.layered.spacing.nodeNodeBetweenLayers': '70',
    },
    children: places.map((id) => ({ id, width: Math.max(90, [...id].length * 8.4 + 24), height: 34 })),
    edges: pairs.map(([a, b], i) => ({ id: String(i), sources: [placeOf(a)], targets: [placeOf(b)] })),
  })
  return {
    width: laid.width ?? 0,
    height: laid.height ?? 0,
    nodes: (laid.children ?? []).map(({ id, x = 0, y = 0, width = 0, height = 0 }) => ({ id, x, y, width, height })),
    wires: (laid.edges ?? []).map(({ id, sections }) => {
      const [a, b] = pairs[Number(id)]!
      const points = (sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
        startPoint,
        ...bendPoints,
        endPoint,
      ])
      return { from: placeOf(a), to: placeOf(b), label: `${a.interface} — ${b.interface}`, points }
    }),
  }
}

const zoom = zoomSignal()

/** The namespaces and what joins them; those that the packet passes are lit. */
export function Topology() {
  const places = (shown.value?.namespaces ?? []).map((one) =>
    placeOf(one as unknown as { host: string; namespace: string }),
  )
  const wires = (shown.value?.wires ?? []) as unknown as readonly ShownWire[]
  const shape = `${places.join()} ${JSON.stringify(wires)}`
  useEffect(() => {
    let current = true
    drawn.value = undefined
    if (places.length > 1)
      draw(places, wires).then((made) => {
        if (current) drawn.value = made
      })
    return () => {
      current = false
    }
  }, [shape])
  const picture = drawn.value
  if (!picture) return null
  const passed = new Set((lane.value?.way ?? []).map(placeOf))
  const joined = new Set(
    journey.value.map(({ place: name }, i) => [journey.value[i - 1]?.place ?? '', name].sort().join(' ')),
  )
  return (
    <Zoomable zoom={zoom} width={picture.width + 12} class="topology" label={t('topology')}>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons within a picture; no other element can be one */}
      <svg
        viewBox={`-6 -6 ${picture.width + 12} ${picture.height + 12}`}
        style={{ width: `${(picture.width + 12) * (zoom.value ?? enlarged())}px` }}
        role="group"
        aria-label={t('topology')}
      >
        {picture.wires.map(({ from, to, label, points }) => (
          <polyline
            key={`${from} ${to} ${label}`}
            class={`edge ${joined.has([from, to].sort().join(' ')) ? 'lit' : ''}`}
            points={points.map(({ x, y }) => `${x},${y}`).join(' ')}
          >
            <title>{label}</title>
          </polyline>
        ))}
        {picture.nodes.map(({ id, x, y, width, height }) => {
          const first = journey.value.find((one) => one.place === id)?.first
          return (
            <g
              key={id}
              class={`place ${passed.has(id) ? 'lit' : ''} ${place.value === id ? 'current' : ''}`}
              transform={`translate(${x} ${y})`}
              {...pressable(first === undefined ? undefined : () => goTo(first))}
            >
              <title>{id}</title>
              <rect width={width} height={height} rx="9" />
              <text x={width / 2} y={height / 2 + 5}>
                {id}
              </text>
            </g>
          )
        })}
      </svg>
    </Zoomable>
  )
}
