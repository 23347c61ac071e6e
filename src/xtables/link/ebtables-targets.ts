import type { ArpField } from '../../packet/arp.js'
import { all, equals, probed } from '../../rules/condition.js'
import type { FrameChange } from '../../rules/effect.js'
import type { Step } from '../../rules/program.js'
import { WordError } from '../codec.js'
import type { Own } from './lower-match.js'
import { type AnyLinkOption, bareOption, type LinkOption, type MacMask, macOption, numberOption } from './option.js'

const VERDICTS = ['ACCEPT', 'DROP', 'CONTINUE', 'RETURN']
const then = (flag: string, allowed = VERDICTS): LinkOption<string> => ({
  flag,
  parse(word) {
    if (!allowed.includes(word)) throw new WordError(`"${word}": one of ${allowed.join(', ')}`)
    return word
  },
  print: (word) => word,
})
const markSet = (flag: string, aliases: readonly string[] = []): LinkOption<number> =>
  numberOption({ flag, aliases, invertible: false }, 0xffffffff, (value) => `0x${value.toString(16)}`)
const toMac = (flag: string, aliases: readonly string[]) =>
  macOption({ flag, aliases, invertible: false }, false, undefined)

/** A target: what ends it, and what is printed although it was not said. */
export interface LinkTarget {
  readonly name: string
  readonly options: readonly AnyLinkOption[]
  readonly verdict: string
  /** Where it is ACCEPT, say, and not said. */
  readonly usual: string
  /** It is printed even then. */
  readonly shown: boolean
  /** Where it may stand: base chains of tables. Left out: anywhere. */
  readonly places?: Readonly<Record<string, readonly string[]>>
  /** What is wrong with its options, or with the protocol that the rule asks for. */
  problem?(own: Own, base: Own): string | undefined
  /** Something that is printed although it was not said. */
  readonly always?: readonly (readonly [flag: string, word: string])[]
  /** What it does before its verdict. */
  lower(options: ReadonlyMap<string, unknown>): readonly Step[]
}

/** ebt_mark.c: ebt_mark_tg. */
function lowerMark(options: ReadonlyMap<string, unknown>): readonly Step[] {
  const set = (keep: number, xor: number): readonly Step[] => [
    { do: { do: 'set', field: 'meta.mark', keep: keep >>> 0, xor: { from: 'constant', value: xor >>> 0 } } },
  ]
  const [to, or, and, xor] = ['set', 'or', 'and', 'xor'].map(
    (how) => options.get(`--mark-${how}`) as number | undefined,
  )
  if (to !== undefined) return set(0, to)
  if (or !== undefined) return set(~or, or)
  if (and !== undefined) return set(and, 0)
  return xor === undefined ? [] : set(0xffffffff, xor)
}

const frame = (change: FrameChange): readonly Step[] => [{ do: { do: 'frame', frame: change } }]
const macOf = (value: unknown): number => (value as MacMask | undefined)?.mac ?? 0

const arp = (field: ArpField) => probed({ find: 'arp', field })

/** What is no request for an IPv4 address goes on, whatever the verdict (ebt_arpreply.c: ebt_arpreply_tg). */
const lowerReply = (options: ReadonlyMap<string, unknown>): readonly Step[] => [
  { if: all(equals(arp('opcode'), 1), equals(arp('hlen'), 6), equals(arp('ptype'), 0x800), equals(arp('plen'), 4)) },
  ...frame({ change: 'answer-arp', mac: macOf(options.get('--arpreply-mac')) }),
]

/** libebt_snat.c, libebt_dnat.c: their final check. */
const needs = (flag: string) => (own: Own) => (own.has(flag) ? undefined : 'You must specify proper arguments')

const MARK_FLAGS = ['--mark-set', '--mark-or', '--mark-and', '--mark-xor']
/** libebt_mark.c: one of them. */
function markProblem(own: Own): string | undefined {
  const said = MARK_FLAGS.filter((flag) => own.has(flag))
  if (said.length === 0) return 'You must specify some option'
  return said.length > 1 ? `${said.at(-1)} cannot be used together with specific --mark option` : undefined
}

/** ebt_arpreply.c: ebt_arpreply_tg_check. */
function replyProblem(_: unknown, base: Own): string | undefined {
  const asked = base.get('-p')
  return asked && !asked.inverted && asked.value === 0x0806 ? undefined : 'arpreply needs -p ARP'
}

export const TARGETS: readonly LinkTarget[] = [
  { name: 'mark', options: [markSet('--mark-set', ['--set-mark']), markSet('--mark-or', ['--or-mark']), markSet('--mark-and', ['--and-mark']), markSet('--mark-xor', ['--xor-mark']), then('--mark-target')], verdict: '--mark-target', usual: 'ACCEPT', shown: true, lower: lowerMark, problem: markProblem },
  { name: 'dnat', places: { nat: ['PREROUTING', 'OUTPUT'], broute: ['BROUTING'] }, options: [toMac('--to-dst', ['--to-destination']), then('--dnat-target')], verdict: '--dnat-target', usual: 'ACCEPT', shown: true, problem: needs('--to-dst'), lower: (options) => frame({ change: 'destination', to: macOf(options.get('--to-dst')) }) },
  { name: 'snat', places: { nat: ['POSTROUTING'] }, options: [toMac('--to-src', ['--to-source']), bareOption({ flag: '--snat-arp' }), then('--snat-target')], verdict: '--snat-target', usual: 'ACCEPT', shown: true, problem: needs('--to-src'), lower: (options) => frame({ change: 'source', to: macOf(options.get('--to-src')), arp: options.has('--snat-arp') }) },
  { name: 'redirect', places: { nat: ['PREROUTING'], broute: ['BROUTING'] }, options: [then('--redirect-target')], verdict: '--redirect-target', usual: 'ACCEPT', shown: false, lower: () => frame({ change: 'to-bridge' }) },
  { name: 'arpreply', places: { nat: ['PREROUTING'] }, options: [toMac('--arpreply-mac', []), then('--arpreply-target')], verdict: '--arpreply-target', usual: 'DROP', shown: false, lower: lowerReply, problem: replyProblem, always: [['--arpreply-mac', '00:00:00:00:00:00']] },
] // biome-ignore format: a table
