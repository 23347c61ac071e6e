/** What net.netfilter.* says; seconds. Defaults: Documentation/networking/nf_conntrack-sysctl.rst. */
export interface Settings {
  readonly checksum: boolean
  readonly accounting: boolean
  /** 0: no limit. */
  readonly max: number
  readonly beLiberal: boolean
  readonly loose: boolean
  readonly maxRetransmits: number
  readonly ignoreInvalidRst: boolean
  /** net.netfilter.nf_conntrack_helper of kernels before 6.0: helpers are attached by port, without a rule. Left out: no. */
  readonly automaticHelpers?: boolean
  /** Timeouts that the namespace has changed; the others are the kernel's. */
  timeout(name: string): number
}

/**
 * By the sysctl's name without `net.netfilter.nf_conntrack_`, where for the short ones the word `timeout` stands behind the protocol
 * (`tcp_syn_sent`: tcp_timeout_syn_sent). `tcp_syn_sent2` has no sysctl.
 */
export const TIMEOUTS: Readonly<Record<string, number>> = {
  tcp_syn_sent: 120, tcp_syn_recv: 60, tcp_established: 432000, tcp_fin_wait: 120, tcp_close_wait: 60, tcp_last_ack: 30, tcp_time_wait: 120,
  tcp_close: 10, tcp_syn_sent2: 120, tcp_max_retrans: 300, tcp_unacknowledged: 300, udp: 30, udp_stream: 120, icmp: 30, icmpv6: 30, generic: 600,
  gre_timeout: 30, gre_timeout_stream: 180, sctp_timeout_closed: 10, sctp_timeout_cookie_wait: 3, sctp_timeout_cookie_echoed: 3,
  sctp_timeout_established: 210, sctp_timeout_shutdown_sent: 3, sctp_timeout_shutdown_recd: 3, sctp_timeout_shutdown_ack_sent: 3,
  sctp_timeout_heartbeat_sent: 30,
} // biome-ignore format: a table

/** `tcp_syn_sent` → `tcp_timeout_syn_sent`, `udp` → `udp_timeout`: the sysctl's name without `net.netfilter.nf_conntrack_`. */
export const timeoutSysctl = (name: string): string =>
  name.replace(/^(tcp|udp|icmp|icmpv6|generic)(?=_|$)/, (protocol) => `${protocol}_timeout`)

export const DEFAULT_SETTINGS: Settings = {
  checksum: true,
  accounting: false,
  max: 262144,
  beLiberal: false,
  loose: true,
  maxRetransmits: 3,
  ignoreInvalidRst: false,
  timeout: (name) => TIMEOUTS[name] ?? 600,
}
