const DIGITS = /^[\da-f]*$/i

/** Bytes from hex digits; blanks, colons and dashes between them and a leading `0x` are skipped. `undefined` where it is no whole number of bytes. */
export function hexToBytes(text: string): Uint8Array | undefined {
  const digits = text.replace(/^\s*0x/i, '').replace(/[\s:-]/g, '')
  if (digits.length % 2 !== 0 || !DIGITS.test(digits)) return undefined
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const ASCII = new TextDecoder('latin1')

/** Lower-case hex digits, two per byte, nothing between. */
export function bytesToHex(bytes: Uint8Array): string {
  const digits = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    digits[2 * i] = HEX[byte >> 4]!
    digits[2 * i + 1] = HEX[byte & 15]!
  }
  return ASCII.decode(digits)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
