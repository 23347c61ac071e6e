import { parseMac } from '../address/mac.js'
import { TCP_FLAGS } from './fields.js'
import { hexToBytes } from './hex.js'
import { type Circumstances, CT_STATES, type CtStateName, type FieldsRequest } from './request.js'
import { isProblem, type LineProblem, parseNumber, suggestion, type Token } from './tokens.js'

type Mutable<T> = { -readonly [K in keyof T]?: T[K] }
/** A request while its words are read. */
export type Draft = Omit<Mutable<FieldsRequest>, 'icmp'> & { icmp?: Mutable<NonNullable<FieldsRequest['icmp']>> }
export type CircumstanceDraft = Mutable<Circumstances>

/** The words of a line, read one after the other. */
export class Words {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #next = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  get at(): number {
    return this.#tokens[this.#next]?.at ?? this.#end
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead]
  }

  take(): Token | undefined {
    return this.#tokens[this.#next++]
  }

  /** The word behind a keyword. */
  value(keyword: string, what: string): string | LineProblem {
    const { at } = this
    const token = this.take()
    return token ? token.text : { message: `"${keyword}" wants ${what}`, at }
  }

  number(keyword: string, most: number): number | LineProblem {
    const { at } = this
    const text = this.value(keyword, `a number up to ${most}`)
    if (typeof text !== 'string') return text
    return parseNumber(text, most) ?? { message: `"${keyword}" wants a number up to ${most}, not "${text}"`, at }
  }
}

type Reader<D> = (words: Words, draft: D, keyword: string) => LineProblem | undefined

/** A reader of a number that goes into the draft as it is. */
const number =
  <D>(most: number, put: (draft: D, value: number) => void): Reader<D> =>
  (words, draft, keyword) => {
    const value = words.number(keyword, most)
    if (isProblem(value)) return value
    put(draft, value)
    return undefined
  }

const text =
  <D>(what: string, put: (draft: D, value: string) => LineProblem | string | undefined): Reader<D> =>
  (words, draft, keyword) => {
    const { at } = words
    const value = words.value(keyword, what)
    if (isProblem(value)) return value
    const problem = put(draft, value)
    return typeof problem === 'string' ? { message: problem, at } : problem
  }

const MAX32 = 0xffffffff

const mac = (put: (draft: CircumstanceDraft, mac: number) => void) =>
  text<CircumstanceDraft>('a MAC address', (draft, value) => {
    const address = parseMac(value)
    if (address === undefined) return `"${value}" is no MAC address`
    put(draft, address)
    return undefined
  })

/** Words that tell what is not in the packet's bytes: allowed behind every form of a packet. */
export const CIRCUMSTANCE_WORDS: Readonly<Record<string, Reader<CircumstanceDraft>>> = {
  in: text('the interface at which the packet arrives', (draft, value) => {
    // `HOST:eth0` is allowed: only what stands behind the last colon is the kernel's
    const name = value.slice(value.lastIndexOf(':') + 1)
    if (new TextEncoder().encode(name).length > 15) return `an interface name has at most 15 bytes: "${name}"`
    draft.in = value
    return undefined
  }),
  from: text('HOST or HOST/NETNS', (draft, value) => {
    draft.from = value
    return undefined
  }),
  mark: number(MAX32, (draft, value) => {
    draft.mark = value
  }),
  uid: number(MAX32, (draft, value) => {
    draft.uid = value
  }),
  gid: number(MAX32, (draft, value) => {
    draft.gid = value
  }),
  vlan: number(4094, (draft, value) => {
    draft.vlan = value
  }),
  mac: mac((draft, value) => {
    draft.mac = value
  }),
  dmac: mac((draft, value) => {
    draft.macDestination = value
  }),
  ctstate: text('a connection state', (draft, value) => {
    const state = value.toUpperCase()
    if (!isCtState(state))
      return `"${value}" is no connection state${suggestion(
        value,
        CT_STATES.map((s) => s.toLowerCase()),
      )}`
    draft.ctstate = state
    return undefined
  }),
}

const isCtState = (value: string): value is CtStateName => (CT_STATES as readonly string[]).includes(value)

/** RFC 2474, 2597, 3246, 5865, 8622, as `iptables -m dscp --dscp-class` names them. */
export function dscpValue(name: string): number | undefined {
  const plain = parseNumber(name, 63)
  if (plain !== undefined) return plain
  const lower = name.toLowerCase()
  const af = /^af([1-4])([1-3])$/.exec(lower)
  if (af) return Number(af[1]) * 8 + Number(af[2]) * 2
  const cs = /^cs([0-7])$/.exec(lower)
  if (cs) return Number(cs[1]) * 8
  return { ef: 46, be: 0, va: 44, le: 1 }[lower]
}

/** The names of iptables -m tos. */
const TOS_NAMES: Readonly<Record<string, number>> = {
  'minimize-delay': 0x10, 'maximize-throughput': 0x08, 'maximize-reliability': 0x04, 'minimize-cost': 0x02, 'normal-service': 0,
} // biome-ignore format: a table

/** Bytes of `hex:…`, or of the text itself (UTF-8; characters below 256 from \xHH escapes stay bytes). */
export function payloadBytes(value: string): Uint8Array | undefined {
  if (/^hex:/i.test(value)) return hexToBytes(value.slice(4))
  const latin = [...value].every((char) => char.charCodeAt(0) < 256)
  return latin ? Uint8Array.from(value, (char) => char.charCodeAt(0)) : new TextEncoder().encode(value)
}

const icmpPart = (most: number, put: (icmp: NonNullable<Draft['icmp']>, value: number) => void) =>
  number<Draft>(most, (draft, value) => {
    draft.icmp ??= {}
    put(draft.icmp, value)
  })

/** Words for what is in the packet's bytes. Flags and ICMP names are words too: `flagWord`, and the caller's ICMP table. */
export const FIELD_WORDS: Readonly<Record<string, Reader<Draft>>> = {
  ttl: number(255, (draft, value) => {
    draft.ttl = value
  }),
  tos: text('a number up to 255', (draft, value) => {
    const tos = parseNumber(value, 255) ?? TOS_NAMES[value.toLowerCase()]
    if (tos === undefined) return `"${value}" is no TOS value`
    draft.tos = tos
    return undefined
  }),
  dscp: text('a number up to 63 or a class', (draft, value) => {
    const dscp = dscpValue(value)
    if (dscp === undefined) return `"${value}" is no DSCP value or class`
    draft.tos = (dscp << 2) | ((draft.tos ?? 0) & 3)
    return undefined
  }),
  ipid: number(0xffff, (draft, value) => {
    draft.ipId = value
  }),
  flowlabel: number(0xfffff, (draft, value) => {
    draft.flowLabel = value
  }),
  df: (_, draft) => {
    draft.df = true
    return undefined
  },
  len: number(0xffff, (draft, value) => {
    draft.length = value
  }),
  seq: number(MAX32, (draft, value) => {
    draft.sequence = value
  }),
  ackno: number(MAX32, (draft, value) => {
    draft.acknowledgement = value
  }),
  win: number(0xffff, (draft, value) => {
    draft.window = value
  }),
  options: text('hex:…', (draft, value) => {
    const bytes = /^hex:/i.test(value) ? hexToBytes(value.slice(4)) : undefined
    if (!bytes) return 'TCP options are written hex:…'
    if (bytes.length > 40) return 'TCP options have at most 40 bytes'
    draft.tcpOptions = bytes
    return undefined
  }),
  type: icmpPart(255, (icmp, value) => {
    icmp.type = value
  }),
  code: icmpPart(255, (icmp, value) => {
    icmp.code = value
  }),
  id: icmpPart(0xffff, (icmp, value) => {
    icmp.id = value
  }),
  icmpseq: icmpPart(0xffff, (icmp, value) => {
    icmp.sequence = value
  }),
  rest: icmpPart(MAX32, (icmp, value) => {
    icmp.rest = value
  }),
  payload: text('"TEXT" or hex:…', (draft, value) => {
    const bytes = payloadBytes(value)
    if (!bytes) return 'a payload in hex is a whole number of bytes'
    draft.payload = bytes
    return undefined
  }),
  fragment: text('OFFSET or OFFSET+', (draft, value) => {
    const offset = parseNumber(value.replace(/\+$/, ''), 65528)
    if (offset === undefined) return '"fragment" wants OFFSET, or OFFSET+ where more follow'
    if (offset % 8 !== 0) return `a fragment's offset is counted in bytes and is a multiple of 8, not ${offset}`
    draft.fragment = { offset, more: value.endsWith('+') }
    return undefined
  }),
}

/** `syn`, `syn,ack`, `none`: the bits, or `undefined` where it is no list of TCP flags. */
export function flagWord(word: string): number | undefined {
  const lower = word.toLowerCase()
  if (lower === 'none') return 0
  let bits = 0
  for (const name of lower.split(/[,|+]/)) {
    const bit = (TCP_FLAGS as readonly string[]).indexOf(name)
    if (bit < 0) return undefined
    bits |= 1 << bit
  }
  return bits
}
