import { type Ip, parseIp } from '../address/ip.js'
import { type Prefix, parsePrefix } from '../address/prefix.js'
import type { XfrmPolicy, XfrmState, XfrmTemplate } from '../path/xfrm.js'
import { InputError } from './problem.js'
import { type Line, linesOf, Words } from './words.js'

const PROTOCOLS: Readonly<Record<string, number>> = {
  esp: 50, ah: 51, comp: 108, tcp: 6, udp: 17, icmp: 1, 'ipv6-icmp': 58, icmpv6: 58, sctp: 132, gre: 47, ipencap: 4, ipv6: 41,
} // biome-ignore format: a table

type Draft<T> = { -readonly [K in keyof T]: T[K] }

const fail = ({ number }: Line, message: string): never => {
  throw new InputError(message, { line: number, column: 1 })
}

/** Entries begin at the margin; lines of one are indented. */
function entriesOf(text: string): readonly (readonly Line[])[] {
  const entries: Line[][] = []
  for (const line of linesOf(text)) {
    if (/^\S/.test(line.text)) entries.push([line])
    else (entries.at(-1) ?? fail(line, 'this line belongs to no entry')).push(line)
  }
  return entries
}

/** The words that have one value each, and where the line they stand on is. */
function valuesOf(line: Line): ReadonlyMap<string, string> {
  const words = new Words(line)
  const found = new Map<string, string>()
  while (!words.done) {
    const key = words.next('the entry')
    if (!words.done) found.set(key, words.next(key))
  }
  return found
}

/** `ip xfrm policy`. Those of sockets are left out: they are IKE's own. Throws InputError. Source: iproute2 ip/ipxfrm.c: xfrm_policy_info_print. */
export function readXfrmPolicies(text: string): readonly XfrmPolicy[] {
  return entriesOf(text).flatMap((lines) => {
    if (lines.some((line) => /^\s*socket /.test(line.text))) return []
    const [head] = lines as readonly [Line]
    const selector = valuesOf(head)
    const policy: Omit<Draft<XfrmPolicy>, 'templates'> & { templates: Draft<XfrmTemplate>[] } = {
      direction: 'out', priority: 0, src: prefixOf(head, selector.get('src')), dst: prefixOf(head, selector.get('dst')),
      protocol: protocolOf(head, selector.get('proto')), sport: numberOf(selector.get('sport')), dport: numberOf(selector.get('dport')),
      dev: selector.get('dev'), mark: undefined, block: false, templates: [], text: '',
    } // biome-ignore format: a table
    let directed = false
    for (const line of lines.slice(1)) {
      const values = valuesOf(line)
      const direction = values.get('dir')
      if (direction !== undefined) {
        if (direction !== 'in' && direction !== 'out' && direction !== 'fwd')
          fail(line, `"${direction}" is no direction`)
        directed = true
        policy.direction = direction as XfrmPolicy['direction']
        policy.priority = numberOf(values.get('priority')) ?? 0
        policy.block = / action block\b/.test(line.text)
      } else if (/^\s*tmpl /.test(line.text)) policy.templates.push(templateOf(line))
      else if (/^\s*mark /.test(line.text)) policy.mark = markOf(line, values.get('mark')!)
      else if (/^\s*proto /.test(line.text) && policy.templates.length > 0) {
        const last = policy.templates.at(-1)!
        last.protocol = protocolOf(line, values.get('proto')) ?? fail(line, 'a template without a protocol')
        last.mode = values.get('mode') ?? 'transport'
      } else if (/^\s*level use/.test(line.text) && policy.templates.length > 0)
        policy.templates.at(-1)!.optional = true
    }
    if (!directed) fail(head, 'a policy without a direction')
    policy.text = `${head.text.trim()} dir ${policy.direction}`
    return [policy]
  })
}

/** `tmpl src ADDRESS dst ADDRESS`. */
function templateOf(line: Line): Draft<XfrmTemplate> {
  const [, src, dst] = /^\s*tmpl src (\S+) dst (\S+)/.exec(line.text) ?? fail(line, 'this is no template')
  return { src: addressOf(line, src), dst: addressOf(line, dst), protocol: 50, mode: 'transport', optional: false }
}

/** `ip xfrm state`. Keys are passed over. Throws InputError. Source: iproute2 ip/ipxfrm.c: xfrm_state_info_print. */
export function readXfrmStates(text: string): readonly XfrmState[] {
  return entriesOf(text).map((lines) => {
    const [head] = lines as readonly [Line]
    const ends = valuesOf(head)
    const about = lines.find((line) => /^\s+proto \S+ spi /.test(line.text)) ?? fail(head, 'a state without a protocol')
    const values = valuesOf(about)
    const udp = lines.map((line) => /^\s+encap type \S+ sport (\d+) dport (\d+)/.exec(line.text)).find((found) => found)
    return {
      src: addressOf(head, ends.get('src')), dst: addressOf(head, ends.get('dst')), protocol: protocolOf(about, values.get('proto')) ?? 50,
      spi: numberOf(values.get('spi')) ?? 0, mode: values.get('mode') ?? 'transport', udp: udp ? [Number(udp[1]), Number(udp[2])] : undefined,
    } // biome-ignore format: a table
  })
}

function prefixOf(line: Line, text: string | undefined): Prefix {
  return parsePrefix(text ?? '') ?? fail(line, `"${text}" is not an address or prefix`)
}

function addressOf(line: Line, text: string | undefined): Ip {
  return parseIp(text ?? '') ?? fail(line, `"${text}" is not an address`)
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^(0x[\da-f]+|\d+)/i.test(text)
    ? Number.parseInt(text, text.startsWith('0x') ? 16 : 10)
    : undefined

function protocolOf(line: Line, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return PROTOCOLS[text] ?? numberOf(text) ?? fail(line, `"${text}" is no protocol`)
}

function markOf(line: Line, text: string): XfrmPolicy['mark'] {
  const [value, mask] = text.split('/')
  const [number, bits] = [numberOf(value), numberOf(mask ?? '0xffffffff')]
  if (number === undefined || bits === undefined) return fail(line, `"${text}" is no mark`)
  return { value: number, mask: bits }
}
