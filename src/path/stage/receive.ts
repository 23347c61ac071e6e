import { BROADCAST_MAC, isMulticastMac, printMac } from '../../address/mac.js'
import { isIp } from '../../packet/arp.js'
import { headerChecksumOk } from '../../packet/checksum.js'
import { type Packet, u16, u128 } from '../../packet/packet.js'
import { isLoopback, isMulticast } from '../../routing/classify.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { lookAtHopByHop } from '../headers6.js'
import type { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import { ascend } from './devices.js'

/** A frame comes in on a device: a bridge port hands it to its bridge, every other device to IP. */
export function receive(cursor: Cursor): ExitOf<'receive'> | Fate {
  const { skb, netns } = cursor
  const link = netns.link(skb.iif)
  if (!link) return cursor.drop('no-device', `interface ${skb.iif} does not exist`)
  const last = cursor.steps.findLast((step) => step.kind === 'send')
  cursor.record({ kind: 'receive', interface: link.name, from: last?.kind === 'send' ? last.interface : undefined })
  if (!link.up) return cursor.drop('interface-down', `${link.name} is down`)
  const taken = skb.looped ? link : ascend(cursor, link)
  if ('outcome' in taken) return taken
  skb.type = skb.looped ? 'loopback' : packetType(cursor, taken.mac, taken.kind === 'loopback')
  const master = cursor.netns.link(taken.master)
  if (master?.bridge && !skb.looped) return 'port'
  return unclaimed(cursor) ?? (isIp(skb.packet) ? 'ip' : 'arp')
}

/** net/ethernet/eth.c: eth_type_trans. */
function packetType({ skb }: Cursor, own: number | undefined, everything: boolean): typeof skb.type {
  const mac = skb.packet.mac?.destination
  if (mac === undefined || everything) return 'host'
  if (mac === BROADCAST_MAC) return 'broadcast'
  if (isMulticastMac(mac)) return 'multicast'
  return own === undefined || mac === own ? 'host' : 'otherhost'
}

/** net/ipv4/ip_input.c: ip_rcv_core; net/ipv6/ip6_input.c: ip6_rcv_core: what is not sound is dropped before any hook sees it. */
export function ipReceive(cursor: Cursor): ExitOf<'ip-receive'> | Fate {
  const { skb } = cursor
  const fate = skb.bridge && fromBridge(cursor)
  if (fate) return fate
  if (skb.type === 'otherhost') {
    const mac = printMac(skb.packet.mac?.destination ?? 0)
    return cursor.drop('other-host', `the frame is addressed to ${mac}, not to ${skb.iif}`)
  }
  const fault = skb.packet.family === 4 ? fault4(skb.packet) : fault6(skb, cursor.netns.interfaces.isLoopback(skb.iif!))
  if (fault) return cursor.drop('ip-header', fault)
  const options = lookAtHopByHop(cursor)
  if (options) return options
  // br_netfilter has run PREROUTING already (ip_sabotage_in); which port it was is known from here on, and to nobody where it has not looked
  const seen = skb.bridge?.calls === true
  skb.bridge = seen ? { ...skb.bridge!, calls: false } : undefined
  return seen ? 'seen-on-bridge' : 'sound'
}

/** br_pass_frame_up: what stands on the bridge device takes it first. */
function fromBridge(cursor: Cursor): Fate | undefined {
  const { skb, netns } = cursor
  const { bridge } = skb
  const taken = ascend(cursor, netns.link(skb.iif)!)
  if ('outcome' in taken) return taken
  skb.bridge = cursor.netns === netns ? bridge : undefined
  return unclaimed(cursor)
}

/** A tag that no device has taken: PACKET_OTHERHOST. One of VLAN 0 says a priority only. */
function unclaimed(cursor: Cursor): Fate | undefined {
  const { skb } = cursor
  const [tag] = skb.vlans
  if (tag && tag.id !== 0) return cursor.drop('other-host', `no device takes VLAN ${tag.id} off ${skb.iif}`)
  skb.vlans = []
  return undefined
}

function fault4(packet: Packet): string | undefined {
  const { bytes } = packet
  if (bytes.length < 20) return 'the IPv4 header is cut off'
  if (bytes[0]! >> 4 !== 4) return `IP version ${bytes[0]! >> 4} in an IPv4 frame`
  const header = (bytes[0]! & 15) * 4
  if (header < 20) return `an IPv4 header of ${header} bytes`
  if (bytes.length < header) return 'the IPv4 options are cut off'
  if (!headerChecksumOk(packet)) return 'wrong IPv4 header checksum'
  const total = u16(bytes, 2)!
  if (total > bytes.length) return `total length ${total}, but only ${bytes.length} bytes arrived`
  if (total < header) return `total length ${total} is less than the header`
  return undefined
}

function fault6({ packet: { bytes }, looped }: Skb, loopback: boolean): string | undefined {
  if (bytes.length < 40) return 'the IPv6 header is cut off'
  const [src, dst] = [u128(bytes, 8)!, u128(bytes, 24)!]
  if (!loopback && (isLoopback(src) || isLoopback(dst))) return 'a loopback address from outside'
  if (isMulticast(dst)) {
    const scope = (dst >> 112n) & 15n
    if (scope === 0n) return 'a multicast address of scope 0'
    if (scope === 1n && !loopback && !looped) return 'a multicast address that means an interface only'
  }
  if (isMulticast(src)) return 'a multicast source address'
  const payload = u16(bytes, 4)!
  if (payload === 0 && bytes[6] === 0) return undefined // a jumbo payload
  if (payload + 40 > bytes.length) return `payload length ${payload}, but only ${bytes.length - 40} bytes arrived`
  return undefined
}
