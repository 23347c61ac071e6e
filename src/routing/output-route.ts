import type { Ip } from '../address/ip.js'
import type { Found, LookupResult, RuleTried } from './lookup.js'

/** A routing decision for what the host itself sends. */
export type OutputRoute =
  | {
      readonly ok: true
      readonly type: 'local' | 'unicast' | 'broadcast' | 'multicast'
      readonly dev: string
      readonly gateway: Ip | undefined
      readonly source: Ip
      readonly mtu: number | undefined
      readonly found: Found
      readonly tried: readonly RuleTried[]
      /** Where the kernel draws among next hops: all of them, this one first. */
      readonly ways?: readonly OutputWay[]
    }
  | {
      readonly ok: false
      readonly reason:
        | 'no-route'
        | 'unreachable'
        | 'prohibit'
        | 'blackhole'
        | 'martian-source'
        | 'martian-destination'
        | 'bad-source'
        | 'no-source'
        | 'interface-down'
      /** What the system call says. */
      readonly errno: 'ENETUNREACH' | 'EHOSTUNREACH' | 'EACCES' | 'EINVAL' | 'ENODEV' | 'EADDRNOTAVAIL'
      readonly text: string
      readonly tried: readonly RuleTried[]
    }

export interface OutputWay {
  readonly dev: string
  readonly gateway: Ip | undefined
  readonly source: Ip
  /** Of 1. */
  readonly weight: number
}

export interface OutputOptions {
  /** A source that is not the host's own is let through (FLOWI_FLAG_ANYSRC): raw sockets with IP_HDRINCL, rerouting. */
  readonly anySource?: boolean
  /** IPv6: the lookup alone, as `ip route get` makes it; a socket chooses its source first and then asks again (ip6_dst_lookup_tail). */
  readonly lookupOnly?: boolean
  /** The packet has been routed before: `::` is an address like any other, not what a socket calls this host. */
  readonly again?: boolean
}

export type Refused = Extract<OutputRoute, { ok: false }>

export const refused = (
  reason: Refused['reason'],
  errno: Refused['errno'],
  text: string,
  tried: readonly RuleTried[] = [],
): Refused => ({ ok: false, reason, errno, text, tried })

const ERRNO = { blackhole: 'EINVAL', unreachable: 'EHOSTUNREACH', prohibit: 'EACCES' } as const

/** What an unsuccessful lookup comes to. A rule that says unreachable means the net, a route that says it the host (fib4_rule_action, fib6_null_entry). */
export function refusalOf({ found, tried }: LookupResult): Refused | undefined {
  if (found.is === 'none') return refused('no-route', 'ENETUNREACH', 'no route', tried)
  if (found.is === 'refused') {
    const errno = found.how === 'unreachable' ? 'ENETUNREACH' : ERRNO[found.how]
    return refused(found.how, errno, `rule ${found.rule.priority}: ${found.how}`, tried)
  }
  const { type, text } = found.route
  if (type !== 'blackhole' && type !== 'unreachable' && type !== 'prohibit') return undefined
  return refused(type, ERRNO[type], `${text}: ${type}`, tried)
}
