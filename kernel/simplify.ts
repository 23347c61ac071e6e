import { checksummed, hex, sum } from './cases/frames.js'
import type { Injection } from './lab.js'
import { isLocal } from './place.js'

/** An unfragmented packet without IPv6 extension headers, in pieces (hex digits). */
interface Parts {
  readonly at: string
  /** Ethernet header; empty where the packet is sent locally. */
  readonly link: string
  readonly family: 4 | 6
  /** IPv4: 20 bytes; IPv6: 40. */
  readonly header: string
  /** IPv4 options. */
  readonly options: string
  readonly protocol: number
  readonly transport: string
  /** Was the transport checksum right? A wrong one stays wrong. */
  readonly right: boolean
}

const number = (digits: string, byte: number, bytes: number): number =>
  Number.parseInt(digits.slice(2 * byte, 2 * (byte + bytes)) || '0', 16)
const put = (digits: string, byte: number, bytes: number, value: number): string =>
  digits.slice(0, 2 * byte) + hex(value, bytes) + digits.slice(2 * (byte + bytes))

/** Where the checksum lies in the transport header. */
const SUM_AT: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 }
const SHORTEST: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8, 58: 8 }

function pseudo({ family, header, protocol, transport }: Omit<Parts, 'right'>): string {
  if (protocol === 1) return ''
  const addresses = family === 4 ? header.slice(24, 40) : header.slice(16, 80)
  return addresses + hex(transport.length / 2, 4) + hex(protocol, 4)
}

/** Undefined for what is odd already on the outside: that is left as it is. */
function partsOf({ at, frame }: Injection): Parts | undefined {
  const link = isLocal(at) ? '' : frame.slice(0, 28)
  const packet = frame.slice(link.length)
  if (link !== '' && !['0800', '86dd'].includes(link.slice(24))) return undefined
  const family = packet.startsWith('4') ? 4 : packet.startsWith('6') ? 6 : undefined
  if (family === undefined) return undefined
  const ihl = family === 4 ? 4 * (number(packet, 0, 1) & 15) : 40
  const length = family === 4 ? number(packet, 2, 2) : 40 + number(packet, 4, 2)
  const protocol = number(packet, family === 4 ? 9 : 6, 1)
  const fragment = family === 4 && (number(packet, 6, 2) & 0x3fff) !== 0
  if (ihl < 20 || length !== packet.length / 2 || fragment) return undefined
  const transport = packet.slice(2 * ihl)
  if (!(protocol in SUM_AT) || transport.length / 2 < SHORTEST[protocol]!) return undefined
  const fixed = family === 4 ? 40 : 80
  const parts = {
    at,
    link,
    family,
    header: packet.slice(0, fixed),
    options: packet.slice(fixed, 2 * ihl),
    protocol,
    transport,
  } as const
  return { ...parts, right: sum(pseudo(parts) + transport) === 0 }
}

/** With lengths and checksums made anew. */
function injectionOf(parts: Parts): Injection {
  const { at, link, family, options, protocol, right } = parts
  const transport = protocol === 17 ? put(parts.transport, 4, 2, parts.transport.length / 2) : parts.transport
  const total = (options.length + transport.length) / 2
  let header =
    family === 4
      ? put(put(put(parts.header, 0, 1, 0x45 + options.length / 8), 2, 2, 20 + total), 10, 2, 0)
      : put(parts.header, 4, 2, total)
  if (family === 4) header = put(header, 10, 2, sum(header + options))
  const sumAt = SUM_AT[protocol]!
  const bare = put(transport, sumAt, 2, 0)
  return {
    at,
    frame: link + header + options + checksummed(bare, sumAt, pseudo({ ...parts, header, transport }), !right),
  }
}

const isEcho = ({ protocol, transport }: Parts): boolean =>
  (protocol === 1 && [0, 8].includes(number(transport, 0, 1))) ||
  (protocol === 58 && [128, 129].includes(number(transport, 0, 1)))

/** Bytes of the transport header. */
const headerOf = ({ protocol, transport }: Parts): number => (protocol === 6 ? 4 * (number(transport, 12, 1) >> 4) : 8)

const withHeader = (parts: Parts, header: string): Parts => ({ ...parts, header })
const withTransport = (parts: Parts, transport: string): Parts => ({ ...parts, transport })

/** Each makes one thing of a packet ordinary. */
const ORDINARY: readonly ((parts: Parts) => Parts)[] = [
  (parts) => (parts.protocol === 6 || parts.protocol === 17 || isEcho(parts) ? withTransport(parts, parts.transport.slice(0, 2 * headerOf(parts))) : parts),
  // an error quotes an IP header and eight bytes at least
  (parts) => (isEcho(parts) || parts.protocol === 6 || parts.protocol === 17 ? parts : withTransport(parts, parts.transport.slice(0, 2 * (8 + (parts.family === 4 ? 28 : 48))))),
  (parts) => (parts.protocol === 6 && headerOf(parts) > 20 ? withTransport(parts, put(parts.transport.slice(0, 40) + parts.transport.slice(2 * headerOf(parts)), 12, 1, 0x50)) : parts),
  (parts) => ({ ...parts, options: '' }),
  (parts) => withHeader(parts, put(parts.header, parts.family === 4 ? 8 : 7, 1, 64)),
  (parts) => withHeader(parts, parts.family === 4 ? put(parts.header, 1, 1, 0) : put(parts.header, 0, 4, 0x60000000)),
  (parts) => (parts.family === 4 ? withHeader(parts, put(parts.header, 6, 2, 0x4000)) : parts),
  (parts) => ({ ...parts, right: true }),
  ...[2, 0x10].map((flags) => (parts: Parts) => (parts.protocol === 6 ? withTransport(parts, put(parts.transport, 13, 1, flags)) : parts)),
  (parts) => (parts.protocol === 6 ? withTransport(parts, put(put(parts.transport, 14, 2, 29200), 18, 2, 0)) : parts),
  (parts) => (parts.protocol === 6 ? withTransport(parts, put(put(parts.transport, 4, 4, 1), 8, 4, 0)) : parts),
] // biome-ignore format: a table

/** Packets that say the same more plainly, one change at a time; only those that change something. */
export function* plainer(injection: Injection): Generator<Injection> {
  const parts = partsOf(injection)
  if (!parts) return
  for (const change of ORDINARY) {
    const changed = injectionOf(change(parts))
    if (changed.frame !== injection.frame) yield changed
  }
}

const addressText = (family: 4 | 6, digits: string): string =>
  family === 4
    ? [0, 1, 2, 3].map((i) => number(digits, i, 1)).join('.')
    : digits
        .match(/.{4}/g)!
        .map((word) => Number.parseInt(word, 16).toString(16))
        .join(':')

/** Every address and port in the packets, the first first: candidates for ordinary ones. */
export function named(packets: readonly Injection[]): {
  readonly addresses: readonly { readonly digits: string; readonly text: string; readonly family: 4 | 6 }[]
  readonly ports: readonly number[]
} {
  const addresses = new Map<string, { digits: string; text: string; family: 4 | 6 }>()
  const ports = new Set<number>()
  for (const packet of packets) {
    const parts = partsOf(packet)
    if (!parts) continue
    const { family, header, protocol, transport } = parts
    const [from, size] = family === 4 ? [24, 8] : [16, 32]
    for (const at of [from, from + size]) {
      const digits = header.slice(at, at + size)
      addresses.set(digits, { digits, text: addressText(family, digits), family })
    }
    if (protocol === 6 || protocol === 17) for (const at of [0, 2]) ports.add(number(transport, at, 2))
  }
  return { addresses: [...addresses.values()], ports: [...ports] }
}

/** Another address in the place of one, everywhere in the packet, also in what an ICMP error quotes. */
export function readdressed(injection: Injection, from: string, to: string): Injection {
  const parts = partsOf(injection)
  if (!parts) return injection
  const swap = (digits: string) => {
    let out = digits
    for (let at = 0; at + from.length <= out.length; at += 2)
      if (out.slice(at, at + from.length) === from) out = out.slice(0, at) + to + out.slice(at + from.length)
    return out
  }
  const quotes = (parts.protocol === 1 || parts.protocol === 58) && !isEcho(parts)
  return injectionOf({
    ...parts,
    header: swap(parts.header),
    transport: quotes ? swap(parts.transport) : parts.transport,
  })
}

export function reported(injection: Injection, from: number, to: number): Injection {
  const parts = partsOf(injection)
  if (!parts || (parts.protocol !== 6 && parts.protocol !== 17)) return injection
  let { transport } = parts
  for (const at of [0, 2]) if (number(transport, at, 2) === from) transport = put(transport, at, 2, to)
  return injectionOf({ ...parts, transport })
}
