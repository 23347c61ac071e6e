import { type Ip, parseIp, printIp } from '../../address/ip.js'
import type { NatRange } from '../../rules/effect.js'
import { type Codec, number, WordError } from '../codec.js'

function parsePorts(text: string): Pick<NatRange, 'ports' | 'basePort'> {
  const [range = '', base, ...more] = text.split('/')
  const [low = '', high = low] = range.split('-')
  const from = number(low, 0xffff, 'port')
  const to = number(high, 0xffff, 'port')
  if (more.length > 0 || from > to) throw new WordError(`bad port range "${text}"`)
  return { ports: [from, to], ...(base === undefined ? {} : { basePort: number(base, 0xffff, 'port') }) }
}

function parseAddresses(text: string): readonly [Ip, Ip] {
  const [low = '', high = low] = text.split('-')
  const [from, to] = [parseIp(low), parseIp(high)]
  if (from === undefined || to === undefined || typeof from !== typeof to)
    throw new WordError(`bad address range "${text}"`)
  return [from, to]
}

/** `[ADDRESS[-ADDRESS]][:PORT[-PORT]]`, IPv6 addresses in brackets where ports follow. */
export const natRange: Codec<NatRange> = {
  words: 1,
  metavar: '[address[-address]][:port[-port]]',
  parse(word) {
    const bracketed = word.charCodeAt(0) !== 91 ? null : /^\[([^\]]*)\](?:-\[([^\]]*)\])?(?::(.*))?$/.exec(word)
    if (bracketed) {
      const [, from = '', to, ports] = bracketed
      const inner = to === undefined ? from : `${from}-${to}`
      return { addresses: parseAddresses(inner), ...(ports === undefined ? {} : parsePorts(ports)) }
    }
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
    const show = (ip: Ip) => (six ? `[${printIp(ip)}]` : printIp(ip))
    const range =
      from === undefined
        ? ''
        : from === to
          ? show(from)
          : six
            ? `[${printIp(from)}-${printIp(to!)}]`
            : `${printIp(from)}-${printIp(to!)}`
    const base = basePort === undefined ? '' : `/${basePort}`
    return ports ? `${range}:${ports[0]}${ports[0] === ports[1] ? '' : `-${ports[1]}`}${base}` : range
  },
}

/** `PORT[-PORT]`. */
export const portsOnly: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'port[-port]',
  parse: (word) => parsePorts(word).ports!,
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
