import { type Data, type DataKey, type ErrorKind, IpsetError } from './data.js'
import { KEYWORDS, type KeywordSpec } from './keywords.js'
import type { Adt, Keyword, PartName, SetType } from './type.js'
import {
  type Addresses,
  addresses,
  addressOrNetwork,
  ether,
  interfaceName,
  number,
  protocolAndPort,
  separator,
  setName,
  singleAddress,
  syntax,
  tcpUdpPort,
} from './values.js'

type Does = 'create' | Adt

const fail = (message: string, kind: ErrorKind, word?: number): never => {
  throw new IpsetError(message, kind, word)
}

/** Adds the word to a complaint that does not say which it is about. */
export function at<T>(word: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof IpsetError && error.word === undefined) throw new IpsetError(error.message, error.kind, word)
    throw error
  }
}

/** Options behind the name of a set and its type or element. `first`: the number of the first word, for complaints. */
export function readOptions(type: SetType, does: Does, words: readonly string[], first: number, data: Data): void {
  readWords(type, does, words, first, data)
  complete(type, does, data)
}

/** Nobody looks whether they are allowed, and enough. */
export function readWords(type: SetType, does: Does, words: readonly string[], first: number, data: Data): void {
  const keywords = type.options[does]
  if (keywords.length === 0 && words.length > 0) fail(`Unknown argument: \`${words[0]}'`, 'parameter', first)
  // the family says how all else is to be read
  let families = 0
  if (does === 'create')
    walk(keywords, words, first, (spec, word) => {
      if (spec.key !== 'family') return
      if (families++ > 0) syntax(`${spec.name} already specified`)
      spec.read(data, word)
    })
  const seen = new Set<DataKey>(Object.keys(data).filter((key) => does !== 'create' || key !== 'family') as DataKey[])
  walk(keywords, words, first, (spec, word) => {
    if (spec.key === 'family') return
    if (isSaid(spec, seen)) syntax(`${spec.name} already specified`)
    spec.read(data, word)
    for (const key of Object.keys(data) as DataKey[]) if (key !== 'family') seen.add(key)
  })
}

/** Flags of a creation (`counters`, `comment`, …) may be repeated: they are bits of one option. */
const BITS: ReadonlySet<DataKey> = new Set(['counters', 'comments', 'skbinfo', 'forceadd', 'nomatch', 'wildcard'])
const isSaid = ({ key }: KeywordSpec, seen: ReadonlySet<DataKey>): boolean => !BITS.has(key) && seen.has(key)

function walk(
  keywords: readonly Keyword[],
  words: readonly string[],
  first: number,
  read: (spec: KeywordSpec, word: string) => void,
): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    const bare = word.startsWith('--') ? word.slice(2) : word
    const spec = keywords.map((keyword) => KEYWORDS[keyword]).find(({ name }) => name === bare)
    if (!spec) throw new IpsetError(`Unknown argument: \`${word}'`, 'parameter', first + i)
    if (spec.hasValue && i + 1 >= words.length)
      fail(`Missing mandatory argument of option \`${spec.name}'`, 'parameter', first + i)
    const value = spec.hasValue ? words[++i]! : word
    at(first + i, () => read(spec, value))
  }
}

/** check_mandatory and check_allowed of lib/ipset.c. */
function complete(type: SetType, does: Does, data: Data): void {
  const has = (key: DataKey) => data[key] !== undefined
  const missing = type.needed[does].find((key) => !has(key) && !(key === 'ipTo' && has('cidr')))
  if (missing) {
    const keyword = type.options[does].map((one) => KEYWORDS[one]).find((spec) => spec.key === missing)
    fail(`Mandatory option \`${keyword?.name ?? missing}' is missing`, 'parameter')
  }
  const allowed = new Set<DataKey>([...type.allowed[does], ...type.options[does].map((one) => KEYWORDS[one].key)])
  if (allowed.has('ipTo')) allowed.add('cidr')
  const family = data.family === 4 ? 'inet' : data.family === 6 ? 'inet6' : 'unspec'
  const place = `in command ${does} with set type ${type.name} and family ${family}`
  for (const [key, name] of RANGES) if (has(key) && !allowed.has(key)) fail(`${name} is not allowed ${place}`, 'other')
  // a length of the second address, which no option stands for
  if (has('cidr2') && !allowed.has('cidr2')) {
    const why = type.options[does].length === 0 ? 'option list is empty' : "can't resolve them"
    fail(`There are not allowed options (28) but ${why}. It's a bug, please report the problem.`, 'other')
  }
}

const RANGES: readonly (readonly [DataKey, string])[] = [
  ['ipTo', 'FROM-TO IP range'],
  ['cidr', 'IP/CIDR range'],
  ['portTo', 'FROM-TO port range'],
]

/** An element, its pieces between commas (ipset_parse_elem). */
export function readElement(type: SetType, text: string, data: Data): void {
  const dimension = type.parts.length
  const optional = type.lastOptional ?? false
  const comma = separator(text, ',')
  let rest: string | undefined
  let head = text
  if (dimension > 1) {
    if (comma >= 0) [head, rest] = [text.slice(0, comma), text.slice(comma + 1)]
    else if (!optional) syntax(`Second element is missing from ${text}.`)
  } else if (comma >= 0) {
    if (type.kind !== 'list') syntax(`Elem separator in ${text}, but settype ${type.name} supports none.`)
    oldMember(text, data)
    return
  }
  let third: string | undefined
  const second = rest === undefined ? -1 : separator(rest, ',')
  if (dimension > 2) {
    if (second >= 0) [rest, third] = [rest!.slice(0, second), rest!.slice(second + 1)]
    else if (!optional) syntax(`Third element is missing from ${text}.`)
  } else if (second >= 0) syntax(`Two elem separators in ${text}, but settype ${type.name} supports one.`)
  if (third !== undefined && separator(third, ',') >= 0)
    syntax(`Three elem separators in ${text}, but settype ${type.name} supports two.`)
  let forgotten: IpsetError | undefined
  for (const [i, piece] of [head, rest, third].entries()) {
    if (piece === undefined || i >= dimension) continue
    try {
      PARTS[type.parts[i]!.read](piece, data)
    } catch (error) {
      if (!(error instanceof IpsetError)) throw error
      if (forgotten) throw new IpsetError(`${forgotten.message}\n${error.message}`, error.kind)
      if (error.kind !== 'forgets') throw error
      // it goes on with what is behind, the family forgotten too
      forgotten = error
      data.family = 4
    }
  }
  if (forgotten) throw forgotten
}

/** `a,before,b` of older versions. */
function oldMember(text: string, data: Data): void {
  const [name = '', where, reference, ...more] = text.split(',')
  if (reference === undefined || more.length > 0 || (where !== 'before' && where !== 'after'))
    throw new IpsetError('you must specify elements as setname,[before|after],setname')
  data.name = setName(name)
  data.nameref = setName(reference)
  if (where === 'before') data.before = true
}

const first =
  (read: (text: string, family: 4 | 6) => Addresses) =>
  (text: string, data: Data): void => {
    const { ip, to, cidr } = read(text, data.family ?? 4)
    data.ip = ip
    if (to !== undefined) data.ipTo = to
    if (cidr !== undefined) data.cidr = cidr
  }

const second =
  (read: (text: string, family: 4 | 6) => Addresses) =>
  (text: string, data: Data): void => {
    const { ip, to, cidr } = read(text, data.family ?? 4)
    data.ip2 = ip
    if (to !== undefined) data.ip2To = to
    if (cidr !== undefined) data.cidr2 = cidr
  }

const anyOrSingle = (text: string, family: 4 | 6): Addresses =>
  family === 4 ? addresses(text, family) : singleAddress(text, family)

const PARTS: Readonly<Record<PartName, (text: string, data: Data) => void>> = {
  ip: first(addresses),
  'single-ip': first(singleAddress),
  'ip4-single6': first(anyOrSingle),
  'ip4-net6': first(addressOrNetwork),
  'single-ip2': second(singleAddress),
  'ip4-net6-2': second(addressOrNetwork),
  ether: (text, data) => {
    data.ether = ether(text)
  },
  mark: (text, data) => {
    data.mark = number(text, 2 ** 32 - 1)
  },
  'proto-port': (text, data) => void Object.assign(data, protocolAndPort(text, data.family)),
  'tcp-udp-port': (text, data) => void Object.assign(data, tcpUdpPort(text)),
  iface: (text, data) => void Object.assign(data, interfaceName(text)),
  setname: (text, data) => {
    data.name = setName(text)
  },
}
