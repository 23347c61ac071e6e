import { parseAddressMask, printAddressMask } from './address-mask.js'

/**
 * What a word is by its looks, without being read. 0: that takes reading. Else the word is right, it prints as it stands, and words of the same number
 * are all one to whoever checks the options of a rule: only the value differs. `from` and `to` are within the quotes where the word has some.
 */
export type Plain = (text: string, from: number, to: number, quoted: boolean) => number

const ZERO = 48
const DOT = 46
const SLASH = 47
const COLON = 58

/** Letters, digits, `_`, `-`: what xtables_save_string prints without quotes. */
export const isBare = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= ZERO && code < COLON) ||
  code === 95 ||
  code === 45

/** A text that prints in quotes exactly where it has to. What begins like an option or a negation is left to the reader. */
export const plainText =
  (limit: number): Plain =>
  (text, from, to, quoted) => {
    if (to - from > limit) return 0
    const first = text.charCodeAt(from)
    if (first === 45 || first === 33) return 0
    let bare = to > from
    for (let i = from; i < to; i++) {
      const code = text.charCodeAt(i)
      if (isBare(code)) continue
      // beyond ASCII a character counts for several; quotes and backslashes print with a backslash
      if (code >= 0x80 || code === 34 || code === 39 || code === 92) return 0
      bare = false
    }
    return bare === quoted ? 0 : 1
  }

/** The place behind a decimal number up to `most` without needless zeros, or -1. */
function decimal(text: string, from: number, to: number, most: number): number {
  let value = 0
  let i = from
  for (; i < to; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    if (value > most || (i > from && value < 10)) return -1
  }
  return i > from ? i : -1
}

/** One port, but not 0. */
export const plainPort: Plain = (text, from, to, quoted) =>
  !quoted && text.charCodeAt(from) !== ZERO && decimal(text, from, to, 0xffff) === to ? 1 : 0

let ip = 0

/** The place behind an IPv4 address, or -1; the address is left in `ip`. */
function address4(text: string, from: number, to: number): number {
  let at = from
  let value = 0
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return -1
    const end = decimal(text, at, to, 255)
    if (end < 0) return -1
    let byte = 0
    for (; at < end; at++) byte = byte * 10 + text.charCodeAt(at) - ZERO
    value = value * 256 + byte
  }
  ip = value
  return at
}

/** `ADDRESS/LENGTH` without host bits; 1 for IPv4, 2 for IPv6. */
export const plainAddress: Plain = (text, from, to, quoted) => {
  if (quoted) return 0
  const end = address4(text, from, to)
  if (end < 0) return isPlain6(text, from, to) ? 2 : 0
  if (text.charCodeAt(end) !== SLASH || text.charCodeAt(end + 1) === ZERO) return 0
  if (decimal(text, end + 1, to, 32) !== to) return 0
  let length = 0
  for (let i = end + 1; i < to; i++) length = length * 10 + text.charCodeAt(i) - ZERO
  return ip % 2 ** (32 - length) === 0 ? 1 : 0
}

function isPlain6(text: string, from: number, to: number): boolean {
  if (to - from > 50) return false
  const word = text.slice(from, to)
  if (!word.includes(':') || word.includes(',')) return false
  const read = parseAddressMask(word)
  return read !== undefined && typeof read.ip === 'bigint' && read.length > 0 && printAddressMask(read) === word
}

/** `ADDRESS` or `ADDRESS:PORT`, IPv4: 1 without a port, 2 with one. */
export const plainNatRange: Plain = (text, from, to, quoted) => {
  if (quoted) return 0
  const end = address4(text, from, to)
  if (end === to) return 1
  return end > 0 && text.charCodeAt(end) === COLON && plainPort(text, end + 1, to, false) ? 2 : 0
}

/** The name of an interface, or the beginning of one with `+`, of ordinary letters. */
export const plainInterface: Plain = (text, from, to, quoted) => {
  if (quoted || to - from > 15) return 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === 45 ? i > from : isBare(code) || (i > from && (code === DOT || (code === 43 && i === to - 1)))) continue
    return 0
  }
  return 1
}
