import { type Ip, printIp } from '../address/ip.js'
import { netmapped } from '../conntrack/nat/addresses.js'
import { type SetupContext, setUp } from '../conntrack/nat/setup.js'
import { narrowScope6 } from '../routing/classify.js'
import { selectAddress4, selectAddress6 } from '../routing/source.js'
import type { Effect } from '../rules/effect.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'

type NatEffect = Extract<Effect, { do: 'nat' }>

export const setupContext = ({ netns, run }: Cursor): SetupContext => ({
  table: netns.connections,
  now: run.now,
  random: run.options.random,
})

/** A rule's NAT: sets the connection up; the packet is rewritten once the chain is through. */
export function setUpNat(cursor: Cursor, effect: NatEffect): Done {
  const { skb, hook } = cursor
  const manip = effect.manip !== 'hook' ? effect.manip : hook === 'prerouting' || hook === 'output' ? 'dst' : 'src'
  if (skb.tracking?.is !== 'tracked') return { did: `${manip}-NAT: not tracked`, verdict: 'accept' }
  const { entry } = skb.tracking.attachment
  // nf_nat_masquerade_ipv4: a host that has no address yet is not given one
  if (effect.how === 'masquerade' && entry.original.src === 0)
    return { did: 'MASQUERADE: not of 0.0.0.0', verdict: 'accept' }
  const range = rangeOf(cursor, effect)
  if (!range) return { did: `${effect.how ?? 'nat'}: no address to use`, verdict: 'drop' }
  if (effect.how === 'masquerade') entry.masqueradedOn = skb.oif
  const setup = setUp(entry, manip, mapped(cursor, range, manip), setupContext(cursor))
  cursor.drawnPorts = setup.ports
  return { did: describeNat({ ...effect, manip }, range), verdict: 'accept' }
}

/** netmap_tg4, netmap_tg6: the packet's own address, which DNPT may have changed, not the connection's. */
function mapped({ skb, netns }: Cursor, range: NatEffect['to'], manip: 'src' | 'dst'): NatEffect['to'] {
  if (!range.netmap || !range.addresses) return range
  const ip = netmapped(netns.addressOf(skb.packet, manip), ...range.addresses)
  return { ...range, addresses: [ip, ip], netmap: false }
}

function describeNat(effect: NatEffect, { addresses, ports }: NatEffect['to']): string {
  const name =
    effect.how === 'masquerade'
      ? 'MASQUERADE'
      : effect.how === 'redirect'
        ? 'REDIRECT'
        : effect.manip === 'src'
          ? 'SNAT'
          : 'DNAT'
  const show = (ip: Ip) => (typeof ip === 'bigint' && ports ? `[${printIp(ip)}]` : printIp(ip))
  const address = addresses
    ? addresses[0] === addresses[1]
      ? show(addresses[0])
      : `${show(addresses[0])}-${show(addresses[1])}`
    : ''
  const port = ports ? `:${ports[0] === ports[1] ? ports[0] : `${ports[0]}-${ports[1]}`}` : ''
  return `${name} to ${address}${port}`
}

/** The addresses that MASQUERADE and REDIRECT find for themselves (nf_nat_masquerade_ipv4, nf_nat_redirect_ipv4). */
function rangeOf(cursor: Cursor, { how, to }: NatEffect): NatEffect['to'] | undefined {
  if (!how) return to
  const address = how === 'masquerade' ? masqueradeAddress(cursor) : redirectAddress(cursor)
  return address === undefined ? undefined : { ...to, addresses: [address, address] }
}

function masqueradeAddress({ skb, netns }: Cursor): Ip | undefined {
  const dev = skb.oif
  if (dev === undefined) return undefined
  const dst = netns.addressOf(skb.packet, 'dst')
  if (typeof dst === 'bigint') return selectAddress6(netns.interfaces, dev, dst)
  return selectAddress4(netns.interfaces, dev, skb.nexthop ?? dst, 'global')
}

const LOCALHOST4 = 0x7f000001
const LOCALHOST6 = 1n

function redirectAddress({ skb, netns, hook }: Cursor): Ip | undefined {
  const four = skb.packet.family === 4
  if (hook === 'output') return four ? LOCALHOST4 : LOCALHOST6
  const dev = skb.iif ?? ''
  const own = netns.interfaces.addresses(dev).filter(({ prefix }) => (typeof prefix.ip === 'number') === four)
  if (four) return own.find(({ scope, secondary }) => scope !== 'host' && !secondary)?.prefix.ip ?? own[0]?.prefix.ip
  // nf_nat_redirect_ipv6_usable: what is sent to a link only goes to an address of that link
  const scope = narrowScope6(netns.addressOf(skb.packet, 'dst') as bigint)
  const fits = (ip: bigint) => scope === undefined || narrowScope6(ip) === scope
  return own.find(({ usable, prefix: { ip } }) => usable && typeof ip === 'bigint' && fits(ip))?.prefix.ip
}
