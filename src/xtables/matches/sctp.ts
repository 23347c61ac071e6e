import { BROKEN, type ChunkFlags, THERE } from '../../packet/probe.js'
import { all, type Condition, dropIf, equals, invertedIf, probed, readable } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { listedPorts } from '../list-words.js'
import { defineMatch } from '../match.js'
import { PORT_OPTIONS, portConditions } from '../port-options.js'

/** Chunk types that libxt_sctp.c has names for (RFC 9260 section 3.2, RFC 5061, RFC 3758). */
const TYPES: Readonly<Record<string, number>> = {
  DATA: 0, INIT: 1, INIT_ACK: 2, SACK: 3, HEARTBEAT: 4, HEARTBEAT_ACK: 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, ERROR: 9, COOKIE_ECHO: 10,
  COOKIE_ACK: 11, ECN_ECNE: 12, ECN_CWR: 13, SHUTDOWN_COMPLETE: 14, I_DATA: 64, ASCONF_ACK: 128, RE_CONFIG: 130, PAD: 132, FORWARD_TSN: 192,
  ASCONF: 193, I_FORWARD_TSN: 194,
} // biome-ignore format: a table
/** Letters of the flags that a chunk has, most significant bit first. */
const FLAGS: Readonly<Record<number, string>> = { 0: '----IUBE', 6: '-------T', 14: '-------T', 64: '----IUBE' }
const ALL: readonly number[] = Array.from({ length: 256 }, (_, type) => type)

interface Chunks {
  readonly mode: 'any' | 'all' | 'only'
  readonly types: readonly number[]
  readonly flags: readonly ChunkFlags[]
}

/** A capital letter: the flag is set; a small one: it is not. Said twice, it is set. */
function flagsOf(type: number, letters: string, before: ChunkFlags | undefined): ChunkFlags | undefined {
  if (letters === '') return before
  let { mask, set } = before ?? { mask: 0, set: 0 }
  for (const letter of letters) {
    const place = (FLAGS[type] ?? '--------').indexOf(letter.toUpperCase())
    if (place < 0) throw new WordError(`chunks of type ${type} have no flag "${letter}"`)
    const bit = 1 << (7 - place)
    mask |= bit
    if (letter >= 'A' && letter <= 'Z') set |= bit
  }
  return { type, mask, set }
}

function chunkList(word: string): Omit<Chunks, 'mode'> {
  if (word.toUpperCase() === 'ALL') return { types: ALL, flags: [] }
  if (word.toUpperCase() === 'NONE') return { types: [], flags: [] }
  const types = new Set<number>()
  const flags = new Map<number, ChunkFlags>()
  for (const item of word.split(',')) {
    if (item === '') continue
    const colon = item.indexOf(':')
    const name = colon < 0 ? item : item.slice(0, colon)
    const type = TYPES[name.toUpperCase()]
    if (type === undefined) throw new WordError(`unknown SCTP chunk "${name}"`)
    types.add(type)
    const asked = flagsOf(type, colon < 0 ? '' : item.slice(colon + 1), flags.get(type))
    if (asked) flags.set(type, asked)
    if (flags.size > MOST_FLAGS) throw new WordError(`flags of at most ${MOST_FLAGS} types`)
  }
  return { types: [...types].sort((a, b) => a - b), flags: [...flags.values()] }
}

/** XT_NUM_SCTP_FLAGS. */
const MOST_FLAGS = 4

function printChunk(type: number, flags: readonly ChunkFlags[]): string {
  const name = Object.keys(TYPES).find((one) => TYPES[one] === type) ?? ''
  const asked = flags.find((one) => one.type === type)
  if (!asked) return name
  const letters = [...(FLAGS[type] ?? '--------')].flatMap((letter, i) => {
    const bit = 1 << (7 - i)
    return asked.mask & bit ? [asked.set & bit ? letter : letter.toLowerCase()] : []
  })
  return `${name}:${letters.join('')}`
}

const chunks: Codec<Chunks> = {
  words: 2,
  metavar: 'any|all|only types',
  parse(text) {
    const [word = '', list = ''] = text.split(' ')
    const mode = (['any', 'all', 'only'] as const).find((one) => one === word.toLowerCase())
    if (!mode) throw new WordError(`"${word}" is none of any, all, only`)
    if (/^[-!]/.test(list)) throw new WordError('any, all or only is followed by chunk types')
    return { mode, ...chunkList(list) }
  },
  print({ mode, types, flags }) {
    if (types.length === 0) return `${mode} NONE`
    return types.length === ALL.length
      ? `${mode} ALL`
      : `${mode} ${types.map((type) => printChunk(type, flags)).join(',')}`
  },
}

/** With -n the types are numbers. */
function listedChunks({ value, inverted }: Given<Chunks>, numeric: boolean): string {
  const { mode, types, flags } = value
  const number = (type: number) => `0x${type.toString(16).toUpperCase().padStart(4, '0')}`
  const one = (type: number) =>
    numeric ? printChunk(type, flags).replace(/^[^:]*/, number(type)) : printChunk(type, flags)
  const all = types.length === 0 ? 'NONE' : types.length === ALL.length ? 'ALL' : types.map(one).join(',')
  return `${inverted ? ' !' : ''} ${mode} ${all}`
}

export const sctp = defineMatch({
  name: 'sctp',
  families: [4, 6],
  protocols: [132],
  impliedBy: [132],
  options: {
    ...PORT_OPTIONS,
    chunks: { flag: '--chunk-types', invertible: true, value: chunks, doc: 'which chunks the packet has' },
  },
  doc: {
    summary: 'Matches SCTP ports and chunks.',
    notes: [
      'Later fragments never match.',
      'A packet whose SCTP header is cut off is dropped on the spot.',
      'So is one with a chunk that is cut off or has no length, as far as the chunks are looked at.',
    ],
    kernel: 'net/netfilter/xt_sctp.c: sctp_mt',
  },
  list({ sport, dport, chunks: given }, { numeric }) {
    const ports = listedPorts('spt', sport, 'sctp', numeric) + listedPorts('dpt', dport, 'sctp', numeric)
    return ` sctp${ports}${given ? listedChunks(given, numeric) : ''}`
  },
  lower({ sport, dport, chunks: given }) {
    const parts: Condition[] = [equals('frag.offset', 0), readable('sctp.checksum'), ...portConditions(sport, dport)]
    if (given) {
      const found = probed({ find: 'sctp-chunks', ...given.value })
      parts.push(dropIf(equals(found, BROKEN)), invertedIf(given.inverted, equals(found, THERE)))
    }
    return all(...parts)
  },
})
