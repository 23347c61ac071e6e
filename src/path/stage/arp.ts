import { type Ip, printIp } from '../../address/ip.js'
import { printMac } from '../../address/mac.js'
import { contains } from '../../address/prefix.js'
import { ARP_REPLY, ARP_REQUEST, arpField, buildArp } from '../../packet/arp.js'
import { ETHERTYPE } from '../../packet/frame.js'
import { isLoopback, isMulticast } from '../../routing/classify.js'
import { routeInput } from '../../routing/input.js'
import { runArpHook } from '../arp-hooks.js'
import { walkCopy } from '../copies.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import { interfaceFlag, interfaceMaximum } from '../sysctls.js'

/** net/ipv4/arp.c: arp_rcv. */
export function arpReceive(cursor: Cursor): ExitOf<'arp-receive'> | Fate {
  const { skb, netns } = cursor
  skb.bridge = undefined
  if (skb.packet.mac?.ethertype !== ETHERTYPE.ARP) return cursor.drop('not-ip', 'the frame holds neither IP nor ARP')
  const link = netns.link(skb.iif)!
  if (!link.arp) return cursor.drop('no-arp', `${link.name} does no ARP`)
  if (skb.type === 'otherhost' || skb.type === 'loopback')
    return cursor.drop(
      'other-host',
      `the frame is addressed to ${printMac(skb.packet.mac.destination)}, not to ${link.name}`,
    )
  if (arpField(skb.packet, 'tpa') === undefined) return cursor.drop('arp-header', 'the ARP message is cut off')
  if (arpField(skb.packet, 'hlen') !== 6 || arpField(skb.packet, 'plen') !== 4)
    return cursor.drop('arp-header', 'ARP that is not about IPv4 over Ethernet')
  return runArpHook(cursor, 'input') ?? 'accept'
}

/** net/ipv4/arp.c: arp_process: requests for what is here are answered. */
export function arp(cursor: Cursor): ExitOf<'arp'> | Fate {
  const { skb, netns } = cursor
  const field = (name: Parameters<typeof arpField>[1]) => arpField(skb.packet, name) ?? 0
  const [opcode, sha, spa, tpa] = [field('opcode'), field('sha'), field('spa'), field('tpa')]
  const dev = skb.iif!
  const taken = (text: string) => {
    cursor.record({ kind: 'deliver', socket: undefined, text })
    return cursor.fate({ outcome: 'delivered', reason: 'arp', text, hook: undefined })
  }
  const ignored = (text: string) => cursor.drop('arp-ignored', text)
  if (![1, 6].includes(field('htype')) || field('ptype') !== ETHERTYPE.IPV4)
    return ignored('ARP that is not about IPv4 over Ethernet')
  if (opcode !== ARP_REQUEST && opcode !== ARP_REPLY) return ignored(`ARP opcode ${opcode}`)
  const asked = printIp(tpa)
  if (isMulticast(tpa) || (isLoopback(tpa) && !netns.interfaces.routeLocalnet(dev)))
    return ignored(`nobody is asked for ${asked}`)
  if (spa === tpa && flag(cursor, 'drop_gratuitous_arp')) return ignored('drop_gratuitous_arp')
  if (opcode === ARP_REPLY) return taken(`${printIp(spa)} is at ${printMac(sha)}`)
  const routed =
    spa === 0
      ? undefined
      : routeInput(netns.fib(4), netns.interfaces, { dst: tpa, src: spa, iif: dev, mark: 0, tos: 0 })
  if (routed?.to === 'nowhere') return ignored(`${asked} is asked for by ${printIp(spa)}: ${routed.text}`)
  const local = routed ? routed.to === 'local' && routed.type === 'local' : netns.isLocal(tpa)
  if (!local) {
    if (routed?.to === 'forward' && forwards(cursor, dev) && proxies(cursor, dev, routed.dev))
      return answer(cursor, 'for whom it answers (proxy_arp)')
    return ignored(`${asked} is no address of this host`)
  }
  const why = arpIgnore(cursor, spa, tpa, dev)
  return why ? ignored(why) : answer(cursor, `which is an address of this host`)
}

function answer(cursor: Cursor, because: string): Fate {
  const { skb, netns } = cursor
  const field = (name: Parameters<typeof arpField>[1]) => arpField(skb.packet, name) ?? 0
  const link = netns.link(skb.iif)!
  const told = { opcode: ARP_REPLY, sha: link.mac ?? 0, spa: field('tpa'), tha: field('sha'), tpa: field('spa') }
  const reply = new Skb(buildArp(told, field('sha')))
  reply.oif = link.name
  const text = `${printIp(field('spa'))} asks for ${printIp(field('tpa'))}, ${because}`
  cursor.record({ kind: 'deliver', socket: undefined, text })
  walkCopy(cursor, reply, 'arp-output', `the answer: ${printIp(told.spa)} is at ${printMac(told.sha)}`)
  return cursor.fate({ outcome: 'delivered', reason: 'arp', text, hook: undefined })
}

const read =
  ({ netns }: Cursor) =>
  (key: string) =>
    netns.number(key)
const flag = (cursor: Cursor, setting: string, dev = cursor.skb.iif!) => interfaceFlag(read(cursor), setting, dev, 'or')
const forwards = ({ netns }: Cursor, dev: string) => netns.interfaces.forwards(4, dev)
/** arp_fwd_proxy; arp_fwd_pvlan. */
const proxies = (cursor: Cursor, dev: string, out: string) =>
  out === dev ? interfaceFlag(read(cursor), 'proxy_arp_pvlan', dev, 'own') : flag(cursor, 'proxy_arp')

/** arp_ignore (Documentation/networking/ip-sysctl.rst). The reason for silence. */
function arpIgnore(cursor: Cursor, spa: Ip, tpa: Ip, dev: string): string | undefined {
  const { netns } = cursor
  const mode = interfaceMaximum(read(cursor), 'arp_ignore', dev)
  const own = netns.link(dev)!.addresses.find(({ prefix }) => prefix.ip === tpa)
  const quiet = `arp_ignore=${mode}: ${printIp(tpa)} is not asked for here`
  switch (mode) {
    case 1:
      return own ? undefined : quiet
    case 2:
      return own && (spa === 0 || contains(own.prefix, spa)) ? undefined : quiet
    case 3: {
      const host = netns.state.links.flatMap(({ addresses }) => addresses).find(({ prefix }) => prefix.ip === tpa)
      return host && host.scope !== 'host' ? undefined : quiet
    }
    case 8:
      return quiet
    default:
      return undefined
  }
}

/** net/ipv4/arp.c: arp_xmit. */
export function arpOutput(cursor: Cursor): ExitOf<'arp-output'> | Fate {
  return runArpHook(cursor, 'output') ?? 'accept'
}
