import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'

/** One element of a set, as the kernel keeps it: host bits cleared, ports in host byte order, ICMP types and codes as `type << 8 | code`. */
export interface Element {
  readonly ip?: Ip
  /** Prefix length of `ip`, in types that store networks. */
  readonly cidr?: number
  readonly ip2?: Ip
  readonly cidr2?: number
  readonly port?: number
  readonly protocol?: number
  readonly mark?: number
  /** bitmap:ip,mac: absent until the kernel has seen one. */
  readonly mac?: Mac | undefined
  readonly iface?: string
  readonly physdev?: boolean
  /** `iface` is the beginning of a name. */
  readonly wildcard?: boolean
  /** list:set: the set that is the element. */
  readonly set?: string
}

export interface SkbInfo {
  readonly mark: number
  readonly markMask: number
  readonly priority: number
  readonly queue: number
}

/** What is kept with an element, as far as its set keeps such things. */
export interface Extensions {
  readonly nomatch: boolean
  /** Seconds since the epoch; 0: never. */
  readonly expires: number
  readonly packets: bigint
  readonly bytes: bigint
  readonly comment: string | undefined
  readonly skb: SkbInfo | undefined
}

export interface Entry extends Extensions {
  readonly element: Element
}

/** What an add says (struct ip_set_ext): undefined leaves what is there. */
export interface Given {
  readonly nomatch: boolean
  /** Seconds from now, 0: never. */
  readonly timeout: number
  readonly packets: bigint | undefined
  readonly bytes: bigint | undefined
  readonly comment: string | undefined
  readonly skb: SkbInfo
}

export const NO_SKBINFO: SkbInfo = { mark: 0, markMask: 0, priority: 0, queue: 0 }

/** What a set keeps with its elements (IPSET_EXT_*). */
export interface Keeps {
  readonly timeout: number | undefined
  readonly counters: boolean
  readonly comment: boolean
  readonly skbinfo: boolean
}

export const EMPTY: Extensions = {
  nomatch: false,
  expires: 0,
  packets: 0n,
  bytes: 0n,
  comment: undefined,
  skb: undefined,
}

/** The extensions of an element that is added, or added again over `old` (ip_set_init_counter and its like): counters that are not given stay. */
export function initialise(keeps: Keeps, old: Extensions, given: Given, now: number): Extensions {
  return {
    nomatch: given.nomatch,
    expires: keeps.timeout === undefined || given.timeout === 0 ? 0 : now + given.timeout,
    packets: keeps.counters ? (given.packets ?? old.packets) : 0n,
    bytes: keeps.counters ? (given.bytes ?? old.bytes) : 0n,
    comment: keeps.comment ? given.comment : undefined,
    skb: keeps.skbinfo ? given.skb : undefined,
  }
}

/** A tick of the kernel's clock is left to the side of life: an element whose time ends now is still there. */
export const isExpired = (keeps: Keeps, { expires }: Extensions, now: number): boolean =>
  keeps.timeout !== undefined && expires !== 0 && expires < now
