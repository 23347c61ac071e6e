import type { Headers } from '../engine/answers.js'
import { packetAt } from '../packet-at.js'
import { at, lane } from '../state.js'
import type { Box } from './layout.js'

const HEIGHT = 38
/** Of a letter of the card's fixed-width type. */
const LETTER = 7.3
const MOST = 44

const end = (address: string, port: number | null): string =>
  port === null ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

const SHOWN = [
  ['src', ({ src, sport }: Headers) => end(src, sport)],
  ['dst', ({ dst, dport }: Headers) => `→ ${end(dst, dport)}`],
] as const

const REWRITTEN = ['ttl', 'mark', 'length', 'flags'] as const

/** The packet's header, which goes along with it; what the stage rewrote stands out. */
export function Traveller({ box, width }: { box: Box | undefined; width: number }) {
  const way = lane.value
  const packet = way && packetAt(way, at.value)
  if (!box || !way || !packet) return null
  const before = at.value > 0 ? packetAt(way, at.value - 1) : packet
  const others = REWRITTEN.filter((field) => before && before[field] !== packet[field])
  const lines = SHOWN.map(([name, text]) => ({
    name,
    text: text(packet),
    changed: before !== undefined && text(before) !== text(packet),
  }))
  const more = others.map((field) => `${field} ${packet[field]}`).join(' ')
  const letters = Math.min(
    MOST,
    Math.max(...lines.map(({ text }, i) => text.length + (i === 0 && more !== '' ? more.length + 2 : 0))),
  )
  const wide = letters * LETTER + 16
  const x = Math.max(2, Math.min(width - wide - 2, box.x + box.width / 2 - wide / 2))
  const y = box.y > HEIGHT + 8 ? box.y - HEIGHT - 6 : box.y + box.height + 6
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; the card beside says the same
    <g class="traveller" aria-hidden="true" style={{ transform: `translate(${x}px, ${y}px)` }}>
      <rect width={wide} height={HEIGHT} rx="8" />
      {lines.map(({ name, text, changed }, i) => (
        <text key={name} class={changed ? 'changed' : ''} data-field={name} x="8" y={15 + i * 16}>
          {text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text}
        </text>
      ))}
      {more !== '' && (
        <text class="changed more" x={wide - 8} y="15">
          {more}
        </text>
      )}
    </g>
  )
}
