import type { Ip } from '../address/ip.js'

/** Who asks whom. */
export interface CookieTuple {
  readonly src: Ip
  readonly dst: Ip
  readonly sport: number
  readonly dport: number
}

/** A SYN that was answered. */
interface Answered {
  /** The SYN's sequence number. */
  readonly sequence: number
  /** Which entry of the table of MSS values the cookie holds. */
  readonly mss: number
  readonly cookie: number
  /** Cookies that came back though this run has not drawn them: somebody else's secret made them. */
  readonly learned: Set<number>
  at: number
  /** On its way to the client it became another number. */
  spoilt: boolean
  /** Another one may still come back: a cookie that is made later than another may differ from it. */
  open: boolean
}

/** What is known of a cookie that comes back. `mss`: index of the table. `taken`: it is not the one that was drawn, and is believed. */
export type CookieJudgement =
  | { readonly is: 'right'; readonly mss: number; readonly taken: boolean }
  | { readonly is: 'wrong' }
  | { readonly is: 'unknown'; readonly mss: number }

/** MSS values that a cookie can hold (net/ipv4/syncookies.c, net/ipv6/syncookies.c: msstab). */
export const COOKIE_MSS: Readonly<Record<4 | 6, readonly number[]>> = {
  4: [536, 1300, 1440, 1460],
  6: [1220, 1420, 1440, 8940],
}

/** The largest that is not above `mss`, or the first (cookie_init_sequence). */
export const cookieMss = (family: 4 | 6, mss: number): number =>
  Math.max(
    0,
    COOKIE_MSS[family].findLastIndex((one) => mss >= one),
  )

const MINUTE = 60
/** A minute counter is in it: one that is as old as this is certainly refused (MAX_SYNCOOKIE_AGE). */
const OLDEST = 2 * MINUTE
const MOST = 8
/** By so much a sequence number may be off, so that the index of the MSS is in the table still. */
const FARTHEST = 3

/**
 * SYN cookies of one namespace. They hang on a secret that no snapshot has, so each is drawn; whether one that comes back is right is known of those, and
 * of the first one that answers a SYN of this run, which is believed: a real client sends back what it was given last.
 */
export class SynCookies {
  readonly #answered = new Map<string, Answered[]>()

  /** `sequence`: the SYN's. */
  give(tuple: CookieTuple, sequence: number, mss: number, now: number, random: () => number): number {
    const key = keyOf(tuple)
    const all = this.#answered.get(key) ?? []
    const known = all.find((one) => one.sequence === sequence && one.mss === mss)
    if (known) {
      if (now > known.at) known.open = true
      known.spoilt = false
      known.at = now
      return known.cookie
    }
    const cookie = Math.floor(random() * 2 ** 32)
    all.unshift({ sequence, mss, cookie, learned: new Set(), at: now, open: true, spoilt: false })
    this.#answered.set(key, all.slice(0, MOST))
    return cookie
  }

  /** The client was told another number than the cookie for the SYN of this sequence number: what it sends back is wrong. */
  spoil(tuple: CookieTuple, sequence: number): void {
    for (const one of this.#answered.get(keyOf(tuple)) ?? []) if (one.sequence === sequence) one.spoilt = true
  }

  /**
   * `sequence`: one less than the segment's. A cookie is the sum of a hash, the sequence number and the index of the MSS: where the two numbers are off by
   * different amounts the index is off by the difference, and all is good as long as it is in the table (net/ipv4/syncookies.c: check_tcp_syn_cookie).
   */
  judge(tuple: CookieTuple, sequence: number, cookie: number, now: number): CookieJudgement {
    const all = this.#answered.get(keyOf(tuple)) ?? []
    if (all.length === 0) return { is: 'unknown', mss: 0 }
    const shiftOf = (one: Answered) => (sequence - one.sequence) | 0
    for (const one of all)
      for (const known of [one.cookie, ...one.learned]) {
        const mss = one.mss + (((cookie - known) | 0) - shiftOf(one))
        const judged = aged(one, mss, now, known !== one.cookie)
        if (judged.is === 'wrong') continue
        for (const asked of all) if (Math.abs(shiftOf(asked)) <= FARTHEST) asked.open = false
        return judged
      }
    const near = all.filter((one) => Math.abs(shiftOf(one)) <= FARTHEST && one.open && !one.spoilt)
    const [only] = near
    if (!only) return { is: 'wrong' }
    if (near.length > 1) return { is: 'unknown', mss: only.mss }
    only.learned.add(cookie)
    only.open = false
    return aged(only, only.mss - shiftOf(only), now, true)
  }
}

const keyOf = ({ src, dst, sport, dport }: CookieTuple): string => `${src} ${dst} ${sport} ${dport}`

function aged({ at }: Answered, mss: number, now: number, taken: boolean): CookieJudgement {
  if (mss < 0 || mss > 3 || now - at >= OLDEST) return { is: 'wrong' }
  return now - at < MINUTE ? { is: 'right', mss, taken } : { is: 'unknown', mss }
}
