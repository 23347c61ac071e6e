import { checksumOk } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'
import { Packet, u8 } from '../packet/packet.js'
import type { Attachment, Entry, Tracking } from './entry.js'
import { DEFAULT_SETTINGS, type Settings } from './settings.js'
import { newTcp, readSegment, tcpHeaderFault, tcpPacket } from './tcp.js'
import { type Direction, invertTuple, isIcmp, type Tuple, tupleKey, tupleOf } from './tuple.js'

/** Where in the host a packet meets the tracker: checksums are only looked at in PREROUTING. */
export interface Arrival {
  readonly prerouting: boolean
  /** Seconds since the epoch. */
  readonly now: number
  readonly zone: number
  /** The zone counts only for this direction (CT --zone-orig, --zone-reply). */
  readonly zoneDirection?: Direction | undefined
  readonly helper?: string | undefined
}

/** A zone, and the only direction for which it counts, if there is one (struct nf_conntrack_zone). */
type Zone = Pick<Entry, 'zone' | 'zoneDirection'>

/** nf_ct_zone_id. */
const zoneOf = ({ zone, zoneDirection }: Zone, direction: Direction): number =>
  zoneDirection === undefined || zoneDirection === direction ? zone : 0

interface Hit {
  readonly entry: Entry
  readonly direction: Direction
}

const TCP = 6
const UDP = 17
const UDPLITE = 136
const SCTP = 132
const SCTP_INIT = 1
const SCTP_HEARTBEAT = 4
const ICMP4_LAST = 18
const ICMP4_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])
const NEW_ICMP4: ReadonlySet<number> = new Set([8, 13, 15, 17])
const NEW_ICMP6: ReadonlySet<number> = new Set([128, 139])
const STREAM_AFTER = 2

/** The connections of one namespace (net/netfilter/nf_conntrack_core.c). */
export class ConnectionTable {
  readonly settings: Settings
  readonly #byTuple = new Map<string, Hit>()
  readonly #entries = new Set<Entry>()

  constructor(settings: Settings = DEFAULT_SETTINGS, initial: readonly Entry[] = []) {
    this.settings = settings
    for (const entry of initial) this.#insert(cloneEntry(entry))
  }

  /** In no order that means anything. */
  entries(): readonly Entry[] {
    return [...this.#entries]
  }

  /** __nf_conntrack_find_get, asked as resolve_normal_ct does: under the zone of the original direction, then under the reply's. */
  find(tuple: Tuple, zone: Zone, now: number): Hit | undefined {
    const ids = [zoneOf(zone, 'original'), zoneOf(zone, 'reply')]
    for (const id of new Set(ids)) {
      const hit = this.#byTuple.get(key(tuple, id))
      if (!hit || zoneOf(hit.entry, hit.direction) !== zoneOf(zone, hit.direction)) continue
      if (hit.entry.expires > now) return hit
      this.forget(hit.entry)
    }
    return undefined
  }

  /** nf_conntrack_tuple_taken: would a reply that looks like `reply` be somebody else's? */
  isTaken(reply: Tuple, own: Entry, now: number): boolean {
    const hit = this.find(reply, own, now)
    return hit !== undefined && hit.entry !== own
  }

  /** Connections whose original direction begins at the same source (nf_nat_bysource). */
  withSource(tuple: Tuple, own: Entry): readonly Entry[] {
    const zone = zoneOf(own, 'original')
    return [...this.#entries].filter(
      (entry) =>
        zoneOf(entry, 'original') === zone &&
        entry.original.protocol === tuple.protocol &&
        entry.original.src === tuple.src &&
        entry.original.sport === tuple.sport,
    )
  }

  forget(entry: Entry): void {
    this.#entries.delete(entry)
    for (const [direction, tuple] of [
      ['original', entry.original],
      ['reply', entry.reply],
    ] as const) {
      const at = key(tuple, zoneOf(entry, direction))
      if (this.#byTuple.get(at)?.entry === entry && this.#byTuple.get(at)?.direction === direction)
        this.#byTuple.delete(at)
    }
    entry.status |= CT_STATUS.DYING
  }

  #insert(entry: Entry): void {
    this.#entries.add(entry)
    this.#byTuple.set(key(entry.original, zoneOf(entry, 'original')), { entry, direction: 'original' })
    this.#byTuple.set(key(entry.reply, zoneOf(entry, 'reply')), { entry, direction: 'reply' })
  }

  /** nf_conntrack_in: which connection a packet belongs to; a new one is not in the table before `confirm`. */
  inbound(packet: Packet, arrival: Arrival): Tracking {
    const fault = this.#headerFault(packet, arrival)
    if (fault) return { is: 'invalid', reason: fault }
    if (isIcmp(packet.transport.protocol)) {
      const related = this.#icmpError(packet, arrival)
      if (related) return related
    }
    const tuple = tupleOf(packet)
    if (!tuple) return { is: 'invalid', reason: 'the transport header is cut off' }
    const hit = this.find(tuple, arrival, arrival.now)
    if (hit) return this.#known(packet, hit, arrival)
    return this.#fresh(packet, tuple, arrival)
  }

  #headerFault(packet: Packet, { prerouting }: Arrival): string | undefined {
    const { protocol, offset, fragmentOffset } = packet.transport
    const { length } = packet.bytes
    if (fragmentOffset !== 0) return 'a fragment without its packet'
    const checked = this.settings.checksum && prerouting
    if (protocol === TCP)
      return tcpHeaderFault(packet) === 'short TCP packet' || !checked || checksumOk(packet)
        ? tcpHeaderFault(packet)
        : 'wrong TCP checksum'
    if (protocol === UDP || protocol === UDPLITE) {
      if (length < offset + 8) return 'short UDP packet'
      const said = (packet.bytes[offset + 4]! << 8) | packet.bytes[offset + 5]!
      if (protocol === UDP && (said > length - offset || said < 8)) return 'truncated or malformed UDP packet'
      return checked && !checksumOk(packet) ? 'wrong UDP checksum' : undefined
    }
    if (protocol === SCTP) {
      if (length < offset + 12) return 'short SCTP packet'
      return checked && !checksumOk(packet) ? 'wrong SCTP checksum' : undefined
    }
    if (isIcmp(protocol) && (protocol === 1) === (packet.family === 4)) {
      if (length < offset + 8) return 'short ICMP packet'
      if (checked && !checksumOk(packet)) return 'wrong ICMP checksum'
      if (protocol === 1 && u8(packet.bytes, offset)! > ICMP4_LAST) return 'unknown ICMP type'
    }
    return undefined
  }

  /** nf_conntrack_inet_error: an ICMP error belongs to the connection of the packet that it quotes. */
  #icmpError(packet: Packet, arrival: Arrival): Tracking | undefined {
    const { bytes, family } = packet
    const { offset, protocol } = packet.transport
    if ((protocol === 1) !== (family === 4)) return undefined
    const type = u8(bytes, offset)!
    const isError = family === 4 ? ICMP4_ERRORS.has(type) : type < 128
    if (!isError) return undefined
    const quoted = bytes.subarray(offset + 8)
    if (quoted.length < (family === 4 ? 20 : 40) || new Packet(quoted).family !== family)
      return { is: 'invalid', reason: 'the ICMP error quotes too little' }
    const inner = tupleOf(new Packet(quoted))
    const inverse = inner && invertTuple(inner)
    const hit = inverse && this.find(inverse, arrival, arrival.now)
    if (!hit) return { is: 'invalid', reason: 'the ICMP error is about no connection that is known' }
    const tuple = hit.direction === 'original' ? hit.entry.original : hit.entry.reply
    const outer = tupleAddress(packet)
    if (outer !== tuple.dst)
      return { is: 'invalid', reason: 'the ICMP error goes to somebody else than the sender of what it quotes' }
    return {
      is: 'tracked',
      created: false,
      attachment: { entry: hit.entry, direction: hit.direction, state: 'RELATED' },
    }
  }

  #known(packet: Packet, { entry, direction }: Hit, arrival: Arrival): Tracking {
    const seenReply = (entry.status & CT_STATUS.SEEN_REPLY) !== 0
    const state =
      direction === 'reply' || seenReply ? 'ESTABLISHED' : entry.status & CT_STATUS.EXPECTED ? 'RELATED' : 'NEW'
    const judged = this.#packet(packet, entry, direction, arrival.now)
    if (judged === 'again') {
      this.forget(entry)
      return this.inbound(packet, arrival)
    }
    if (typeof judged === 'object') return { is: 'invalid', reason: judged.reason }
    if (direction === 'reply') entry.status |= CT_STATUS.SEEN_REPLY
    return { is: 'tracked', created: false, attachment: { entry, direction, state } }
  }

  #fresh(packet: Packet, tuple: Tuple, arrival: Arrival): Tracking {
    const reply = invertTuple(tuple)
    if (!reply) return { is: 'invalid', reason: 'an ICMP message without a question' }
    if (this.#entries.size >= this.settings.max) return { is: 'dropped', reason: 'conntrack-full' }
    const entry: Entry = {
      original: tuple,
      reply,
      status: 0,
      mark: 0,
      zone: arrival.zone,
      ...(arrival.zoneDirection ? { zoneDirection: arrival.zoneDirection } : {}),
      expires: Number.POSITIVE_INFINITY,
      protocol: { kind: 'other', state: '' },
      counters: { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } },
      master: undefined,
      helper: arrival.helper,
    }
    if (tuple.protocol === SCTP && !beginsSctp(packet)) return { is: 'invalid', reason: 'no SCTP packet that begins an association' }
    if (tuple.protocol === TCP) {
      const data = newTcp(readSegment(packet), this.settings)
      if (!data) return { is: 'invalid', reason: 'no TCP segment that begins a connection' }
      entry.protocol = data
    } else if (tuple.protocol === UDP || tuple.protocol === UDPLITE)
      entry.protocol = { kind: 'udp', stream: false, streamSince: arrival.now + STREAM_AFTER }
    else if (isIcmp(tuple.protocol) && !(tuple.family === 4 ? NEW_ICMP4 : NEW_ICMP6).has(tuple.dport >> 8))
      return { is: 'invalid', reason: 'an ICMP answer without its question' }
    const judged = this.#packet(packet, entry, 'original', arrival.now)
    if (typeof judged === 'object') return { is: 'invalid', reason: judged.reason }
    return { is: 'tracked', created: true, attachment: { entry, direction: 'original', state: 'NEW' } }
  }

  /** The protocol's own say (nf_conntrack_handle_packet). */
  #packet(
    packet: Packet,
    entry: Entry,
    direction: Direction,
    now: number,
  ): 'ok' | 'again' | { readonly reason: string } {
    const { protocol } = entry
    const { settings } = this
    if (protocol.kind === 'tcp') {
      const verdict = tcpPacket(entry, readSegment(packet), direction, settings)
      if (verdict.is === 'again') return 'again'
      if (verdict.is === 'invalid') return verdict
      if (verdict.count) this.#account(packet, entry, direction)
      if (verdict.timeout !== undefined) this.#refresh(entry, verdict.timeout, now)
      if (verdict.kill) this.forget(entry)
      return 'ok'
    }
    if (protocol.kind === 'udp') this.#refresh(entry, this.#udpTimeout(entry, now), now)
    else
      this.#refresh(
        entry,
        settings.timeout(
          isIcmp(entry.original.protocol) ? (entry.original.family === 4 ? 'icmp' : 'icmpv6') : 'generic',
        ),
        now,
      )
    this.#account(packet, entry, direction)
    return 'ok'
  }

  /** net/netfilter/nf_conntrack_proto_udp.c: nf_conntrack_udp_packet. */
  #udpTimeout(entry: Entry, now: number): number {
    const { protocol } = entry
    if (protocol.kind !== 'udp' || !(entry.status & CT_STATUS.SEEN_REPLY)) return this.settings.timeout('udp')
    if (now <= protocol.streamSince) return this.settings.timeout('udp')
    entry.status |= CT_STATUS.ASSURED
    protocol.stream = true
    return this.settings.timeout('udp_stream')
  }

  /** An entry that is not in the table yet keeps its timeout until `confirm` starts the clock. */
  #refresh(entry: Entry, seconds: number, now: number): void {
    entry.expires = now + seconds
  }

  #account(packet: Packet, entry: Entry, direction: Direction): void {
    if (!this.settings.accounting) return
    const counter = entry.counters[direction]
    counter.packets++
    counter.bytes += packet.bytes.length
  }

  /**
   * __nf_conntrack_confirm: the packet has got through; its connection enters the table. False: another connection took the same tuple
   * meanwhile, and the packet is dropped.
   */
  confirm({ entry, direction }: Attachment, now: number): boolean {
    if (entry.status & (CT_STATUS.CONFIRMED | CT_STATUS.DYING) || direction !== 'original') return true
    if (this.find(entry.original, entry, now) || this.find(entry.reply, entry, now)) return false
    entry.status |= CT_STATUS.CONFIRMED
    this.#insert(entry)
    return true
  }

  /** A connection in a state that the question names, not by what was seen. */
  suppose(packet: Packet, state: 'NEW' | 'ESTABLISHED' | 'RELATED', zone: number, now: number): Tracking {
    const tracking = this.inbound(packet, { prerouting: false, now, zone })
    if (tracking.is !== 'tracked') return tracking
    const { entry, direction } = tracking.attachment
    if (state === 'ESTABLISHED')
      entry.status |= CT_STATUS.SEEN_REPLY | CT_STATUS.ASSURED | CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
    return { is: 'tracked', created: tracking.created, attachment: { entry, direction, state } }
  }
}

/** The first chunk of a new association (net/netfilter/nf_conntrack_proto_sctp.c: sctp_new); its states are not followed. */
function beginsSctp({ bytes, transport }: Packet): boolean {
  const chunk = u8(bytes, transport.offset + 12)
  return chunk === SCTP_INIT || chunk === SCTP_HEARTBEAT
}

const key = (tuple: Tuple, zone: number): string => (zone === 0 ? tupleKey(tuple) : `${zone}/${tupleKey(tuple)}`)

function tupleAddress(packet: Packet): Tuple['dst'] | undefined {
  const whole = tupleOf(packet)
  return whole?.dst
}

/** A copy that a run may change. */
function cloneEntry(entry: Entry): Entry {
  const { protocol, counters } = entry
  const own =
    protocol.kind === 'tcp'
      ? { ...protocol, seen: { original: { ...protocol.seen.original }, reply: { ...protocol.seen.reply } } }
      : { ...protocol }
  return { ...entry, protocol: own, counters: { original: { ...counters.original }, reply: { ...counters.reply } } }
}
