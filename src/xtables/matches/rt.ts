import { BROKEN, THERE } from '../../packet/probe.js'
import { all, type Condition, dropIf, equals, inRanges, invertedIf, probed } from '../../rules/condition.js'
import { type Codec, flag, integer, parsedAddresses, rangesOf } from '../codec.js'
import type { Given, OptionsOf, OptionTable } from '../extension.js'
import { headerField, headerIsThere, lengthIs } from '../header-options.js'
import { listedRange } from '../list-words.js'
import { defineMatch } from '../match.js'
import { printRange32, range32 } from '../spi-option.js'

const ROUTING = 43
/** IP6T_RT_HOPS. */
const addresses: Codec<readonly bigint[]> = parsedAddresses(16)

/** Options that count for headers of type 0 only: `--rt-type 0` has to stand in front of them. */
function comesTooEarly(options: OptionsOf<OptionTable>): string | undefined {
  const given = Object.keys(options)
  const { type } = options
  const zero = type && !type.inverted && type.value === 0 ? given.indexOf('type') : Number.POSITIVE_INFINITY
  return given.find((key, i) => (key === 'res' || key === 'addrs') && i < zero)
}

export const rt = defineMatch({
  name: 'rt',
  families: [6],
  options: {
    type: { flag: '--rt-type', invertible: true, value: integer(0xffffffff), doc: 'the type of the routing header' },
    segsleft: { flag: '--rt-segsleft', invertible: true, value: range32, doc: 'segments left' },
    len: { flag: '--rt-len', invertible: true, value: integer(0xffffffff), doc: 'bytes of the header' },
    res: { flag: '--rt-0-res', value: flag, doc: 'the reserved field of a type 0 header is 0' },
    addrs: { flag: '--rt-0-addrs', value: addresses, doc: 'addresses of a type 0 header, all and in this order' },
    loose: { flag: '--rt-0-not-strict', value: flag, doc: 'there may be others among them' },
  },
  listed: [
    [
      /rt(?: type:(!?)(\d+))?(?: segslefts?:(!?)([\d:]+))?(?: length:(!?)(\d+))?( reserved)?(?: 0-addrs ([\da-f:.,]+))?( 0-not-strict)?/y,
      (_, notType, type, notLeft, left, notLength, length, reserved, addrs, loose) =>
        [
          type ? `${notType ? '! ' : ''}--rt-type ${type}` : '', left ? `${notLeft ? '! ' : ''}--rt-segsleft ${left}` : '',
          length ? `${notLength ? '! ' : ''}--rt-len ${length}` : '', reserved ? '--rt-0-res' : '',
          addrs ? `--rt-0-addrs ${addrs}` : '', loose ? '--rt-0-not-strict' : '',
        ].join(' '), // biome-ignore format: one line of words
    ],
  ],
  doc: {
    summary: 'Matches the IPv6 routing header.',
    notes: [
      'A packet without one never matches.',
      'A packet whose extension headers cannot be followed is dropped on the spot.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_rt.c: rt_mt6',
  },
  check(options) {
    const early = comesTooEarly(options)
    if (early) return `--rt-type 0 has to stand before --rt-0-${early}`
    const given = Object.keys(options)
    const { loose, addrs } = options
    return loose && (!addrs || given.indexOf('loose') < given.indexOf('addrs'))
      ? '--rt-0-addrs has to stand before --rt-0-not-strict'
      : undefined
  },
  print({ type, segsleft, len, res, addrs, loose }) {
    const words: string[] = []
    if (type) words.push(`${type.inverted ? '! ' : ''}--rt-type ${type.value}`)
    words.push(...printRange32('--rt-segsleft', segsleft))
    if (len) words.push(`${len.inverted ? '! ' : ''}--rt-len ${len.value}`)
    if (res) words.push('--rt-0-res')
    if (addrs) words.push(`--rt-0-addrs ${addresses.print(addrs.value)}`)
    if (loose) words.push('--rt-0-not-strict')
    return words.join(' ')
  },
  list({ type, segsleft, len, res, addrs, loose }) {
    const part = (given: Given<number> | undefined, name: string) =>
      given ? ` ${name}:${given.inverted ? '!' : ''}${given.value}` : ''
    const list = addrs ? ` 0-addrs ${addresses.print(addrs.value)}` : ''
    return ` rt${part(type, 'type')}${listedRange('segsleft', segsleft)}${part(len, 'length')}${res ? ' reserved' : ''}${list}${loose ? ' 0-not-strict' : ''}`
  },
  lower({ type, segsleft, len, res, addrs, loose }) {
    const parts: Condition[] = [...headerIsThere(ROUTING, 4, true)]
    if (segsleft) parts.push(invertedIf(segsleft.inverted, inRanges(headerField(ROUTING, 3), rangesOf(segsleft.value))))
    if (len) parts.push(invertedIf(len.inverted, lengthIs(ROUTING, len.value)))
    if (type) parts.push(invertedIf(type.inverted, equals(headerField(ROUTING, 2), type.value)))
    if (res) parts.push(equals(headerField(ROUTING, 4, 4), 0))
    if (addrs) {
      const same = probed({ find: 'route-addresses', addresses: addrs.value, loose: loose !== undefined })
      parts.push(dropIf(equals(same, BROKEN)), equals(same, THERE))
    }
    return all(...parts)
  },
})
