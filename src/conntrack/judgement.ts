/**
 * What a protocol's tracker says of a packet of its connection (nf_conntrack_handle_packet). `timeout` in seconds, undefined: the old one runs
 * on; `count`: the packet counts in the connection's packets and bytes; `kill`: the connection ends with it. `again`: the connection is over,
 * the packet begins a new one (NF_REPEAT).
 */
export type Judgement =
  | { readonly is: 'accept'; readonly timeout: number | undefined; readonly count: boolean; readonly kill?: boolean }
  | { readonly is: 'invalid'; readonly reason: string }
  | { readonly is: 'again' }

/** It passes as part of the connection, but neither counts nor keeps it alive. */
export const IGNORED: Judgement = { is: 'accept', timeout: undefined, count: false }

export const accepted = (timeout: number): Judgement => ({ is: 'accept', timeout, count: true })
export const invalid = (reason: string): Judgement => ({ is: 'invalid', reason })
