import type { Ip } from '../address/ip.js'

interface Peer {
  /** Seconds. */
  tokens: number
  last: number
  redirects: number
}

/** A new peer has waited for so long. */
const NEW = 60
/** Errors of one kind in a row. */
const BURST = 6

/** net.ipv4.route.redirect_load, redirect_number, redirect_silence; they exist in the first namespace only, where nobody changes them. */
const REDIRECT = { load: 0.02, most: 9, silence: 0.02 * 2 ** 10 } as const

/** What a namespace remembers of those whom it tells of errors, so that it does not tell them too often (net/ipv4/inetpeer.c). */
export class Peers {
  readonly #peers = new Map<Ip, Peer>()

  /** One message that costs so many seconds of waiting; more than `burst` of them are never saved up (inet_peer_xrlim_allow; net/ipv4/route.c: ip_error). */
  mayTell(whom: Ip, now: number, cost: number, burst = BURST): boolean {
    const peer = this.#peer(whom, now)
    peer.tokens = Math.min(burst * cost, peer.tokens + (now - peer.last))
    peer.last = now
    if (peer.tokens < cost) return false
    peer.tokens -= cost
    return true
  }

  /** net/ipv4/route.c: ip_rt_send_redirect: each redirect that is not heeded makes the next one wait twice as long, and after some there are no more. */
  mayRedirect(whom: Ip, now: number): boolean {
    const peer = this.#peer(whom, now)
    if (now > peer.last + REDIRECT.silence) {
      peer.tokens = 0
      peer.redirects = 0
    }
    const silent = peer.redirects >= REDIRECT.most
    const may = !silent && (peer.redirects === 0 || now > peer.last + REDIRECT.load * 2 ** peer.redirects)
    if (may) peer.redirects++
    if (may || silent) peer.last = now
    return may
  }

  #peer(whom: Ip, now: number): Peer {
    let peer = this.#peers.get(whom)
    if (!peer) {
      peer = { tokens: 0, last: now - NEW, redirects: 0 }
      this.#peers.set(whom, peer)
    }
    return peer
  }
}
