import { PROTOCOL } from '../packet/checksum.js'
import type { Entry } from './entry.js'
import type { Direction, Tuple } from './tuple.js'

interface Key {
  readonly tuple: Tuple
  readonly master: Entry | undefined
  readonly direction: Direction
}

const sameCall = (a: Tuple, b: Tuple): boolean =>
  a.family === b.family && a.src === b.src && a.dst === b.dst && a.dport === b.dport

/**
 * PPTP's packets carry the call id of their receiver alone; that of their sender is known from the control connection, whose helper keeps it
 * here (net/netfilter/nf_conntrack_proto_gre.c: the keymap of a namespace).
 */
export class GreKeys {
  #keys: Key[] = []
  /** Calls whose first packet is on its way. */
  #begun: Entry[] = []

  /** Of calls that were read from a listing, which has both ids. */
  constructor(listed: readonly Entry[] = []) {
    for (const { original, reply } of listed)
      if (original.protocol === PROTOCOL.GRE && original.dport !== 0)
        for (const direction of ['original', 'reply'] as const)
          this.#keys.push({ tuple: direction === 'original' ? original : reply, master: undefined, direction })
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0
  }

  /** nf_ct_gre_keymap_add. False: this master has another one in this direction. */
  add(master: Entry, direction: Direction, tuple: Tuple): boolean {
    const own = this.#keys.find((key) => key.master === master && key.direction === direction)
    if (own) return sameCall(own.tuple, tuple)
    this.#keys.push({ tuple, master, direction })
    return true
  }

  /** nf_ct_gre_keymap_destroy. */
  removeOf(master: Entry): void {
    this.#keys = this.#keys.filter((key) => key.master !== master)
  }

  /** gre_keymap_lookup: the tuple of a PPTP packet with its sender's call id, where that is known. */
  complete(tuple: Tuple): Tuple {
    const sport = this.#keys.find((key) => sameCall(key.tuple, tuple))?.tuple.sport
    return sport === undefined ? tuple : { ...tuple, sport }
  }

  masters(): readonly Entry[] {
    return [...new Set(this.#keys.flatMap(({ master }) => master ?? []))]
  }

  /** A call begins with a packet that has yet to get through. */
  begins(call: Entry): void {
    this.#begun.push(call)
  }

  /** Of those, the ones whose packet did not get through, told once: asked when the next packet comes. */
  lost(isConfirmed: (entry: Entry) => boolean): readonly Entry[] {
    const lost = this.#begun.filter((call) => !isConfirmed(call))
    this.#begun = []
    return lost
  }
}
