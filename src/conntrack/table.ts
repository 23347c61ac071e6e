import { checksumOk, PROTOCOL } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import type { Attachment, Entry, ProtocolState, Tracking } from './entry.js'
import type { ConnectionWatch } from './events.js'
import { type Expectation, Expectations } from './expectation.js'
import { GreKeys } from './gre-keys.js'
import { classifyIcmp, type IcmpMessage } from './icmp.js'
import { isClosing, judgePacket } from './protocol.js'
import { DEFAULT_SETTINGS, type Settings } from './settings.js'
import { type Hit, NAT_CLASH, Store, type Zone, zoneId, zoneOf } from './store.js'
import { type Direction, invertTuple, isIcmp, type L4, locateL4, sameTuple, type Tuple, tupleOf } from './tuple.js'

/** Where in the host a packet meets the tracker: checksums are only looked at in PREROUTING. */
export interface Arrival {
  readonly prerouting: boolean
  /** Seconds since the epoch. */
  readonly now: number
  readonly zone: number
  /** The zone counts only for this direction (CT --zone-orig, --zone-reply). */
  readonly zoneDirection?: Direction | undefined
  readonly helper?: string | undefined
  /** A timeout policy of this name (CT --timeout). */
  readonly policy?: string | undefined
  /** SYNPROXY begins it. */
  readonly proxied?: boolean | undefined
  /** The table is full, but another connection is given up for this one. */
  readonly overfull?: boolean
  /** Told of every checksum that is looked at. */
  readonly checked?: ((good: boolean) => void) | undefined
}

/**
 * What became of a connection that wanted into the table. `merged`: another packet of the same flow was first, and this one now belongs to that
 * one's connection. `beside`: the same, but translated otherwise; its own connection is found by its replies alone, for a second.
 */
export type Settled =
  | { readonly is: 'entered' | 'beside' }
  | { readonly is: 'merged'; readonly entry: Entry }
  | { readonly is: 'dropped'; readonly why: string }

/** Protocols of which two entries may meet in the table (nf_conntrack_l4proto: allow_clash). */
const MAY_CLASH: ReadonlySet<number> = new Set([PROTOCOL.UDP, PROTOCOL.UDPLITE, PROTOCOL.GRE])
/** No timeout of a policy is shorter. */
const SHORTEST_TIMEOUT = 1
/** What a connection that has a policy is given to live: the longest of the usual timeouts. */
const LONGEST_TIMEOUT = 432000
/** How long a connection stands beside another one. */
const BESIDE = 1

const zoneAt = ({ zone, zoneDirection }: Arrival): Zone => ({ id: zone, direction: zoneDirection })

/**
 * The connections of one namespace (net/netfilter/nf_conntrack_core.c). What helpers do with packets stands in `helpers`; what they announce is kept here.
 */
export class ConnectionTable {
  readonly settings: Settings
  readonly #store = new Store((entry) => this.#ended(entry))
  #watch: ConnectionWatch | undefined
  /** What helpers have announced. */
  readonly expectations = new Expectations()
  /** The call ids of PPTP. */
  readonly greKeys: GreKeys

  constructor(settings: Settings = DEFAULT_SETTINGS, initial: readonly Entry[] = []) {
    this.settings = settings
    this.greKeys = new GreKeys(initial)
    for (const entry of initial) this.#store.add(cloneEntry(entry))
  }

  /** Tells from now on what connections do. */
  watch(watch: ConnectionWatch): void {
    this.#watch = watch
    for (const entry of this.#store.entries()) watch.know(entry)
  }

  /** CONNMARK. */
  mark(entry: Entry, mark: number): void {
    if (entry.mark !== mark) this.#watch?.marked(entry)
    entry.mark = mark
  }

  /** nf_ct_helper_destroy, destroy_gre_conntrack. */
  #ended(entry: Entry): void {
    this.#watch?.ended(entry)
    const { original, master, helping } = entry
    helping?.end?.()
    if (original.protocol === PROTOCOL.GRE && master) this.greKeys.removeOf(master)
  }

  /** gre_pkt_to_tuple: the sender's call id is not in the packet. Calls whose control connection is over, or whose first packet was lost, are over. */
  #withKey(tuple: Tuple | undefined, now: number): Tuple | undefined {
    if (tuple?.protocol !== PROTOCOL.GRE || tuple.dport === 0 || this.greKeys.isEmpty) return tuple
    for (const lost of this.greKeys.lost(({ status }) => (status & CT_STATUS.CONFIRMED) !== 0)) this.#ended(lost)
    for (const master of this.greKeys.masters()) if (master.expires <= now) this.#store.expire(master)
    return this.greKeys.complete(tuple)
  }

  /** In no order that means anything. Those whose time is up are among them until something looks for them. */
  entries(): readonly Entry[] {
    return this.#store.entries()
  }

  find(tuple: Tuple, zone: number | Zone, now: number): Hit | undefined {
    return this.#store.find(tuple, typeof zone === 'number' ? { id: zone } : zone, now)
  }

  /** nf_conntrack_tuple_taken: would a reply that looks like `reply` be somebody else's? */
  isTaken(reply: Tuple, own: Entry, now: number): boolean {
    return this.#store.isTaken(reply, own, now)
  }

  /** Connections that NAT has set up from the same source as this one's, the newest first (nf_nat_bysource). */
  withSource(own: Entry, now: number): readonly Entry[] {
    return this.#store.withSource(own.original, zoneOf(own)).filter(({ expires }) => expires > now)
  }

  /**
   * May a full table give one up for a new connection? At once only such that are not assured, where the kernel's secret hash puts them near the new one (early_drop);
   * once packets were dropped, these and such as are closing, whenever the kernel looks through the table (gc_worker).
   */
  mayGiveUp(now: number): boolean {
    return this.#store
      .entries()
      .some((entry) => entry.expires <= now || !(entry.status & CT_STATUS.ASSURED) || isClosing(entry))
  }

  /** gc_worker: lets go of all whose time is up, in the order in which it was. */
  collect(now: number): void {
    const over = this.#store.entries().filter(({ expires }) => expires <= now)
    for (const entry of over.sort((a, b) => a.expires - b.expires)) this.#store.expire(entry)
  }

  /** nf_ct_refresh: it lives until then, unless its time is fixed. */
  refresh(entry: Entry, until: number): void {
    if (!(entry.status & CT_STATUS.FIXED_TIMEOUT)) entry.expires = until
  }

  /** nf_ct_kill. */
  forget(entry: Entry): void {
    this.#store.expire(entry)
  }

  /** nf_ct_set_closing, nf_conntrack_tcp_set_closing: REJECT ends a TCP connection, even if its own side never sees the reset. */
  close(entry: Entry, now: number): void {
    const { protocol, status } = entry
    if (protocol.kind !== 'tcp' || !(status & CT_STATUS.CONFIRMED)) return
    if (protocol.state !== 'CLOSE' && !(status & CT_STATUS.FIXED_TIMEOUT))
      entry.expires = now + this.settings.timeout('tcp_close')
    protocol.state = 'CLOSE'
  }

  /** nf_conntrack_in: which connection a packet belongs to; a new one is not in the table before `confirm`. */
  inbound(packet: Packet, arrival: Arrival): Tracking {
    const l4 = locateL4(packet.bytes, packet.family)
    if (!l4) return { is: 'invalid', reason: 'a fragment without its packet, or headers that lead nowhere' }
    if (isIcmp(l4.protocol)) {
      const message = classifyIcmp(packet, l4, this.#checksum(packet, arrival))
      if (message.is !== 'plain') return this.#special(message, arrival)
    }
    return this.#resolve(packet, l4, arrival)
  }

  #checksum(packet: Packet, { prerouting, checked }: Arrival): () => boolean {
    return () => {
      if (!prerouting || !this.settings.checksum) return true
      const good = checksumOk(packet)
      checked?.(good)
      return good
    }
  }

  /** nf_conntrack_inet_error: an ICMP error belongs to the connection of the packet that it quotes. */
  #special(message: Exclude<IcmpMessage, { is: 'plain' }>, arrival: Arrival): Tracking {
    if (message.is !== 'about') return message
    const hit = this.#store.find(this.#asked(message.tuple, arrival.now), zoneAt(arrival), arrival.now)
    if (!hit) return { is: 'invalid', reason: 'the ICMP error is about no connection that is known' }
    const { entry, direction } = hit
    const answer = direction === 'original' ? entry.original : entry.reply
    if (message.dst !== answer.dst)
      return { is: 'invalid', reason: 'the ICMP error goes to somebody else than the sender of what it quotes' }
    return { is: 'tracked', created: false, attachment: { entry, direction, state: 'RELATED' } }
  }

  /** The answer to a packet that an ICMP error quotes: its key is looked for as the packet's. */
  #asked(answer: Tuple, now: number): Tuple {
    if (answer.protocol !== PROTOCOL.GRE) return answer
    const keyed = this.#withKey(invertTuple(answer), now)
    return (keyed && invertTuple(keyed)) ?? answer
  }

  /** resolve_normal_ct and what follows; once more where the packet ends an old connection to begin a new one. */
  #resolve(packet: Packet, l4: L4, arrival: Arrival): Tracking {
    const tuple = this.#withKey(tupleOf(packet), arrival.now)
    if (!tuple) return { is: 'invalid', reason: 'the transport header is cut off' }
    const hit = this.#store.find(tuple, zoneAt(arrival), arrival.now)
    const own = hit ?? this.#begin(tuple, arrival)
    if ('is' in own) return own
    const { entry, direction } = own
    const state = stateOf(own)
    const { settings } = this
    const checksumGood = this.#checksum(packet, arrival)
    const judged = judgePacket(entry, packet, direction, {
      settings,
      now: arrival.now,
      offset: l4.offset,
      checksumGood,
    })
    if (judged.is === 'invalid') return judged
    if (judged.is === 'again') {
      this.forget(entry)
      return this.#resolve(packet, l4, arrival)
    }
    if (judged.timeout !== undefined && !(entry.status & CT_STATUS.FIXED_TIMEOUT))
      entry.expires = arrival.now + judged.timeout
    const { expected } = own as Begun
    const unsure = this.#byPolicy(entry, arrival.now) ?? expected?.unsure
    if (judged.count) this.#count(packet, own)
    if (judged.kill) this.forget(entry)
    if (direction === 'reply') entry.status |= CT_STATUS.SEEN_REPLY
    const tracked = { is: 'tracked', created: hit === undefined, attachment: { entry, direction, state } } as const
    const assumed = expected?.assumed
    return unsure === undefined && assumed === undefined
      ? tracked
      : { ...tracked, ...(unsure === undefined ? {} : { unsure }), ...(assumed === undefined ? {} : { assumed }) }
  }

  /** Its times are somebody's own: it is taken to live, and after any silence that is not sure. */
  #byPolicy(entry: Entry, now: number): string | undefined {
    const { policy } = entry
    if (!policy) return undefined
    const silent = now - policy.heard
    policy.heard = now
    if (!(entry.status & CT_STATUS.FIXED_TIMEOUT)) entry.expires = now + LONGEST_TIMEOUT
    return silent > SHORTEST_TIMEOUT
      ? `the times of timeout policy ${policy.name}: the connection may be over`
      : undefined
  }

  /** init_conntrack. */
  #begin(tuple: Tuple, { zone, zoneDirection, helper, policy, now, overfull, proxied }: Arrival): Begun | Tracking {
    const reply = invertTuple(tuple)
    if (!reply) return { is: 'invalid', reason: 'an ICMP message without a question' }
    const { max } = this.settings
    if (max !== 0 && this.#store.size >= max && !overfull) return { is: 'dropped', reason: 'conntrack-full' }
    const expected = this.expectations.take(tuple, { id: zone, direction: zoneDirection }, now)
    const given = expected ? expected.helper : helper
    const entry: Entry = {
      original: tuple,
      reply,
      status: expected ? CT_STATUS.EXPECTED : helper === undefined ? 0 : CT_STATUS.HELPER,
      mark: expected?.master.mark ?? 0,
      zone,
      zoneDirection,
      expires: Number.POSITIVE_INFINITY,
      protocol: { kind: 'other', state: '' },
      counters: { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } },
      master: expected?.master,
      helper: given,
      labels: new Set(),
      ...(policy === undefined ? {} : { policy: { name: policy, heard: now } }),
      ...(proxied ? { synproxy: { sequence: 0, clock: 0, later: 0 } } : {}),
    }
    expected?.follow?.(entry, now)
    if (expected && tuple.protocol === PROTOCOL.GRE) this.greKeys.begins(entry)
    return { entry, direction: 'original', expected }
  }

  /** nf_ct_acct_update: bytes are those of the IP packet. */
  #count({ bytes }: Packet, { entry, direction }: Hit): void {
    if (!this.settings.accounting) return
    const counter = entry.counters[direction]
    counter.packets++
    counter.bytes += bytes.length
  }

  /** `settle`, where nobody asks how: false is dropped. */
  confirm(attachment: Attachment, now: number): boolean {
    return this.settle(attachment, now).is !== 'dropped'
  }

  /** __nf_conntrack_confirm: the packet has got through; its connection enters the table. */
  settle({ entry, direction }: Attachment, now: number): Settled {
    if (entry.status & CT_STATUS.CONFIRMED) this.#watch?.passed(entry)
    if (entry.status & CT_STATUS.CONFIRMED || direction !== 'original') return { is: 'entered' }
    if (entry.status & CT_STATUS.DYING) return this.#unsettled(entry, 'its connection was ended meanwhile')
    const winner = this.#store.clash(entry, now)
    if (winner) return this.#resolveClash(entry, winner, now)
    entry.status |= CT_STATUS.CONFIRMED
    this.#store.add(entry)
    this.#watch?.passed(entry)
    return { is: 'entered' }
  }

  #unsettled(entry: Entry, why: string): Settled {
    this.expectations.removeOf(entry)
    return { is: 'dropped', why }
  }

  /** nf_ct_resolve_clash: somebody has one of its tuples. Since Linux 5.7 a flow that is translated otherwise goes in beside it. */
  #resolveClash(entry: Entry, winner: Entry, now: number): Settled {
    const taken = 'another packet has taken the same connection meanwhile'
    if (!MAY_CLASH.has(entry.original.protocol)) return this.#unsettled(entry, taken)
    const other = mayMerge(winner, entry) ? winner : this.#store.holderOfReply(entry, now)
    if (!other) {
      entry.expires = now + BESIDE
      entry.status |= CT_STATUS.FIXED_TIMEOUT | NAT_CLASH | CT_STATUS.CONFIRMED
      this.#store.addBeside(entry)
      return { is: 'beside' }
    }
    if (!mayMerge(other, entry)) return this.#unsettled(entry, taken)
    this.expectations.removeOf(entry)
    for (const way of ['original', 'reply'] as const) {
      other.counters[way].packets += entry.counters[way].packets
      other.counters[way].bytes += entry.counters[way].bytes
    }
    return { is: 'merged', entry: other }
  }

  /** A connection in a state that the question names, not by what was seen. */
  suppose(packet: Packet, state: 'NEW' | 'ESTABLISHED' | 'RELATED', zone: number, now: number): Tracking {
    const arrival: Arrival = { prerouting: false, now, zone }
    const found = this.inbound(packet, arrival)
    const tracking = found.is === 'invalid' ? this.#madeUp(packet, arrival) : found
    if (tracking.is !== 'tracked') return tracking
    const { entry, direction } = tracking.attachment
    if (state === 'ESTABLISHED')
      entry.status |= CT_STATUS.SEEN_REPLY | CT_STATUS.ASSURED | CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
    return { is: 'tracked', created: tracking.created, attachment: { entry, direction, state } }
  }

  /** A connection for a packet that none can be found for, such as an ICMP error that quotes nothing: between its two addresses. */
  #madeUp(packet: Packet, arrival: Arrival): Tracking {
    const tuple = tupleOf(packet)
    if (!tuple) return { is: 'invalid', reason: 'the transport header is cut off' }
    const hit = this.#begin({ ...tuple, protocol: PROTOCOL.UDP, sport: 0, dport: 0 }, arrival)
    return 'is' in hit ? hit : { is: 'tracked', created: true, attachment: { ...hit, state: 'NEW' } }
  }
}

/** A new connection, and what it was announced by. */
interface Begun extends Hit {
  readonly expected?: Expectation | undefined
}

/** nf_ct_can_merge: the winner is what this one is, or what its other direction would have begun (since Linux 6.12: nf_ct_match_reverse). */
const mayMerge = (winner: Entry, entry: Entry): boolean =>
  mirrors(winner, entry, 'original', 'reply') || mirrors(winner, entry, 'reply', 'original')

/** Is the one's original direction this direction of the other, and its reply that one? */
const mirrors = (one: Entry, other: Entry, original: Direction, reply: Direction): boolean =>
  sameTuple(one.original, other[original]) &&
  sameTuple(one.reply, other[reply]) &&
  zoneId(zoneOf(one), 'original') === zoneId(zoneOf(other), original) &&
  zoneId(zoneOf(one), 'reply') === zoneId(zoneOf(other), reply)

/** How a packet stands to its connection, before it is judged: once both ends have been heard, always ESTABLISHED. */
function stateOf({ entry: { status }, direction }: Hit): Attachment['state'] {
  if (direction === 'reply' || status & CT_STATUS.SEEN_REPLY) return 'ESTABLISHED'
  return status & CT_STATUS.EXPECTED ? 'RELATED' : 'NEW'
}

/** A copy that a run may change. */
const cloneEntry = (entry: Entry): Entry => ({
  ...entry,
  protocol: cloneProtocol(entry.protocol),
  counters: { original: { ...entry.counters.original }, reply: { ...entry.counters.reply } },
})

function cloneProtocol(protocol: ProtocolState): ProtocolState {
  switch (protocol.kind) {
    case 'tcp':
      return { ...protocol, seen: { original: { ...protocol.seen.original }, reply: { ...protocol.seen.reply } } }
    case 'udp':
      return { ...protocol }
    case 'other':
      return {
        ...protocol,
        ...(protocol.tags ? { tags: { ...protocol.tags, begun: { ...protocol.tags.begun } } } : {}),
      }
  }
}
