import { type Condition, equals } from '../../rules/condition.js'
import { showIp } from '../address-mask.js'
import { type Codec, flag, integer, unsigned, WordError } from '../codec.js'
import type { Given, OptionsOf, OptionTable, RuleContext } from '../extension.js'
import { type HostMask, hostMask } from '../host-mask.js'
import { defineMatch } from '../match.js'
import { parseProtocol, printProtocol } from '../protocol.js'

const word = <const W extends string>(what: string, words: readonly W[]): Codec<W> => ({
  words: 1,
  metavar: words.join('|'),
  parse(text) {
    const found = words.find((one) => one === text)
    if (!found) throw new WordError(`bad ${what} "${text}": one of ${words.join(', ')}`)
    return found
  },
  print: (text) => text,
})

/** ESP, AH and IPComp. */
const PROTOCOLS: readonly number[] = [50, 51, 108]
const protocol: Codec<number> = {
  words: 1,
  metavar: 'protocol',
  parse(text) {
    const number = parseProtocol(text)
    if (number === undefined || !PROTOCOLS.includes(number)) throw new WordError(`"${text}" is none of ah, esp, ipcomp`)
    return number
  },
  print: printProtocol,
}

const spi: Codec<number> = {
  words: 1,
  metavar: 'spi',
  parse(text) {
    const value = unsigned(text)
    if (value === undefined || value > 0xffffffff) throw new WordError(`bad SPI "${text}"`)
    return value
  },
  print: (value) => `0x${value.toString(16)}`,
}

const of = (flag: `--${string}`, doc: string) => ({ flag, invertible: true, inEveryPart: true, doc }) as const
/** XT_POLICY_MAX_ELEM. */
const MOST = 4
const ELEMENT = ['reqid', 'spi', 'proto', 'mode', 'dst', 'src'] as const

type Element = { readonly [K in (typeof ELEMENT)[number]]?: Given<unknown> }

/** What stands between one --next and the other. */
function elementsOf(options: OptionsOf<OptionTable>): readonly Element[] {
  const count = 1 + Object.keys(options).filter((key) => key.split('@')[0] === 'next').length
  return Array.from({ length: count }, (_, part) =>
    Object.fromEntries(
      ELEMENT.flatMap((key) => {
        const given = options[part === 0 ? key : `${key}@${part}`]
        return given ? [[key, given]] : []
      }),
    ),
  )
}

const TABLE = {
  dir: { flag: '--dir', value: word('direction', ['in', 'out']), doc: 'how it came, or how it will leave' },
  pol: {
    flag: '--pol',
    value: word('policy', ['none', 'ipsec']),
    doc: 'with IPsec (that is the default), or without',
  },
  strict: { flag: '--strict', value: flag, doc: 'the elements are all that there is, in this order' },
  reqid: { ...of('--reqid', 'the id that ties it to a policy'), value: integer(0xffffffff, 'reqid') },
  spi: { ...of('--spi', 'the security parameter index'), value: spi },
  proto: { ...of('--proto', 'AH, ESP or IPComp'), value: protocol },
  mode: { ...of('--mode', 'tunnel or transport'), value: word('mode', ['transport', 'tunnel']) },
  dst: { ...of('--tunnel-dst', 'where the tunnel ends'), value: hostMask },
  src: { ...of('--tunnel-src', 'where the tunnel begins'), value: hostMask },
  next: { flag: '--next', inEveryPart: true, value: flag, doc: 'the next element begins' },
} as const

export const policy = defineMatch({
  name: 'policy',
  families: [4, 6],
  required: ['dir'],
  nextPart: 'next',
  chains: ({ dir }) =>
    dir?.value === 'out' ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : ['PREROUTING', 'INPUT', 'FORWARD'],
  options: TABLE,
  listed: [
    [
      /policy match ((?:! )?(?:dir|pol|strict|reqid|spi|proto|mode|tunnel-dst|tunnel-src|\[\d\])(?: .*?)??)(?=$| {2}|\/\*)/y,
      (_, words = '') =>
        words
          .replace(/ ?\[0\]/, '')
          .replace(/ \[\d\]/g, ' --next')
          .replace(/(^| )(dir|pol|strict|reqid|spi|proto|mode|tunnel-dst|tunnel-src)(?= |$)/g, '$1--$2'),
    ],
  ],
  doc: {
    summary: 'Matches by the IPsec transformations that a packet has behind it (in) or before it (out).',
    notes: [
      'Whether a packet was or will be transformed is known where `ip xfrm policy` is; which transformation it is, is not looked at.',
    ],
    kernel: 'net/netfilter/xt_policy.c: policy_mt',
  },
  check(options, { family }) {
    const { pol, strict, next } = options
    const elements = elementsOf(options)
    if (next && !strict) return '--next needs --strict'
    if (pol?.value === 'none') {
      if (strict) return '--pol none and --strict exclude each other'
      return next ? '--pol none has no elements' : undefined
    }
    if (elements.length > MOST) return `at most ${MOST} elements`
    for (const [i, element] of elements.entries()) {
      if (strict && Object.keys(element).length === 0) return `element ${i + 1} is empty, and --strict wants something`
      const { mode, src, dst } = element
      const inTunnel = mode && (mode.value === 'tunnel') !== mode.inverted
      if ((src || dst) && !inTunnel) return '--tunnel-src and --tunnel-dst need --mode tunnel'
      for (const given of [src, dst]) {
        const ip = (given?.value as HostMask | undefined)?.ip
        if (ip !== undefined && (typeof ip === 'number') !== (family === 4))
          return `${showIp(ip)} is of the other family`
      }
    }
    return undefined
  },
  print(options) {
    const { dir, pol, strict } = options
    const words = [`--dir ${dir!.value}`, `--pol ${pol?.value ?? 'ipsec'}`]
    if (strict) words.push('--strict')
    const none = pol?.value === 'none'
    const elements = none ? [] : elementsOf(options)
    for (const [i, element] of elements.entries()) {
      if (i > 0) words.push('--next')
      for (const key of ELEMENT) {
        const given = element[key]
        if (!given) continue
        const { flag, value } = TABLE[key] as { readonly flag: string; readonly value: Codec<unknown> }
        words.push(`${given.inverted ? '! ' : ''}${flag} ${value.print(given.value)}`)
      }
    }
    return words.join(' ')
  },
  list(options, { numeric, saved }) {
    const many = elementsOf(options).length > 1
    let n = 0
    const words = saved()
      .replace(/^--dir \S+ --pol \S+( --strict)?/, (head) => (many ? `${head} [0]` : head))
      .replaceAll('--next', () => `[${++n}]`)
      .replace(/--proto (\S+)/g, (_, name) => `proto ${numeric ? parseProtocol(name) : name}`)
    return ` policy match ${words.replaceAll('--', '')}`
  },
  lower: (options, _: RuleContext): Condition => {
    const { dir, pol } = options
    const used = dir!.value === 'in' ? 'meta.ipsec.in' : 'meta.ipsec.out'
    if (pol?.value === 'none') return equals(used, 0)
    return elementsOf(options).every((element) => Object.keys(element).length === 0)
      ? equals(used, 1)
      : {
          is: 'all',
          of: [
            equals(used, 1),
            { is: 'unknown', text: '-m policy', needs: 'which transformation it is is not looked at' },
          ],
        }
  },
})
