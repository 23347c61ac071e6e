import type { NatMode } from './nat.js'

/** One part of the recordings: which conversations, through which rules, and how many of them are kept. */
export interface Plan {
  readonly name: string
  readonly family: 4 | 6
  readonly conversations: readonly string[]
  readonly nat: NatMode
  readonly cases: number
  /** Recorded are the first so many with at least `least` packets and at most `most` characters. */
  readonly keep: number
  readonly least: number
  readonly most: number
  /** Without `net.netfilter.nf_conntrack_`. */
  readonly sysctls: Readonly<Record<string, string>>
}

const plan = (name: string, family: 4 | 6, conversations: readonly string[], nat: NatMode, more: Partial<Plan>): Plan => ({
  name, family, conversations, nat, cases: 60, keep: 0, least: 6, most: 4000, sysctls: {}, ...more,
}) // biome-ignore format: a table

const MIXED = ['udp2', 'ping', 'udp', 'tcp2', 'odd']

/** A time of its own for each state, so that none is taken for another. */
const TIMES = {
  tcp_timeout_syn_sent: '201', tcp_timeout_syn_recv: '203', tcp_timeout_established: '5007', tcp_timeout_fin_wait: '209', tcp_timeout_close_wait: '211',
  tcp_timeout_last_ack: '213', tcp_timeout_time_wait: '215', tcp_timeout_close: '217', tcp_timeout_max_retrans: '219', tcp_timeout_unacknowledged: '221',
  tcp_max_retrans: '2', udp_timeout: '223', udp_timeout_stream: '225', icmp_timeout: '227', icmpv6_timeout: '229', generic_timeout: '231',
  gre_timeout: '233', gre_timeout_stream: '235', sctp_timeout_closed: '237', sctp_timeout_cookie_wait: '239', sctp_timeout_cookie_echoed: '241',
  sctp_timeout_established: '243', sctp_timeout_shutdown_sent: '245', sctp_timeout_shutdown_recd: '247', sctp_timeout_shutdown_ack_sent: '249',
  sctp_timeout_heartbeat_sent: '251',
} // biome-ignore format: a table

export const PLANS: readonly Plan[] = [
  plan('tcp', 4, ['tcp'], 'none', { cases: 200, keep: 26, least: 14 }),
  plan('tcp, liberal', 4, ['tcp'], 'none', { sysctls: { tcp_be_liberal: '1' } }),
  plan('tcp, not loose', 4, ['tcp'], 'none', { sysctls: { tcp_loose: '0' } }),
  plan('tcp, resets that do not fit are ignored', 4, ['tcp'], 'none', { sysctls: { tcp_ignore_invalid_rst: '1' } }),
  plan('sctp', 4, ['sctp'], 'none', { keep: 12, least: 8 }),
  plan('mixed IPv4, NAT', 4, MIXED, 'mix', { keep: 30 }),
  plan('mixed IPv6, NAT', 6, MIXED, 'mix', { keep: 20 }),
  plan('few ports', 4, ['exhaust'], 'exhaust', { keep: 4 }),
  plan('drawn ports', 4, ['udp', 'udp2'], 'drawn', {}),
  plan('zones', 4, ['udp', 'tcp'], 'zones', { keep: 10 }),
  plan('odd IPv6', 6, ['odd', 'udplite'], 'none', { cases: 150, keep: 30, least: 4 }),
  plan('other timeouts', 4, ['tcp', 'tcp', 'sctp', 'udp', 'udplite', 'ping', 'odd'], 'none', {
    cases: 150,
    sysctls: TIMES,
  }),
  plan('other timeouts IPv6', 6, ['tcp', 'sctp', 'udp', 'ping', 'odd'], 'none', { sysctls: TIMES }),
  plan('streams', 4, ['stream'], 'none', { cases: 6 }),
]
