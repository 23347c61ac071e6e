import type { Ip } from '../../address/ip.js'
import { printIp } from '../../address/ip.js'
import { isMulticastMac, type Mac, printMac } from '../../address/mac.js'
import { buildPacket } from '../../packet/build.js'
import { PROTOCOL } from '../../packet/checksum.js'
import { buildFrame, parseFrame } from '../../packet/frame.js'
import { concatBytes } from '../../packet/hex.js'
import { Packet, put16, u16, u32 } from '../../packet/packet.js'
import { isMulticast } from '../../routing/classify.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import type { Netns } from '../netns.js'
import { outputSource } from '../source.js'
import type { Link, Vxlan } from '../world.js'
import { type Outer, tosAround } from './outer.js'

/** RFC 7348 section 5: flags (the I bit), 24 bits reserved, VNI, 8 bits reserved. */
const vxlanHeader = (vni: number): Uint8Array => Uint8Array.of(8, 0, 0, 0, vni >> 16, vni >> 8, vni, 0)

/** The range of net.ipv4.ip_local_port_range, from which a flow's hash picks the outer source port (udp_flow_src_port). */
const PORTS = [32768, 61000] as const

const ANY_MAC = 0

/** Whom a frame for a MAC address is sent to: what the table says, what was learned, else all that unknown addresses are flooded to (vxlan_find_mac, vxlan_xmit). */
function remotesOf({ state, learned }: Netns, device: Link, vxlan: Vxlan, mac: Mac): readonly Ip[] {
  const listed = (wanted: Mac) =>
    state.fdb.flatMap(({ dev, mac: known, remote }) =>
      dev === device.name && known === wanted && remote !== undefined ? [remote] : [],
    )
  const fresh = learned.get(`${device.name} ${mac}`)
  if (fresh !== undefined) return [fresh]
  const known = listed(mac)
  if (known.length > 0) return known
  const fallback = vxlan.remote ?? vxlan.group
  return [...new Set([...listed(ANY_MAC), ...(fallback === undefined ? [] : [fallback])])]
}

/** drivers/net/vxlan/vxlan_core.c: vxlan_xmit, vxlan_xmit_one: one outer packet for each far end. The first is the one to follow: whoever has the address. */
export function wrapInVxlan(cursor: Cursor, device: Link, vxlan: Vxlan): readonly Outer[] | Fate {
  const { skb, netns, run } = cursor
  const mac = skb.packet.mac!
  const remotes = remotesOf(netns, device, vxlan, mac.destination)
  if (remotes.length === 0)
    return cursor.drop('no-vtep', `${device.name} does not know behind which host ${printMac(mac.destination)} is`)
  const owns = (remote: Ip) =>
    run.hosts.namespaces.some(
      ({ links }) =>
        links.some(({ addresses }) => addresses.some(({ prefix }) => prefix.ip === remote)) &&
        links.some((link) => link.mac === mac.destination),
    )
  const sorted = [...remotes].sort((a, b) => Number(owns(b)) - Number(owns(a)))
  const outers: Outer[] = []
  for (const remote of sorted) {
    const outer = outerFor(cursor, device, vxlan, remote, remotes.length > 1)
    if (outer) outers.push(outer)
  }
  if (outers.length > 0) return outers
  return cursor.drop('no-route', `no route to the tunnel's far end ${printIp(sorted[0]!)}`)
}

function outerFor(cursor: Cursor, device: Link, vxlan: Vxlan, remote: Ip, flooded: boolean): Outer | undefined {
  const { skb, netns, run } = cursor
  const mac = skb.packet.mac!
  const src = vxlan.local ?? outputSource(cursor, remote, vxlan.dev)
  if (src === undefined) return undefined
  const frame = concatBytes(vxlanHeader(vxlan.vni), buildFrame(mac, skb.packet.bytes, skb.vlans))
  const [low, high] = vxlan.ports ?? PORTS
  const sport = low + Math.floor(run.options.random() * (high - low))
  const ttl = vxlan.ttl || (isMulticast(remote) ? 1 : netns.defaultTtl(typeof remote === 'number' ? 4 : 6))
  const packet = buildPacket(
    { src, dst: remote, ttl, tos: tosAround(skb.packet, 0), id: 0, df: false },
    { is: 'udp', sport, dport: vxlan.port },
    frame,
  )
  if (vxlan.noChecksum) put16(packet.bytes, packet.transport.offset + 6, 0)
  const how = flooded ? ' (flooded)' : fromTable(netns, device, mac.destination)
  const text = `${device.name} wraps it in VXLAN ${vxlan.vni} for ${printIp(remote)}${how}`
  return { packet, text, dev: vxlan.dev }
}

const fromTable = ({ state, learned }: Netns, device: Link, mac: Mac): string =>
  learned.has(`${device.name} ${mac}`) ||
  state.fdb.some(({ dev, mac: known, remote }) => dev === device.name && known === mac && remote !== undefined)
    ? ` (fdb: ${printMac(mac)})`
    : ''

const VXLAN_HEADER = 8
const UDP_HEADER = 8

/** The VXLAN device whose UDP port this is. */
export function vxlanOf({ skb, netns }: Cursor): Link | undefined {
  const { packet } = skb
  const { protocol, offset } = packet.transport
  if (protocol !== PROTOCOL.UDP) return undefined
  const port = u16(packet.bytes, offset + 2)
  const here = netns.state.links.filter(({ vxlan, up }) => vxlan && up && vxlan.port === port)
  const vni = vniOf(packet)
  return here.find(({ vxlan }) => vxlan!.vni === vni) ?? here[0]
}

const vniOf = ({ bytes, transport }: Packet): number | undefined => {
  const at = transport.offset + UDP_HEADER + 4
  return at + 3 <= bytes.length ? (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]! : undefined
}

/** What of the header makes the packet go (vxlan_rcv); from Linux 6.14 on, bits that nothing means as well (reserved_bits). */
function faultOf(packet: Packet, { vni }: Vxlan): string | undefined {
  const at = packet.transport.offset + UDP_HEADER
  const { bytes } = packet
  if (at + VXLAN_HEADER > bytes.length) return 'the VXLAN header is cut off'
  const flags = u32(bytes, at)!
  if ((flags & HAS_VNI) === 0) return 'the VXLAN header has no VNI'
  if ((flags & ~HAS_VNI) !== 0 || bytes[at + 7] !== 0) return 'the VXLAN header has reserved bits set'
  const own = vniOf(packet)
  return own === vni ? undefined : `no device here is of VXLAN ${own}`
}

const HAS_VNI = 0x08000000

/** vxlan_rcv: the inner frame comes in on the device. Where it learns, the sender's address is behind the host that the packet came from (vxlan_snoop). */
export function unwrapVxlan(cursor: Cursor, { name, mac: own, vxlan }: Link): { packet: Packet; text: string } | Fate {
  const { skb, netns } = cursor
  const fault = faultOf(skb.packet, vxlan!)
  if (fault) return cursor.drop('tunnel-header', fault)
  const frame = parseFrame(skb.packet.bytes.subarray(skb.packet.transport.offset + UDP_HEADER + VXLAN_HEADER))
  if (!frame || frame.payload.length === 0) return cursor.drop('tunnel-header', 'the encapsulated frame is cut off')
  const { source } = frame.mac
  if (source === own)
    return cursor.drop('tunnel-loop', `the encapsulated frame comes from ${name} itself: ${printMac(source)}`)
  if (vxlan!.learning && !isMulticastMac(source)) {
    const from = netns.addressOf(skb.packet, 'src')
    const held = netns.state.fdb.find((one) => one.dev === name && one.mac === source && one.remote !== undefined)
    if (held?.permanent && held.remote !== from)
      return cursor.drop('vxlan-entry', `${name} has ${printMac(source)} behind ${printIp(held.remote!)} for good`)
    netns.learned.set(`${name} ${source}`, from)
  }
  skb.vlans = frame.vlans
  return {
    packet: new Packet(frame.payload.slice(), frame.mac),
    text: `VXLAN ${vxlan!.vni} arrives on ${name}`,
  }
}
