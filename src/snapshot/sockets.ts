import { type Ip, parseIp } from '../address/ip.js'
import { parsePort } from '../address/services.js'
import type { Socket } from '../path/world.js'
import { InputError, type Position } from './problem.js'
import { type Line, linesOf, type Word } from './words.js'

type Protocol = Socket['protocol']

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'raw'] satisfies Protocol[])
/** Address families and kinds of ss that are no IP transport. */
const OTHERS = /^(u_|nl$|p_|v_|xdp|tipc|mptcp|icmp6|\?\?\?|ti|vs)/

/**
 * `ss -tuln` and its relatives (-a, -p, -e; with `Netid` or, for one protocol, without), and `netstat -tuln`. Throws InputError.
 * Source: ss(8); iproute2 misc/ss.c: an IPv6 socket on any address is printed `*` unless it is for IPv6 only.
 */
export function readSockets(text: string): readonly Socket[] {
  const lines = linesOf(text)
  // older versions print IPv6 without brackets, and `*` for any IPv4 address
  const old =
    lines.some(({ text: line }) => /\s:::(\d|\*)/.test(line)) &&
    !lines.some(({ text: line }) => line.startsWith('Proto'))
  const style: Style = { old, netstat: false, netid: true }
  return lines.flatMap((line) => {
    if (/^Active Internet/.test(line.text)) return []
    if (/^(Netid|State|Recv-Q)\s/.test(line.text)) {
      style.netid = line.text.startsWith('Netid')
      style.netstat = false
      return []
    }
    if (/^Proto\s/.test(line.text)) {
      style.netstat = true
      return []
    }
    // `ss -e`, `-i`: more about the socket above
    if (/^\s/.test(line.text)) return []
    return new SocketReader(line, style).read()
  })
}

interface Style {
  readonly old: boolean
  netstat: boolean
  netid: boolean
}

interface End {
  readonly ip: Ip | undefined
  readonly family: Socket['family'] | undefined
  readonly port: number
  readonly dev: string | undefined
}

class SocketReader {
  readonly #line: Line
  readonly #style: Style
  readonly #words: readonly Word[]

  constructor(line: Line, style: Style) {
    this.#line = line
    this.#style = style
    this.#words = [...line.text.matchAll(/\S+/g)].map(({ 0: text, index }) => ({
      text,
      position: { line: line.number, column: index + 1 },
    }))
  }

  #word(index: number, what: string): Word {
    const word = this.#words[index]
    if (!word)
      throw new InputError(`${what} is missing`, { line: this.#line.number, column: this.#line.text.length + 1 })
    return word
  }

  read(): readonly Socket[] {
    if (this.#style.netstat) return this.#readNetstat()
    const shift = this.#style.netid ? 1 : 0
    const netid = this.#style.netid ? this.#words[0]!.text : undefined
    if (netid !== undefined && OTHERS.test(netid)) return []
    const state = this.#word(shift, 'the state')
    const protocol = this.#protocol(netid ?? (state.text === 'UNCONN' ? 'udp' : 'tcp'), this.#words[0]!.position)
    const local = this.#end(this.#word(shift + 3, 'the local address'), protocol)
    const remote = this.#end(this.#word(shift + 4, 'the peer address'), protocol)
    return [this.#socket(protocol, state.text, local, remote, processOf(this.#line.text))]
  }

  /** `tcp6  0  0 :::80  :::*  LISTEN  812/nginx`. */
  #readNetstat(): readonly Socket[] {
    const name = this.#words[0]!.text
    if (!/^(tcp|udp|raw|udplite|sctp)6?$/.test(name)) return []
    const protocol = this.#protocol(name.replace(/6$/, ''), this.#words[0]!.position)
    const local = this.#end(this.#word(3, 'the local address'), protocol)
    const remote = this.#end(this.#word(4, 'the foreign address'), protocol)
    const family = name.endsWith('6') ? (local.ip === undefined ? 'both' : (local.family ?? 6)) : 4
    const state = this.#words[5]?.text ?? ''
    const program = /\s\d+\/(\S+)\s*$/.exec(this.#line.text)?.[1]
    return [{ ...this.#socket(protocol, /^[A-Z]/.test(state) ? state : 'UNCONN', local, remote, program), family }]
  }

  #protocol(text: string, position: Position): Protocol {
    if (!PROTOCOLS.has(text)) throw new InputError(`"${text}" is no protocol of a socket`, position)
    return text as Protocol
  }

  #socket(protocol: Protocol, state: string, local: End, remote: End, process: string | undefined): Socket {
    const listens =
      state === 'LISTEN' || ((state === 'UNCONN' || state === 'UNCONNECTED' || state === '') && remote.ip === undefined)
    return {
      protocol,
      state: listens ? 'listen' : 'connected',
      local: local.ip,
      family: local.family ?? (remote.ip === undefined ? 'both' : (remote.family ?? 'both')),
      port: local.port,
      remote: remote.ip,
      remotePort: remote.ip === undefined ? undefined : remote.port,
      dev: local.dev,
      process,
    }
  }

  /** `ADDRESS[%DEV]:PORT`, the address in brackets or not, `*` for any. */
  #end({ text, position }: Word, protocol: Protocol): End {
    const colon = text.lastIndexOf(':')
    const port = this.#port(text.slice(colon + 1), protocol, { ...position, column: position.column + colon + 1 })
    const [, inside = '', dev] = /^(.*?)(?:%([^%]*))?$/.exec(text.slice(0, Math.max(0, colon)))!
    const address = inside.replace(/^\[(.*?)\]?$/, '$1')
    if (colon < 0 || address === '') throw new InputError(`"${text}" is no ADDRESS:PORT`, position)
    if (address === '*') return { ip: undefined, family: this.#style.old ? 4 : undefined, port, dev }
    const ip = parseIp(address)
    if (ip === undefined) throw new InputError(`"${address}" is not an IP address`, position)
    return { ...ended(ip, this.#style), port, dev: dev?.replace(/\]$/, '') }
  }

  #port(text: string, protocol: Protocol, position: Position): number {
    const port = text === '*' ? 0 : protocol === 'raw' && !/^\d+$/.test(text) ? 0 : parsePort(text, protocol)
    if (port === undefined) throw new InputError(`"${text}" is no port`, position)
    return port
  }
}

const MAPPED = 0xffffn << 32n

/** The unspecified address is any; an IPv4-mapped one is IPv4's. */
function ended(ip: Ip, { old }: Style): Pick<End, 'ip' | 'family'> {
  if (ip === 0) return { ip: undefined, family: 4 }
  if (ip === 0n) return { ip: undefined, family: old ? 'both' : 6 }
  if (typeof ip === 'bigint' && ip >> 32n === MAPPED >> 32n) return { ip: Number(ip & 0xffffffffn), family: 4 }
  return { ip, family: typeof ip === 'number' ? 4 : 6 }
}

/** `users:(("nginx",pid=812,fd=6),…)`: the first. */
const processOf = (line: string): string | undefined => /users:\(\("([^"]*)"/.exec(line)?.[1]
