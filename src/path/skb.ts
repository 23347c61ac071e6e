import type { Ip } from '../address/ip.js'
import type { Attachment, Entry, Tracking } from '../conntrack/entry.js'
import type { VlanTag } from '../packet/frame.js'
import type { Packet } from '../packet/packet.js'
import type { IpOptions } from './ip-options.js'
import type { Whole } from './reassembly.js'
import type { Socket } from './world.js'

/** Where the packet is going, once a routing decision was made (skb_dst). */
export interface Destination {
  readonly result: 'local' | 'forward' | 'output' | 'broadcast' | 'multicast'
  readonly dev: string
  readonly gateway: Ip | undefined
  readonly mtu: number | undefined
}

export type PacketType = 'host' | 'broadcast' | 'multicast' | 'otherhost' | 'outgoing' | 'loopback'

/** Who sends: what rules may ask of the socket behind a locally generated packet. */
export interface Sender {
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** False for what the kernel sends by itself (RST, ICMP errors): no full socket stands behind it. */
  readonly socket: boolean
  /** A raw socket with a header of its own (IP_HDRINCL): it may send from any address. */
  readonly raw?: boolean
  /** One of the kernel's own sockets (ICMP's, TCP's for RST): `-m owner --socket-exists` sees it, but nobody owns it. */
  readonly kernel?: boolean
}

/** What a CT rule gives its packets. The rule has one connection that is none (nf_ct_tmpl_alloc), which rules in raw see and CONNMARK writes into. */
export interface Template {
  /** `mark`: the packet's mark when it comes to be tracked. */
  readonly zone: number | 'mark'
  readonly direction: 'original' | 'reply' | undefined
  readonly helper: string | undefined
  readonly entry: Entry
  /** SYNPROXY's own: the connection is one that it begins. */
  readonly proxied?: boolean
}

const UNSUMMED = { is: 'none' } as const

/** One packet on its way through one namespace, with what Linux keeps beside the bytes (struct sk_buff). */
export class Skb {
  packet: Packet
  mark = 0
  priority = 0
  iif: string | undefined
  oif: string | undefined
  type: PacketType = 'host'
  destination: Destination | undefined
  tracking: Tracking | undefined
  /** The zone, helper and timeout policy that a CT rule in raw gave it. */
  template: Template | undefined
  /** The question says which state its connection is in: taken instead of looking it up, in the first namespace. */
  supposed: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' | undefined
  /** A local sender without an address of its own: routing chooses one. */
  chooseSource = false
  /** Set for packets that this namespace generated. */
  sender: Sender | undefined
  /** The packet crosses a bridge. `calls`: with bridge-nf-call-iptables (nf_bridge_info); `daddr`: before PREROUTING ran. */
  bridge: { in: string | undefined; out: string | undefined; calls: boolean; daddr: Ip } | undefined
  /** Of a received IPv4 packet that has some, once they were looked at. */
  options: IpOptions | undefined
  /** It came in fragments, and leaves in the same (net/ipv4/ip_output.c: ip_do_fragment with a frag_list). */
  pieces: Omit<Whole, 'packet'> | undefined
  /** It was put together for delivery and not by connection tracking: DF counts where it leaves in fragments again, as a copy (skb->ignore_df is not set). */
  heedsDf = false
  /**
   * Where delivery begins to read the IPv6 headers: behind those in front of the fragment header, where connection tracking put the packet
   * together, though the first of them is what they are taken for (nf_ct_frag6_reasm moves the transport header).
   */
  deliverAt: number | undefined
  /** An ICMP message that the kernel is sending right now: until it has left, it sends no other (icmp_xmit_lock). */
  sendingIcmp = false
  /** It goes back out of the device that it came in by, and its sender could do without us: a redirect is due (IPSKB_DOREDIRECT). */
  redirect = false
  /** Connection tracking has summed the packet on its way in, and found it good (skb->csum_valid). */
  summed = false
  /**
   * What the kernel still knows of that sum (skb->ip_summed): nothing; the sum over the whole packet, with `headerWords` as they were (undefined: it was wrong); or that nobody
   * has to sum again, which NAT finds of ICMP errors on their way in.
   */
  sum:
    | { readonly is: 'none' }
    | { readonly is: 'complete'; readonly header: number | undefined }
    | { readonly is: 'trusted' } = UNSUMMED
  /** The transport checksum is left to the device: whoever quotes the packet before it leaves quotes half of it (CHECKSUM_PARTIAL). */
  partial = false
  /** The kernel has drawn its IPv4 id, which nobody knows (ip_select_ident). */
  drawnId = false
  /** The device that a local sender is bound to (SO_BINDTODEVICE, a tunnel's lower device). */
  bound: string | undefined
  /** The device that an answer is routed by at first; a second decision does not know of it. */
  via: string | undefined
  /** The next hop, known once routing decided; for the neighbour lookup. */
  nexthop: Ip | undefined

  /** The socket that TPROXY found: it gets the packet, if routing brings it to this host (skb->sk). */
  socket: Socket | 'assumed' | undefined

  /** Of a copy: the device that TEE's routing gave it, which POSTROUTING takes for the one that it came in by (ip_output: indev). */
  copiedTo: string | undefined
  /** Of a copy of something received: where that came in (IP6CB's iif), which rules do not see. */
  originalIif: string | undefined
  /** WireGuard's outer packet: the public key of who has encrypted it, where that is known. */
  sealedBy: string | undefined
  /** The port of a VRF by which it came in; `iif` is the VRF then. */
  vrfPort: string | undefined
  /** IPsec: it was encrypted here, or carries what was; it is not looked up again. */
  transformed = false
  /** IPsec: it was encrypted on its way here (skb_sec_path). */
  secured = false
  /** 802.1Q tags of the frame, outermost first; a device that takes it removes its own. */
  vlans: readonly VlanTag[] = []
  /** REJECT's reset: the connection that it ends, once it has a route and before OUTPUT (nf_send_reset, nf_send_reset6: nf_ct_set_closing). */
  closes: Entry | undefined
  /** Handed back to this host, which listens to the group or broadcast address it was sent to (dev_loopback_xmit). */
  looped = false

  constructor(packet: Packet) {
    this.packet = packet
  }

  /**
   * On its way in on a device. `loopback`: everything but the socket stays; `veth`: within the namespace the mark stays, nothing else;
   * `netns`: nothing stays (net/core/skbuff.c: skb_scrub_packet; drivers/net/loopback.c: loopback_xmit).
   */
  arrive(iif: string, how: 'loopback' | 'veth' | 'netns'): void {
    this.iif = iif
    this.oif = undefined
    this.bound = undefined
    this.via = undefined
    this.redirect = false
    this.nexthop = undefined
    this.pieces = undefined
    this.heedsDf = false
    this.vrfPort = undefined
    this.transformed = false
    if (how !== 'loopback') this.secured = false
    this.deliverAt = undefined
    this.options = undefined
    this.sendingIcmp = false
    this.bridge = undefined
    this.sender = undefined
    this.copiedTo = undefined
    this.originalIif = undefined
    this.socket = undefined
    if (how === 'loopback') return
    this.partial = false
    this.summed = false
    this.sum = UNSUMMED
    this.destination = undefined
    this.tracking = undefined
    this.template = undefined
    this.supposed = undefined
    this.chooseSource = false
    if (how === 'netns') {
      this.mark = 0
      this.priority = 0
    }
  }

  /** The connection that rules and nat see behind the packet (nf_ct_get): the template's until tracking has looked. */
  get attachment(): Attachment | undefined {
    if (this.tracking?.is === 'tracked') return this.tracking.attachment
    return this.template && { entry: this.template.entry, direction: 'original', state: 'NEW' }
  }

  clone(): Skb {
    const copy = new Skb(this.packet.clone())
    const { packet } = copy
    Object.assign(copy, this)
    copy.packet = packet
    copy.bridge = this.bridge && { ...this.bridge }
    return copy
  }
}
