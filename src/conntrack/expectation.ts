import type { Ip } from '../address/ip.js'
import { CT_STATUS } from '../packet/fields.js'
import type { Entry } from './entry.js'
import { type Zone, zoneId, zoneOf } from './store.js'
import { sameTuple, type Tuple } from './tuple.js'

/** Which bits of the source count (struct nf_conntrack_tuple_mask); the destination always counts whole. */
export interface ExpectationMask {
  readonly src: Ip
  readonly sport: number
}

/** A connection that a helper has announced (struct nf_conntrack_expect). */
export interface Expectation {
  readonly tuple: Tuple
  readonly mask: ExpectationMask
  readonly master: Entry
  /** Of the helper's classes, each of which has its own limit. */
  readonly class: number
  /** It stays when a connection has come of it (NF_CT_EXPECT_PERMANENT). */
  readonly permanent: boolean
  /** Nothing comes of it yet (NF_CT_EXPECT_INACTIVE). */
  inactive: boolean
  /** The helper of the connection that comes of it. */
  readonly helper: string | undefined
  /** Told of the connection that came of it, before any rule sees it (expectfn). */
  readonly follow: ((entry: Entry, now: number) => void) | undefined
  /** What was announced before NAT chose other ends (saved_addr, saved_proto). Left out: nothing was saved. */
  readonly saved?: { readonly ip: Ip; readonly port: number }
  /** It was read from a listing: why what comes of it is not sure, or what is taken for true of it. */
  readonly unsure?: string
  readonly assumed?: string
  /** Seconds since the epoch. */
  expires: number
}

/** An expectation as a listing tells it. */
export interface ListedExpectation {
  readonly tuple: Tuple
  readonly mask: ExpectationMask
  /** The ends of the connection whose helper expects it, as it began; left out: not told. */
  readonly master?: Pick<Tuple, 'src' | 'dst' | 'sport' | 'dport'>
  /** Left out: not told. */
  readonly zone?: number
  readonly class: number
  readonly permanent: boolean
  readonly inactive: boolean
  /** Of the master. */
  readonly helper: string | undefined
  /** Seconds since the epoch. */
  readonly expires: number
}

/** How many a master may expect of one class, and for how many seconds (struct nf_conntrack_expect_policy). 0: no limit. */
export interface ExpectationPolicy {
  readonly maxExpected: number
  readonly timeout: number
}

/** `busy`: somebody else expects what would look alike; `full`: no more for this master; `already`: the master expects it in another class, or another master does. */
export type Expected = 'expected' | 'busy' | 'full' | 'already'

/** net.netfilter.nf_conntrack_expect_max is four times the buckets of its table, which are a 256th of the connections'. */
const MOST = 4096

/** What the connections of one namespace expect (net/netfilter/nf_conntrack_expect.c). */
export class Expectations {
  /** The newest first, as in the kernel's lists. */
  #all: Expectation[] = []

  /** Those whose time is not up and whose master lives, the newest first: `conntrack -L expect`. */
  at(now: number): readonly Expectation[] {
    return this.#all.filter((one) => alive(one, now))
  }

  /** nf_ct_expect_related. Sets `expires`. `shared`: what another master expects already need not be expected again (NF_CT_EXP_F_SKIP_MASTER). */
  add(expectation: Expectation, policy: ExpectationPolicy, now: number, shared = false): Expected {
    this.#all = this.#all.filter((one) => alive(one, now))
    const refused = this.#refused(expectation, shared)
    if (refused) return refused
    const { master } = expectation
    const same = this.#all.filter((one) => one.master === master && one.class === expectation.class)
    if (policy.maxExpected !== 0 && same.length >= policy.maxExpected) this.remove(same.at(-1)!)
    if (this.#all.length >= MOST) return 'full'
    expectation.expires = now + policy.timeout
    this.#all.unshift(expectation)
    return 'expected'
  }

  /** Does somebody expect it already? Its master's own old one makes place. */
  #refused(expectation: Expectation, shared: boolean): Expected | undefined {
    const { master } = expectation
    for (const one of this.#all) {
      if ((shared ? sameZone(one.master, zoneOf(master)) : one.master === master) && matches(one, expectation)) {
        if (one.class !== expectation.class || one.master !== master) return 'already'
        this.remove(one)
        return undefined
      }
      if (clash(one, expectation)) return 'busy'
    }
    return undefined
  }

  /** Those of a listing, the newest first. */
  restore(expectations: readonly Expectation[]): void {
    this.#all = [...expectations]
  }

  /** nf_ct_unexpect_related. */
  remove(expectation: Expectation): void {
    this.#all = this.#all.filter((one) => one !== expectation)
  }

  /** nf_ct_remove_expectations, nf_ct_helper_destroy: its master is gone, or wants none any more. */
  removeOf(master: Entry): void {
    if (this.#all.some((one) => one.master === master)) this.#all = this.#all.filter((one) => one.master !== master)
  }

  /** Of one master, the newest first. */
  of(master: Entry, now: number): readonly Expectation[] {
    return this.at(now).filter((one) => one.master === master)
  }

  /** nf_ct_expect_find_get. */
  find(tuple: Tuple, zone: Zone, now: number): Expectation | undefined {
    return this.#all.find(
      (one) => alive(one, now) && sameEnds(tuple, one.tuple, one.mask) && sameZone(one.master, zone),
    )
  }

  /** nf_ct_find_expectation: what a new connection with this tuple was announced by; unless permanent, it is used up. */
  take(tuple: Tuple, zone: Zone, now: number): Expectation | undefined {
    const found = this.#all.find(
      (one) => !one.inactive && alive(one, now) && sameEnds(tuple, one.tuple, one.mask) && sameZone(one.master, zone),
    )
    // its master has not left this host yet: the other end cannot know of it
    if (!found || !(found.master.status & CT_STATUS.CONFIRMED)) return undefined
    if (!found.permanent) this.remove(found)
    return found
  }
}

const alive = ({ expires, master }: Expectation, now: number): boolean =>
  expires > now && !(master.status & CT_STATUS.DYING) && master.expires > now

/** nf_ct_zone_equal_any. */
const sameZone = (master: Entry, zone: Zone): boolean =>
  zoneId(zoneOf(master), 'original') === zoneId(zone, 'original') &&
  zoneId(zoneOf(master), 'reply') === zoneId(zone, 'reply')

const under = (ip: Ip, mask: Ip): Ip =>
  typeof ip === 'number' && typeof mask === 'number' ? (ip & mask) >>> 0 : BigInt(ip) & BigInt(mask)

/** nf_ct_tuple_mask_cmp. */
const sameEnds = (a: Tuple, b: Tuple, mask: ExpectationMask): boolean =>
  a.family === b.family &&
  a.protocol === b.protocol &&
  a.dst === b.dst &&
  a.dport === b.dport &&
  under(a.src, mask.src) === under(b.src, mask.src) &&
  (a.sport & mask.sport) === (b.sport & mask.sport)

/** expect_clash: what both masks let through must not be equal. */
const clash = (a: Expectation, b: Expectation): boolean =>
  a.tuple.family === b.tuple.family &&
  sameEnds(a.tuple, b.tuple, { src: under(a.mask.src, b.mask.src), sport: a.mask.sport & b.mask.sport }) &&
  sameZone(a.master, zoneOf(b.master))

/** expect_matches. */
const matches = (a: Expectation, b: Expectation): boolean =>
  sameTuple(a.tuple, b.tuple) && a.mask.src === b.mask.src && a.mask.sport === b.mask.sport
