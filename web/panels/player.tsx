import { placeOf } from '../engine/answers.js'
import { redo, undo } from '../history.js'
import { t } from '../i18n/index.js'
import { stageLabel } from '../i18n/stages.js'
import { packetAt } from '../packet-at.js'
import { at, goTo, journey, lane, place, playing } from '../state.js'

const SHOWN = ['src', 'sport', 'dst', 'dport', 'protocol', 'flags', 'ttl', 'length', 'mark'] as const

/** The packet's header; what the stage rewrote stands out. */
export function HeaderCard() {
  const way = lane.value
  const packet = way && packetAt(way, at.value)
  const before = way && at.value > 0 ? packetAt(way, at.value - 1) : packet
  if (!packet) return null
  return (
    <dl class="card">
      {SHOWN.filter((field) => packet[field] !== null).map((field) => {
        const changed = before !== undefined && before[field] !== packet[field]
        return (
          <div key={field} class={changed ? 'changed' : ''}>
            <dt>{field}</dt>
            <dd>
              {changed && <del>{String(before[field])}</del>}{' '}
              {changed ? <ins>{String(packet[field])}</ins> : String(packet[field])}
            </dd>
          </div>
        )
      })}
    </dl>
  )
}

const Icon = ({ d }: { d: string }) => (
  <svg class="glyph" viewBox="0 0 20 20" aria-hidden="true">
    <path d={d} />
  </svg>
)

export function Player() {
  const all = lane.value?.way.length ?? 0
  if (all === 0) return null
  const visit = lane.value!.way[at.value]
  const stage = visit ? stageLabel(visit.stage) : ''
  return (
    <section class="player" aria-label={t('scrub')}>
      <div class="row">
        <button type="button" class="icon" aria-label={t('first')} onClick={() => goTo(0)}>
          <Icon d="M5 4v12M16 4L8 10l8 6z" />
        </button>
        <button type="button" class="icon" aria-label={t('previous')} onClick={() => goTo(at.value - 1)}>
          <Icon d="M14 4L6 10l8 6z" />
        </button>
        <button
          type="button"
          class="icon primary"
          aria-label={playing.value ? t('pause') : t('play')}
          onClick={() => {
            if (!playing.value && at.value + 1 >= all) goTo(0)
            playing.value = !playing.value
          }}
        >
          <Icon d={playing.value ? 'M6 4v12M13 4v12' : 'M6 4l10 6-10 6z'} />
        </button>
        <button type="button" class="icon" aria-label={t('next')} onClick={() => goTo(at.value + 1)}>
          <Icon d="M6 4l8 6-8 6z" />
        </button>
        <button type="button" class="icon" aria-label={t('last')} onClick={() => goTo(all - 1)}>
          <Icon d="M4 4l8 6-8 6zM15 4v12" />
        </button>
        <input
          type="range"
          min={0}
          max={all - 1}
          value={at.value}
          aria-label={t('scrub')}
          aria-valuetext={`${t('step', { n: at.value + 1, all })}: ${visit ? placeOf(visit) : ''} ${stage}`}
          onInput={({ currentTarget }) => goTo(Number(currentTarget.value))}
        />
        <span class="count">{t('step', { n: at.value + 1, all })}</span>
      </div>
      <ol class="journey" aria-label={t('journey')}>
        {journey.value.map(({ place: name, first }, index) => {
          const next = journey.value[index + 1]?.first ?? all
          const here = at.value >= first && at.value < next
          return (
            <li key={`${name} ${first}`}>
              <button type="button" class="chip" aria-current={here ? 'step' : undefined} onClick={() => goTo(first)}>
                {name}
              </button>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** Keys that move the packet, unless something is being typed or a control has its own use for them. */
export function keys(event: KeyboardEvent): void {
  const target = event.target as HTMLElement
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !target.closest('input, textarea, .editor')) {
    const back = event.key.toLowerCase() === 'z' && !event.shiftKey
    const forth = event.key.toLowerCase() === 'y' || (event.key.toLowerCase() === 'z' && event.shiftKey)
    if (!back && !forth) return
    event.preventDefault()
    if (back) undo()
    else redo()
    return
  }
  if (event.ctrlKey || event.altKey || event.metaKey || target.closest('input, textarea, select, dialog, [role=grid]'))
    return
  const moves: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => goTo(at.value - 1),
    ArrowRight: () => goTo(at.value + 1),
    Home: () => goTo(0),
    End: () => goTo(Number.MAX_SAFE_INTEGER),
  }
  const move = moves[event.key]
  if (move) {
    event.preventDefault()
    move()
  } else if (event.key === ' ' && !target.closest('button, [role=button], a, summary')) {
    event.preventDefault()
    playing.value = !playing.value
  }
}

export const title = () => (place.value === undefined ? t('map') : `${t('map')}: ${place.value}`)
