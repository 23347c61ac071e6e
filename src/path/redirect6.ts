import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import { buildPacket } from '../packet/build.js'
import { describe, headersOf } from '../packet/headers.js'
import { concatBytes } from '../packet/hex.js'
import { type Packet, put16, put32, put128 } from '../packet/packet.js'
import { isLinkLocal6 } from '../routing/classify.js'
import { routeOutput } from '../routing/output.js'
import { Cursor } from './cursor.js'
import { Skb } from './skb.js'

const REDIRECT = 137
/** Options of neighbour discovery (RFC 4861 section 4.6). */
const OPTION = { TARGET_ADDRESS: 2, REDIRECTED_HEADER: 4 } as const
/** Seconds between two: for each destination, and each sender. */
const EACH = 1
const LEAST_MTU = 1280
const IP6_HEADER = 40
/** Type, code, checksum, four bytes, target and destination (RFC 4861 section 4.5). */
const MESSAGE = 40

/**
 * net/ipv6/ip6_output.c: ip6_forward; net/ipv6/ndisc.c: ndisc_send_redirect. A packet that goes back through the device by which it came: its sender, if it is a
 * neighbour, is told who is nearer. It needs a link-local address here, and a next hop that is one as well or the destination itself.
 */
export function sendRedirect6(cursor: Cursor): void {
  const { skb, netns, run } = cursor
  const { iif, destination } = skb
  if (iif === undefined || skb.oif !== iif || skb.secured) return
  const dst = netns.addressOf(skb.packet, 'dst')
  const target = destination?.gateway ?? dst
  if (!netns.peers.mayTell(dst, run.now, EACH)) return
  const from = netns.interfaces.addresses(iif).find(({ prefix, usable }) => usable && isLinkLocal6(prefix.ip))
    ?.prefix.ip
  if (from === undefined || (target !== dst && !isLinkLocal6(target))) return
  const sender = netns.addressOf(skb.packet, 'src')
  const route = routeOutput(netns.fib(6), netns.interfaces, { src: from, dst: sender, oif: iif, mark: 0 })
  if (!route.ok || route.gateway !== undefined || !netns.peers.mayTell(sender, run.now, EACH)) return
  const known = targetOption(macOf(cursor, iif, target))
  const room = Math.min(LEAST_MTU - IP6_HEADER - MESSAGE - known.length, skb.packet.bytes.length + 8) & ~7
  const quoted = skb.packet.bytes.subarray(0, room - 8)
  const header = concatBytes(Uint8Array.of(OPTION.REDIRECTED_HEADER, room / 8, 0, 0, 0, 0, 0, 0), quoted)
  const addresses = new Uint8Array(32)
  put128(addresses, 0, target as bigint)
  put128(addresses, 16, dst as bigint)
  const about = { is: 'icmp', type: REDIRECT, code: 0 } as const
  send(cursor, buildPacket({ src: from, dst: sender, ttl: 255 }, about, concatBytes(addresses, known, header)), iif)
}

/** ndisc_send_skb: through OUTPUT, by the device that it is for. */
function send(cursor: Cursor, packet: Packet, dev: string): void {
  const skb = new Skb(packet)
  skb.sender = { uid: undefined, gid: undefined, socket: false, kernel: true }
  skb.via = dev
  const walk = new Cursor(cursor.run, cursor.walkOn, cursor.netns, skb)
  const headers = headersOf(packet, 0)
  if (!cursor.run.nested(() => cursor.walkOn(walk, 'generate'))) return
  cursor.record({ kind: 'reply', text: describe(headers), reply: headers, walked: walk.steps, way: walk.way })
}

/** ndisc_fill_addr_option. */
function targetOption(mac: Mac | undefined): Uint8Array {
  if (mac === undefined) return new Uint8Array(0)
  const option = Uint8Array.of(OPTION.TARGET_ADDRESS, 1, 0, 0, 0, 0, 0, 0)
  put16(option, 2, Math.floor(mac / 2 ** 32))
  put32(option, 4, mac % 2 ** 32)
  return option
}

/** What is known of the next hop's link-layer address by now. */
function macOf({ netns }: Cursor, dev: string, target: Ip): Mac | undefined {
  const link = netns.link(dev)
  const known = netns.state.neighbours.find((entry) => entry.dev === dev && entry.ip === target)?.mac
  return known ?? (link?.arp === false ? (link.mac ?? 0) : undefined)
}
