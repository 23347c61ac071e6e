import { type Ip, printIp } from '../../address/ip.js'
import { buildPacket, ipPacket } from '../../packet/build.js'
import { FIELDS } from '../../packet/fields.js'
import { ETHERTYPE, trimToLength } from '../../packet/frame.js'
import { concatBytes } from '../../packet/hex.js'
import { Packet, put32 } from '../../packet/packet.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { placeName } from '../world.js'
import type { XfrmPolicy, XfrmState } from '../xfrm.js'
import { policyOf } from '../xfrm-policy.js'
import { type Outer, tosAround } from './outer.js'

const ESP = 50
/** Header (SPI, sequence number) and, behind the payload, pad length, next header and an integrity value; IV and padding hang on the algorithms. */
const ESP_HEADER = 8
const ESP_TRAILER = 2 + 16

const endsText = (src: Ip, dst: Ip): string => `${printIp(src)} > ${printIp(dst)}`

/** net/xfrm/xfrm_output.c: xfrm_output_resume, xfrm4_tunnel_encap_add: the packet is the payload of another one, which is sent through OUTPUT again. */
export function wrapInEsp(cursor: Cursor, policy: XfrmPolicy): Outer | Fate {
  const { skb, netns, run } = cursor
  const [template] = policy.templates
  const { packet: inner } = skb
  const tunnel = template!.mode === 'tunnel'
  const src = tunnel ? template!.src : netns.addressOf(inner, 'src')
  const dst = tunnel ? template!.dst : netns.addressOf(inner, 'dst')
  const { states } = netns.state.xfrm!
  const state = states?.find((one) => isFor(one, src, dst))
  if (states && !state)
    return cursor.drop('no-sa', `no state of ip xfrm leads from ${endsText(src, dst)}`, { errno: 'EAGAIN' })
  if (!states) run.assume(`${placeName(cursor.place)}: IPsec has a key for ${endsText(src, dst)}`)
  const header = new Uint8Array(ESP_HEADER)
  put32(header, 0, state?.spi ?? 0)
  // not what is on the wire: only the other end can read it
  const content = concatBytes(header, inner.bytes, new Uint8Array(ESP_TRAILER))
  const df = inner.family === 4 && ((FIELDS['ip.flags'].read(inner) ?? 0) & 2) !== 0
  const ip = { src, dst, ttl: netns.defaultTtl(inner.family), tos: tosAround(inner, undefined), id: 0, df }
  const packet = state?.udp
    ? buildPacket(ip, { is: 'udp', sport: state.udp[0], dport: state.udp[1] }, content)
    : ipPacket(ip, ESP, content)
  return { packet, text: `IPsec encrypts it: ${endsText(src, dst)} (${policy.text})`, sealedBy: endsText(src, dst) }
}

const isFor = (state: XfrmState, src: Ip, dst: Ip): boolean =>
  state.src === src && state.dst === dst && state.protocol === ESP

/** Is it ESP for this host, from somebody with whom it has keys? ESP in UDP counts where a state has its ports. */
export function hasIpsec({ skb, netns }: Cursor): boolean {
  const { xfrm } = netns.state
  if (!xfrm) return false
  const { protocol } = skb.packet.transport
  if (protocol === ESP) return true
  const [sport, dport] = [FIELDS['th.sport'].read(skb.packet), FIELDS['th.dport'].read(skb.packet)]
  return protocol === 17 && (xfrm.states ?? []).some(({ udp }) => udp?.[0] === sport && udp?.[1] === dport)
}

/** net/xfrm/xfrm_input.c: xfrm_input. Undefined: what is in it cannot be known. */
export function openEsp(cursor: Cursor): { packet: Packet; text: string } | Fate | undefined {
  const { skb, netns } = cursor
  const { packet } = skb
  const [src, dst] = [netns.addressOf(packet, 'src'), netns.addressOf(packet, 'dst')]
  const { states, policies } = netns.state.xfrm!
  const known = states
    ? states.some((one) => isFor(one, src, dst))
    : policies.some(
        ({ direction, templates }) =>
          direction !== 'out' && templates.some((one) => one.src === src && one.dst === dst),
      )
  if (!known) return cursor.drop('no-sa', `no state of ip xfrm leads from ${endsText(src, dst)}`)
  if (skb.sealedBy !== endsText(src, dst)) return undefined
  const { offset, protocol } = packet.transport
  const content = packet.bytes.subarray(offset + (protocol === ESP ? 0 : 8) + ESP_HEADER)
  const ethertype = content[0]! >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4
  return {
    packet: new Packet(trimToLength(content, ethertype).slice(), packet.mac),
    text: `IPsec decrypts it: ${endsText(src, dst)}`,
  }
}

/** xfrm_policy_check: what a policy wants encrypted is not taken in the clear, and what came encrypted needs a policy. */
export function checkPolicy(cursor: Cursor, direction: 'in' | 'fwd'): Fate | undefined {
  const { skb, netns } = cursor
  if (!netns.state.xfrm || netns.interfaces.isLoopback(skb.iif ?? 'lo')) return undefined
  const policy = policyOf(cursor, direction)
  if (!policy)
    return skb.secured
      ? cursor.drop('xfrm-policy', 'it came encrypted, and no policy of ip xfrm lets that in')
      : undefined
  if (policy.block) return cursor.drop('xfrm-policy', `blocked by ${policy.text}`)
  const wanted = policy.templates.some(({ optional }) => !optional)
  return wanted && !skb.secured ? cursor.drop('xfrm-policy', `not encrypted, as ${policy.text} wants it`) : undefined
}

/** xfrm_lookup, on the way out. */
export function blockedOut(cursor: Cursor): Fate | undefined {
  if (!cursor.netns.state.xfrm || cursor.skb.transformed) return undefined
  const policy = policyOf(cursor, 'out')
  return policy?.block ? cursor.drop('xfrm-policy', `blocked by ${policy.text}`, { errno: 'EPERM' }) : undefined
}
