import { THERE } from '../../packet/probe.js'
import { all, type Condition, equals, invertedIf, probed } from '../../rules/condition.js'
import { integer } from '../codec.js'
import type { OptionsOf } from '../extension.js'
import { headerIsThere, headerOptionList, lengthIs } from '../header-options.js'
import { defineMatch } from '../match.js'

const length = integer(0xffffffff, 'length')

/** Hop-by-hop and destination options look the same, and are asked for in the same way (net/ipv6/netfilter/ip6t_hbh.c has both). */
const options = (name: 'hbh' | 'dst') =>
  ({
    len: { flag: `--${name}-len`, invertible: true, value: length, doc: 'bytes of the header' },
    opts: { flag: `--${name}-opts`, value: headerOptionList, doc: 'the options it begins with, in this order' },
  }) as const

const lower =
  (header: 0 | 60) =>
  ({ len, opts }: OptionsOf<ReturnType<typeof options>>): Condition =>
    all(
      ...headerIsThere(header, 2, true),
      ...(len ? [invertedIf(len.inverted, lengthIs(header, len.value))] : []),
      ...(opts ? [equals(probed({ find: 'header-options', header, options: opts.value }), THERE)] : []),
    )

const list =
  (name: 'hbh' | 'dst') =>
  ({ len, opts }: OptionsOf<ReturnType<typeof options>>): string => {
    const shown = opts ? ` opts ${headerOptionList.print(opts.value)}` : ''
    return ` ${name}${len ? ` length:${len.inverted ? '!' : ''}${len.value}` : ''}${shown}`
  }

const notes = ['A packet whose extension headers cannot be followed is dropped on the spot.']
const kernel = 'net/ipv6/netfilter/ip6t_hbh.c: hbh_mt6'

export const hbh = defineMatch({
  name: 'hbh',
  families: [6],
  options: options('hbh'),
  listed: [
    [
      /hbh(?: length:(!?)(\d+))?(?: opts ([\d:,]+))?/y,
      (_, not, length, opts) =>
        `${length ? `${not ? '! ' : ''}--hbh-len ${length} ` : ''}${opts ? `--hbh-opts ${opts}` : ''}`,
    ],
  ],
  doc: { summary: 'Matches the IPv6 hop-by-hop options.', notes, kernel },
  list: list('hbh'),
  lower: lower(0),
})

export const dst = defineMatch({
  name: 'dst',
  families: [6],
  options: options('dst'),
  listed: [
    [
      /dst(?: length:(!?)(\d+))?(?: opts ([\d:,]+))?/y,
      (_, not, length, opts) =>
        `${length ? `${not ? '! ' : ''}--dst-len ${length} ` : ''}${opts ? `--dst-opts ${opts}` : ''}`,
    ],
  ],
  doc: { summary: 'Matches the first IPv6 destination options.', notes, kernel },
  list: list('dst'),
  lower: lower(60),
})
