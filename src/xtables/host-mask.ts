import { bitsOf, familyOf, type Ip, parseIp } from '../address/ip.js'
import { maskOf } from '../address/prefix.js'
import { type AddressMask, dotted, parseAddressMask, showIp } from './address-mask.js'
import { type Codec, WordError } from './codec.js'

/** An address that is printed as it was said, host bits and all, and the prefix that it stands for. */
export interface HostMask {
  readonly ip: Ip
  readonly where: AddressMask
}

/**
 * `ADDRESS[/LENGTH|/MASK]` of an extension's option (XTTYPE_HOSTMASK; libxtables/xtoptions.c: xtopt_parse_hostmask). A whole address is printed without its
 * length; a mask with holes is taken for none at all. `10.1` is 10.0.0.1 (inet_aton(3)).
 */
export const hostMask: Codec<HostMask> = {
  words: 1,
  metavar: 'address[/mask]',
  parse(word) {
    const [host = '', mask] = word.split('/', 2)
    const ip = parseIp(dotted(host))
    const where =
      ip === undefined ? undefined : parseAddressMask(mask === undefined ? showIp(ip) : `${showIp(ip)}/${mask}`)
    if (ip === undefined || !where) throw new WordError(`bad address "${word}"`)
    if (where.length >= 0) return { ip, where }
    const length = bitsOf(familyOf(ip))
    return { ip, where: { ip, mask: maskOf(familyOf(ip), length), length } }
  },
  print: ({ ip, where: { length } }) => `${showIp(ip)}${length === bitsOf(familyOf(ip)) ? '' : `/${length}`}`,
}
