import type { Hook } from '../rules/program.js'

/**
 * The path of a packet through Linux, as data: THE graph. Walkers execute it, the set walker propagates along it, the page draws
 * it. Three kinds of journey follow from it and are written nowhere: for this host (… route → input → deliver), through it
 * (… route → forward → postrouting …), from it (generate → output → postrouting …).
 *
 * An exit names the next stage; `end` ends the journey. Every stage may also drop the packet, with a reason.
 */
export interface Stage {
  readonly label: string
  readonly kind: 'device' | 'check' | 'hook' | 'decision' | 'end'
  /** The netfilter hook that is run here. */
  readonly hook?: Hook
  readonly exits: Readonly<Record<string, string>>
  /** Where Linux does it. */
  readonly kernel: string
}

export const STAGES = {
  receive: {
    label: 'device receive',
    kind: 'device',
    exits: { ip: 'ip-receive', arp: 'arp-receive', port: 'bridge-input' },
    kernel: 'net/core/dev.c: __netif_receive_skb_core',
  },
  'ip-receive': {
    label: 'IP header checks',
    kind: 'check',
    exits: { sound: 'prerouting', 'seen-on-bridge': 'route-input' },
    kernel: 'net/ipv4/ip_input.c: ip_rcv_core; net/ipv6/ip6_input.c: ip6_rcv_core',
  },
  prerouting: {
    label: 'PREROUTING',
    kind: 'hook',
    hook: 'prerouting',
    exits: { accept: 'route-input' },
    kernel: 'net/ipv4/ip_input.c: ip_rcv; drivers/net/vrf.c: vrf_ip_rcv',
  },
  'route-input': {
    label: 'routing decision',
    kind: 'decision',
    exits: { local: 'reassemble', forward: 'forward-checks' },
    kernel: 'net/ipv4/route.c: ip_route_input_slow; net/ipv6/ip6_input.c: ip6_rcv_finish',
  },
  reassemble: {
    label: 'reassembly',
    kind: 'check',
    exits: { whole: 'input' },
    kernel: 'net/ipv4/ip_input.c: ip_local_deliver; net/ipv6/reassembly.c: ipv6_frag_rcv',
  },
  input: {
    label: 'INPUT',
    kind: 'hook',
    hook: 'input',
    exits: { accept: 'deliver' },
    kernel: 'net/ipv4/ip_input.c: ip_local_deliver',
  },
  deliver: {
    label: 'local delivery',
    kind: 'decision',
    exits: { socket: 'end', tunnel: 'decapsulate' },
    kernel: 'net/ipv4/ip_input.c: ip_local_deliver_finish',
  },
  'forward-checks': {
    label: 'TTL and redirect',
    kind: 'check',
    exits: { pass: 'forward' },
    kernel: 'net/ipv4/ip_forward.c: ip_forward; net/ipv6/ip6_output.c: ip6_forward',
  },
  forward: {
    label: 'FORWARD',
    kind: 'hook',
    hook: 'forward',
    exits: { accept: 'postrouting' },
    kernel: 'net/ipv4/ip_forward.c: ip_forward',
  },
  generate: {
    label: 'routing decision',
    kind: 'decision',
    exits: { routed: 'output' },
    kernel: 'net/ipv4/route.c: ip_route_output_key_hash; net/ipv6/route.c: ip6_route_output_flags',
  },
  output: {
    label: 'OUTPUT',
    kind: 'hook',
    hook: 'output',
    exits: { accept: 'postrouting' },
    kernel: 'net/ipv4/ip_output.c: __ip_local_out',
  },
  postrouting: {
    label: 'POSTROUTING',
    kind: 'hook',
    hook: 'postrouting',
    exits: { accept: 'fragment', transform: 'encapsulate' },
    kernel: 'net/ipv4/ip_output.c: ip_output; net/ipv4/xfrm4_output.c: xfrm4_output',
  },
  fragment: {
    label: 'MTU',
    kind: 'check',
    exits: { fits: 'neighbour' },
    kernel: 'net/ipv4/ip_output.c: __ip_finish_output, ip_fragment',
  },
  neighbour: {
    label: 'neighbour',
    kind: 'decision',
    exits: { resolved: 'transmit' },
    kernel: 'net/ipv4/ip_output.c: ip_finish_output2; net/core/neighbour.c',
  },
  transmit: {
    label: 'device transmit',
    kind: 'device',
    exits: { loopback: 'receive', wire: 'receive', bridge: 'bridge-output', tunnel: 'encapsulate', out: 'end' },
    kernel: 'net/core/dev.c: dev_hard_start_xmit; drivers/net/loopback.c; drivers/net/veth.c',
  },
  encapsulate: {
    label: 'encapsulation',
    kind: 'device',
    exits: { outer: 'generate' },
    kernel:
      'drivers/net/vxlan/vxlan_core.c: vxlan_xmit_one; net/ipv4/ip_tunnel.c: ip_tunnel_xmit; drivers/net/wireguard/device.c: wg_xmit',
  },
  decapsulate: {
    label: 'decapsulation',
    kind: 'device',
    exits: { inner: 'receive' },
    kernel:
      'drivers/net/vxlan/vxlan_core.c: vxlan_rcv; net/ipv4/ip_tunnel.c: ip_tunnel_rcv; drivers/net/wireguard/receive.c: wg_packet_consume_data_done',
  },
  'arp-receive': {
    label: 'ARP INPUT',
    kind: 'check',
    exits: { accept: 'arp' },
    kernel: 'net/ipv4/arp.c: arp_rcv',
  },
  arp: {
    label: 'ARP',
    kind: 'decision',
    exits: { taken: 'end' },
    kernel: 'net/ipv4/arp.c: arp_process',
  },
  'arp-output': {
    label: 'ARP OUTPUT',
    kind: 'check',
    exits: { accept: 'transmit' },
    kernel: 'net/ipv4/arp.c: arp_xmit',
  },
  'bridge-input': {
    label: 'bridge port',
    kind: 'device',
    exits: {
      'call-iptables': 'bridge-prerouting',
      bridged: 'bridge-decision',
      routed: 'ip-receive',
      'routed-arp': 'arp-receive',
    },
    kernel: 'net/bridge/br_input.c: br_handle_frame',
  },
  'bridge-prerouting': {
    label: 'PREROUTING (bridged)',
    kind: 'hook',
    hook: 'prerouting',
    exits: { accept: 'bridge-decision' },
    kernel: 'net/bridge/br_netfilter_hooks.c: br_nf_pre_routing',
  },
  'bridge-decision': {
    label: 'bridge forwarding',
    kind: 'decision',
    exits: { up: 'ip-receive', 'arp-up': 'arp-receive', port: 'bridge-egress' },
    kernel: 'net/bridge/br_input.c: br_handle_frame_finish; net/bridge/br_forward.c',
  },
  'bridge-egress': {
    label: 'bridge port out',
    kind: 'device',
    exits: { 'call-iptables': 'bridge-forward', port: 'transmit' },
    kernel: 'net/bridge/br_forward.c: __br_forward',
  },
  'bridge-forward': {
    label: 'FORWARD (bridged)',
    kind: 'hook',
    hook: 'forward',
    exits: { accept: 'bridge-postrouting' },
    kernel: 'net/bridge/br_netfilter_hooks.c: br_nf_forward_ip',
  },
  'bridge-postrouting': {
    label: 'POSTROUTING (bridged)',
    kind: 'hook',
    hook: 'postrouting',
    exits: { accept: 'transmit' },
    kernel: 'net/bridge/br_netfilter_hooks.c: br_nf_post_routing',
  },
  'bridge-output': {
    label: 'bridge output',
    kind: 'decision',
    exits: { port: 'bridge-egress' },
    kernel: 'net/bridge/br_device.c: br_dev_xmit',
  },
  end: { label: 'end', kind: 'end', exits: {}, kernel: '' },
} as const satisfies Record<string, Stage>

export type StageName = keyof typeof STAGES
/** The exits of one stage, besides being dropped. */
export type ExitOf<S extends StageName> = keyof (typeof STAGES)[S]['exits'] & string

/** The stage behind an exit. */
export function stageAfter<S extends StageName>(stage: S, exit: ExitOf<S>): StageName {
  return (STAGES[stage].exits as Readonly<Record<string, string>>)[exit] as StageName
}
