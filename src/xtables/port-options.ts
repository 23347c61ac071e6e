import type { Family } from '../address/ip.js'
import { all, any, type Condition, equals, inRanges, invertedIf, masked, not, probed } from '../rules/condition.js'
import type { Value } from '../rules/value.js'
import { portRange } from './codec.js'
import type { Given } from './extension.js'

type Ports = Given<readonly [number, number]> | undefined

/** `--sport` and `--dport` of the protocols that have ports. */
export const PORT_OPTIONS = {
  sport: { flag: '--sport', aliases: ['--source-port'], invertible: true, value: portRange, doc: 'the source port' },
  dport: {
    flag: '--dport',
    aliases: ['--destination-port'],
    invertible: true,
    value: portRange,
    doc: 'the destination port',
  },
} as const

/** What they ask, one condition each. */
export const portConditions = (sport: Ports, dport: Ports): readonly Condition[] => [
  ...(sport ? [invertedIf(sport.inverted, inRanges('th.sport', [sport.value]))] : []),
  ...(dport ? [invertedIf(dport.inverted, inRanges('th.dport', [dport.value]))] : []),
]

/** `--sport` and `--dport` of tcp and udp: all ports are not printed, inverted or not (libxt_tcp.c: tcp_save). */
export function printPorts(sport: Ports, dport: Ports): string[] {
  const words: string[] = []
  const add = (given: Ports, flag: string) => {
    if (!given || (given.value[0] === 0 && given.value[1] === 0xffff)) return
    words.push(`${given.inverted ? '! ' : ''}${flag} ${portRange.print(given.value)}`)
  }
  add(sport, '--sport')
  add(dport, '--dport')
  return words
}

/** What is loaded from a transport header. */
interface Loads {
  readonly sport: Value
  readonly dport: Value
  readonly tcpFlags: Value
}

const LOADS: Loads = { sport: 'th.sport', dport: 'th.dport', tcpFlags: 'tcp.flags' }
const word = (at: number, by: number): Value => probed({ find: 'word', at, steps: [{ do: '>>', number: by }] })
/** Of a later IPv6 fragment Linux takes the IPv6 header for the transport header (ipv6_find_hdr leaves the offset at 0). */
export const LATER6: Loads = {
  sport: word(0, 16),
  dport: masked(word(0, 0), 0xffff),
  tcpFlags: masked(word(12, 16), 0xff),
}

/** The length of that header, in words. */
export const LATER6_LENGTH: Value = word(12, 28)

/** TCP's flags under a mask. */
export interface FlagTest {
  readonly mask: number
  readonly set: number
}

/**
 * tcp and udp as iptables-nft has them: loads from the transport header, which do not match where the packet ends before them, whatever is asked of
 * them (net/netfilter/nft_payload.c: nft_payload_eval, NFT_BREAK). Later fragments are loaded from like any packet: the payload is taken for a
 * header (net/netfilter/nf_tables_core.c: nft_payload_fast_eval).
 */
export function native(sport: Ports, dport: Ports, flags: Given<FlagTest> | undefined, family: Family): Condition {
  const from = (loads: Loads) => all(...nativePorts(sport, dport, loads), ...nativeFlags(flags, loads))
  if (family === 4) return from(LOADS)
  const first = equals('frag.offset', 0)
  return any(all(first, from(LOADS)), all(not(first), from(LATER6)))
}

const isThere = (value: Value): Condition => inRanges(value, [[0, 0xffff]])

function nativePorts(sport: Ports, dport: Ports, loads: Loads): readonly Condition[] {
  const single = (ports: Ports) => ports?.inverted && ports.value[0] === ports.value[1]
  if (single(sport) && single(dport)) {
    // two inverted single ports are one load of four bytes that must differ: either port may (iptables 1.8.9, nft-shared.c: add_nft_tcpudp)
    const other = (value: Value, ports: Ports) => not(inRanges(value, [ports!.value]))
    return [isThere(loads.dport), any(other(loads.sport, sport), other(loads.dport, dport))]
  }
  return (['sport', 'dport'] as const).flatMap((end) => {
    const ports = end === 'sport' ? sport : dport
    return ports ? [isThere(loads[end]), invertedIf(ports.inverted, inRanges(loads[end], [ports.value]))] : []
  })
}

function nativeFlags(flags: Given<FlagTest> | undefined, { tcpFlags }: Loads): readonly Condition[] {
  if (!flags) return []
  const { value, inverted } = flags
  return [isThere(tcpFlags), invertedIf(inverted, equals(masked(tcpFlags, value.mask), value.set))]
}
