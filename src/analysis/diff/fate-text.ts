import { type Ip, printIp } from '../../address/ip.js'
import { type Field, type FieldValue, fieldSpec } from '../../packet/fields.js'
import type { Transform, Write } from '../../sets/transform.js'

/** What was written to packets, for people: `to 172.17.0.2:80`, `mark 0x1`. */
export function rewritingWords(
  { writes }: Transform,
  counts: (field: Field) => boolean = () => true,
): readonly string[] {
  const words: string[] = []
  for (const [name, address, port] of [
    ['from', ['ip.saddr', 'ip6.saddr'], 'th.sport'],
    ['to', ['ip.daddr', 'ip6.daddr'], 'th.dport'],
  ] as const) {
    const [host, number] = [addressText(last(writes, ...address)), portText(last(writes, port))]
    if (host !== '' && number !== '') words.push(`${name} ${host.includes(':') ? `[${host}]` : host}:${number}`)
    else if (host !== '') words.push(`${name} ${host}`)
    else if (number !== '') words.push(`${name} port ${number}`)
  }
  for (const [field, name] of MARKS) words.push(...writes.flatMap((write) => markText(write, field, name)))
  for (const write of writes) {
    if (write.do === 'notrack') words.push('not tracked')
    else if (write.do === 'add' && counts(write.field))
      words.push(`${write.field.replace(/^ip6?\./, '')} ${write.by > 0 ? '+' : ''}${write.by}`)
    else if (write.do === 'set' && !TOLD.has(write.field) && !write.field.startsWith('ct.') && counts(write.field))
      words.push(
        `${write.field.replace(/^(ip6?|meta)\./, '')}${typeof write.xor === 'object' && write.xor.from === 'constant' ? ` 0x${write.xor.value.toString(16)}` : ' written'}`,
      )
  }
  return words
}

const MARKS = [['meta.mark', 'mark'], ['ct.mark', 'connmark']] as const // biome-ignore format: a table
const TOLD: ReadonlySet<Field> = new Set<Field>([
  'ip.saddr', 'ip6.saddr', 'ip.daddr', 'ip6.daddr', 'th.sport', 'th.dport', 'meta.mark', 'ct.mark', 'meta.iifname', 'meta.oifname',
]) // biome-ignore format: a table

type Changing = Exclude<Write, { do: 'notrack' }>

function last(writes: readonly Write[], ...fields: readonly Field[]): Changing | undefined {
  return writes.findLast(
    (write): write is Changing =>
      write.do !== 'notrack' &&
      (write.do === 'forget' ? write.fields.some((one) => fields.includes(one)) : fields.includes(write.field)),
  )
}

function constantOf(write: Changing | undefined): FieldValue | undefined {
  return write?.do === 'set' && typeof write.xor === 'object' && write.xor.from === 'constant'
    ? write.xor.value
    : undefined
}

function addressText(write: Changing | undefined): string {
  if (!write) return ''
  const value = constantOf(write)
  if (value === undefined || write.do !== 'set') return 'any address'
  const { bits } = fieldSpec(write.field)
  const ip: Ip = bits === 32 ? Number(value) : BigInt(value)
  if (BigInt(write.keep) === 0n) return printIp(ip)
  // NETMAP: the host's bits stay
  return `${printIp(ip)}/${bits - BigInt(write.keep).toString(2).length}`
}

function portText(write: Changing | undefined): string {
  if (!write) return ''
  const value = constantOf(write)
  return value === undefined ? 'any' : `${value}`
}

function markText(write: Write, field: Field, name: string): readonly string[] {
  if (write.do === 'forget') return write.fields.includes(field) ? [`${name} any`] : []
  if (write.do !== 'set' || write.field !== field) return []
  const value = constantOf(write)
  if (value === undefined) return [`${name} from the ${field === 'ct.mark' ? 'mark' : 'connmark'}`]
  const mask = ~Number(write.keep) >>> 0
  // every connection begins with that
  if (field === 'ct.mark' && BigInt(value) === 0n && BigInt(write.keep) === 0n) return []
  return [`${name} 0x${value.toString(16)}${mask === 0xffffffff ? '' : `/0x${mask.toString(16)}`}`]
}

const EFFECTS: Readonly<Record<string, string>> = {
  mss: 'with another MSS',
  'strip-options': 'without some TCP options',
  'map-prefix': 'with another prefix',
  'hash-mark': 'with a hashed mark',
  'to-socket': 'to a socket (TPROXY)',
  'answer-syn': 'answered by SYNPROXY',
  duplicate: 'copied (TEE)',
  template: 'tracked by other rules (CT)',
  'change-set': 'noted in a set',
  'map-set': 'with what a set says',
  queue: 'queued to a program',
  frame: 'with another frame',
}

/** What else was done, for people. `did`: as `Outcome` has it. */
export function didText(did: string): readonly string[] {
  return did
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, how, rest] = /^(masquerade|redirect) (.*)$/.exec(line) ?? []
      if (how === 'masquerade') return 'from the address of the interface (MASQUERADE)'
      if (how === 'redirect') {
        const { ports } = JSON.parse(rest!) as { readonly ports?: readonly number[] }
        return `to this host${ports ? `, port ${[...new Set(ports)].join('-')}` : ''} (REDIRECT)`
      }
      if (!line.startsWith('{')) return line
      const effect = JSON.parse(line) as { readonly do: string; readonly text?: string }
      return EFFECTS[effect.do] ?? effect.text ?? effect.do
    })
}

/** One thing that may become of packets, for people. */
export interface Told {
  /** `accepted`, `delivered to web`. */
  readonly end: string
  /** What was done to them until then. */
  readonly words: readonly string[]
}

const MOST_TOLD = 4
const full = ({ end, words }: Told): string => [end, ...words].join(', ')

const endsOf = (all: readonly Told[]): string => [...new Set(all.map(({ end }) => end))].sort().join(' or ')

/** What may become of packets on each side, as far as it is not the same on both. */
export function sidesText(old: readonly Told[], now: readonly Told[]): readonly [string, string] {
  const [olds, news] = [new Set(old.map(full)), new Set(now.map(full))]
  const without = (all: readonly Told[], others: ReadonlySet<string>) => all.filter((one) => !others.has(full(one)))
  const own = [without(old, news), without(now, olds)] as const
  // written in other words to the same effect
  const [a, b] = own[0].length + own[1].length === 0 ? [old, now] : own
  const stay = old.filter((one, i) => news.has(full(one)) && old.findIndex((other) => full(other) === full(one)) === i)
  const [first] = [...a, ...b]
  const shared = [...a, ...b, ...stay].reduce(
    (left: readonly string[], { words }) => left.filter((word) => words.includes(word)),
    first!.words,
  )
  const text = (mine: readonly Told[], others: readonly Told[]) => {
    // who ends elsewhere: what was done to them on the way is of no interest then
    const plain = endsOf(mine) !== endsOf(others)
    const one = ({ end, words }: Told) =>
      [end, ...(plain ? [] : words.filter((word) => !shared.includes(word)))].join(', ')
    return anyOf(mine.map(one), stay.map(one))
  }
  return [text(a, b), text(b, a)]
}

/** Several things that may become of packets; `stay`: what both sides have. */
function anyOf(texts: readonly string[], stay: readonly string[]): string {
  const all = [...new Set(texts)]
  const some =
    all.length <= MOST_TOLD ? all : [...all.slice(0, MOST_TOLD - 1), `one of ${all.length - MOST_TOLD + 1} more`]
  const others = [...new Set(stay)]
  if (others.length > 2) return [...some, `one of ${others.length} that both sides have`].join(' or ')
  return [...others, ...some].join(' or ')
}
