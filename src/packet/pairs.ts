import { parseIp } from '../address/ip.js'
import { PROTOCOL } from './checksum.js'
import { parseEndpoint } from './endpoint.js'
import { protocolName } from './headers.js'
import { protocolNumber } from './protocol-names.js'
import type { FieldsRequest } from './request.js'
import { isProblem, type LineProblem, parseNumber, suggestion } from './tokens.js'
import { CIRCUMSTANCE_WORDS, type Draft, FIELD_WORDS, flagWord, Words } from './words.js'

/** `proto=tcp,src=10.0.0.1,dst=10.0.0.2,dport=80`, Open vSwitch's `tcp,nw_src=…,tp_dst=80`, blanks or commas between. */
export const looksLikePairs = (text: string): boolean =>
  /(?:^|[\s,])[a-z][\w-]*=/i.test(text) && !/\s(?:>|->)\s/.test(text)

/** Every key that means the same, by the packet language's word or one of ours. */
const KEYS: Readonly<Record<string, string>> = {
  proto: 'proto', protocol: 'proto', nw_proto: 'proto', ip_proto: 'proto',
  src: 'src', saddr: 'src', nw_src: 'src', ip_src: 'src', ipv6_src: 'src', source: 'src',
  dst: 'dst', daddr: 'dst', nw_dst: 'dst', ip_dst: 'dst', ipv6_dst: 'dst', destination: 'dst',
  sport: 'sport', tp_src: 'sport', tcp_src: 'sport', udp_src: 'sport', sctp_src: 'sport', 'source-port': 'sport',
  dport: 'dport', tp_dst: 'dport', tcp_dst: 'dport', udp_dst: 'dport', sctp_dst: 'dport', 'destination-port': 'dport',
  in: 'in', iif: 'in', in_port: 'in', iface: 'in', 'in-interface': 'in', from: 'from',
  flags: 'flags', tcp_flags: 'flags', 'tcp-flags': 'flags',
  icmp_type: 'type', icmpv6_type: 'type', 'icmp-type': 'type', type: 'type', icmp_code: 'code', icmpv6_code: 'code', code: 'code', id: 'id', icmp_id: 'id',
  ttl: 'ttl', nw_ttl: 'ttl', hoplimit: 'ttl', tos: 'tos', nw_tos: 'tos', ip_dscp: 'dscp', dscp: 'dscp', mark: 'mark', pkt_mark: 'mark', fwmark: 'mark',
  uid: 'uid', gid: 'gid', mac: 'mac', dl_src: 'mac', eth_src: 'mac', dl_dst: 'dmac', eth_dst: 'dmac', dmac: 'dmac', vlan: 'vlan', dl_vlan: 'vlan', vlan_vid: 'vlan',
  ctstate: 'ctstate', ct_state: 'ctstate', len: 'len', length: 'len', payload: 'payload', fragment: 'fragment', seq: 'seq', win: 'win', ipid: 'ipid',
} // biome-ignore format: a table

interface Pair {
  readonly key: string
  readonly value: string
  readonly at: number
}

/** Bare words of Open vSwitch that name no protocol: the address family. */
const FAMILIES: readonly string[] = ['ip', 'ipv4', 'ipv6']

function pairs(text: string): readonly Pair[] {
  const found: { key: string; value: string; at: number }[] = []
  for (const match of text.matchAll(/([^\s,=]+)(?:=("[^"]*"|[^\s,]*))?/g)) {
    const [, key = '', value] = match
    const last = found.at(-1)
    // `flags=syn,ack`: the comma belongs to the value.
    if (value === undefined && last && KEYS[last.key] === 'flags' && flagWord(key) !== undefined)
      last.value += `,${key}`
    else found.push({ key: key.toLowerCase(), value: value?.replace(/^"(.*)"$/, '$1') ?? '', at: match.index })
  }
  return found
}

/** A packet told by `key=value` pairs; bare words are protocols or TCP flags. */
export function parsePairs(text: string): FieldsRequest | LineProblem {
  const draft: Draft = { is: 'fields' }
  const all = pairs(text)
  for (const pair of all) {
    const problem = pair.value === '' ? readBare(draft, pair) : readPair(draft, pair)
    if (problem) return problem
  }
  if (draft.dst === undefined) return { message: 'the destination is missing: dst=ADDRESS', at: text.length }
  if (draft.protocol === undefined) return { message: 'the protocol is missing: proto=tcp', at: 0 }
  const { icmp, dst, protocol, ...rest } = draft
  const kind = icmp && { ...icmp, type: icmp.type ?? (protocol === PROTOCOL.ICMPV6 ? 128 : 8), code: icmp.code ?? 0 }
  return { ...rest, is: 'fields', protocol, dst, ...(kind && { icmp: kind }) }
}

function readBare(draft: Draft, { key, at }: Pair): LineProblem | undefined {
  if (FAMILIES.includes(key)) return undefined
  const protocol = protocolNumber(key)
  const flags = flagWord(key)
  if (protocol !== undefined) draft.protocol = protocol
  else if (flags !== undefined) draft.flags = (draft.flags ?? 0) | flags
  else return { message: `"${key}" is neither KEY=VALUE nor a protocol${suggestion(key, Object.keys(KEYS))}`, at }
  return undefined
}

function readPair(draft: Draft, pair: Pair): LineProblem | undefined {
  const { key, value, at } = pair
  const valueAt = at + key.length + 1
  const word = Object.hasOwn(KEYS, key) ? KEYS[key]! : undefined
  switch (word) {
    case undefined:
      return { message: `unknown key "${key}"${suggestion(key, Object.keys(KEYS))}`, at }
    case 'proto': {
      const protocol = protocolNumber(value)
      if (protocol === undefined) return { message: `"${value}" is no protocol`, at: valueAt }
      draft.protocol = protocol
      return undefined
    }
    case 'src':
    case 'dst':
      return readEnd(draft, word, value, valueAt)
    case 'sport':
    case 'dport': {
      const found = parseEndpoint(
        `:${value}`,
        valueAt - 1,
        draft.protocol === undefined ? 'tcp' : protocolName(draft.protocol),
      )
      if (isProblem(found)) return found
      draft[word] = found.port!
      return undefined
    }
    case 'flags': {
      const flags = flagWord(value.replace(/^\+/, '')) ?? parseNumber(value, 255)
      if (flags === undefined) return { message: `"${value}" is no list of TCP flags`, at: valueAt }
      draft.flags = flags
      return undefined
    }
    default:
      return readWith(word, draft, value, valueAt)
  }
}

function readEnd(draft: Draft, end: 'src' | 'dst', value: string, at: number): LineProblem | undefined {
  // A mask of all bits is no mask.
  const found = parseEndpoint(
    value.replace(/\/(?:32|128)$/, (mask) => (parseIp(value.slice(0, -mask.length)) === undefined ? mask : '')),
    at,
    'tcp',
  )
  if (isProblem(found)) return found
  if (found.endpoint) draft[end] = found.endpoint
  if (found.port !== undefined) draft[end === 'src' ? 'sport' : 'dport'] = found.port
  return undefined
}

/** Hands the value to the packet language's word of that name. */
function readWith(word: string, draft: Draft, value: string, at: number): LineProblem | undefined {
  const words = new Words([{ text: value, at, quoted: false }], at + value.length)
  const reader = FIELD_WORDS[word] ?? CIRCUMSTANCE_WORDS[word]!
  return reader(words, draft, word)
}
