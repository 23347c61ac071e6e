import { parseIp } from '../address/ip.js'
import { type Prefix, parsePrefix } from '../address/prefix.js'
import type { WireGuard, WireGuardPeer } from '../path/device.js'
import { InputError } from './problem.js'
import { type Line, linesOf } from './words.js'

type Draft = { -readonly [K in keyof WireGuard]: WireGuard[K] } & { peers: WireGuardPeer[] }
type PeerDraft = { -readonly [K in keyof WireGuardPeer]: WireGuardPeer[K] }

/** `wg show`, or `wg show all dump`: devices by name. Private and preshared keys are passed over. Throws InputError. Source: wg(8). */
export function readWireGuard(text: string): ReadonlyMap<string, WireGuard> {
  const lines = linesOf(text).filter(({ text: line }) => line.trim() !== '')
  return /^interface: /m.test(text) ? readShow(lines) : readDump(lines)
}

const fail = ({ number }: Line, message: string): never => {
  throw new InputError(message, { line: number, column: 1 })
}

const device = (): Draft => ({ is: 'wireguard', publicKey: undefined, port: undefined, fwmark: 0, peers: [] })

function readShow(lines: readonly Line[]): ReadonlyMap<string, WireGuard> {
  const found = new Map<string, Draft>()
  let current: Draft | undefined
  let peer: PeerDraft | undefined
  for (const line of lines) {
    const [, key, value] = /^\s*([a-z ]+?): (.*?)\s*$/.exec(line.text) ?? fail(line, 'this is no line of wg show')
    if (key === 'interface') {
      current = device()
      found.set(value!, current)
      peer = undefined
    } else if (key === 'peer' && current) {
      peer = { publicKey: value!, endpoint: undefined, allowed: [] }
      current.peers.push(peer)
    } else if (!current) fail(line, `"${key}" stands under no interface`)
    else if (key === 'public key') current.publicKey = value
    else if (key === 'listening port') current.port = numberOf(line, value!)
    else if (key === 'fwmark') current.fwmark = numberOf(line, value!)
    else if (key === 'endpoint' && peer) peer.endpoint = endpointOf(line, value!)
    else if (key === 'allowed ips' && peer) peer.allowed = prefixesOf(line, value!, ', ')
  }
  return found
}

/** A line of five columns is a device, one of nine a peer of it. */
function readDump(lines: readonly Line[]): ReadonlyMap<string, WireGuard> {
  const found = new Map<string, Draft>()
  for (const line of lines) {
    const [name, second, third, fourth, fifth, ...rest] = line.text.trimEnd().split('\t') as [string, ...string[]]
    if (fifth !== undefined && rest.length === 0)
      found.set(name, {
        ...device(),
        publicKey: third,
        port: numberOf(line, fourth!),
        fwmark: fifth === 'off' ? 0 : numberOf(line, fifth),
      })
    else if (rest.length === 4) {
      const to = found.get(name) ?? fail(line, `"${name}" has no line of its own in front of its peers`)
      to.peers.push({
        publicKey: second!,
        endpoint: fourth === '(none)' ? undefined : endpointOf(line, fourth!),
        allowed: prefixesOf(line, fifth!, ','),
      })
    } else fail(line, 'this is no line of wg show all dump')
  }
  return found
}

function numberOf(line: Line, text: string): number {
  return /^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : fail(line, `"${text}" is not a number`)
}

function endpointOf(line: Line, text: string): NonNullable<WireGuardPeer['endpoint']> {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text) ?? fail(line, `"${text}" is no address with a port`)
  const ip = parseIp(host!.replace(/%.*$/, ''))
  return { ip: ip ?? fail(line, `"${host}" is not an IP address`), port: Number(port) }
}

function prefixesOf(line: Line, text: string, separator: string): readonly Prefix[] {
  if (text === '(none)') return []
  return text.split(separator).map((one) => parsePrefix(one) ?? fail(line, `"${one}" is not an address or prefix`))
}
