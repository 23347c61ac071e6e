import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Family, type Ip, parseIp } from '../address/ip.js'
import { contains, parsePrefix } from '../address/prefix.js'
import { CT_STATUS, FIELDS } from '../packet/fields.js'
import { bytesToHex, hexToBytes } from '../packet/hex.js'
import { Packet } from '../packet/packet.js'
import type { Entry, Tracking } from './entry.js'
import { translate, translateIcmpError } from './nat/manip.js'
import type { Range } from './nat/range.js'
import { type Manip, mustConsult, nullBinding, setUp } from './nat/setup.js'
import { DEFAULT_SETTINGS } from './settings.js'
import { ConnectionTable } from './table.js'
import { type Direction, isIcmp, printTuple } from './tuple.js'

/** recordings/README.md has the form. */
interface Rule {
  readonly manip: Manip
  readonly protocol?: 'tcp' | 'udp'
  readonly source?: string
  readonly destination?: string
  readonly out?: string
  readonly range: Omit<Range, 'addresses'> & { readonly addresses?: readonly [string, string] }
}
interface Recording {
  readonly name: string
  readonly family: Family
  readonly rules: readonly Rule[]
  readonly raw?: string
  readonly packets: readonly (readonly [at: string, sent: string, came: string, draw?: number])[]
  readonly table: readonly string[]
}

const recordings: readonly Recording[] = JSON.parse(
  readFileSync(new URL('./recordings/kernel.json', import.meta.url), 'utf8'),
)

const address = (packet: Packet, end: 'saddr' | 'daddr'): Ip =>
  (packet.family === 4 ? FIELDS[`ip.${end}`] : FIELDS[`ip6.${end}`]).read(packet)!
const within = (ip: Ip, text: string) => contains(parsePrefix(text)!, ip)
const PROTOCOL = { tcp: 6, udp: 17 } as const
const NUMBERS: Readonly<Record<string, number>> = {
  'NEW original': 1, 'ESTABLISHED original': 2, 'ESTABLISHED reply': 3, 'RELATED original': 4, 'RELATED reply': 5, invalid: 6, untracked: 7,
} // biome-ignore format: a table

/** As much of a router as tracking and NAT need. */
class Router {
  readonly table = new ConnectionTable({ ...DEFAULT_SETTINGS, accounting: true })
  readonly #recording: Recording
  #draw = 0

  constructor(recording: Recording) {
    this.#recording = recording
  }

  /** What comes out, as it is recorded. Time stands still. */
  pass(at: string, sent: string, draw: number): string {
    const packet = new Packet(hexToBytes(sent)!)
    this.#draw = draw
    const tracking = this.table.inbound(packet, { prerouting: true, now: 0, ...this.#zone(at) })
    if (!this.#nat(packet, tracking, 'dst', '')) return ''
    const destination = address(packet, 'daddr')
    if (['10.1.255.254', '10.2.255.254', 'fd00:1::fffe', 'fd00:2::fffe'].some((own) => parseIp(own) === destination))
      return ''
    const out = within(destination, packet.family === 4 ? '10.1.0.0/16' : 'fd00:1::/64') ? 'r0' : 'r1'
    if (!this.#nat(packet, tracking, 'src', out)) return ''
    if (tracking.is === 'tracked' && !this.table.confirm(tracking.attachment, 0)) return ''
    return `${out} ${numberOf(tracking)} ${comparable(packet)}`
  }

  #zone(at: string): { readonly zone: number; readonly zoneDirection?: Direction } {
    const { raw = '' } = this.#recording
    if (raw === '' || at !== 'r0') return { zone: 0 }
    if (raw.includes('--zone-orig')) return { zone: 5, zoneDirection: 'original' }
    return raw.includes('--zone-reply') ? { zone: 5, zoneDirection: 'reply' } : { zone: 5 }
  }

  #nat(packet: Packet, tracking: Tracking, manip: Manip, out: string): boolean {
    if (tracking.is !== 'tracked') return tracking.is !== 'dropped'
    const { attachment } = tracking
    if (attachment.state === 'RELATED' && isIcmp(packet.transport.protocol))
      return translateIcmpError(packet, attachment, manip)
    if (mustConsult(attachment, manip)) {
      const context = { table: this.table, now: 0, random: () => (this.#draw + 0.5) / 65536 }
      const rule = this.#recording.rules.find((one) => one.manip === manip && matches(one, packet, out))
      if (rule) setUp(attachment.entry, manip, rangeOf(rule), context)
      else nullBinding(attachment.entry, manip, context)
    }
    return translate(packet, attachment, manip)
  }
}

const matches = (rule: Rule, packet: Packet, out: string): boolean =>
  (!rule.protocol || packet.transport.protocol === PROTOCOL[rule.protocol]) &&
  (!rule.source || within(address(packet, 'saddr'), rule.source)) &&
  (!rule.destination || within(address(packet, 'daddr'), rule.destination)) &&
  (!rule.out || rule.out === out)

function rangeOf({ range: { addresses, ...rest } }: Rule): Range {
  return addresses ? { ...rest, addresses: [parseIp(addresses[0])!, parseIp(addresses[1])!] } : rest
}

const numberOf = (tracking: Tracking): number =>
  NUMBERS[tracking.is === 'tracked' ? `${tracking.attachment.state} ${tracking.attachment.direction}` : tracking.is]!

/** Addresses, and all that stands behind the fixed network header. */
function comparable({ bytes, family }: Packet): string {
  const [from, to, behind] = family === 4 ? [12, 20, (bytes[0]! & 15) * 4] : [8, 40, 40]
  return `${bytesToHex(bytes.subarray(from, to))} ${bytesToHex(bytes.subarray(behind))}`
}

/** A line of `conntrack -L -o extended`, without what that one does not know of: name of the protocol, timeout, use. */
function line(entry: Entry): string {
  const { original, reply, status, mark, zone, zoneDirection, protocol } = entry
  const half = (direction: Direction, tuple: typeof original) => {
    const { packets, bytes } = entry.counters[direction]
    const zoned =
      zone !== 0 && zoneDirection === direction ? [`zone-${direction === 'original' ? 'orig' : 'reply'}=${zone}`] : []
    return [printTuple(tuple), ...zoned, `packets=${packets} bytes=${bytes}`]
  }
  const state = protocol.kind === 'udp' ? '' : protocol.state
  return [
    original.protocol,
    ...(state === '' ? [] : [state]),
    ...half('original', original),
    ...(status & CT_STATUS.SEEN_REPLY ? [] : ['[UNREPLIED]']),
    ...half('reply', reply),
    ...(status & CT_STATUS.ASSURED ? ['[ASSURED]'] : []),
    `mark=${mark}`,
    ...(zone === 0 || zoneDirection ? [] : [`zone=${zone}`]),
  ].join(' ')
}

/** `dccp … sport=0 dport=0`: the tool's idea, the kernel tracks addresses alone. */
const known = (text: string): string =>
  text
    .replace(/^ipv\d \d+ \S+ (\d+)/, '$1')
    .replace(/^33 .*/, (dccp) => dccp.replaceAll(' sport=0 dport=0', ''))
    .replace(/ use=1$/, '')

const LONG = /^r\d \d $/

test.each(recordings.map((recording) => [recording.name, recording] as const))('%s', (_, recording) => {
  const router = new Router(recording)
  for (const [at, sent, came, draw] of recording.packets) {
    const mine = router.pass(at, sent, draw ?? 0)
    const unchanged = came.endsWith(' =')
    const expected = unchanged ? `${came.slice(0, -1)}${comparable(new Packet(hexToBytes(sent)!))}` : came
    // long packets were recorded without their bytes
    expect(LONG.test(came) ? mine.slice(0, came.length) : mine).toBe(expected)
  }
  expect(router.table.entries().map(line).sort()).toEqual(recording.table.map(known).sort())
})

test('the recordings cover what they are for', () => {
  const all = recordings.flatMap(({ packets }) => packets.map(([, , came]) => came.split(' ')[1] ?? 'dropped'))
  for (const number of ['1', '2', '3', '4', '5', '6', '7', 'dropped']) expect(all).toContain(number)
  const ranges = recordings.flatMap(({ rules }) => rules.map(({ range }) => range))
  for (const key of ['ports', 'basePort', 'random', 'persistent', 'netmap'] as const)
    expect(ranges.some((range) => range[key] !== undefined)).toBe(true)
  expect(ranges.some(({ addresses, netmap }) => !netmap && addresses && addresses[0] !== addresses[1])).toBe(true)
})
