import { type Signal, signal } from '@preact/signals'
import type { ComponentChildren, RefObject } from 'preact'
import { useRef } from 'preact/hooks'
import { t } from '../i18n/index.js'

const STEP = 1.25
const [LEAST, MOST] = [0.3, 4]

/** A picture's width on the screen, as a multiple of what it has by itself; undefined: as its frame wants it. */
export const zoomSignal = () => signal<number | undefined>(undefined)

interface Props {
  readonly zoom: Signal<number | undefined>
  /** The picture's own width. */
  readonly width: number
  readonly class: string
  readonly label: string
  /** The element that scrolls. */
  readonly frame?: RefObject<HTMLElement | null>
  readonly children: ComponentChildren
}

/** A frame in which a picture is moved and zoomed: by buttons, by + − 0, by the wheel with Ctrl (which is what pinching is). */
export function Zoomable({ zoom, width, class: name, label, frame, children }: Props) {
  const own = useRef<HTMLElement>(null)
  const scroller = frame ?? own
  const by = (factor: number) => {
    const element = scroller.current
    const svg = element?.querySelector('svg')
    if (!element || !svg) return
    const now = zoom.value ?? svg.clientWidth / width
    const next = Math.max(LEAST, Math.min(MOST, now * factor))
    // what is in the middle stays there
    const [x, y] = [element.scrollLeft + element.clientWidth / 2, element.scrollTop + element.clientHeight / 2]
    zoom.value = next
    requestAnimationFrame(() =>
      element.scrollTo({
        left: (x * next) / now - element.clientWidth / 2,
        top: (y * next) / now - element.clientHeight / 2,
      }),
    )
  }
  const keys: Readonly<Record<string, () => void>> = {
    '+': () => by(STEP),
    '=': () => by(STEP),
    '-': () => by(1 / STEP),
    '0': () => {
      zoom.value = undefined
    },
  }
  return (
    <div class="zoomable">
      <section
        class={name}
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        tabIndex={0}
        aria-label={label}
        onKeyDown={(event) => {
          const key = keys[event.key]
          if (!key || event.ctrlKey || event.metaKey || event.altKey) return
          event.preventDefault()
          key()
        }}
        onWheel={(event) => {
          if (!event.ctrlKey) return
          event.preventDefault()
          by(event.deltaY < 0 ? STEP : 1 / STEP)
        }}
      >
        {children}
      </section>
      <div class="zoom">
        <button
          type="button"
          class="icon"
          aria-label={`${t('zoomIn')}: ${label}`}
          title={`${t('zoomIn')} (+)`}
          onClick={keys['+']}
        >
          +
        </button>
        <button
          type="button"
          class="icon"
          aria-label={`${t('zoomOut')}: ${label}`}
          title={`${t('zoomOut')} (−)`}
          onClick={keys['-']}
        >
          −
        </button>
        {zoom.value !== undefined && (
          <button
            type="button"
            class="icon"
            aria-label={`${t('zoomFit')}: ${label}`}
            title={`${t('zoomFit')} (0)`}
            onClick={keys['0']}
          >
            ⤢
          </button>
        )}
      </div>
    </div>
  )
}
