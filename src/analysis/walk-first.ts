import type { Settings } from '../conntrack/settings.js'
import { ConnectionTable } from '../conntrack/table.js'
import { buildPacket, type TransportFields } from '../packet/build.js'
import { PROTOCOL } from '../packet/checksum.js'
import type { CT_STATE } from '../packet/fields.js'
import type { Range } from '../rules/value.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import type { Space } from '../sets/space.js'

export type FirstState = 'NEW' | 'INVALID' | 'UNTRACKED'

/**
 * What connection tracking makes of packets that belong to no connection that it knows: its own code is asked, once for each combination of TCP flags, each
 * ICMP type, each protocol. A packet may be in several parts where something decides that a set does not tell (SCTP's chunks).
 */
export function firstPackets(space: Space, settings: Settings): ReadonlyMap<FirstState & keyof typeof CT_STATE, Node> {
  const { bdd, family } = space
  const found = new Map<FirstState, Node>()
  const add = (state: FirstState, set: Node) => found.set(state, bdd.or(found.get(state) ?? EMPTY, set))
  const over = (
    values: readonly number[],
    ask: (value: number) => FirstState | undefined,
    set: (ranges: Range[]) => Node,
  ) => {
    const ranges = new Map<FirstState, Range[]>()
    for (const value of values) {
      const state = ask(value)
      for (const one of state ? [state] : (['NEW', 'INVALID'] as const)) {
        const list = ranges.get(one) ?? []
        ranges.set(one, [...list, [value, value]])
      }
    }
    for (const [state, list] of ranges) add(state, set(list))
  }
  const icmp = family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6
  const of = (protocol: number) => space.equals('meta.l4proto', protocol)
  const judge = (fields: TransportFields, payload = 0) => stateOf(family, settings, fields, payload)
  over(
    BYTES,
    (flags) => judge({ is: 'tcp', sport: 1024, dport: 1025, flags }),
    (ranges) => bdd.and(of(PROTOCOL.TCP), space.in('tcp.flags', ranges)),
  )
  over(
    BYTES,
    (type) => judge({ is: 'icmp', type, code: 0 }, 32),
    (ranges) => bdd.and(of(icmp), space.in('icmp.type', ranges)),
  )
  over(
    BYTES.filter((protocol) => protocol !== PROTOCOL.TCP && protocol !== icmp),
    (protocol) => (protocol === PROTOCOL.SCTP ? undefined : judge(transportOf(protocol), 32)),
    (ranges) => space.in('meta.l4proto', ranges),
  )
  return found
}

const BYTES: readonly number[] = Array.from({ length: 256 }, (_, i) => i)
const DCCP = 33

function transportOf(protocol: number): TransportFields {
  const ports = { sport: 1024, dport: 1025 }
  if (protocol === PROTOCOL.UDP) return { is: 'udp', ...ports }
  if (protocol === PROTOCOL.UDPLITE) return { is: 'udplite', ...ports }
  if (protocol === DCCP) return { is: 'dccp', ...ports }
  return { is: 'other', protocol }
}

/** Undefined: it hangs on more than this. */
function stateOf(family: 4 | 6, settings: Settings, fields: TransportFields, payload: number): FirstState | undefined {
  const [src, dst] = family === 4 ? [0xc0000201, 0xc0000202] : [(0x20010db8n << 96n) | 1n, (0x20010db8n << 96n) | 2n]
  const packet = buildPacket({ src, dst }, fields, new Uint8Array(payload))
  const tracking = new ConnectionTable(settings).inbound(packet, { prerouting: true, now: 0, zone: 0 })
  switch (tracking.is) {
    case 'untracked':
      return 'UNTRACKED'
    case 'tracked':
      return tracking.attachment.state === 'NEW' ? 'NEW' : undefined
    case 'invalid':
      return 'INVALID'
    case 'dropped':
      return undefined
  }
}
