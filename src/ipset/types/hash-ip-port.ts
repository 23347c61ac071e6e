import { and } from '../../address/prefix.js'
import { type Data, type DataKey, KernelError } from '../data.js'
import type { Element } from '../element.js'
import { printAddress, printPort } from '../print.js'
import { addresses, counted, ports, single6, span } from '../ranges.js'
import {
  ADD,
  type Adt,
  address,
  type Header,
  hashOptions,
  ipWords,
  type Part,
  plain,
  port,
  type SetType,
  swap16,
} from '../type.js'
import { isZero, keptOf } from './hash-ip.js'

export const ipPart: Part = { read: 'ip4-single6', print: ({ ip, cidr }) => printAddress(ip!, cidr) }
export const portPart: Part = { read: 'proto-port', print: ({ protocol, port: value }) => printPort(protocol!, value!) }
export const printParts = (parts: readonly Part[]) => (element: Element) =>
  parts.map((part) => part.print(element)).join(',')

const IP_PORT: readonly DataKey[] = ['ip', 'protocol', 'port']

/** Every address with every port. `fixed`: what they have in common. */
function* addressesWithPorts(header: Header, data: Data, adt: Adt, fixed: Element): Generator<Element> {
  if (header.family === 6) single6(data)
  const kept = and(data.ip!, keptOf(header))
  if (isZero(kept) && fixed.ip2 === undefined) throw new KernelError('EINVAL')
  const { protocol, ports: wanted } = ports(data, header.family ?? 4, adt)
  const all = typeof kept === 'bigint' || adt === 'test' ? [kept] : addresses(span(kept, data.ipTo, data.cidr))
  for (const ip of all) for (const one of counted(wanted)) yield { ...fixed, ip, protocol, port: one }
}

const portWord = ({ protocol, port: value }: Element): number => swap16(value!) | (protocol! << 16)

const ipPortParts = [ipPart, portPart]

/** net/netfilter/ipset/ip_set_hash_ipport.c */
export const hashIpPort: SetType = {
  ...plain,
  name: 'hash:ip,port',
  aliases: ['ipporthash'],
  revision: 7,
  families: 'both',
  parts: ipPortParts,
  options: { create: hashOptions({ last: ['netmask', 'bitmask'], old: 'ip' }), add: ADD, del: [], test: [] },
  allowed: {
    create: [],
    add: [...IP_PORT, 'ipTo', 'portTo'],
    del: [...IP_PORT, 'ipTo', 'portTo'],
    test: IP_PORT,
  },
  needed: { create: [], add: IP_PORT, del: IP_PORT, test: IP_PORT },
  elements: (header, data, adt) => addressesWithPorts(header, data, adt, {}),
  words: (element) => [...ipWords(element.ip!), portWord(element)],
  key: ([one, two], family) => [address(one, family), ...port(two)],
  fromKey(header, [ip, protocol, value]) {
    const kept = and(ip!, keptOf(header))
    return isZero(kept) ? undefined : { ip: kept, protocol: Number(protocol), port: Number(value) }
  },
  print: printParts(ipPortParts),
}

const WITH_IP: readonly DataKey[] = [...IP_PORT, 'ip2']
const ipPortIpParts: readonly Part[] = [
  ipPart,
  portPart,
  { read: 'single-ip2', print: ({ ip2 }) => printAddress(ip2!) },
]

/** net/netfilter/ipset/ip_set_hash_ipportip.c */
export const hashIpPortIp: SetType = {
  ...plain,
  name: 'hash:ip,port,ip',
  aliases: ['ipportiphash'],
  revision: 6,
  families: 'both',
  parts: ipPortIpParts,
  options: { create: hashOptions({ old: 'ip' }), add: ADD, del: [], test: [] },
  allowed: {
    create: [],
    add: [...WITH_IP, 'ipTo', 'portTo'],
    del: [...WITH_IP, 'ipTo', 'portTo'],
    test: WITH_IP,
  },
  needed: { create: [], add: WITH_IP, del: WITH_IP, test: WITH_IP },
  elements: (header, data, adt) => addressesWithPorts(header, data, adt, { ip2: data.ip2! }),
  words: (element) => [...ipWords(element.ip!), ...ipWords(element.ip2!), portWord(element)],
  key: ([one, two, three], family) => [address(one, family), ...port(two), address(three, family)],
  fromKey: (_, [ip, protocol, value, ip2]) => ({ ip: ip!, protocol: Number(protocol), port: Number(value), ip2: ip2! }),
  print: printParts(ipPortIpParts),
}
