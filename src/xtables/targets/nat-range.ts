import { familyOf, type Ip, parseIp } from '../../address/ip.js'
import type { NatRange } from '../../rules/effect.js'
import { showIp } from '../address-mask.js'
import { type Codec, port, WordError } from '../codec.js'
import type { RuleContext } from '../extension.js'
import { plainNatRange } from '../plain.js'

/** `PORT`, `PORT-PORT`, `PORT-PORT/BASE`; a service name only alone: it may have a dash in it. */
function parsePorts(text: string): Pick<NatRange, 'ports' | 'basePort'> {
  const found = /^(\d+)-(\d+)(?:\/(.+))?$/.exec(text)
  if (!found) {
    const only = port(text)
    return { ports: [only, only] }
  }
  const [from, to] = [port(found[1]!), port(found[2]!)]
  if (from > to) throw new WordError(`bad port range "${text}": it falls`)
  if (found[3] === undefined) return { ports: [from, to] }
  const basePort = port(found[3])
  if (basePort === 0) throw new WordError(`bad base port in "${text}"`)
  return { ports: [from, to], basePort }
}

function parseAddresses(text: string): readonly [Ip, Ip] {
  const [low = '', high = low] = text.split('-')
  const [from, to] = [parseIp(low), parseIp(high)]
  if (from === undefined || to === undefined || typeof from !== typeof to)
    throw new WordError(`bad address range "${text}"`)
  return [from, to]
}

/** `[ADDRESS[-ADDRESS]][:PORT[-PORT]]`: the brackets belong to the text. */
function bracketed(word: string): NatRange {
  const found = /^\[([^\]]*)\](?::(.*))?$/.exec(word)
  if (!found) throw new WordError(`bad address range "${word}"`)
  const [, addresses = '', ports] = found
  return { addresses: parseAddresses(addresses), ...(ports === undefined ? {} : parsePorts(ports)) }
}

/** Ports mean something for these only: TCP, UDP, SCTP, DCCP, and ICMP's ids (libxt_NAT.c). */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132, 33, 1])

/** What is wrong with a range in its rule, or undefined. */
export function rangeProblem(
  range: Pick<NatRange, 'addresses' | 'ports'>,
  { family, protocolSaid }: RuleContext,
): string | undefined {
  if (range.ports && (protocolSaid === undefined || !WITH_PORTS.has(protocolSaid)))
    return 'ports need -p with TCP, UDP, SCTP or DCCP'
  return range.addresses?.some((ip) => familyOf(ip) !== family) ? 'this address is of the other family' : undefined
}

/** `[ADDRESS[-ADDRESS]][:PORT[-PORT]]`, IPv6 addresses in brackets where ports follow. */
export const natRange: Codec<NatRange> = {
  words: 1,
  metavar: '[address[-address]][:port[-port]]',
  parse(word) {
    if (word.charCodeAt(0) === 91) return bracketed(word)
    const colon = word.indexOf(':')
    if (colon >= 0 && word.includes(':', colon + 1)) return { addresses: parseAddresses(word) }
    const addresses = colon < 0 ? word : word.slice(0, colon)
    const ports = colon < 0 ? undefined : word.slice(colon + 1)
    if (addresses === '' && ports === undefined) throw new WordError('an address or a port is needed')
    return {
      ...(addresses === '' ? {} : { addresses: parseAddresses(addresses) }),
      ...(ports === undefined ? {} : parsePorts(ports)),
    }
  },
  print: ({ addresses, ports, basePort }) => {
    const [from, to] = addresses ?? []
    const six = typeof from === 'bigint' && ports !== undefined
    const show = (ip: Ip) => (six ? `[${showIp(ip)}]` : showIp(ip))
    const range =
      from === undefined
        ? ''
        : from === to
          ? show(from)
          : six
            ? `[${showIp(from)}-${showIp(to!)}]`
            : `${showIp(from)}-${showIp(to!)}`
    const base = basePort === undefined ? '' : `/${basePort}`
    return ports ? `${range}:${ports[0]}${ports[0] === ports[1] ? '' : `-${ports[1]}`}${base}` : range
  },
  plain: plainNatRange,
}

/** `PORT[-PORT]`. */
export const portsOnly: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'port[-port]',
  parse(word) {
    const { ports, basePort } = parsePorts(word)
    if (basePort !== undefined) throw new WordError(`bad port range "${word}"`)
    return ports!
  },
  print: ([from, to]) => (from === to ? `${from}` : `${from}-${to}`),
}

/** The flags of every NAT target, as the kernel's range has them. */
export const rangeFlags = (given: {
  readonly random?: unknown
  readonly fully?: unknown
  readonly persistent?: unknown
}): Pick<NatRange, 'random' | 'fullyRandom' | 'persistent'> => ({
  ...(given.random ? { random: true } : {}),
  ...(given.fully ? { fullyRandom: true } : {}),
  ...(given.persistent ? { persistent: true } : {}),
})
