import { parseIp } from '../../address/ip.js'
import { type AddressMask, parseAddressMask, printAddressMask } from '../address-mask.js'
import { type Codec, flag, keyword, port, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'
import { parseProtocol } from '../protocol.js'

const protocol: Codec<number> = {
  words: 1,
  metavar: 'protocol',
  parse(word) {
    const number = parseProtocol(word)
    if (number === undefined) throw new WordError(`unknown protocol "${word}"`)
    return number
  },
  print: String,
}
const onePort: Codec<number> = { words: 1, metavar: 'port', parse: port, print: String }
/** The host's bits of an address are kept: `1.2.3.4/24`. */
const address: Codec<AddressMask> = {
  words: 1,
  metavar: 'address[/mask]',
  parse(word) {
    const parsed = parseAddressMask(word)
    const ip = parseIp(word.replace(/\/.*/, ''))
    if (!parsed || ip === undefined) throw new WordError(`bad address "${word}"`)
    return { ...parsed, ip }
  },
  print: (value) =>
    value.length === (typeof value.ip === 'number' ? 32 : 128)
      ? printAddressMask(value).replace(/\/.*/, '')
      : printAddressMask(value),
}

const options = {
  ipvs: { flag: '--ipvs', invertible: true, value: flag, doc: 'the packet belongs to an IPVS connection' },
  vproto: { flag: '--vproto', invertible: true, value: protocol, doc: 'protocol of the virtual service' },
  vaddr: { flag: '--vaddr', invertible: true, value: address, doc: 'address of the virtual service' },
  vport: { flag: '--vport', invertible: true, value: onePort, doc: 'port of the virtual service' },
  vdir: { flag: '--vdir', value: keyword('direction', ['ORIGINAL', 'REPLY'], true), doc: 'direction of the packet' },
  vmethod: {
    flag: '--vmethod',
    invertible: true,
    value: keyword('method', ['GATE', 'IPIP', 'MASQ'], true),
    doc: 'how IPVS forwards',
  },
  vportctl: {
    flag: '--vportctl',
    invertible: true,
    value: onePort,
    doc: 'port of the controlling connection: 21 for FTP',
  },
} as const

export const ipvs = defineMatch({
  name: 'ipvs',
  families: [4, 6],
  needsOption: true,
  options,
  doc: {
    summary: 'Matches packets of IPVS connections.',
    notes: ['IPVS is not modelled: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_ipvs.c: ipvs_mt',
  },
  check: ({ ipvs, ...others }) =>
    ipvs?.inverted && Object.keys(others).length > 0 ? '! --ipvs stands alone' : undefined,
  print({ ipvs: alone, ...others }) {
    const given = Object.entries(others) as [keyof typeof others, Given<never>][]
    if (given.length === 0) return `${alone?.inverted ? '! ' : ''}--ipvs`
    const order = Object.keys(options)
    return given
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([key, { value, inverted }]) => {
        const option = options[key] as unknown as { readonly flag: string; readonly value: Codec<never> }
        return `${inverted ? '! ' : ''}${option.flag} ${option.value.print(value)}`
      })
      .join(' ')
  },
  list: (_, { saved }) => ` ${saved().replaceAll('--', '')}`,
  lower: () => ({ is: 'unknown', text: '-m ipvs', needs: 'IPVS is not modelled' }),
})
