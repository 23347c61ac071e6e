import { all, type Condition, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { type Codec, number, WordError } from '../codec.js'
import type { Given } from '../extension.js'

/** Type, and the codes of it that are meant. */
export interface IcmpTest {
  readonly type: number
  readonly codes: readonly [number, number]
}

/** Names as libxt_icmp.h has them: [name, type, first code, last code]. */
export type IcmpNames = readonly (readonly [string, number, number, number])[]

export const ICMP4: IcmpNames = [
  ['any', 0xff, 0, 0xff], ['echo-reply', 0, 0, 0xff], ['pong', 0, 0, 0xff], ['destination-unreachable', 3, 0, 0xff],
  ['network-unreachable', 3, 0, 0], ['host-unreachable', 3, 1, 1], ['protocol-unreachable', 3, 2, 2], ['port-unreachable', 3, 3, 3],
  ['fragmentation-needed', 3, 4, 4], ['source-route-failed', 3, 5, 5], ['network-unknown', 3, 6, 6], ['host-unknown', 3, 7, 7],
  ['network-prohibited', 3, 9, 9], ['host-prohibited', 3, 10, 10], ['TOS-network-unreachable', 3, 11, 11], ['TOS-host-unreachable', 3, 12, 12],
  ['communication-prohibited', 3, 13, 13], ['host-precedence-violation', 3, 14, 14], ['precedence-cutoff', 3, 15, 15], ['source-quench', 4, 0, 0xff],
  ['redirect', 5, 0, 0xff], ['network-redirect', 5, 0, 0], ['host-redirect', 5, 1, 1], ['TOS-network-redirect', 5, 2, 2], ['TOS-host-redirect', 5, 3, 3],
  ['echo-request', 8, 0, 0xff], ['ping', 8, 0, 0xff], ['router-advertisement', 9, 0, 0xff], ['router-solicitation', 10, 0, 0xff],
  ['time-exceeded', 11, 0, 0xff], ['ttl-exceeded', 11, 0, 0xff], ['ttl-zero-during-transit', 11, 0, 0], ['ttl-zero-during-reassembly', 11, 1, 1],
  ['parameter-problem', 12, 0, 0xff], ['ip-header-bad', 12, 0, 0], ['required-option-missing', 12, 1, 1], ['timestamp-request', 13, 0, 0xff],
  ['timestamp-reply', 14, 0, 0xff], ['address-mask-request', 17, 0, 0xff], ['address-mask-reply', 18, 0, 0xff],
] // biome-ignore format: a table

export const ICMP6: IcmpNames = [
  ['destination-unreachable', 1, 0, 0xff], ['no-route', 1, 0, 0], ['communication-prohibited', 1, 1, 1], ['beyond-scope', 1, 2, 2],
  ['address-unreachable', 1, 3, 3], ['port-unreachable', 1, 4, 4], ['failed-policy', 1, 5, 5], ['reject-route', 1, 6, 6],
  ['packet-too-big', 2, 0, 0xff], ['time-exceeded', 3, 0, 0xff], ['ttl-exceeded', 3, 0, 0xff], ['ttl-zero-during-transit', 3, 0, 0],
  ['ttl-zero-during-reassembly', 3, 1, 1], ['parameter-problem', 4, 0, 0xff], ['bad-header', 4, 0, 0], ['unknown-header-type', 4, 1, 1],
  ['unknown-option', 4, 2, 2], ['echo-request', 128, 0, 0xff], ['ping', 128, 0, 0xff], ['echo-reply', 129, 0, 0xff], ['pong', 129, 0, 0xff],
  ['mld-listener-query', 130, 0, 0xff], ['mld-listener-report', 131, 0, 0xff], ['mld-listener-done', 132, 0, 0xff], ['mld-listener-reduction', 132, 0, 0xff],
  ['router-solicitation', 133, 0, 0xff], ['router-advertisement', 134, 0, 0xff], ['neighbour-solicitation', 135, 0, 0xff],
  ['neighbor-solicitation', 135, 0, 0xff], ['neighbour-advertisement', 136, 0, 0xff], ['neighbor-advertisement', 136, 0, 0xff], ['redirect', 137, 0, 0xff],
] // biome-ignore format: a table

/** A name (or the unique beginning of one), `TYPE` or `TYPE/CODE`; printed in numbers, `any` by name. */
export const icmpType = (names: IcmpNames): Codec<IcmpTest> => ({
  words: 1,
  metavar: 'type[/code]',
  parse(word) {
    const lower = word.toLowerCase()
    const exact = names.find(([name]) => name.toLowerCase() === lower)
    const begun = names.filter(([name]) => name.toLowerCase().startsWith(lower))
    if (!exact && /^\D/.test(word) && begun.length > 1)
      throw new WordError(`ambiguous ICMP type "${word}": ${begun.map(([name]) => name).join(', ')}`)
    const found = exact ?? (/^\D/.test(word) ? begun[0] : undefined)
    if (found) return { type: found[1], codes: [found[2], found[3]] }
    const [type = '', code, ...more] = word.split('/')
    if (more.length > 0 || /^\D/.test(word)) throw new WordError(`unknown ICMP type "${word}"`)
    const kind = number(type, 255, 'ICMP type')
    if (code === undefined) return { type: kind, codes: [0, 255] }
    const only = number(code, 255, 'ICMP code')
    return { type: kind, codes: [only, only] }
  },
  print({ type, codes: [from, to] }) {
    if (type === 255 && names.some(([name]) => name === 'any')) return 'any'
    return from === 0 && to === 255 ? `${type}` : `${type}/${from}`
  },
})

/** icmp_match, icmp6_match look at all 8 bytes of struct icmphdr: later fragments never match, a header that is cut off is dropped. */
export function icmpCondition(
  given: { readonly value: IcmpTest; readonly inverted: boolean } | undefined,
  any: boolean,
): Condition {
  const header = [equals('frag.offset', 0), readable('icmp.sequence')]
  if (!given) return all(...header)
  const { type, codes } = given.value
  const matches = any && type === 255 ? all() : all(equals('icmp.type', type), inRanges('icmp.code', [codes]))
  return all(...header, invertedIf(given.inverted, matches))
}

/** By name without -n, if it has one; else ` !type 3 code 4`: the blank is there only where it is inverted (libxt_icmp.h: print_icmptype). */
export function listedIcmp(names: IcmpNames, { value, inverted }: Given<IcmpTest>, numeric: boolean): string {
  const { type, codes } = value
  const [from, to] = codes
  const name = numeric ? undefined : names.find((one) => one[1] === type && one[2] === from && one[3] === to)?.[0]
  if (name !== undefined) return ` ${inverted ? '!' : ''}${name}`
  const code = from === to ? ` code ${from}` : from === 0 && to === 255 ? '' : ` codes ${from}-${to}`
  return `${inverted ? ' !' : ''}type ${type}${code}`
}
