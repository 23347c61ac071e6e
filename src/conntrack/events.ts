import { CT_STATUS } from '../packet/fields.js'
import type { Entry } from './entry.js'

/** What is told of a connection (net/netfilter/nf_conntrack_ecache.c, nf_conntrack_netlink.c: ctnetlink_conntrack_event). */
export interface ConnectionEvent {
  readonly kind: 'new' | 'update' | 'destroy'
  /** Seconds since the epoch. */
  readonly at: number
  /** As it is when this is told: whoever keeps it makes a copy. */
  readonly entry: Entry
  /** The state of its protocol is told: it has changed, or it is the last one. */
  readonly state: boolean
  /** Its mark is told: it has one, or had one before. */
  readonly mark: boolean
}

/** What was told of a connection before. */
interface Told {
  status: number
  state: string
  labels: number
}

const TOLD = CT_STATUS.SEEN_REPLY | CT_STATUS.ASSURED

/**
 * Tells what connections do as the kernel does: what has happened to one is gathered and told when a packet of it is through, last on INPUT and POSTROUTING; that one
 * ends is told at once. What helpers expect, and which bits CT --ctevents lets through, are not told.
 */
export class ConnectionWatch {
  readonly #tell: (event: ConnectionEvent) => void
  readonly #clock: () => number
  readonly #told = new WeakMap<Entry, Told>()
  readonly #marked = new WeakSet<Entry>()

  /** `clock`: seconds since the epoch. */
  constructor(tell: (event: ConnectionEvent) => void, clock: () => number) {
    this.#tell = tell
    this.#clock = clock
  }

  /** One that was there before. */
  know(entry: Entry): void {
    this.#told.set(entry, telling(entry))
  }

  /** Its mark is about to be another one: told even where it has changed back when a packet gets through. */
  marked(entry: Entry): void {
    this.#marked.add(entry)
  }

  /** nf_ct_deliver_cached_events: a packet of it has got through. */
  passed(entry: Entry): void {
    if (entry.status & CT_STATUS.DYING) return
    const [before, now] = [this.#told.get(entry), telling(entry)]
    this.#told.set(entry, now)
    const at = this.#clock()
    const state = now.state !== (before?.state ?? '')
    const marked = this.#marked.delete(entry)
    if (!before) this.#tell({ kind: 'new', at, entry, state, mark: marked || entry.mark !== 0 })
    else if (state || marked || now.status !== before.status || now.labels !== before.labels)
      this.#tell({ kind: 'update', at, entry, state, mark: marked || entry.mark !== 0 })
  }

  /** nf_ct_delete. */
  ended(entry: Entry): void {
    if (!(entry.status & CT_STATUS.CONFIRMED)) return
    const at = Math.min(entry.expires, this.#clock())
    this.#tell({ kind: 'destroy', at, entry, state: true, mark: entry.mark !== 0 })
  }
}

const telling = ({ status, protocol, labels }: Entry): Told => ({
  status: status & TOLD,
  state: protocol.kind === 'udp' ? '' : protocol.state,
  labels: labels?.size ?? 0,
})
