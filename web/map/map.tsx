import { computed } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { StageName } from '../../src/path/stages.js'
import { placeOf } from '../engine/answers.js'
import type { Key } from '../i18n/en.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { stageLabel } from '../i18n/stages.js'
import { at, family, focus, goTo, lane, map, place } from '../state.js'
import { type Box, type Entry, HEAD, layoutOf, ROW, stageOf } from './layout.js'
import { bypassed, type EntryFate, edgeKey, entryFate, litIn } from './lit.js'
import { pressable } from './pressable.js'
import { Traveller } from './traveller.js'
import { Zoomable, zoomSignal } from './zoom.js'

const layout = computed(() => layoutOf(map.value))
const lit = computed(() => litIn(lane.value, place.value ?? '', at.value))

/** The path of a packet through one namespace: boxes and edges are the engine's own, lit is what the packet has passed so far. */
export function PathPicture() {
  const { width, height, boxes, edges } = layout.value
  const { stages, edges: passed, ahead, current, steps } = lit.value
  const frame = useRef<HTMLElement>(null)
  useEffect(() => {
    const box = current && boxes.get(current)
    const element = frame.current
    if (!box || !element) return
    const scale = element.scrollWidth / width
    element.scrollTo({ left: (box.x + box.width / 2) * scale - element.clientWidth / 2, behavior: motion() })
  }, [current, boxes, width])
  return (
    <Zoomable zoom={zoom} width={width} class="picture" label={t('map')} frame={frame}>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons within a picture; no other element can be one */}
      <svg
        viewBox={`0 0 ${width} ${height}`}
        style={zoom.value === undefined ? {} : { width: `${width * zoom.value}px`, minWidth: '0' }}
        role="group"
        aria-label={t('mapOf', { place: place.value ?? '' })}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto-start-reverse"
          >
            <path d="M0 0L8 4L0 8z" class="arrow" />
          </marker>
          <marker
            id="arrow-lit"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="6"
            markerHeight="6"
            orient="auto-start-reverse"
          >
            <path d="M0 0L8 4L0 8z" class="arrow lit" />
          </marker>
        </defs>
        {edges.map(({ from, to, d }) => {
          const on = passed.has(edgeKey(from, to))
          return (
            <path
              key={`${from} ${to}`}
              d={d}
              class={on ? 'edge lit' : ahead.edges.has(edgeKey(from, to)) ? 'edge ahead' : 'edge'}
              data-edge={edgeKey(from, to)}
              marker-end={on ? 'url(#arrow-lit)' : 'url(#arrow)'}
            />
          )
        })}
        {[...boxes.values()].map((box) => (
          <StageBox
            key={box.stage}
            box={box}
            lit={stages.has(box.stage)}
            ahead={ahead.stages.has(box.stage)}
            current={box.stage === current}
            fates={box.entries.map((entry) => entryFate(entry, steps.get(box.stage) ?? []))}
          />
        ))}
        <Traveller box={current && boxes.get(current)} width={width} />
      </svg>
    </Zoomable>
  )
}

const zoom = zoomSignal()

const motion = (): ScrollBehavior => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth')

function StageBox({
  box,
  lit,
  ahead,
  current,
  fates,
}: {
  box: Box
  lit: boolean
  ahead: boolean
  current: boolean
  fates: readonly EntryFate[]
}) {
  const { stage, x, y, width, height, entries } = box
  const { hook, kernel } = stageOf(stage)
  const label = stageLabel(stage)
  const state = `${lit ? ' lit' : ahead ? ' ahead' : lane.value ? ' passed-by' : ''}${current ? ' current' : ''}`
  const why = lit || ahead ? '' : `\n${whyNot(stage)}`
  return (
    <g class={`stage ${stageOf(stage).kind}${state}`} data-stage={stage} transform={`translate(${x} ${y})`}>
      <rect class="box" width={width} height={height} rx="9" />
      <g class="head" {...pressable(lit ? () => jumpTo(stage) : undefined)}>
        <title>{`${label}${why}\n${kernel}`}</title>
        <rect class="target" x="3" y="3" width={width - 6} height={hook ? HEAD - 6 : height - 6} rx="7" />
        <Words text={label} x={width / 2} y={hook ? 18 : height / 2} most={hook ? 40 : 13} />
      </g>
      {hook && (
        <>
          {entries.length === 0 && (
            <text class="empty" x={width / 2} y={HEAD + 14}>
              {t('emptyHook')}
            </text>
          )}
          {entries.map((entry, i) => (
            <EntryRow key={i} entry={entry} fate={fates[i]!} y={HEAD + i * ROW} width={width} />
          ))}
        </>
      )}
    </g>
  )
}

/** Why the packet did not come here. */
function whyNot(stage: StageName): string {
  const found = bypassed(lane.value, place.value ?? '', stage)
  if (!found) return lane.value ? t('notPassed') : ''
  const to = found.to === 'end' ? undefined : stageLabel(found.to)
  return to === undefined
    ? t('endedBefore', { at: stageLabel(found.at) })
    : t('wentElsewhere', { at: stageLabel(found.at), to })
}

/** The last time that the packet stood on a stage of the namespace that is shown. */
function jumpTo(stage: StageName): void {
  const index = lane.value?.way.findLastIndex((visit) => visit.stage === stage && placeOf(visit) === place.value)
  if (index !== undefined && index >= 0) goTo(index)
}

/** A label in one or two lines. */
function Words({ text, x, y, most }: { text: string; x: number; y: number; most: number }) {
  const words = text.split(' ')
  const half = Math.ceil(words.length / 2)
  const lines = text.length > most && words.length > 1 ? [words.slice(0, half), words.slice(half)] : [words]
  return (
    <text class="label" x={x} y={y - (lines.length - 1) * 8 + 4}>
      {lines.map((line, i) => (
        <tspan key={i} x={x} dy={i === 0 ? 0 : 16}>
          {`${line.join(' ')} `}
        </tspan>
      ))}
    </text>
  )
}

const NAMES: Readonly<Record<Exclude<Entry['kind'], 'chain' | 'nat'>, Key>> = {
  conntrack: 'conntrack',
  defragment: 'defragment',
  confirm: 'confirm',
  opaque: 'opaque',
}

function nameOf(entry: Entry): string {
  if (entry.chain) return `${entry.chain.table} ${entry.chain.name}`
  if (entry.kind === 'nat') return t(entry.priority < 0 ? 'nat-dst' : 'nat-src')
  return t(NAMES[entry.kind as keyof typeof NAMES])
}

const LAST = 2147483647

function EntryRow({ entry, fate, y, width }: { entry: Entry; fate: EntryFate; y: number; width: number }) {
  const shown = fit(nameOf(entry), 20)
  const priority = entry.priority === LAST ? '∞' : entry.priority
  const chain = entry.chain
  const open = chain
    ? () => {
        focus.value = {
          place: place.value!,
          family: family.value,
          backend: chain.backend,
          table: chain.table,
          chain: chain.name,
        }
      }
    : undefined
  const focused =
    chain &&
    focus.value?.table === chain.table &&
    focus.value.chain === chain.name &&
    focus.value.backend === chain.backend
  return (
    <g
      class={`entry ${chain ? 'chain' : 'builtin'} ${fate.is}${focused ? ' focused' : ''}`}
      data-entry={chain ? `${chain.backend} ${chain.table} ${chain.name}` : entry.kind}
      data-fate={fate.is}
      transform={`translate(5 ${y})`}
      {...pressable(open)}
    >
      <title>{`${priority} ${nameOf(entry)}: ${aboutOf(entry, fate)}`}</title>
      <rect class="row" width={width - 10} height={ROW - 2} rx="5" />
      <text class="priority" x="38" y="14">
        {priority}
      </text>
      <text class="name" x="45" y="14">
        {shown}
      </text>
    </g>
  )
}

/** SVG text does not wrap or cut itself; names are hostile and long. */
const fit = (text: string, most: number): string => {
  const characters = [...text]
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`
}

function aboutOf(entry: Entry, fate: EntryFate): string {
  const rules = entry.chain ? t('rulesCount', { n: entry.chain.rules }) : say(entry.text ?? '')
  if (fate.is === 'skipped') return t('skippedBecause', { reason: say(fate.reason) })
  if (fate.is === 'did') return say(fate.text)
  if (fate.is === 'silent') return rules
  const { decided, verdict } = fate.visit
  const by = decided.rule === null ? t('policy') : `${decided.chain} ${t('rule')} ${decided.rule}`
  return `${verdict} (${by})`
}
