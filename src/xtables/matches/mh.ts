import { all, dropIf, equals, inRanges, invertedIf, not, readable } from '../../rules/condition.js'
import { type Codec, number, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** RFC 6275 section 6.1; each name with its short one behind it. */
const NAMES: readonly (readonly [name: string, type: number])[] = [
  ['binding-refresh-request', 0], ['brr', 0], ['home-test-init', 1], ['hoti', 1], ['careof-test-init', 2], ['coti', 2], ['home-test', 3], ['hot', 3],
  ['careof-test', 4], ['cot', 4], ['binding-update', 5], ['bu', 5], ['binding-acknowledgement', 6], ['ba', 6], ['binding-error', 7], ['be', 7],
] // biome-ignore format: a table

/** The first name that begins so, unless another is the same (libip6t_mh.c: name_to_type). */
function typeOf(word: string): number {
  const like = NAMES.filter(([name]) => name.startsWith(word.toLowerCase()))
  const same = like.find(([name]) => name.length === word.length)
  return (same ?? like[0])?.[1] ?? number(word, 255, 'MH type')
}

const types: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'type[:type]',
  parse(word) {
    const colon = word.indexOf(':')
    if (colon < 0) return [typeOf(word), typeOf(word)]
    const [low, high] = [word.slice(0, colon), word.slice(colon + 1)]
    const [from, to] = [low === '' ? 0 : typeOf(low), high === '' ? 255 : typeOf(high)]
    if (from > to) throw new WordError(`bad MH types "${word}": the range falls`)
    return [from, to]
  },
  print: ([from, to]) => (from === to ? `${from}` : `${from}:${to}`),
}

export const mh = defineMatch({
  name: 'mh',
  families: [6],
  protocols: [135],
  impliedBy: [135],
  options: { type: { flag: '--mh-type', invertible: true, value: types, doc: 'the type of the message' } },
  listed: [[/mh(?: (!?)([\d:]+))?/y, (_, not, types) => (types ? `${not ? '! ' : ''}--mh-type ${types}` : '')]],
  doc: {
    summary: 'Matches the IPv6 mobility header.',
    notes: [
      'Later fragments never match.',
      'A packet whose header is cut off, or behind whose header something follows, is dropped on the spot.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_mh.c: mh_mt6',
  },
  print: ({ type }) =>
    type && (type.value[0] !== 0 || type.value[1] !== 255)
      ? `${type.inverted ? '! ' : ''}--mh-type ${types.print(type.value)}`
      : '',
  list({ type }, { numeric }) {
    if (!type || (type.value[0] === 0 && type.value[1] === 255 && !type.inverted)) return ' mh'
    const [from, to] = type.value
    const show = (value: number) => (numeric ? undefined : NAMES.find((one) => one[1] === value)?.[0]) ?? `${value}`
    return ` mh ${type.inverted ? '!' : ''}${from === to ? show(from) : `${show(from)}:${show(to)}`}`
  },
  lower: ({ type }) =>
    all(
      equals('frag.offset', 0),
      readable('mh.checksum'),
      dropIf(not(equals('mh.next', 59))),
      ...(type ? [invertedIf(type.inverted, inRanges('mh.type', [type.value]))] : []),
    ),
})
