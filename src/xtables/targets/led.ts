import { type Codec, flag, unsigned, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** struct xt_led_info: 27 bytes, less `netfilter-` and the final NUL. */
const LONGEST = 16

const id: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word.length > LONGEST) throw new WordError(`--led-trigger-id must be ${LONGEST} chars or less`)
    return word
  },
  print: (word) => `"${word.replace(/["\\]/g, '\\$&')}"`,
}

const delay: Codec<number> = {
  words: 1,
  metavar: 'ms',
  parse(word) {
    if (word === 'inf') return -1
    const value = unsigned(word)
    if (value === undefined || value > 0xffffffff) throw new WordError(`bad delay "${word}": milliseconds or inf`)
    return value | 0
  },
  print: (value) => (value < 0 ? 'inf' : `${value}`),
}

export const led = defineTarget({
  name: 'LED',
  families: [4, 6],
  required: ['id'],
  options: {
    id: { flag: '--led-trigger-id', value: id, doc: 'the end of the name of the trigger' },
    delay: { flag: '--led-delay', value: delay, doc: 'how long the light is on, in milliseconds; inf: for ever' },
    blink: { flag: '--led-always-blink', value: flag, doc: 'also where the light is on already' },
  },
  doc: { summary: 'Turns a light on. The packet goes on.', kernel: 'net/netfilter/xt_LED.c: led_tg' },
  print({ id: name, delay: ms, blink }) {
    const words = [`--led-trigger-id ${id.print(name!.value)}`]
    if (ms && ms.value !== 0) words.push(`--led-delay ${delay.print(ms.value)}`)
    if (blink) words.push('--led-always-blink')
    return words.join(' ')
  },
  list({ id: name, delay: ms, blink }) {
    const shown = ms && ms.value !== 0 ? ` led-delay:${ms.value < 0 ? 'inf' : `${ms.value}ms`}` : ''
    return ` led-trigger-id:${id.print(name!.value)}${shown}${blink ? ' led-always-blink' : ''}`
  },
  lower: ({ id: name }) => [{ do: 'log', prefix: '', what: `LED netfilter-${name!.value}` }],
})
