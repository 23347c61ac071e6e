import { type Family, familyOf, parseIp } from '../address/ip.js'
import type { Entry, ProtocolState, TcpSide, TcpState } from '../conntrack/entry.js'
import type { Tuple } from '../conntrack/tuple.js'
import { CT_STATUS, PROTOCOLS } from '../packet/fields.js'
import { InputError, type Position } from './problem.js'
import { type Line, linesOf, type Word } from './words.js'

/** What conntrack(8) says of itself, on the same terminal. */
const COMPLAINT = /^conntrack v[\d.]+ /

const TCP_STATES: ReadonlySet<string> = new Set([
  'NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2',
] satisfies TcpState[]) // biome-ignore format: a table

const TCP = 6
const UDP = 17
const GRE = 47
const UDPLITE = 136

/** IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_BE_LIBERAL: what the kernel gives a connection that it picks up in the middle. */
const PICKED_UP = 0x02 | 0x08

/**
 * `conntrack -L` with or without `-o extended`, and /proc/net/nf_conntrack. `now`: seconds since the epoch at which it was printed; entries expire
 * that much later. Not printed, and so as the kernel has it for connections that it picks up in the middle: TCP windows (be liberal). Both NAT hooks are
 * taken as done with. Throws InputError. Source: conntrack(8); libnetfilter_conntrack src/conntrack/snprintf_default.c.
 */
export const readConnections = (text: string, now: number): readonly Entry[] =>
  linesOf(text)
    .filter((line) => !COMPLAINT.test(line.text))
    .map((line) => new EntryReader(line).read(now))

type Fields = Map<string, { readonly value: string; readonly position: Position }>

class EntryReader {
  readonly #line: Line
  readonly #words: readonly Word[]

  constructor(line: Line) {
    this.#line = line
    this.#words = [...line.text.matchAll(/\S+/g)].map(({ 0: text, index }) => ({
      text,
      position: { line: line.number, column: index + 1 },
    }))
  }

  #fail(message: string, position: Position = { line: this.#line.number, column: this.#line.text.length + 1 }): never {
    throw new InputError(message, position)
  }

  read(now: number): Entry {
    const words = this.#words
    // extended: the network protocol and its number first
    const at = words[0]!.text === 'ipv4' || words[0]!.text === 'ipv6' ? 2 : 0
    const protocol = this.#number(at + 1, 'protocol number', 255)
    const seconds = this.#number(at + 2, 'timeout')
    const state = words[at + 3] && /^[A-Z][A-Z\d_]+$/.test(words[at + 3]!.text) ? words[at + 3]!.text : ''
    const { fields, marks } = this.#split(words.slice(at + 3))
    const original = this.#tuple(fields[0]!, protocol)
    const reply = this.#tuple(fields[1]!, protocol)
    const rest = fields[1]!
    return {
      original,
      reply,
      status: statusOf(original, reply, marks),
      mark: this.#field(rest, 'mark') ?? 0,
      zone: this.#field(rest, 'zone') ?? 0,
      expires: now + seconds,
      protocol: this.#protocol(protocol, state, marks),
      counters: { original: this.#counters(fields[0]!), reply: this.#counters(rest) },
      master: undefined,
      helper: rest.get('helper')?.value,
    }
  }

  #number(index: number, what: string, most = 0xffffffff): number {
    const word = this.#words[index]
    if (!word || !/^\d+$/.test(word.text) || Number(word.text) > most)
      this.#fail(`"${word?.text ?? ''}" is no ${what}`, word?.position)
    return Number(word.text)
  }

  /** `key=value` words by direction (the second `src=` begins the reply), and the words in brackets. */
  #split(words: readonly Word[]): { readonly fields: readonly Fields[]; readonly marks: ReadonlySet<string> } {
    const fields: Fields[] = []
    const marks = new Set<string>()
    for (const { text, position } of words) {
      const equals = text.indexOf('=')
      if (text.startsWith('[')) marks.add(text.slice(1, -1))
      else if (equals > 0) {
        const key = text.slice(0, equals)
        if (key === 'src') fields.push(new Map())
        fields.at(-1)?.set(key, { value: text.slice(equals + 1), position })
      }
    }
    if (fields.length !== 2) this.#fail(`a connection has two directions, this one ${fields.length}`)
    return { fields, marks }
  }

  #tuple(fields: Fields, protocol: number): Tuple {
    const src = this.#address(fields, 'src')
    const dst = this.#address(fields, 'dst')
    const family: Family = familyOf(src)
    if (familyOf(dst) !== family) this.#fail('addresses of two families', fields.get('dst')?.position)
    return { family, protocol, src, dst, ...this.#ports(fields, protocol) }
  }

  #ports(fields: Fields, protocol: number): { readonly sport: number; readonly dport: number } {
    if (fields.has('id'))
      return {
        sport: this.#field(fields, 'id')!,
        dport: (this.#field(fields, 'type') ?? 0) * 256 + (this.#field(fields, 'code') ?? 0),
      }
    if (protocol === GRE)
      return { sport: this.#field(fields, 'srckey') ?? 0, dport: this.#field(fields, 'dstkey') ?? 0 }
    return { sport: this.#field(fields, 'sport') ?? 0, dport: this.#field(fields, 'dport') ?? 0 }
  }

  #address(fields: Fields, key: string) {
    const field = fields.get(key)
    const ip = field && parseIp(field.value)
    return (
      ip ?? this.#fail(field ? `${key} "${field.value}" is not an IP address` : `${key}= is missing`, field?.position)
    )
  }

  #field(fields: Fields, key: string): number | undefined {
    const field = fields.get(key)
    if (!field) return undefined
    return /^(0x[\da-f]+|\d+)$/i.test(field.value)
      ? Number(field.value)
      : this.#fail(`${key} "${field.value}" is not a number`, field.position)
  }

  #counters(fields: Fields): { packets: number; bytes: number } {
    return { packets: this.#field(fields, 'packets') ?? 0, bytes: this.#field(fields, 'bytes') ?? 0 }
  }

  #protocol(protocol: number, state: string, marks: ReadonlySet<string>): ProtocolState {
    if (protocol === UDP || protocol === UDPLITE) return { kind: 'udp', stream: marks.has('ASSURED'), streamSince: 0 }
    if (protocol !== TCP) return { kind: 'other', state }
    if (!TCP_STATES.has(state))
      this.#fail(`"${state}" is no state of a TCP connection`, this.#words.find(({ text }) => text === state)?.position)
    return {
      kind: 'tcp',
      state: state as TcpState,
      seen: { original: unknownSide(), reply: unknownSide() },
      lastDirection: undefined,
      lastIndex: 0,
      lastSeq: 0,
      lastAck: 0,
      lastEnd: 0,
      lastWindow: 0,
      lastWscale: 0,
      lastFlags: 0,
      retransmits: 0,
    }
  }
}

/** A greatest window of 0: nothing was seen from this side yet. */
const unknownSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, scale: 0, flags: PICKED_UP })

/** IPS_* bits. Which addresses were translated shows in the reply, which is not the inverse of the original. */
function statusOf(original: Tuple, reply: Tuple, marks: ReadonlySet<string>): number {
  const ported = hasPorts(original.protocol)
  let status = CT_STATUS.CONFIRMED | CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
  if (!marks.has('UNREPLIED')) status |= CT_STATUS.SEEN_REPLY
  if (marks.has('ASSURED')) status |= CT_STATUS.ASSURED
  if (
    reply.dst !== original.src ||
    (ported ? reply.dport !== original.sport : reply.sport !== original.sport && original.protocol !== GRE)
  )
    status |= CT_STATUS.SRC_NAT
  if (reply.src !== original.dst || (ported && reply.sport !== original.dport)) status |= CT_STATUS.DST_NAT
  return status
}

const PORTED: ReadonlySet<string> = new Set(['tcp', 'udp', 'dccp', 'sctp', 'udplite'])
const hasPorts = (protocol: number): boolean => PORTED.has(PROTOCOLS[protocol] ?? '')
