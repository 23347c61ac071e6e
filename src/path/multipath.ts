import { type Ip, printIp } from '../address/ip.js'
import { isIcmpError } from '../conntrack/nat/manip.js'
import { tupleAt } from '../conntrack/tuple.js'
import { FIELDS } from '../packet/fields.js'
import type { Flow } from '../routing/lookup.js'
import type { Cursor } from './cursor.js'

interface Weighted {
  readonly dev: string
  readonly gateway: Ip | undefined
  readonly weight: number
}

/** net.ipv4.fib_multipath_hash_policy, net.ipv6.fib_multipath_hash_policy: the five-tuple; ICMP errors go by themselves then. */
const WITH_PORTS = 1

/**
 * Which of several next hops the packet takes. The kernel hashes the flow with a secret of its own (fib_multipath_hash, rt6_multipath_hash): a lot by weight,
 * and the same for every packet of the flow, both ways. ICMP errors go with the flow that they are about.
 */
export function drawWay<T extends Weighted>(cursor: Cursor, flow: Flow, ways: readonly T[] | undefined): T | undefined {
  if (!ways || ways.length < 2) return ways?.[0]
  const { netns, run } = cursor
  const key = `${flowKey(cursor, flow)} ${ways.map(({ dev, gateway, weight }) => `${dev} ${gateway} ${weight}`).join()}`
  const known = netns.drawnWays.get(key)
  if (known !== undefined) return ways[known]
  const names = ways.map(({ dev, gateway }) => `${dev}${gateway === undefined ? '' : ` via ${printIp(gateway)}`}`)
  const about = `which next hop the hash of this flow gives: ${names.join(' or ')}`
  const chosen = run.options.chooser.choose({ kind: 'lot', weights: ways.map(({ weight }) => weight), about })
  netns.drawnWays.set(key, chosen)
  return ways[chosen]
}

/** What the hash is made of. Where both ends count alike, the lower comes first (__flow_hash_consistentify). */
function flowKey({ skb, netns }: Cursor, flow: Flow): string {
  const { packet } = skb
  const { offset, moreFragments } = packet.transport
  const family = packet.family === 4 ? 'ipv4' : 'ipv6'
  const policy = netns.number(`net.${family}.fib_multipath_hash_policy`)
  const icmp = policy !== WITH_PORTS && (flow.protocol === 1 || flow.protocol === 58) && isIcmpError(packet)
  const quoted = icmp ? tupleAt(packet.bytes, packet.family, offset + 8) : undefined
  const { src, dst, protocol } = quoted ?? flow
  const fields =
    policy === CUSTOM ? netns.number(`net.${family}.fib_multipath_hash_fields`) : FIELDS_OF[policy]?.[family]
  const has = (bit: number) => ((fields ?? 0) & bit) !== 0
  const end = (ip: Ip | undefined, port: number | undefined, ipBit: number, portBit: number) =>
    `${has(ipBit) ? ip : ''} ${has(portBit) && !moreFragments ? port : ''}`
  const ends = [end(src, flow.sport, SRC, SPORT), end(dst, flow.dport, DST, DPORT)]
  if (has(SRC) === has(DST) && has(SPORT) === has(DPORT)) ends.sort()
  const label = has(LABEL) && packet.family === 6 ? FIELDS['ip6.flowlabel'].read(packet) : ''
  return [...ends, has(PROTOCOL) ? protocol : '', label].join(' ')
}

/** FIB_MULTIPATH_HASH_FIELD_* (include/net/ip_fib.h). */
const [SRC, DST, PROTOCOL, LABEL, SPORT, DPORT] = [1, 2, 4, 8, 16, 32] as const
const CUSTOM = 3
/** What policies 0, 1 and 2 look at; 2 takes the inner packet of a tunnel that is not opened here, else as 0. */
const FIELDS_OF: Readonly<Record<number, { readonly ipv4: number; readonly ipv6: number }>> = {
  0: { ipv4: SRC | DST, ipv6: SRC | DST | PROTOCOL | LABEL },
  1: { ipv4: SRC | DST | PROTOCOL | SPORT | DPORT, ipv6: SRC | DST | PROTOCOL | SPORT | DPORT },
  2: { ipv4: SRC | DST, ipv6: SRC | DST | PROTOCOL | LABEL },
}
