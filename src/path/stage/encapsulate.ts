import { headersOf } from '../../packet/headers.js'
import { walkCopy } from '../copies.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { opaque } from '../opaque.js'
import type { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import type { Link } from '../world.js'
import type { XfrmPolicy } from '../xfrm.js'
import { transformOf } from '../xfrm-policy.js'
import { unwalked, wrapInIp } from './ip-tunnel.js'
import { wrapInEsp } from './ipsec.js'
import { isFate, type Outer } from './outer.js'
import { wrapInVxlan } from './vxlan.js'
import { wrapInWireGuard } from './wireguard.js'

/** Does a device wrap what it sends? */
export const isTunnel = ({ kind, kindText, vxlan }: Link): boolean =>
  vxlan !== undefined || kind === 'tunnel' || kind === 'wireguard' || NOT_FOLLOWED.has(kindText)

/** Kinds, as `ip link` calls them, that wrap packets in a way that is not walked. */
const NOT_FOLLOWED: ReadonlySet<string> = new Set([
  'geneve',
  'erspan',
  'ip6erspan',
  'vti',
  'vti6',
  'xfrm',
  'bareudp',
  'gtp',
  'amt',
  'ovpn',
])

/** A tunnel wraps the packet in another one, which makes its own way through OUTPUT. */
export function encapsulate(cursor: Cursor): ExitOf<'encapsulate'> | Fate {
  const { skb } = cursor
  const device = cursor.netns.link(skb.oif)!
  const policy = isTunnelling(cursor) ? undefined : transformOf(cursor)
  const wrapped = policy ? sealed(cursor, policy) : wrap(cursor, device)
  if (isFate(wrapped)) return wrapped
  const [outer, ...others] = wrapped as readonly [Outer, ...Outer[]]
  for (const other of others) {
    const copy = skb.clone()
    const mark = setOut(copy, device, other)
    if (mark) walkCopy(cursor, copy, 'generate', other.text)
  }
  const inner = headersOf(skb.packet, skb.mark)
  setOut(skb, device, outer)
  skb.transformed = policy !== undefined
  const headers = headersOf(skb.packet, skb.mark)
  cursor.record({ kind: 'encapsulate', interface: device.name, text: outer.text, outer: headers, inner })
  return 'outer'
}

/** Behind POSTROUTING IPsec comes before the device; what it has sent is not looked up again. */
const isTunnelling = ({ skb }: Cursor): boolean => skb.transformed

function sealed(cursor: Cursor, policy: XfrmPolicy): readonly Outer[] | Fate {
  const [template, ...more] = policy.templates
  if (template!.protocol !== ESP || more.length > 0 || !/^(tunnel|transport)$/.test(template!.mode)) {
    const text = `${policy.text} transforms it: what comes out is not followed`
    return opaque(cursor, text) ?? cursor.fate({ outcome: 'sent', reason: 'sent', text, hook: undefined })
  }
  const outer = wrapInEsp(cursor, policy)
  return isFate(outer) ? outer : [outer]
}

const ESP = 50

function wrap(cursor: Cursor, link: Link): readonly Outer[] | Fate {
  const { device, vxlan } = link
  if (vxlan) return wrapInVxlan(cursor, link, vxlan)
  if (device?.is === 'tunnel') {
    const why = unwalked(link, device)
    if (why !== undefined) return unknownWay(cursor, link, why)
    const outer = wrapInIp(cursor, link, device)
    return isFate(outer) ? outer : [outer]
  }
  if (device?.is === 'wireguard') {
    const outer = wrapInWireGuard(cursor, link, device)
    return isFate(outer) ? outer : [outer]
  }
  const { name, kind, kindText } = link
  if (NOT_FOLLOWED.has(kindText))
    return unknownWay(cursor, link, `${name} is a tunnel of kind ${kindText}: what it sends is not followed`)
  const text =
    kind === 'wireguard'
      ? `the peers of ${name} are not known: \`wg show\` prints them`
      : `the far end of ${name} is not known: \`ip -d link\` prints it`
  return unknownWay(cursor, link, text)
}

/** It may be sent or not: undecided. */
function unknownWay(cursor: Cursor, link: Link, text: string): Fate {
  return (
    opaque(cursor, text) ??
    cursor.fate({ outcome: 'sent', reason: 'sent', text, interface: link.name, hook: undefined })
  )
}

/** iptunnel_xmit scrubs what belonged to the inner packet, but within one namespace the mark stays. */
function setOut(skb: Skb, device: Link, { packet, dev, mark, sealedBy }: Outer): Skb {
  skb.packet = packet
  skb.arrive(device.name, 'veth')
  skb.vlans = []
  skb.iif = undefined
  skb.sender = { uid: undefined, gid: undefined, socket: false }
  skb.bound = dev
  skb.sealedBy = sealedBy
  if (mark !== undefined) skb.mark = mark
  return skb
}
