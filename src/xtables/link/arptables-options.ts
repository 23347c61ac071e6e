import { parseIp } from '../../address/ip.js'
import type { ArpField } from '../../packet/arp.js'
import { type Condition, equals, inRanges, masked, probed, type Value } from '../../rules/condition.js'
import type { FrameChange } from '../../rules/effect.js'
import type { Step } from '../../rules/program.js'
import { addressIn } from '../address-condition.js'
import { type AddressMask, parseAddressMask } from '../address-mask.js'
import { unsigned, WordError } from '../codec.js'
import { interfaceName, interfaceRanges } from '../interface.js'
import type { LinkTarget } from './ebtables-targets.js'
import { type AnyLinkOption, addressOption, type LinkOption, lowerMac, type MacMask, macOption } from './option.js'

const arp = (field: ArpField): Value => probed({ find: 'arp', field })

const device = (flag: string, alias: string, field: 'meta.iifname' | 'meta.oifname'): LinkOption<string> => ({
  lower: (name) => inRanges(field, interfaceRanges(name)),
  flag,
  aliases: [alias],
  invertible: true,
  parse: interfaceName.parse,
  print: interfaceName.print,
})

const OPCODES = ['Request', 'Reply', 'Request_Reverse', 'Reply_Reverse', 'DRARP_Request', 'DRARP_Reply', 'DRARP_Error', 'InARP_Request', 'ARP_NAK'] // biome-ignore format: a table

interface Masked {
  readonly value: number
  readonly mask: number | undefined
}

interface MaskedGiven {
  readonly flag: string
  readonly aliases: readonly string[]
  readonly names: Readonly<Record<string, number>>
  /** Of a number without 0x; 0: as in C. */
  readonly base: 10 | 16 | 0
  readonly most: number
  readonly field: ArpField
}

/** strtol: the whole word, in a base. */
function inBase(word: string, base: 10 | 16 | 0): number | undefined {
  if (base === 10) return /^\d+$/.test(word) ? Number(word) : undefined
  if (base === 0) return unsigned(word)
  return /^(0x)?[\da-f]+$/i.test(word) ? Number.parseInt(word, 16) : undefined
}

/** `VALUE[/MASK]`, by name or as a number (iptables/nft-arp.c: get16_and_mask). `masks`: false where arptables loses them, as up to 1.8.10. */
function maskedOption(
  { flag, aliases, names, base, most, field }: MaskedGiven,
  print: (value: number) => string,
  masks: boolean,
): LinkOption<Masked> {
  return {
    flag,
    aliases,
    invertible: true,
    parse(word) {
      const [first = '', mask] = word.split('/')
      const named = Object.entries(names).find(([name]) => name.toLowerCase() === first.toLowerCase())?.[1]
      const [value, bits] = [named ?? inBase(first, base), mask === undefined ? undefined : inBase(mask, base)]
      if (value === undefined || value > most || (mask !== undefined && (bits === undefined || bits > most)))
        throw new WordError(`Problem with specified ${flag.slice(2)}`)
      if (flag === '--h-length' && value !== 6)
        throw new WordError('Only harware address length of 6 is supported currently.')
      return { value, mask: masks && bits !== most ? bits : undefined }
    },
    lower: ({ value, mask }) =>
      equals(mask === undefined ? arp(field) : masked(arp(field), mask), mask === undefined ? value : value & mask),
    print: ({ value, mask }) => `${print(value)}${mask === undefined ? '' : `/${print(mask)}`}`,
  }
}

const hex = (value: number) => `0x${value.toString(16)}`

const address4 = (flag: string, aliases: readonly string[], field: ArpField): LinkOption<AddressMask> => ({
  ...addressOption({ flag, aliases }, 4, undefined),
  lower: (value) => addressIn(arp(field), value),
})
const hardware = (flag: string, aliases: readonly string[], field: ArpField): LinkOption<MacMask> => ({
  ...macOption({ flag, aliases }, false, undefined),
  lower: lowerMac(arp(field)),
})

const numbers = (masks: boolean, typeBase: 10 | 16): readonly AnyLinkOption[] => {
  const opcodes = Object.fromEntries(OPCODES.map((name, i) => [name, i + 1]))
  return [
    maskedOption({ flag: '--h-length', aliases: ['-l', '--arhln'], names: {}, base: 10, most: 255, field: 'hlen' }, String, masks),
    maskedOption({ flag: '--opcode', aliases: ['--arpop'], names: opcodes, base: 10, most: 0xffff, field: 'opcode' }, String, masks),
    maskedOption({ flag: '--h-type', aliases: ['--arhrd'], names: { Ethernet: 1 }, base: typeBase, most: 0xffff, field: 'htype' }, masks ? hex : String, masks),
    maskedOption({ flag: '--proto-type', aliases: ['--arpro'], names: { IPv4: 0x800 }, base: 0, most: 0xffff, field: 'ptype' }, hex, masks),
  ]
} // biome-ignore format: a table

const baseOf = (masks: boolean, typeBase: 10 | 16 = 16): readonly AnyLinkOption[] => [
  device('-i', '--in-interface', 'meta.iifname'),
  device('-o', '--out-interface', 'meta.oifname'),
  address4('-s', ['--source-ip', '--src-ip', '--source'], 'spa'),
  hardware('--src-mac', ['--source-mac'], 'sha'),
  address4('-d', ['--destination-ip', '--dst-ip', '--destination'], 'tpa'),
  hardware('--dst-mac', ['--destination-mac'], 'tha'),
  ...numbers(masks, typeBase),
]

/** In the order in which they are printed, behind the target (iptables/nft-arp.c: nft_arp_print_rule_details); since 1.8.11. */
export const ARP_BASE = baseOf(true)
/** Up to 1.8.10. */
export const ARP_BASE_9 = baseOf(false)
/** As arptables-save prints it there: hardware types in decimal. */
export const ARP_BASE_9_SAVED = baseOf(false, 10)

/** arptables-nft asks this in every rule (seen with nft list ruleset); the kernel itself lets nothing else come so far, but for the hardware type. */
export const ARP_IMPLIED: readonly (readonly [string, Condition])[] = [
  ['--h-type', equals(arp('htype'), 1)],
  ['--h-length', equals(arp('hlen'), 6)],
]

/** What every packet of ARP over Ethernet has: not printed. */
export const ARP_USUAL: Readonly<Record<string, string>> = { '--h-length': '6', '--h-type': '1' }

const address = (flag: string): LinkOption<string> => ({
  flag,
  parse(word) {
    if (typeof parseAddressMask(word)?.ip !== 'number' || word.includes('/'))
      throw new WordError(`bad address "${word}"`)
    return word
  },
  print: (word) => word,
})

const VERDICTS = ['ACCEPT', 'DROP', 'CONTINUE']
const verdict: LinkOption<string> = {
  flag: '--mangle-target',
  parse(word) {
    if (!VERDICTS.includes(word)) throw new WordError(`bad target for --mangle-target: ${word}`)
    return word
  },
  print: (word) => word,
}
const mac = (flag: string) => macOption({ flag, invertible: false }, false, undefined)
/** In hex, with and without 0x (libarpt_MARK.c). */
const number = (flag: string): LinkOption<number> => ({
  flag,
  parse(word) {
    if (!/^(0x)?[\da-f]{1,8}$/i.test(word)) throw new WordError(`Bad value "${word}" for ${flag}`)
    return Number.parseInt(word.replace(/^0x/i, ''), 16)
  },
  print: (value) => value.toString(16),
})
const half = (word: string) => Number.parseInt(word, 16).toString(16)

const setClass: LinkOption<string> = {
  flag: '--set-class',
  parse(word) {
    const [major = '', minor = '', ...more] = word.split(':')
    if (more.length > 0 || !/^[\da-f]{1,4}$/i.test(major) || !/^[\da-f]{1,4}$/i.test(minor))
      throw new WordError(`Bad class value "${word}"`)
    return `${half(major)}:${half(minor)}`
  },
  print: (word) => word,
}

type Said = ReadonlyMap<string, unknown>
const frame = (change: FrameChange): Step => ({ do: { do: 'frame', frame: change } })

/** net/ipv4/netfilter/arpt_mangle.c: target. */
function lowerMangle(said: Said): readonly Step[] {
  const ip = (flag: string, field: 'spa' | 'tpa') =>
    said.has(flag) ? [frame({ change: 'arp', field, to: parseIp(`${said.get(flag)}`) as number })] : []
  const mac = (flag: string, field: 'sha' | 'tha') =>
    said.has(flag) ? [frame({ change: 'arp', field, to: (said.get(flag) as MacMask).mac })] : []
  return [
    ...mac('--mangle-mac-s', 'sha'),
    ...ip('--mangle-ip-s', 'spa'),
    ...mac('--mangle-mac-d', 'tha'),
    ...ip('--mangle-ip-d', 'tpa'),
  ]
}

const set = (field: 'meta.mark' | 'meta.priority', keep: number, xor: number): Step => ({
  do: { do: 'set', field, keep: keep >>> 0, xor: { from: 'constant', value: xor >>> 0 } },
})

function lowerMark(said: Said): readonly Step[] {
  const [to, and, or] = ['set', 'and', 'or'].map((how) => said.get(`--${how}-mark`) as number | undefined)
  if (to !== undefined) return [set('meta.mark', 0, to)]
  if (and !== undefined) return [set('meta.mark', and, 0)]
  return or === undefined ? [] : [set('meta.mark', ~or, or)]
}

function lowerClass(said: Said): readonly Step[] {
  const [major = 0, minor = 0] = `${said.get('--set-class')}`.split(':').map((part) => Number.parseInt(part, 16))
  return [set('meta.priority', 0, major * 0x10000 + minor)]
}

export const ARP_TARGETS: readonly LinkTarget[] = [
  {
    name: 'mangle',
    options: [address('--mangle-ip-s'), mac('--mangle-mac-s'), address('--mangle-ip-d'), mac('--mangle-mac-d'), verdict],
    verdict: '--mangle-target', usual: 'ACCEPT', shown: false, lower: lowerMangle,
  },
  { name: 'MARK', options: [number('--set-mark'), number('--and-mark'), number('--or-mark')], verdict: '', usual: 'CONTINUE', shown: false, lower: lowerMark },
  {
    name: 'CLASSIFY',
    places: { filter: ['OUTPUT', 'FORWARD'] },
    options: [setClass],
    verdict: '', usual: 'CONTINUE', shown: false, lower: lowerClass,
  },
] // biome-ignore format: a table
