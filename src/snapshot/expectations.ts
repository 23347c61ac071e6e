import { type Ip, parseIp } from '../address/ip.js'
import type { ListedExpectation } from '../conntrack/expectation.js'
import type { Tuple } from '../conntrack/tuple.js'
import { type Line, linesOf, Words } from './words.js'

/** What conntrack(8) says on standard error, which often ends up in the same file. */
const REMARK = /^(conntrack v|\S*conntrack\S*:)/
/** What nf_conntrack_expect calls the classes of a helper that has several (struct nf_conntrack_expect_policy). */
const CLASSES: readonly string[] = ['signalling', 'audio', 'video', 'image']
const FLAGS: ReadonlySet<string> = new Set(['PERMANENT', 'INACTIVE', 'USERSPACE'])

/**
 * What helpers expect, as `conntrack -L expect` (libnetfilter_conntrack: src/expect/snprintf_default.c) and /proc/net/nf_conntrack_expect
 * (net/netfilter/nf_conntrack_expect.c: exp_seq_show) print it. The latter has no masks and no masters: an address of 0 is any, and each other counts whole. `now`:
 * seconds since the epoch at which the listing was made. Throws InputError at the first line that is none, or is cut off.
 */
export function readExpectations(text: string, now: number): readonly ListedExpectation[] {
  return linesOf(text)
    .filter((line) => !REMARK.test(line.text))
    .map((line) => readExpectation(line, now))
}

function readExpectation(line: Line, now: number): ListedExpectation {
  const words = new Words(line)
  const seconds = words.peek() === '-' ? words.next('the line') : `${whole(words, 'the timeout')}`
  const listed = words.take('l3proto')
  if (listed) {
    words.take('=')
    whole(words, 'l3proto')
  }
  const protocol = value(words, 'proto', 255)
  const [src, dst] = [address(words, 'src'), address(words, 'dst')]
  if (typeof src !== typeof dst) words.fail('addresses of different families')
  const [sport, dport] = ports(words)
  const tuple: Tuple = { family: typeof src === 'number' ? 4 : 6, protocol, src, dst, sport, dport }
  const expires = seconds === '-' ? Number.POSITIVE_INFINITY : now + Number(seconds)
  return listed ? ofKernel(words, tuple, expires) : ofProgram(words, tuple, expires)
}

/** Behind the tuple: flags, and the helper with its class. */
function ofKernel(words: Words, tuple: Tuple, expires: number): ListedExpectation {
  const none = tuple.family === 4 ? 0 : 0n
  const all = tuple.family === 4 ? 0xffffffff : (1n << 128n) - 1n
  const mask = { src: tuple.src === none ? none : all, sport: tuple.sport === 0 ? 0 : 0xffff }
  const flags = takeFlags(words)
  const [helper, kind] = words.done ? [] : words.next('the expectation').split('/')
  if (!words.done) words.fail(`${words.peek()} behind the helper is not known`)
  return { tuple, mask, class: Math.max(0, CLASSES.indexOf(kind ?? '')), ...flags, helper, expires }
}

function ofProgram(words: Words, tuple: Tuple, expires: number): ListedExpectation {
  const src = address(words, 'mask-src')
  address(words, 'mask-dst')
  const [sport] = ports(words)
  const master = { src: address(words, 'master-src'), dst: address(words, 'master-dst') }
  if (typeof master.src !== typeof tuple.src || typeof src !== typeof tuple.src)
    words.fail('addresses of different families')
  const [from, to] = ports(words)
  const zone = pairOf(words)?.key === 'zone' ? { zone: value(words, 'zone', 0xffff) } : {}
  const flags = takeFlags(words)
  const kind = pairOf(words)?.key === 'class' ? value(words, 'class', 0xff) : 0
  const named = pairOf(words)
  const helper = named?.key === 'helper' ? named.value : undefined
  if (helper !== undefined) words.next('the class')
  if (!words.done) words.fail(`${words.peek()} is not known of an expectation`)
  return {
    tuple,
    mask: { src, sport },
    master: { ...master, sport: from, dport: to },
    ...zone,
    class: kind,
    ...flags,
    helper,
    expires,
  }
}

function takeFlags(words: Words): Pick<ListedExpectation, 'permanent' | 'inactive'> {
  const flags = words.peek()?.split(',') ?? []
  const known = flags.length > 0 && flags.every((flag) => FLAGS.has(flag))
  if (known) words.next('the tuple')
  return { permanent: known && flags.includes('PERMANENT'), inactive: known && flags.includes('INACTIVE') }
}

function pairOf(words: Words): { readonly key: string; readonly value: string } | undefined {
  const [key, ...rest] = words.peek()?.split('=') ?? []
  return key === undefined || rest.length === 0 ? undefined : { key, value: rest.join('=') }
}

/** `sport=… dport=…`, or the keys of GRE, or neither. */
function ports(words: Words): readonly [sport: number, dport: number] {
  const key = pairOf(words)?.key
  if (key === 'sport') return [value(words, 'sport', 0xffff), value(words, 'dport', 0xffff)]
  if (key === 'srckey') return [value(words, 'srckey', 0xffff), value(words, 'dstkey', 0xffff)]
  return [0, 0]
}

function whole(words: Words, what: string): number {
  if (!/^\d+$/.test(words.peek() ?? '')) words.fail(`${what} ${words.peek() ?? '(nothing)'} is not a number`)
  return Number(words.next(what))
}

function value(words: Words, key: string, most: number): number {
  const pair = pairOf(words)
  if (pair?.key !== key) words.fail(`${key}= is missing`)
  if (!/^(\d+|0x[\da-f]+)$/i.test(pair.value)) words.fail(`${key} ${pair.value || '(nothing)'} is not a number`)
  const number = Number(pair.value)
  if (number > most) words.fail(`${key} ${number} is over ${most}`)
  words.next(key)
  return number
}

function address(words: Words, key: string): Ip {
  const pair = pairOf(words)
  if (pair?.key !== key) words.fail(`${key}= is missing`)
  const ip = parseIp(pair.value) ?? words.fail(`${pair.value} is not an IP address`)
  words.next(key)
  return ip
}
