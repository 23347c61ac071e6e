import { all, type Condition, equals, inRanges, invertedIf, masked } from '../../rules/condition.js'
import { flag, integer, rangesOf } from '../codec.js'
import { headerField, headerIsThere } from '../header-options.js'
import { listedRange } from '../list-words.js'
import { defineMatch } from '../match.js'
import { printRange32, range32 } from '../spi-option.js'

const FRAGMENT = 44
const offset = headerField(FRAGMENT, 2, 2)

export const frag = defineMatch({
  name: 'frag',
  families: [6],
  options: {
    id: { flag: '--fragid', invertible: true, value: range32, doc: 'the identification' },
    len: { flag: '--fraglen', invertible: true, value: integer(0xffffffff, 'length'), doc: 'nothing: no kernel looks' },
    res: { flag: '--fragres', value: flag, doc: 'the reserved bits are 0' },
    first: { flag: '--fragfirst', value: flag, doc: 'it is the first fragment' },
    more: { flag: '--fragmore', value: flag, doc: 'more fragments follow' },
    last: { flag: '--fraglast', value: flag, doc: 'it is the last fragment' },
  },
  listed: [
    [
      /frag (?:ids?:(!?)([\d:]+))?(?: length:(!?)(\d+))?( reserved)?( first)?( more)?( last)?/y,
      (_, notId, id, notLength, length, reserved, first, more, last) =>
        [
          id ? `${notId ? '! ' : ''}--fragid ${id}` : '', length ? `${notLength ? '! ' : ''}--fraglen ${length}` : '',
          reserved ? '--fragres' : '', first ? '--fragfirst' : '', more ? '--fragmore' : '', last ? '--fraglast' : '',
        ].join(' '), // biome-ignore format: one line of words
    ],
  ],
  doc: {
    summary: 'Matches the IPv6 fragment header.',
    notes: [
      'Behind connection tracking there are no fragments: it puts them together.',
      'A packet whose extension headers cannot be followed is dropped on the spot.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_frag.c: frag_mt6',
  },
  check: ({ more, last }) => (more && last ? '--fragmore and --fraglast exclude each other' : undefined),
  print({ id, len, res, first, more, last }) {
    const words = [...printRange32('--fragid', id)]
    if (len) words.push(`${len.inverted ? '! ' : ''}--fraglen ${len.value}`)
    if (res) words.push('--fragres')
    if (first) words.push('--fragfirst')
    if (more) words.push('--fragmore')
    if (last) words.push('--fraglast')
    return words.join(' ')
  },
  list({ id, len, res, first, more, last }) {
    const length = len ? ` length:${len.inverted ? '!' : ''}${len.value}` : ''
    return ` frag ${listedRange('id', id).trimStart()}${length}${res ? ' reserved' : ''}${first ? ' first' : ''}${more ? ' more' : ''}${last ? ' last' : ''}`
  },
  lower({ id, res, first, more, last }) {
    const parts: Condition[] = [...headerIsThere(FRAGMENT, 8)]
    if (id) parts.push(invertedIf(id.inverted, inRanges(headerField(FRAGMENT, 4, 4), rangesOf(id.value))))
    if (res) parts.push(equals(headerField(FRAGMENT, 1), 0), equals(masked(offset, 6), 0))
    if (first) parts.push(equals(masked(offset, 0xfff8), 0))
    if (more) parts.push(equals(masked(offset, 1), 1))
    if (last) parts.push(equals(masked(offset, 1), 0))
    return all(...parts)
  },
})
