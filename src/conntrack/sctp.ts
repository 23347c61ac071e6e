import { CT_STATUS } from '../packet/fields.js'
import { type Packet, u8, u16, u32 } from '../packet/packet.js'
import type { Entry, ProtocolState, SctpTags } from './entry.js'
import { accepted, IGNORED, invalid, type Judgement } from './judgement.js'
import type { Settings } from './settings.js'
import { type Direction, opposite } from './tuple.js'

type SctpData = Extract<ProtocolState, { kind: 'other' }>

/** RFC 9260 section 3.2. */
const CHUNK = {
  DATA: 0, INIT: 1, INIT_ACK: 2, HEARTBEAT: 4, HEARTBEAT_ACK: 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, ERROR: 9, COOKIE_ECHO: 10, COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
} as const // biome-ignore format: a table

const STATES: readonly string[] = [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
]
const CODES: readonly string[] = ['NO', 'CL', 'CW', 'CE', 'ES', 'SS', 'SR', 'SA', 'HS']

/** By chunk, from each state in the order of STATES (sctp_conntracks). Other chunks change nothing; IV is invalid. */
const TRANSITIONS: Readonly<Record<Direction, Readonly<Record<number, string>>>> = {
  original: {
    [CHUNK.INIT]: 'CL CL CW CE ES CL CL SA CW',
    [CHUNK.INIT_ACK]: 'CL CL CW CE ES SS SR SA CL',
    [CHUNK.ABORT]: 'CL CL CL CL CL CL CL CL CL',
    [CHUNK.SHUTDOWN]: 'CL CL CW CE SS SS SR SA CL',
    [CHUNK.SHUTDOWN_ACK]: 'SA CL CW CE ES SA SA SA SA',
    [CHUNK.ERROR]: 'CL CL CW CE ES SS SR SA CL',
    [CHUNK.COOKIE_ECHO]: 'CL CL CE CE ES SS SR SA CL',
    [CHUNK.COOKIE_ACK]: 'CL CL CW ES ES SS SR SA CL',
    [CHUNK.SHUTDOWN_COMPLETE]: 'CL CL CW CE ES SS SR CL CL',
    [CHUNK.HEARTBEAT]: 'HS CL CW CE ES SS SR SA HS',
    [CHUNK.HEARTBEAT_ACK]: 'CL CL CW CE ES SS SR SA HS',
  },
  reply: {
    [CHUNK.INIT]: 'IV CL CW CE ES SS SR SA IV',
    [CHUNK.INIT_ACK]: 'IV CW CW CE ES SS SR SA IV',
    [CHUNK.ABORT]: 'IV CL CL CL CL CL CL CL IV',
    [CHUNK.SHUTDOWN]: 'IV CL CW CE SR SS SR SA IV',
    [CHUNK.SHUTDOWN_ACK]: 'IV CL CW CE ES SA SA SA IV',
    [CHUNK.ERROR]: 'IV CL CW CL ES SS SR SA IV',
    [CHUNK.COOKIE_ECHO]: 'IV CL CE CE ES SS SR SA IV',
    [CHUNK.COOKIE_ACK]: 'IV CL CW ES ES SS SR SA IV',
    [CHUNK.SHUTDOWN_COMPLETE]: 'IV CL CW CE ES SS SR CL IV',
    [CHUNK.HEARTBEAT]: 'IV CL CW CE ES SS SR SA HS',
    [CHUNK.HEARTBEAT_ACK]: 'IV CL CW CE ES SS SR SA ES',
  },
}

/** `undefined`: no packet of this kind may come. */
function transition(direction: Direction, state: string, chunk: number): string | undefined {
  const row = TRANSITIONS[direction][chunk]
  if (row === undefined) return state
  const code = row.split(' ')[STATES.indexOf(state)]!
  return code === 'IV' ? undefined : STATES[CODES.indexOf(code)]!
}

interface Chunk {
  readonly type: number
  readonly flags: number
  readonly at: number
}

const HEADER = 12

/** The chunks, or `undefined` where they may not stand together so, there is none, or one has no length (do_basic_checks). */
function chunksOf(bytes: Uint8Array, offset: number): readonly Chunk[] | undefined {
  const chunks: Chunk[] = []
  let alone = false
  for (let at = offset + HEADER; at + 4 <= bytes.length; ) {
    const type = u8(bytes, at)!
    const length = u16(bytes, at + 2)!
    if (type === CHUNK.INIT || type === CHUNK.INIT_ACK || type === CHUNK.SHUTDOWN_COMPLETE) alone = true
    const mustBeFirst = alone || type === CHUNK.COOKIE_ACK || type === CHUNK.COOKIE_ECHO
    if (length === 0 || (mustBeFirst && chunks.length > 0)) return undefined
    chunks.push({ type, flags: u8(bytes, at + 1)!, at })
    at += (length + 3) & ~3
  }
  return chunks.length > 0 ? chunks : undefined
}

/** The initiate tag of an INIT or INIT ACK, whose fixed part must be there. */
const initTag = (bytes: Uint8Array, at: number): number | undefined =>
  at + 20 <= bytes.length ? u32(bytes, at + 4) : undefined

/** What is wrong with the header (sctp_error). */
export function sctpHeaderFault({ bytes }: Packet, offset: number, checksumGood: () => boolean): string | undefined {
  if (bytes.length < offset + HEADER) return 'short SCTP packet'
  return checksumGood() ? undefined : 'wrong SCTP checksum'
}

const TAGGED_BY_ITSELF: ReadonlySet<number> = new Set([
  CHUNK.INIT,
  CHUNK.SHUTDOWN_COMPLETE,
  CHUNK.COOKIE_ECHO,
  CHUNK.ABORT,
  CHUNK.SHUTDOWN_ACK,
  CHUNK.HEARTBEAT,
  CHUNK.HEARTBEAT_ACK,
])
const OUT_OF_THE_BLUE: ReadonlySet<number> = new Set([CHUNK.ABORT, CHUNK.SHUTDOWN_COMPLETE, CHUNK.COOKIE_ACK])
const WRONG_TAG = 'wrong SCTP verification tag'

/** One packet of a connection (nf_conntrack_sctp_packet); its header is sound. Changes the entry's state. */
export function sctpPacket(
  entry: Entry,
  data: SctpData,
  { bytes }: Packet,
  offset: number,
  direction: Direction,
  settings: Settings,
): Judgement {
  const chunks = chunksOf(bytes, offset)
  if (!chunks) return invalid('SCTP chunks that may not stand together')
  const tag = u32(bytes, offset + 4)!
  const has = (types: ReadonlySet<number>): boolean => chunks.some(({ type }) => types.has(type))
  if (!(entry.status & CT_STATUS.CONFIRMED)) {
    if (has(OUT_OF_THE_BLUE)) return invalid('SCTP chunks that begin no association')
    const tags = newTags(bytes, chunks, tag)
    if (!tags) return invalid('an SCTP packet that begins no association')
    data.tags = tags
    data.state = 'NONE'
  }
  data.tags ??= {
    original: undefined,
    reply: undefined,
    heartbeatFailed: undefined,
    begun: { original: false, reply: false },
  }
  if (!has(TAGGED_BY_ITSELF) && !agrees(data.tags, direction, tag)) return invalid(WRONG_TAG)
  return walkChunks(entry, data, { bytes, chunks, tag, direction, settings })
}

/** A listing of connections does not say the tags: the first packet's is believed. */
function agrees(tags: SctpTags, direction: Direction, tag: number): boolean {
  tags[direction] ??= tag
  return tags[direction] === tag
}

/** The tags of a connection that begins with these chunks (sctp_new). */
function newTags(bytes: Uint8Array, chunks: readonly Chunk[], tag: number): SctpTags | undefined {
  const tags: SctpTags = { original: 0, reply: 0, heartbeatFailed: undefined, begun: { original: false, reply: false } }
  for (const { type, at } of chunks) {
    if (transition('original', 'NONE', type) === 'NONE') return undefined
    if (type === CHUNK.INIT) {
      const own = initTag(bytes, at)
      if (tag !== 0 || own === undefined) return undefined
      tags.reply = own
    } else if (type === CHUNK.HEARTBEAT) tags.original = tag
    else if (type === CHUNK.SHUTDOWN_ACK) tags.reply = tag
  }
  return tags
}

interface Walk {
  readonly bytes: Uint8Array
  readonly chunks: readonly Chunk[]
  readonly tag: number
  readonly direction: Direction
  readonly settings: Settings
}

function walkChunks(entry: Entry, data: SctpData, walk: Walk): Judgement {
  const { bytes, chunks, direction, settings } = walk
  const tags = data.tags!
  let silent = false
  let last = 'NONE'
  for (const chunk of chunks) {
    const verdict = checkTag(tags, chunk, walk, silent)
    if (verdict === 'wrong') return invalid(WRONG_TAG)
    if (verdict === 'doubtful') {
      silent = true
      continue
    }
    const old = data.state
    const next = transition(direction, old, chunk.type)
    if (next === undefined) return invalid(`SCTP chunk ${chunk.type} in state ${old}`)
    last = next
    if (chunk.type === CHUNK.INIT || chunk.type === CHUNK.INIT_ACK) {
      const own = initTag(bytes, chunk.at)
      if (own === undefined) return invalid('an SCTP chunk is cut off')
      if (chunk.type === CHUNK.INIT_ACK && !isAnswer(tags, direction, own)) return invalid(WRONG_TAG)
      tags[opposite(direction)] = own
      if (chunk.type === CHUNK.INIT) {
        noteInit(tags, direction)
        // a repeated INIT must not keep the entry alive
        if (next === 'CLOSED' && old === 'CLOSED' && entry.status & CT_STATUS.CONFIRMED) silent = true
      }
    }
    data.state = next
    if (old !== next && next === 'ESTABLISHED') entry.status |= CT_STATUS.ASSURED
  }
  return silent ? IGNORED : accepted(settings.timeout(timeoutName(last)))
}

/** Both ends may begin at once (RFC 9260 section 5.2.1): a third INIT makes the other end's forgotten. */
function noteInit(tags: SctpTags, direction: Direction): void {
  if (tags.begun[direction]) tags.begun[opposite(direction)] = false
  tags.begun[direction] = true
}

/** Does an INIT ACK carry the tag that its sender's INIT had, if one was seen, or that is known otherwise? */
function isAnswer({ begun, ...tags }: SctpTags, direction: Direction, own: number): boolean {
  const known = tags[opposite(direction)]
  if (known === undefined || known === own) return true
  return begun[opposite(direction)] ? !begun[direction] : known === 0
}

const timeoutName = (state: string): string => `sctp_timeout_${state === 'NONE' ? 'closed' : state.toLowerCase()}`

/** The tag of one chunk (RFC 9260 section 8.5.1). `doubtful`: a heartbeat over another path; its answer will tell. */
function checkTag(tags: SctpTags, { type, flags }: Chunk, walk: Walk, silent: boolean): 'right' | 'wrong' | 'doubtful' {
  const { tag, direction } = walk
  const right = (wanted: boolean) => (wanted ? 'right' : 'wrong')
  switch (type) {
    case CHUNK.INIT:
      return right(tag === 0)
    case CHUNK.ABORT:
    case CHUNK.SHUTDOWN_COMPLETE:
      return right(agrees(tags, flags & 1 ? opposite(direction) : direction, tag))
    case CHUNK.COOKIE_ECHO:
      return right(agrees(tags, direction, tag))
    case CHUNK.COOKIE_ACK:
      tags.begun.original = tags.begun.reply = false
      return 'right'
    case CHUNK.HEARTBEAT:
    case CHUNK.HEARTBEAT_ACK:
      return checkHeartbeat(tags, type, walk, silent)
    default:
      return 'right'
  }
}

function checkHeartbeat(
  tags: SctpTags,
  type: number,
  { chunks, tag, direction }: Walk,
  silent: boolean,
): 'right' | 'wrong' | 'doubtful' {
  if (tags[direction] === 0) tags[direction] = tag
  else if (agrees(tags, direction, tag)) tags.heartbeatFailed = undefined
  else {
    if (silent || chunks.some((chunk) => chunk.type === CHUNK.DATA)) return 'wrong'
    if (type === CHUNK.HEARTBEAT) {
      tags.heartbeatFailed = direction
      return 'doubtful'
    }
    if (tags.heartbeatFailed === undefined || tags.heartbeatFailed === direction) return 'wrong'
    tags.heartbeatFailed = undefined
    tags[direction] = tag
    tags[opposite(direction)] = 0
  }
  return 'right'
}
