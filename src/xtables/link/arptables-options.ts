import { parseAddressMask } from '../address-mask.js'
import { unsigned, WordError } from '../codec.js'
import { interfaceName } from '../interface.js'
import type { LinkTarget } from './ebtables-options.js'
import { type AnyLinkOption, addressOption, type LinkOption, macOption } from './option.js'

const device = (flag: string, alias: string): LinkOption<string> => ({
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

/** `VALUE[/MASK]`, by name or in hex (libxtables reads them so). */
function maskedOption(flag: string, aliases: readonly string[], names: Readonly<Record<string, number>>, print: (value: number) => string, most: number): LinkOption<Masked> {
  return {
    flag, aliases, invertible: true,
    parse(word) {
      const [first = '', mask] = word.split('/')
      const named = Object.entries(names).find(([name]) => name.toLowerCase() === first.toLowerCase())?.[1]
      const [value, bits] = [named ?? unsigned(first), mask === undefined ? undefined : unsigned(mask)]
      if (value === undefined || value > most || (mask !== undefined && bits === undefined)) throw new WordError(`Problem with specified ${flag.slice(2)}`)
      return { value, mask: bits }
    },
    print: ({ value, mask }) => `${print(value)}${mask === undefined ? '' : `/${print(mask)}`}`,
  }
} // biome-ignore format: long lines

const hex = (value: number) => `0x${value.toString(16)}`

/** In the order in which they are printed, behind the target (iptables/nft-arp.c: nft_arp_print_rule_details). */
export const ARP_BASE: readonly AnyLinkOption[] = [
  device('-i', '--in-interface'),
  device('-o', '--out-interface'),
  addressOption({ flag: '-s', aliases: ['--source-ip', '--src-ip', '--source'] }, 4, undefined),
  macOption({ flag: '--src-mac', aliases: ['--source-mac'] }, false, undefined),
  addressOption({ flag: '-d', aliases: ['--destination-ip', '--dst-ip', '--destination'] }, 4, undefined),
  macOption({ flag: '--dst-mac', aliases: ['--destination-mac'] }, false, undefined),
  maskedOption('--h-length', ['-l', '--arhln'], {}, String, 255),
  maskedOption('--opcode', ['--arpop'], Object.fromEntries(OPCODES.map((name, i) => [name, i + 1])), String, 0xffff),
  maskedOption('--h-type', ['--arhrd'], { Ethernet: 1 }, String, 0xffff),
  maskedOption('--proto-type', ['--arpro'], { IPv4: 0x800 }, hex, 0xffff),
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

export const ARP_TARGETS: readonly LinkTarget[] = [
  {
    name: 'mangle',
    options: [address('--mangle-ip-s'), mac('--mangle-mac-s'), address('--mangle-ip-d'), mac('--mangle-mac-d'), verdict],
    verdict: '--mangle-target', usual: 'ACCEPT', shown: false,
  },
  { name: 'MARK', options: [number('--set-mark'), number('--and-mark'), number('--or-mark')], verdict: '', usual: 'CONTINUE', shown: false },
  {
    name: 'CLASSIFY',
    options: [setClass],
    verdict: '', usual: 'CONTINUE', shown: false,
  },
] // biome-ignore format: a table
