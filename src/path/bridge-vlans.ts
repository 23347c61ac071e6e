import { ETHERTYPE, type VlanTag } from '../packet/frame.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { Netns } from './netns.js'
import { opaque } from './opaque.js'
import type { Link, PortVlan } from './world.js'

/** VLAN filtering of bridges (net/bridge/br_vlan.c). Without it a bridge looks at no tag, and all is VLAN 0 to it. */

const filters = (bridge: Link): boolean => bridge.bridge?.vlanFiltering === true

const vlansOf = ({ state }: Netns, device: string): readonly PortVlan[] => state.bridgeVlans?.get(device) ?? []

/** Is the device in the VLAN that the frame is in? */
export const isMember = (netns: Netns, bridge: Link, device: string, id: number): boolean =>
  !filters(bridge) || vlansOf(netns, device).some((one) => one.id === id)

/** The VLAN of a frame that has been let in. */
export const vlanOf = ({ skb }: Cursor, bridge: Link): number => (filters(bridge) ? (skb.vlans[0]?.id ?? 0) : 0)

/** __allowed_ingress: from here on the frame has the tag of its VLAN. */
export function admit(cursor: Cursor, bridge: Link, device: string): Fate | undefined {
  if (!filters(bridge)) return undefined
  const { skb, netns } = cursor
  if (!netns.state.bridgeVlans) return opaque(cursor, `VLAN filtering of ${bridge.name}`)
  const protocol = bridge.bridge?.vlanProtocol ?? ETHERTYPE.VLAN
  const [tag, ...inner] = skb.vlans
  // a tag of another protocol is payload
  const own = tag?.tpid === protocol ? tag : undefined
  if (own && own.id !== 0) {
    if (isMember(netns, bridge, device, own.id)) return undefined
    return cursor.drop('bridge-vlan', `${device} is not in VLAN ${own.id} of ${bridge.name}`)
  }
  const port = vlansOf(netns, device).find(({ pvid }) => pvid)
  if (!port)
    return cursor.drop('bridge-vlan', `${device} has no PVID on ${bridge.name}: it takes no frame without a tag`)
  const given: VlanTag = { id: port.id, priority: own?.priority ?? 0, tpid: protocol }
  skb.vlans = [given, ...(own ? inner : skb.vlans)]
  return undefined
}

/** br_handle_vlan: where the frame goes to a device that has its VLAN untagged, the tag goes. */
export function untag({ skb, netns }: Cursor, bridge: Link, device: string): void {
  if (!filters(bridge)) return
  const id = skb.vlans[0]?.id
  if (vlansOf(netns, device).some((one) => one.id === id && one.untagged)) skb.vlans = skb.vlans.slice(1)
}

/** br_fdb_add_local: the address of the bridge, or of one of its ports, in a VLAN that this device is in. */
export function isLocalAddress(netns: Netns, bridge: Link, mac: number, id: number): boolean {
  if (!filters(bridge)) return mac === bridge.mac || netns.isOwnMac(mac, bridge.name)
  return netns.state.links.some(
    (link) =>
      link.mac === mac &&
      (link.name === bridge.name || link.master === bridge.name) &&
      isMember(netns, bridge, link.name, id),
  )
}
