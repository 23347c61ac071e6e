import { parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { parsePort } from '../address/services.js'
import { PROTOCOL } from './checksum.js'
import { hasPorts } from './headers.js'
import { icmpKind } from './icmp-names.js'
import { protocolNumber } from './protocol-names.js'
import type { FieldsRequest } from './request.js'
import { type LineProblem, parseNumber } from './tokens.js'
import { dscpValue, flagWord } from './words.js'

/** A `packet:` line of `nft monitor trace`, of an IP packet. */
export const looksLikeNftTrace = (text: string): boolean =>
  /\btrace id [\da-f]+ .* packet: /.test(text) && /\bip6? saddr /.test(text)

/** What stands behind `tcp dport`, and a `==` of flags. */
const after = (text: string, words: string): string | undefined =>
  new RegExp(`\\b${words} (?:== )?("[^"]*"|\\S+)`).exec(text)?.[1]?.replace(/"/g, '')

function numberAfter(text: string, words: string): number | undefined {
  const found = after(text, words)
  return found === undefined ? undefined : parseNumber(found, 0xffffffff)
}

const given = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>)

/** The packet that an `nft monitor trace` line shows (nft prints what the kernel's trace message holds of its headers). */
export function parseNftTrace(text: string): FieldsRequest | LineProblem {
  const body = text.slice(text.indexOf('packet: '))
  const at = text.length - body.length
  const six = /\bip6 saddr /.test(body)
  const ip = six ? 'ip6' : 'ip'
  const src = parseIp(after(body, `${ip} saddr`) ?? '')
  const dst = parseIp(after(body, `${ip} daddr`) ?? '')
  if (src === undefined || dst === undefined) return { message: `"${ip} saddr" and "${ip} daddr" want addresses`, at }
  const name = after(body, six ? 'ip6 nexthdr' : 'ip protocol') ?? ''
  const protocol = protocolNumber(name)
  if (protocol === undefined) return { message: `"${name}" is no protocol that is known here`, at }
  const length = numberAfter(body, `${ip} length`)
  return {
    is: 'fields',
    protocol,
    src: { ip: src },
    dst: { ip: dst },
    ...outside(body),
    ...given('ttl', numberAfter(body, six ? 'ip6 hoplimit' : 'ip ttl')),
    ...given('tos', tosOf(body, ip)),
    ...given('ipId', six ? undefined : numberAfter(body, 'ip id')),
    ...given('flowLabel', numberAfter(body, 'ip6 flowlabel') || undefined),
    ...given('length', length === undefined ? undefined : six ? length + 40 : length),
    ...(hasPorts(protocol) && portsOf(body, name)),
    ...(protocol === PROTOCOL.TCP && tcpOf(body)),
    ...((protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6) && icmpOf(body, six ? 6 : 4)),
  }
}

function outside(body: string): Partial<FieldsRequest> {
  return {
    ...given('in', after(body, 'iif')),
    ...given('mac', parseMac(after(body, 'ether saddr') ?? '')),
    ...given('macDestination', parseMac(after(body, 'ether daddr') ?? '')),
    ...given('mark', numberAfter(body, 'meta mark') ?? numberAfter(body, 'mark')),
  }
}

const ECN: Readonly<Record<string, number>> = { 'not-ect': 0, ect1: 1, ect0: 2, ce: 3 }

function tosOf(body: string, ip: string): number | undefined {
  const dscp = dscpValue(after(body, `${ip} dscp`) ?? '')
  const ecn = after(body, `${ip} ecn`)
  const tos = ((dscp ?? 0) << 2) | (ECN[ecn ?? ''] ?? 0)
  return tos === 0 ? undefined : tos
}

const portsOf = (body: string, name: string): Partial<FieldsRequest> => ({
  ...given('sport', parsePort(after(body, `${name} sport`) ?? '', name)),
  ...given('dport', parsePort(after(body, `${name} dport`) ?? '', name)),
})

function tcpOf(body: string): Partial<FieldsRequest> {
  const text = /\btcp flags == (.*?) (?:tcp|@)/.exec(body)?.[1]?.replace(/[\s{}()]/g, '')
  return {
    ...given('flags', text === undefined ? undefined : (parseNumber(text, 255) ?? flagWord(text))),
    ...given('window', numberAfter(body, 'tcp window')),
  }
}

function icmpOf(body: string, family: 4 | 6): Partial<FieldsRequest> {
  const icmp = family === 4 ? 'icmp' : 'icmpv6'
  const kind = (words: string) => after(body, `${icmp} ${words}`) ?? ''
  const type = parseNumber(kind('type'), 255) ?? icmpKind(family, NFT_NAMES[kind('type')] ?? kind('type'))?.type
  if (type === undefined) return {}
  const code = parseNumber(kind('code'), 255) ?? icmpKind(family, NFT_NAMES[kind('code')] ?? kind('code'))?.code ?? 0
  return {
    icmp: {
      type,
      code,
      ...given('id', numberAfter(body, `${icmp} id`)),
      ...given('sequence', numberAfter(body, `${icmp} sequence`)),
    },
  }
}

/** Where nft's name (nft describe icmp type, icmp code) is not iptables'. */
const NFT_NAMES: Readonly<Record<string, string>> = {
  'net-unreachable': 'network-unreachable', 'prot-unreachable': 'protocol-unreachable', 'frag-needed': 'fragmentation-needed',
  'net-prohibited': 'network-prohibited', 'admin-prohibited': 'communication-prohibited', 'addr-unreachable': 'address-unreachable',
  'policy-fail': 'failed-policy', 'nd-neighbor-solicit': 'neighbour-solicitation',
  'nd-neighbor-advert': 'neighbour-advertisement', 'nd-router-solicit': 'router-solicitation', 'nd-router-advert': 'router-advertisement', 'nd-redirect': 'redirect',
} // biome-ignore format: a table
