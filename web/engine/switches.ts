import { readSysctl } from '../../src/path/sysctls.js'
import type { Namespace } from '../../src/path/world.js'
import type { Switch } from './protocol.js'

const FOR_ALL: readonly (readonly [key: string, values: readonly number[]])[] = [
  ['net.ipv4.ip_forward', [0, 1]],
  ['net.ipv6.conf.all.forwarding', [0, 1]],
  ['net.ipv4.conf.all.rp_filter', [0, 1, 2]],
  ['net.ipv4.conf.all.route_localnet', [0, 1]],
  ['net.ipv4.conf.all.accept_local', [0, 1]],
  ['net.ipv4.conf.all.src_valid_mark', [0, 1]],
  ['net.bridge.bridge-nf-call-iptables', [0, 1]],
  ['net.bridge.bridge-nf-call-ip6tables', [0, 1]],
  ['net.ipv4.icmp_echo_ignore_all', [0, 1]],
  ['net.netfilter.nf_conntrack_tcp_loose', [0, 1]],
  ['net.netfilter.nf_conntrack_tcp_be_liberal', [0, 1]],
]
const FOR_EACH: readonly (readonly [setting: string, values: readonly number[]])[] = [
  ['rp_filter', [0, 1, 2]],
  ['forwarding', [0, 1]],
  ['route_localnet', [0, 1]],
]

/** The settings that decide about packets, those of all interfaces first, with their values. */
export function switches({ sysctls, links }: Namespace): readonly Switch[] {
  const each = links
    .filter(({ kind }) => kind !== 'loopback')
    .flatMap(({ name }) =>
      FOR_EACH.map(([setting, values]) => [`net.ipv4.conf.${name.replaceAll('.', '/')}.${setting}`, values] as const),
    )
  return [...FOR_ALL, ...each].map(([key, values]) => ({ key, values, ...readSysctl(sysctls, key) }))
}
