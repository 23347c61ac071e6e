import { parseIpv4, parseIpv6, printIpv4, printIpv6 } from '../../src/address/ip.js'
import type { TextFile } from './protocol.js'

/**
 * Other addresses and names in place of the real ones, the same one every time, so that the snapshot still walks as it did. Addresses that share n
 * leading bits share n afterwards, so prefixes, routes and rules still cover the same ones; the last 8 bits of IPv4 and the last 64 of IPv6 stay, so
 * ranges and host numbers within a network do. Addresses with a meaning of their own (loopback, link-local, multicast, broadcast, 0.0.0.0) stay.
 */
export class Obscurer {
  readonly #draw: (below: number) => number
  readonly #bits = new Map<string, boolean>()
  readonly #macs = new Map<string, string>()
  readonly #names = new Map<string, string>()

  /** `draw(n)`: a random whole number from 0 to n - 1. */
  constructor(draw: (below: number) => number = securely) {
    this.#draw = draw
  }

  files(files: readonly TextFile[]): readonly TextFile[] {
    for (const { path } of files) this.#learnNames(path)
    return files.map(({ path, text }) => ({ path: this.#renamed(path), text: this.text(text) }))
  }

  /** Any text: a file of the snapshot, a packet's line, a command. */
  text(text: string): string {
    return this.#renamed(text)
      .replace(/(--comment )("(?:[^"\\]|\\.)*"|\S+)/g, '$1"…"')
      .replace(/users:\(\(.*\)\)/g, 'users:(("…"))')
      .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, (mac) => this.#mac(mac))
      .replace(/(?<![\w.:])(\d{1,3}(?:\.\d{1,3}){3})(\/\d{1,2})?(?![\w.])/g, (all, ip: string, length?: string) =>
        this.#ipv4(all, ip, length),
      )
      .replace(
        /(?<![\w.:])([0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f:]*)(\/\d{1,3})?(?![\w.])/gi,
        (all, ip: string, length?: string) => this.#ipv6(all, ip, length),
      )
  }

  /** The folders of a snapshot are the names of its hosts and namespaces. */
  #learnNames(path: string): void {
    const folders = path
      .split('/')
      .slice(0, -1)
      .filter((name) => name !== 'netns')
    for (const name of folders) if (!this.#names.has(name)) this.#names.set(name, `name${this.#names.size + 1}`)
  }

  #renamed(text: string): string {
    if (this.#names.size === 0) return text
    const escaped = [...this.#names.keys()]
      .sort((a, b) => b.length - a.length)
      .map((name) => name.replace(/[^\w]/g, '\\$&'))
    return text.replace(
      new RegExp(`(?<![\\w.-])(?:${escaped.join('|')})(?![\\w.-])`, 'g'),
      (name) => this.#names.get(name)!,
    )
  }

  #mac(mac: string): string {
    const key = mac.toLowerCase()
    const first = Number.parseInt(key.slice(0, 2), 16)
    // multicast and broadcast, and the loopback's
    if (first & 1 || /^[0:]+$/.test(key)) return mac
    let other = this.#macs.get(key)
    if (other === undefined) {
      const rest = Array.from({ length: 5 }, () => this.#draw(256).toString(16).padStart(2, '0'))
      other = ['02', ...rest].join(':')
      this.#macs.set(key, other)
    }
    return other
  }

  #ipv4(all: string, text: string, length = ''): string {
    const ip = parseIpv4(text)
    if (ip === undefined || Number(length.slice(1)) > 32) return all
    const first = ip >>> 24
    // also netmasks, which begin with 255
    if (first === 0 || first === 127 || first >= 224 || isLinkLocal(ip)) return all
    const bits = length === '' ? 32 : Number(length.slice(1))
    const flipped = Number(this.#flip(BigInt(ip), 32, KEPT4))
    const host = bits === 32 ? 0 : 0xffffffff >>> bits
    const kept = (ip & host) === 0 ? (flipped & ~host) >>> 0 : flipped
    return isLinkLocal(kept) ? all : `${printIpv4(kept)}${length}`
  }

  #ipv6(all: string, text: string, length = ''): string {
    const ip = parseIpv6(text)
    if (ip === undefined || Number(length.slice(1)) > 128) return all
    const top = Number(ip >> 118n)
    // ::/16 with ::1, fe80::/10, ff00::/8
    if (ip >> 112n === 0n || top === 0x3fa || ip >> 120n === 0xffn) return all
    const bits = length === '' ? 128 : Number(length.slice(1))
    const flipped = this.#flip(ip, 128, KEPT6)
    const host = (1n << BigInt(128 - bits)) - 1n
    return `${printIpv6((ip & host) === 0n ? flipped & ~host : flipped)}${length}`
  }

  /** Flips each bit by a coin that belongs to the bits in front of it; the first ones, which tell kinds of addresses apart, and the last ones stay. */
  #flip(ip: bigint, width: number, { first, last }: { readonly first: number; readonly last: number }): bigint {
    let result = ip
    for (let bit = first; bit < width - last; bit++) {
      const key = `${width}/${bit}/${ip >> BigInt(width - bit)}`
      let coin = this.#bits.get(key)
      if (coin === undefined) {
        coin = this.#draw(2) === 1
        this.#bits.set(key, coin)
      }
      if (coin) result ^= 1n << BigInt(width - 1 - bit)
    }
    return result
  }
}

/** The first 8 bits of IPv4 stay (10 stays 10, 203 stays 203), so no address becomes a special one, or ceases to be one; the first 16 of IPv6. */
const KEPT4 = { first: 8, last: 8 }
const KEPT6 = { first: 16, last: 64 }

const isLinkLocal = (ip: number): boolean => ip >>> 16 === 0xa9fe

function securely(below: number): number {
  const [word] = crypto.getRandomValues(new Uint32Array(1))
  return word! % below
}
