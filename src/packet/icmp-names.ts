/** A message: its type, and a code where the name stands for one. */
export interface IcmpKind {
  readonly type: number
  /** Undefined: the name says nothing of the code. */
  readonly code: number | undefined
}

type Names = readonly (readonly [name: string, type: number, code?: number])[]

/** The names that `iptables -p icmp -h` lists (extensions/libxt_icmp.h), then those of tcpdump; the first name of a kind is the one we print. */
const NAMES4: Names = [
  ['echo-reply', 0], ['pong', 0],
  ['network-unreachable', 3, 0], ['host-unreachable', 3, 1], ['protocol-unreachable', 3, 2], ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4], ['source-route-failed', 3, 5], ['network-unknown', 3, 6], ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9], ['host-prohibited', 3, 10], ['tos-network-unreachable', 3, 11], ['tos-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13], ['host-precedence-violation', 3, 14], ['precedence-cutoff', 3, 15],
  ['destination-unreachable', 3], ['source-quench', 4],
  ['network-redirect', 5, 0], ['host-redirect', 5, 1], ['tos-network-redirect', 5, 2], ['tos-host-redirect', 5, 3], ['redirect', 5],
  ['echo-request', 8], ['ping', 8], ['echo', 8],
  ['router-advertisement', 9], ['router-solicitation', 10],
  ['ttl-zero-during-transit', 11, 0], ['ttl-zero-during-reassembly', 11, 1], ['time-exceeded', 11], ['ttl-exceeded', 11],
  ['ip-header-bad', 12, 0], ['required-option-missing', 12, 1], ['parameter-problem', 12],
  ['timestamp-request', 13], ['timestamp-reply', 14], ['address-mask-request', 17], ['address-mask-reply', 18],
] // biome-ignore format: a table

/** `ip6tables -p icmpv6 -h` (extensions/libxt_icmp.h), RFC 4443, 4861, 2710. */
const NAMES6: Names = [
  ['no-route', 1, 0], ['communication-prohibited', 1, 1], ['beyond-scope', 1, 2], ['address-unreachable', 1, 3], ['port-unreachable', 1, 4],
  ['failed-policy', 1, 5], ['reject-route', 1, 6], ['destination-unreachable', 1],
  ['packet-too-big', 2],
  ['ttl-zero-during-transit', 3, 0], ['ttl-zero-during-reassembly', 3, 1], ['time-exceeded', 3], ['ttl-exceeded', 3],
  ['bad-header', 4, 0], ['unknown-header-type', 4, 1], ['unknown-option', 4, 2], ['parameter-problem', 4],
  ['echo-request', 128], ['ping', 128], ['echo', 128], ['echo-reply', 129], ['pong', 129],
  ['mld-listener-query', 130], ['mld-listener-report', 131], ['mld-listener-done', 132], ['mld-listener-reduction', 132],
  ['router-solicitation', 133], ['router-advertisement', 134],
  ['neighbour-solicitation', 135], ['neighbor-solicitation', 135], ['neighbour-advertisement', 136], ['neighbor-advertisement', 136],
  ['redirect', 137], ['mld2-listener-report', 143],
] // biome-ignore format: a table

const table = (family: 4 | 6): Names => (family === 4 ? NAMES4 : NAMES6)

/** Upper and lower case alike. */
export function icmpKind(family: 4 | 6, name: string): IcmpKind | undefined {
  const found = table(family).find(([one]) => one === name.toLowerCase())
  return found && { type: found[1], code: found[2] }
}

/** The name of type and code; `type 3 code 99` where there is none. */
export function icmpName(family: 4 | 6, type: number, code: number): string {
  const names = table(family)
  const exact = names.find(([, one, its]) => one === type && its === code)
  if (exact) return exact[0]
  const any = names.find(([, one, its]) => one === type && its === undefined)
  return any && code === 0 ? any[0] : `type ${type} code ${code}`
}

export const icmpNames = (family: 4 | 6): readonly string[] => table(family).map(([name]) => name)
