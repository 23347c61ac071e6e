import type { Family } from '../address/ip.js'
import { type Data, type DataKey, IpsetError } from './data.js'
import { hex8, printAddress } from './print.js'
import type { Keyword } from './type.js'
import {
  type Addresses,
  addresses,
  comment,
  network,
  networkOrRange,
  number,
  number64,
  portRange,
  setName,
  singleAddress,
  skbmark,
  skbprio,
  syntax,
  tcpUdpPort,
} from './values.js'

export interface KeywordSpec {
  /** As it is written; several keywords share a spelling (`from`). */
  readonly name: string
  readonly hasValue: boolean
  /** What it sets: said twice, it is refused. */
  readonly key: DataKey
  read(data: Data, word: string): void
  /** Undefined: not printed by `save` (older spellings), or not there. */
  print?(data: Data): string | undefined
}

function familyOf(data: Data): Family {
  data.family ??= 4
  return data.family
}

function numeric(
  name: string,
  key: 'hashsize' | 'maxelem' | 'size' | 'skbqueue' | 'bucketsize',
  max: number,
): KeywordSpec {
  return {
    name,
    hasValue: true,
    key,
    read: (data, word) => {
      data[key] = number(word, max)
    },
    print: (data) => (data[key] === undefined ? undefined : `${name} ${data[key]}`),
  }
}

function long(name: 'packets' | 'bytes'): KeywordSpec {
  return {
    name,
    hasValue: true,
    key: name,
    read: (data, word) => {
      data[name] = number64(word, 2n ** 64n - 2n)
    },
    print: (data) => (data[name] === undefined ? undefined : `${name} ${data[name]}`),
  }
}

type Flag = 'forceadd' | 'nomatch' | 'wildcard' | 'counters' | 'comments' | 'skbinfo'

const flag = (name: string, key: Flag): KeywordSpec => ({
  name,
  hasValue: false,
  key,
  read: (data) => {
    data[key] = true
  },
  print: (data) => (data[key] ? name : undefined),
})

/** Options that once meant something: read over. */
const ignored = (name: string, key: DataKey): KeywordSpec => ({
  name,
  hasValue: true,
  key,
  read: (data, word) => {
    data.ignored = [...(data.ignored ?? []), `--${name} ${word}`]
  },
})

function family(data: Data, word: string): void {
  if (['inet', 'ipv4', '-4'].includes(word)) data.family = 4
  else if (['inet6', 'ipv6', '-6'].includes(word)) data.family = 6
  else if (['any', 'unspec'].includes(word)) Object.assign(data, { family: undefined, anyFamily: true })
  else syntax(`unknown inet family ${word}`)
}

const range =
  (read: (text: string, family: Family) => Addresses) =>
  (data: Data, word: string): void => {
    const { ip, to, cidr } = read(word, familyOf(data))
    data.ip = ip
    if (to !== undefined) data.ipTo = to
    if (cidr !== undefined) data.cidr = cidr
  }

function netmask(data: Data, word: string): void {
  if (data.bitmask !== undefined) syntax('bitmask and netmask are mutually exclusive, provide only one')
  const most = familyOf(data) === 4 ? 32 : 128
  let bits: number
  try {
    bits = number(word, 255)
  } catch (error) {
    if (error instanceof IpsetError)
      throw new IpsetError(`${error.message}\nSyntax error: netmask is out of the inclusive range of 1-${most}`)
    throw error
  }
  if (bits < 1 || bits > most)
    syntax(`'${word}' is out of range 1-${most}\nSyntax error: netmask is out of the inclusive range of 1-${most}`)
  data.netmask = bits
}

function bitmask(data: Data, word: string): void {
  if (data.netmask !== undefined) syntax('bitmask and netmask are mutually exclusive, provide only one')
  const of = familyOf(data)
  try {
    data.bitmask = addresses(word, of).ip
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error
    throw new IpsetError(
      `${error.message}\nSyntax error: bitmask is not valid for family = ${of === 4 ? 'inet' : 'inet6'}`,
    )
  }
}

/** What a timeout may be: the kernel counts in milliseconds of 31 bits. */
const LONGEST = Math.floor((2 ** 31 - 1) / 1000)

const reference = (name: 'before' | 'after'): KeywordSpec => ({
  name,
  hasValue: true,
  key: 'nameref',
  read: (data, word) => {
    data.nameref = setName(word)
    if (name === 'before') data.before = true
  },
})

const address = (name: string, key: 'ip' | 'ipTo'): KeywordSpec => ({
  name,
  hasValue: true,
  key,
  read: (data, word) => {
    data[key] = singleAddress(word, familyOf(data)).ip
  },
})

const port = (name: string, key: 'port' | 'portTo'): KeywordSpec => ({
  name,
  hasValue: true,
  key,
  read: (data, word) => {
    data[key] = portRange(word, 'tcp').port!
  },
})

const U32 = 2 ** 32 - 1

/** lib/args.c: every option of create, add, del and test. */
export const KEYWORDS: Readonly<Record<Keyword, KeywordSpec>> = {
  family: {
    name: 'family',
    hasValue: true,
    key: 'family',
    read: family,
    print: (data) => `family ${data.family === 6 ? 'inet6' : 'inet'}`,
  },
  '-4': { name: '-4', hasValue: false, key: 'family', read: family },
  '-6': { name: '-6', hasValue: false, key: 'family', read: family },
  hashsize: numeric('hashsize', 'hashsize', U32),
  maxelem: numeric('maxelem', 'maxelem', U32),
  probes: ignored('probes', 'hashsize'),
  resize: ignored('resize', 'hashsize'),
  gc: ignored('gc', 'hashsize'),
  'ignored-from': ignored('from', 'ip'),
  'ignored-to': ignored('to', 'ipTo'),
  'ignored-network': ignored('network', 'ip'),
  size: numeric('size', 'size', U32),
  range: {
    name: 'range',
    hasValue: true,
    key: 'ip',
    read: range(networkOrRange),
    print: ({ ip, ipTo }) => `range ${printAddress(ip!)}-${printAddress(ipTo!)}`,
  },
  netmask: {
    name: 'netmask',
    hasValue: true,
    key: 'netmask',
    read: netmask,
    print: (data) => (data.netmask === undefined ? undefined : `netmask ${data.netmask}`),
  },
  'port-range': {
    name: 'range',
    hasValue: true,
    key: 'port',
    read: (data, word) => void Object.assign(data, tcpUdpPort(word)),
    print: (data) => `range ${data.port}-${data.portTo}`,
  },
  before: reference('before'),
  after: reference('after'),
  'from-ip': address('from', 'ip'),
  'to-ip': address('to', 'ipTo'),
  network: { name: 'network', hasValue: true, key: 'ip', read: range(network) },
  'from-port': port('from', 'port'),
  'to-port': port('to', 'portTo'),
  // ipset 7.17 never prints it: what it saved does not tell
  forceadd: { ...flag('forceadd', 'forceadd'), print: () => undefined },
  markmask: {
    name: 'markmask',
    hasValue: true,
    key: 'markmask',
    read: (data, word) => {
      data.markmask = number(word, U32)
    },
    print: (data) => (data.markmask === undefined ? undefined : `markmask ${hex8(data.markmask)}`),
  },
  nomatch: flag('nomatch', 'nomatch'),
  wildcard: flag('wildcard', 'wildcard'),
  timeout: {
    name: 'timeout',
    hasValue: true,
    key: 'timeout',
    read: (data, word) => {
      data.timeout = number(word, LONGEST)
    },
    print: (data) => (data.timeout === undefined ? undefined : `timeout ${data.timeout}`),
  },
  counters: flag('counters', 'counters'),
  packets: long('packets'),
  bytes: long('bytes'),
  comment: flag('comment', 'comments'),
  'adt-comment': {
    name: 'comment',
    hasValue: true,
    key: 'comment',
    read: (data, word) => {
      data.comment = comment(word)
    },
    print: (data) => (data.comment === undefined ? undefined : `comment "${data.comment}"`),
  },
  skbinfo: flag('skbinfo', 'skbinfo'),
  skbmark: {
    name: 'skbmark',
    hasValue: true,
    key: 'skbmark',
    read: (data, word) => {
      data.skbmark = skbmark(word)
    },
    print: ({ skbmark: mark }) =>
      mark && `skbmark 0x${mark[0].toString(16)}${mark[1] === U32 ? '' : `/0x${mark[1].toString(16)}`}`,
  },
  skbprio: {
    name: 'skbprio',
    hasValue: true,
    key: 'skbprio',
    read: (data, word) => {
      data.skbprio = skbprio(word)
    },
    print: ({ skbprio: value }) =>
      value === undefined ? undefined : `skbprio ${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`,
  },
  skbqueue: numeric('skbqueue', 'skbqueue', 0xffff),
  bucketsize: numeric('bucketsize', 'bucketsize', 255),
  initval: {
    name: 'initval',
    hasValue: true,
    key: 'initval',
    read: (data, word) => {
      data.initval = number(word, U32)
    },
    print: (data) => (data.initval === undefined ? undefined : `initval ${hex8(data.initval)}`),
  },
  bitmask: {
    name: 'bitmask',
    hasValue: true,
    key: 'bitmask',
    read: bitmask,
    print: (data) => (data.bitmask === undefined ? undefined : `bitmask ${printAddress(data.bitmask)}`),
  },
}
