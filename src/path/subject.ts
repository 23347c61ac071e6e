import { ifName } from '../address/ifname.js'
import type { Entry } from '../conntrack/entry.js'
import type { Tuple } from '../conntrack/tuple.js'
import { halfMadeChecksum, recomputeHeader } from '../packet/checksum.js'
import { CT_STATE, CT_STATUS, type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import { buildFrame, type VlanTag } from '../packet/frame.js'
import { Packet, put16 } from '../packet/packet.js'
import { type Probe, runProbe } from '../packet/probe.js'
import type { Condition } from '../rules/condition.js'
import {
  type FibValue,
  type HostValue,
  type Judgement,
  type NamedSet,
  type Reading,
  type Stateful,
  type Subject,
  UNKNOWN,
} from '../rules/interpret.js'
import type { Look } from '../rules/set-use.js'
import type { Passing } from '../rules/store.js'
import { addressTypeOf } from './addresses.js'
import type { Cursor } from './cursor.js'
import { reversePath } from './reverse-path.js'
import type { Skb } from './skb.js'
import { hasSocket } from './sockets.js'
import { transformOf } from './xfrm-policy.js'

const PACKET_TYPES = { host: 0, broadcast: 1, multicast: 2, otherhost: 3, outgoing: 4, loopback: 5 } as const

const named = (name: string | undefined): Reading => (name === undefined ? undefined : ifName(name))

/** The one bit that `ct.state` has for this packet (XT_CONNTRACK_STATE_*). */
export function stateBit(skb: Skb): number {
  const { attachment, tracking } = skb
  if (attachment) return CT_STATE[attachment.state]
  return tracking?.is === 'untracked' ? CT_STATE.UNTRACKED : CT_STATE.INVALID
}

const v4 = (tuple: Tuple, end: 'src' | 'dst'): Reading => (tuple.family === 4 ? tuple[end] : undefined)
const v6 = (tuple: Tuple, end: 'src' | 'dst'): Reading => (tuple.family === 6 ? tuple[end] : undefined)

type Metadata = (cursor: Cursor) => Reading
const connection =
  (
    read: (
      attachment: { entry: import('../conntrack/entry.js').Entry; direction: 'original' | 'reply' },
      now: number,
    ) => Reading,
  ): Metadata =>
  ({ skb, run }) =>
    skb.attachment && read(skb.attachment, run.now)

/** A template counts nothing. */
function carried(
  { counters, status }: Entry,
  side: 'original' | 'reply' | 'total',
): { readonly packets: number; readonly bytes: number } | undefined {
  if (status & CT_STATUS.TEMPLATE) return undefined
  if (side !== 'total') return counters[side]
  const { original, reply } = counters
  return { packets: original.packets + reply.packets, bytes: original.bytes + reply.bytes }
}

/** xt_connbytes.c: connbytes_mt: no packets, no average. */
const average = (counter: { readonly packets: number; readonly bytes: number } | undefined): number | undefined =>
  counter && (counter.packets === 0 ? 0 : Math.floor(counter.bytes / counter.packets))

/** How each field that is not in the packet's bytes is found. */
const METADATA: { readonly [F in Field]?: Metadata } = {
  'vlan.tpid': ({ skb }) => skb.vlans[0]?.tpid,
  'vlan.id': ({ skb }) => skb.vlans[0]?.id,
  'vlan.priority': ({ skb }) => skb.vlans[0]?.priority,
  'vlan.encap': ({ skb }) => skb.vlans[0] && (skb.vlans[1]?.tpid ?? skb.packet.mac?.ethertype),
  'meta.mark': ({ skb }) => skb.mark,
  'meta.priority': ({ skb }) => skb.priority,
  'meta.iifname': ({ skb }) => named(skb.iif) ?? ifName(''),
  'meta.oifname': ({ hookOif }) => named(hookOif) ?? ifName(''),
  'meta.physiifname': ({ skb }) => named(skb.bridge?.in),
  'meta.physoifname': ({ skb }) => named(skb.bridge?.out),
  'meta.bridged': ({ skb }) => (skb.bridge?.out === undefined ? 0 : 1),
  'meta.pkttype': ({ skb }) => PACKET_TYPES[skb.type],
  'meta.cpu': () => UNKNOWN,
  'meta.realm': () => 0,
  'meta.time': ({ run }) => Math.floor(run.now),
  'meta.daytime': ({ run }) => Math.floor(run.now) % 86_400,
  // 1970-01-01 was a Thursday
  'meta.weekday': ({ run }) => ((Math.floor(run.now / 86_400) + 3) % 7) + 1,
  'meta.monthday': ({ run }) => new Date(Math.floor(run.now) * 1000).getUTCDate(),
  'meta.iifgroup': (cursor) => cursor.netns.link(cursor.skb.iif)?.group,
  'meta.oifgroup': ({ netns, hookOif }) => netns.link(hookOif)?.group,
  // a received packet may have got its socket early (tcp_v4_early_demux), before INPUT
  'meta.ipsec.in': ({ skb, netns }) => (netns.state.xfrm ? Number(skb.secured) : UNKNOWN),
  'meta.ipsec.out': (cursor) => (cursor.netns.state.xfrm ? Number(transformOf(cursor) !== undefined) : UNKNOWN),
  'socket.exists': ({ skb, hook }) => (skb.sender?.socket || skb.sender?.kernel ? 1 : hook === 'input' ? UNKNOWN : 0),
  'socket.uid': ({ skb }) => (skb.sender?.socket ? (skb.sender.uid ?? UNKNOWN) : undefined),
  'socket.gid': ({ skb }) => (skb.sender?.socket ? (skb.sender.gid ?? UNKNOWN) : undefined),
  'ct.state': ({ skb }) => stateBit(skb),
  'ct.status': connection(({ entry }) => entry.status),
  'ct.direction': connection(({ direction }) => (direction === 'original' ? 0 : 1)),
  'ct.mark': connection(({ entry }) => entry.mark),
  ...Object.fromEntries(
    (['original', 'reply', 'total'] as const).flatMap((side) => [
      [`ct.${side}.packets`, connection(({ entry }) => carried(entry, side)?.packets)],
      [`ct.${side}.bytes`, connection(({ entry }) => carried(entry, side)?.bytes)],
      [`ct.${side}.average`, connection(({ entry }) => average(carried(entry, side)))],
    ]),
  ),
  'ct.helper': connection(({ entry }) => named(entry.master?.helper)),
  'ct.zone': connection(({ entry }) => entry.zone),
  'ct.protocol': connection(({ entry }) => entry.original.protocol),
  // nf_ct_expires: a connection that is not confirmed has no time yet
  'ct.expires': connection(({ entry }, now) => {
    if (!(entry.status & CT_STATUS.CONFIRMED) || !Number.isFinite(entry.expires)) return 0
    return entry.policy ? UNKNOWN : Math.max(0, Math.floor(entry.expires - now))
  }),
  'ct.original.saddr': connection(({ entry }) => v4(entry.original, 'src')),
  'ct.original.daddr': connection(({ entry }) => v4(entry.original, 'dst')),
  'ct.original.saddr6': connection(({ entry }) => v6(entry.original, 'src')),
  'ct.original.daddr6': connection(({ entry }) => v6(entry.original, 'dst')),
  'ct.original.sport': connection(({ entry }) => entry.original.sport),
  'ct.original.dport': connection(({ entry }) => entry.original.dport),
  'ct.reply.saddr': connection(({ entry }) => v4(entry.reply, 'src')),
  'ct.reply.daddr': connection(({ entry }) => v4(entry.reply, 'dst')),
  'ct.reply.saddr6': connection(({ entry }) => v6(entry.reply, 'src')),
  'ct.reply.daddr6': connection(({ entry }) => v6(entry.reply, 'dst')),
  'ct.reply.sport': connection(({ entry }) => entry.reply.sport),
  'ct.reply.dport': connection(({ entry }) => entry.reply.dport),
}

const PLAIN: Look = { keep: true, returnNomatch: false, changes: false }

/** Ids whose bits all differ. */
const IDS = [0x5555, 0xaaaa]

/** What is read of a packet, where its id and the checksum over that do not matter. */
function whateverItsId(skb: Skb, packet: Packet, read: (packet: Packet) => FieldValue | undefined): Reading {
  const seen = read(packet)
  if (!skb.drawnId) return seen
  const other = packet.clone()
  const matters = IDS.some((id) => {
    put16(other.bytes, 4, id)
    recomputeHeader(other)
    return read(other) !== seen
  })
  return matters ? UNKNOWN : seen
}

/** What sets count of a packet. */
export const passing = ({ run, skb }: Cursor): Passing => ({ now: run.now, length: skb.packet.bytes.length })

/** The tags behind the first one, and what follows them. */
function innerTags(packet: Packet, vlans: readonly VlanTag[]): Uint8Array {
  const mac = packet.mac ?? { source: 0, destination: 0, ethertype: 0 }
  // behind the addresses and the inner tag's protocol
  return buildFrame(mac, packet.bytes, vlans.slice(1)).subarray(14)
}

/** The packet under the eyes of rules, on one hook of one namespace. */
export class SkbSubject implements Subject {
  readonly #cursor: Cursor

  constructor(cursor: Cursor) {
    this.#cursor = cursor
  }

  read(field: Field): Reading {
    const { skb } = this.#cursor
    // pskb_copy leaves the Ethernet header of what was received behind: rules read memory that nobody has written
    if (skb.copiedTo !== undefined && skb.packet.mac && (field === 'ether.saddr' || field === 'ether.daddr'))
      return UNKNOWN
    const read = fieldSpec(field).read
    if (read) return whateverItsId(skb, skb.packet, read)
    const metadata = METADATA[field]
    return metadata ? metadata(this.#cursor) : UNKNOWN
  }

  fib(question: FibValue): Reading {
    return addressTypeOf(this.#cursor, question)
  }

  probe(probe: Probe): Reading {
    const { skb } = this.#cursor
    const { packet, partial, vlans } = skb
    // the kernel has taken off the first tag: what looks at the bytes behind it sees the others
    if (probe.find === 'payload' && vlans.length > 1)
      return runProbe(probe, new Packet(innerTags(packet, vlans), packet.mac))
    // whoever reads the bytes before the device has finished them reads half a checksum
    return whateverItsId(skb, partial ? halfMadeChecksum(packet) : packet, (seen) => runProbe(probe, seen))
  }

  host(question: HostValue): Reading {
    return question.from === 'socket' ? hasSocket(this.#cursor, question) : reversePath(this.#cursor, question)
  }

  bind({ use, look }: NamedSet): Condition {
    const { sets } = this.#cursor.netns.state
    return sets?.bind(use, look) ?? { is: 'unknown', text: `set ${use.set}`, needs: 'it is not in the snapshot' }
  }

  member(set: string, key: readonly FieldValue[], look?: Look): Judgement {
    const { outcome, text } = this.#cursor.netns.sets?.member(set, key, look ?? PLAIN, passing(this.#cursor)) ?? {
      outcome: 'unknown' as const,
      text: `set ${set}: its members are not known`,
    }
    return { outcome, because: { value: undefined, seen: undefined, wanted: undefined, inverted: false, text } }
  }

  chance(weight: number): boolean {
    if (weight <= 0) return false
    if (weight >= 2 ** 31) return true
    const probability = weight / 2 ** 31
    const point = { kind: 'lot' as const, weights: [probability, 1 - probability], about: 'statistic --mode random' }
    return this.#cursor.run.options.chooser.choose(point) === 0
  }

  advance(condition: Stateful): ReturnType<Subject['advance']> {
    return this.#cursor.netns.advance(condition, this, this.#cursor.skb)
  }
}
