import type { Errno } from './data.js'
import type { Element, Entry, Extensions, Given } from './element.js'

/** An element that was found, and how to change what is kept with it. */
export interface Place {
  readonly element: Element
  readonly extensions: Extensions
  change(changed: Partial<Extensions>): void
}

/** What a command or a packet wants of the elements of a set, whatever its type. Times are seconds since the epoch. */
export interface Body {
  clone(): Body
  /** `user`: by a command. A packet's element may find no room where a command makes some: that is no error that anybody sees (`full`). */
  add(element: Element, given: Given, exist: boolean, user: boolean, now: number): Errno | undefined
  delete(element: Element, now: number): Errno | undefined
  /**
   * The first equal element of which `matches` says yes. `exactly`: networks as such, not what lies in them. `incomplete`: it is there,
   * without the MAC address that it waits for (bitmap:ip,mac).
   */
  find(element: Element, exactly: boolean, matches: (place: Place) => boolean): Place | 'incomplete' | undefined
  flush(): void
  /** In the kernel's order as far as it can be told. */
  entries(now: number): Iterable<Entry>
  /** As the kernel counts: what has expired and was not collected yet is among them. */
  readonly elements: number
  /** Prefix lengths that an address is to be cut to when a packet adds or deletes it: the longest that there are, or undefined. */
  longest(n: 0 | 1): number | undefined
}
