import type { Ip } from '../address/ip.js'
import { and, firstOf, invertMask, lastOf, maskOf, or } from '../address/prefix.js'
import { type Data, KernelError } from './data.js'
import type { Adt } from './type.js'

/** More than anybody means: the kernel would be busy for minutes. */
const MOST = 2 ** 24

/** `0.0.0.0` as host order numbers; both ends belong to it. */
export type Span = readonly [from: number, to: number]

/** FROM-TO in either order, IP/CIDR, or one address. */
export function span(ip: number, ipTo: Ip | undefined, cidr: number | undefined): Span {
  if (typeof ipTo === 'number') return ip > ipTo ? [ipTo, ip] : [ip, ipTo]
  if (cidr === undefined) return [ip, ip]
  if (cidr === 0 || cidr > 32) throw new KernelError('INVALID_CIDR')
  const prefix = { ip, length: cidr }
  return [firstOf(prefix) as number, lastOf(prefix) as number]
}

/** Every `step`-th address. */
export function* addresses([from, to]: Span, step = 1): Generator<number> {
  let count = 0
  for (let ip = from; ip <= to; ip += step) {
    if (count++ > MOST) throw new KernelError('ERANGE')
    yield ip
  }
}

/** The fewest prefixes that are the range (ip_set_range_to_cidr); of the whole space two halves. */
export function* prefixes([from, to]: Span): Generator<{ readonly ip: number; readonly length: number }> {
  let count = 0
  for (let ip = from; ip <= to; ) {
    if (count++ > MOST) throw new KernelError('ERANGE')
    let length = 32
    for (let shorter = 1; shorter < 32; shorter++) {
      const mask = maskOf(4, shorter) as number
      const last = or(ip, invertMask(mask)) as number
      // the kernel compares as if numbers went round: over half of the space no prefix fits
      if (and(ip, mask) === ip && ((to - last) | 0) >= 0) {
        length = shorter
        break
      }
    }
    yield { ip, length }
    ip = (or(ip, invertMask(maskOf(4, length))) as number) + 1
  }
}

/** A whole network where it is one (`10.0.0.0/8`, `10.0.0.1`), else the prefixes of the range. */
export const networks = (
  ip: number,
  ipTo: Ip | undefined,
  cidr: number,
): Iterable<{ readonly ip: number; readonly length: number }> =>
  ipTo === undefined
    ? [{ ip: and(ip, maskOf(4, cidr)) as number, length: cidr }]
    : prefixes(bounded(span(ip, ipTo, undefined)))

/** `0.0.0.0-255.255.255.255` is refused where networks are made of it. */
export function bounded(range: Span): Span {
  if (range[0] === 0 && range[1] === 0xffffffff) throw new KernelError('HASH_RANGE')
  return range
}

/** IPPROTO_TCP, UDP, SCTP, UDPLITE: ip_set_proto_with_ports. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132, 136])
const ICMP = { 4: 1, 6: 58 } as const

/** The ports that an element means: of protocols without ports it is 0. */
export function ports(
  { port = 0, portTo, protocol }: Data,
  family: 4 | 6,
  adt: Adt,
): { readonly protocol: number; readonly ports: Span } {
  if (protocol === undefined) throw new KernelError('MISSING_PROTO')
  if (protocol === 0) throw new KernelError('INVALID_PROTO')
  const has = WITH_PORTS.has(protocol)
  const first = has || protocol === ICMP[family] ? port : 0
  if (!has || portTo === undefined || adt === 'test') return { protocol, ports: [first, first] }
  return { protocol, ports: first > portTo ? [portTo, first] : [first, portTo] }
}

export function* counted([from, to]: Span): Generator<number> {
  for (let port = from; port <= to; port++) yield port
}

/** Ranges of IPv6 addresses are not read; of prefixes only the host's own (for types without networks). */
export function single6(data: Data, networks = false): void {
  if (data.ipTo !== undefined || data.ip2To !== undefined) throw new KernelError('HASH_RANGE_UNSUPPORTED')
  if (data.cidr !== undefined && !networks && data.cidr !== 128) throw new KernelError('INVALID_CIDR')
}

/** Prefix lengths from 1, or from 0 where the type has such networks. */
export function checkCidr(cidr: number | undefined, family: 4 | 6, zero = false): number {
  const most = family === 4 ? 32 : 128
  if (cidr === undefined) return most
  if ((cidr === 0 && !zero) || cidr > most) throw new KernelError('INVALID_CIDR')
  return cidr
}
