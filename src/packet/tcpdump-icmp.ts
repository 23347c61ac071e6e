import type { FieldsRequest } from './request.js'

type Message = readonly [pattern: RegExp, type: number, code: number]

/** What tcpdump prints of ICMP (print-icmp.c). The first that fits counts. */
const MESSAGES4: readonly Message[] = [
  [/echo request/, 8, 0],
  [/echo reply/, 0, 0],
  [/(?:tcp|udp) port \S+ unreachable|port \d+ unreachable/, 3, 3],
  [/protocol \S+ unreachable/, 3, 2],
  [/need to frag/, 3, 4],
  [/unreachable - source route failed/, 3, 5],
  [/net \S+ unreachable - unknown/, 3, 6],
  [/host \S+ unreachable - unknown/, 3, 7],
  [/net \S+ unreachable - admin prohibited/, 3, 9],
  [/unreachable - admin prohibited filter/, 3, 13],
  [/host \S+ unreachable - admin prohibited/, 3, 10],
  [/net \S+ unreachable - tos prohibited/, 3, 11],
  [/host \S+ unreachable - tos prohibited/, 3, 12],
  [/net \S+ unreachable/, 3, 0],
  [/host \S+ unreachable/, 3, 1],
  [/source quench/, 4, 0],
  [/redirect .* to net/, 5, 0],
  [/redirect/, 5, 1],
  [/router advertisement/, 9, 0],
  [/router solicitation/, 10, 0],
  [/time exceeded in-transit/, 11, 0],
  [/reassembly time exceeded/, 11, 1],
  [/parameter problem/, 12, 0],
  [/time stamp query/, 13, 0],
  [/time stamp reply/, 14, 0],
  [/address mask request/, 17, 0],
  [/address mask is/, 18, 0],
]

/** And of ICMPv6 (print-icmp6.c). */
const MESSAGES6: readonly Message[] = [
  [/echo request/, 128, 0],
  [/echo reply/, 129, 0],
  [/unreachable route/, 1, 0],
  [/unreachable prohibited/, 1, 1],
  [/beyond scope/, 1, 2],
  [/unreachable address/, 1, 3],
  [/unreachable port/, 1, 4],
  [/destination unreachable/, 1, 0],
  [/packet too big/, 2, 0],
  [/time exceeded in-?transit/, 3, 0],
  [/time exceeded in-reassembly|reassembly/, 3, 1],
  [/parameter problem, next header/, 4, 1],
  [/parameter problem, option/, 4, 2],
  [/parameter problem/, 4, 0],
  [/multicast listener query/, 130, 0],
  [/multicast listener report v2/, 143, 0],
  [/multicast listener report/, 131, 0],
  [/multicast listener done/, 132, 0],
  [/router solicitation/, 133, 0],
  [/router advertisement/, 134, 0],
  [/neighbor solicitation/, 135, 0],
  [/neighbor advertisement/, 136, 0],
  [/redirect/, 137, 0],
]

/** Type, code, id and sequence of `ICMP echo request, id 1, seq 2, length 64`. */
export function tcpdumpIcmp(rest: string, family: 4 | 6): Partial<FieldsRequest> {
  const message = (family === 4 ? MESSAGES4 : MESSAGES6).find(([pattern]) => pattern.test(rest))
  if (!message) return {}
  const id = /\bid (\d+)/.exec(rest)
  const sequence = /\bseq (\d+)/.exec(rest)
  const mtu = /\bmtu (\d+)/.exec(rest)
  return {
    icmp: {
      type: message[1],
      code: message[2],
      ...(id && { id: Number(id[1]) }),
      ...(sequence && { sequence: Number(sequence[1]) }),
      ...(mtu && { rest: Number(mtu[1]) }),
    },
  }
}
