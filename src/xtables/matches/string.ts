import { THERE } from '../../packet/probe.js'
import { equals, invertedIf, probed } from '../../rules/condition.js'
import { type Codec, flag, integer, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

/** XT_STRING_MAX_PATTERN_SIZE. */
const LONGEST = 128

function checked(bytes: readonly number[]): readonly number[] {
  if (bytes.length > LONGEST) throw new WordError(`at most ${LONGEST} bytes`)
  if (bytes.length === 0) throw new WordError('an empty text is found nowhere')
  return bytes
}

const plain: Codec<readonly number[]> = {
  words: 1,
  metavar: 'text',
  parse: (word) => checked([...new TextEncoder().encode(word)]),
  print: (bytes) => `"${text(bytes).replace(/["\\]/g, '\\$&')}"`,
}

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes)

/** `ab|0d 0a|c`: hex digits between bars; a backslash takes the next character as it is (libxt_string.c: parse_hex_string). */
const hex: Codec<readonly number[]> = {
  words: 1,
  metavar: 'text with |hex|',
  parse: (word) => checked(hexBytes([...new TextEncoder().encode(word)])),
  print: (bytes) => `"|${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}|"`,
}

const BAR = 0x7c
const BACKSLASH = 0x5c
const SPACE = 0x20

function hexBytes(word: readonly number[]): readonly number[] {
  const bytes: number[] = []
  let inHex = false
  for (let i = 0; i < word.length; ) {
    if (word[i] === BACKSLASH) {
      if (inHex) throw new WordError('no backslash among hex digits')
      if (i + 1 >= word.length) throw new WordError('a backslash at the end')
      bytes.push(word[i + 1]!)
      i += 2
      continue
    }
    if (word[i] === BAR) {
      inHex = !inHex
      if (inHex) while (word[i + 1] === SPACE) i++
      // the character behind a bar is no bar, nor a backslash
      if (++i >= word.length) break
    }
    if (!inHex) {
      bytes.push(word[i++]!)
      continue
    }
    if (i + 2 >= word.length) throw new WordError('a block of hex digits ends with a bar')
    const digits = text(word.slice(i, i + 2))
    if (!/^[\da-f]{2}$/i.test(digits)) throw new WordError(`bad hex digits "${digits}"`)
    bytes.push(Number.parseInt(digits, 16))
    i += word[i + 2] === SPACE ? 3 : 2
  }
  return bytes
}

/** ts_bm and ts_kmp; a finite state machine (ts_fsm) takes no text. */
const ALGORITHMS = ['bm', 'kmp'] as const
const algorithm: Codec<string> = {
  words: 1,
  metavar: 'bm|kmp',
  parse(word) {
    if (!(ALGORITHMS as readonly string[]).includes(word)) throw new WordError(`bad algorithm "${word}": bm or kmp`)
    return word
  },
  print: (word) => word,
}

const LAST = 0xffff
const offset = integer(LAST, 'offset')
/** is_hex_string: what cannot be printed, and what ends in a backslash. */
const isPlain = (bytes: readonly number[]): boolean =>
  bytes.every((byte) => byte >= 0x20 && byte < 0x7f) && bytes.at(-1) !== BACKSLASH

const small = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)

export const string = defineMatch({
  name: 'string',
  families: [4, 6],
  exactlyOne: ['string', 'hex'],
  required: ['algo'],
  options: {
    string: { flag: '--string', invertible: true, value: plain, doc: 'this text' },
    hex: { flag: '--hex-string', invertible: true, value: hex, doc: 'this text, with hex digits between bars' },
    algo: { flag: '--algo', value: algorithm, doc: 'how it is searched' },
    from: { flag: '--from', value: offset, doc: 'from this byte on, counted from the IP header' },
    to: { flag: '--to', value: offset, doc: 'ends before this byte' },
    icase: { flag: '--icase', value: flag, doc: 'small and capital letters are the same' },
  },
  listed: [
    [
      /STRING match (!)?("(?:\\.|[^"])*") ALGO name (\S+)(?: FROM (\d+))?(?: TO (\d+))?( ICASE)?/y,
      (_, not, text = '', algo, from, to, icase) =>
        [
          not ? '!' : '', /^"\|([\da-f]{2})+\|"$/.test(text) ? '--hex-string' : '--string', text, `--algo ${algo}`,
          from ? `--from ${from}` : '', to ? `--to ${to}` : '', icase ? '--icase' : '',
        ].join(' '), // biome-ignore format: one line of words
    ],
  ],
  doc: {
    summary: 'Looks for a text in the packet.',
    notes: [
      'Offsets count from the IP header on.',
      'The packet is taken as lying in one piece; where it does not, bm overlooks a text that goes over a seam.',
    ],
    kernel: 'net/netfilter/xt_string.c: string_mt; net/core/skbuff.c: skb_find_text',
  },
  check: ({ from, to }) => ((from?.value ?? 0) > (to?.value ?? LAST) ? '--from lies behind --to' : undefined),
  print({ string, hex: hexed, algo, from, to, icase }) {
    const { value, inverted } = (string ?? hexed) as Given<readonly number[]>
    const words = [isPlain(value) ? `--string ${plain.print(value)}` : `--hex-string ${hex.print(value)}`]
    if (inverted) words.unshift('!')
    words.push(`--algo ${algo!.value}`)
    if (from?.value) words.push(`--from ${from.value}`)
    if (to && to.value !== LAST) words.push(`--to ${to.value}`)
    if (icase) words.push('--icase')
    return words.join(' ')
  },
  list({ string, hex: hexed, algo, from, to, icase }) {
    const { value, inverted } = (string ?? hexed) as Given<readonly number[]>
    const shown = isPlain(value) ? plain.print(value) : hex.print(value)
    const range = `${from?.value ? ` FROM ${from.value}` : ''}${to && to.value !== LAST ? ` TO ${to.value}` : ''}`
    return ` STRING match ${inverted ? '!' : ''} ${shown} ALGO name ${algo!.value}${range}${icase ? ' ICASE' : ''}`
  },
  lower({ string, hex: hexed, from, to, icase }) {
    const { value, inverted } = (string ?? hexed) as Given<readonly number[]>
    return invertedIf(
      inverted,
      equals(
        probed({
          find: 'text',
          bytes: icase ? value.map(small) : value,
          from: from?.value ?? 0,
          to: to?.value ?? LAST,
          ignoreCase: icase !== undefined,
        }),
        THERE,
      ),
    )
  },
})
