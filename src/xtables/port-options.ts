import type { Field } from '../packet/fields.js'
import { all, any, type Condition, equals, inRanges, invertedIf } from '../rules/condition.js'
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

/**
 * As iptables-nft has tcp and udp: loads from the transport header, which do not match where there is nothing to load (later fragments,
 * a header that is cut off), whatever is asked of them (net/netfilter/nft_payload.c: nft_payload_eval, NFT_BREAK).
 */
export function native(parts: readonly Condition[], loaded: readonly Field[]): Condition {
  const there = loaded.map((field) => inRanges(field, [[0, 0xffff]]))
  return all(equals('frag.offset', 0), ...parts.flatMap((part, i) => [there[i]!, part]))
}

/** What iptables-nft loads for `--sport` and `--dport`, and what it asks of each. */
export function nativePorts(sport: Ports, dport: Ports): { parts: readonly Condition[]; loaded: readonly Field[] } {
  const single = (ports: Ports) => ports?.inverted && ports.value[0] === ports.value[1]
  if (single(sport) && single(dport)) {
    // two inverted single ports are one load of four bytes that must differ: either port may (iptables 1.8.9, nft-shared.c: add_nft_tcpudp)
    const other = (field: Field, ports: Ports) => invertedIf(true, inRanges(field, [ports!.value]))
    return { parts: [any(other('th.sport', sport), other('th.dport', dport))], loaded: ['th.dport'] }
  }
  const given = (
    [
      ['th.sport', sport],
      ['th.dport', dport],
    ] as const
  ).flatMap(([field, ports]) => (ports ? [{ field, ports }] : []))
  return {
    parts: given.map(({ field, ports }) => invertedIf(ports.inverted, inRanges(field, [ports.value]))),
    loaded: given.map(({ field }) => field),
  }
}
