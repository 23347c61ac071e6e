import { type Ip, parseIp } from '../../address/ip.js'
import { all, type Condition, inRanges, invertedIf } from '../../rules/condition.js'
import { showIp } from '../address-mask.js'
import { type Codec, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

type Span = readonly [from: Ip, to: Ip]

const span: Codec<Span> = {
  words: 1,
  metavar: 'address[-address]',
  parse(word) {
    const [low = '', high = low, ...more] = word.split('-')
    const [from, to] = [parseIp(low), parseIp(high)]
    if (from === undefined || to === undefined || typeof from !== typeof to || more.length > 0)
      throw new WordError(`bad address range "${word}"`)
    return [from, to]
  },
  print: ([from, to]) => `${showIp(from)}-${showIp(to)}`,
}

export const iprange = defineMatch({
  name: 'iprange',
  families: [4, 6],
  needsOption: true,
  options: {
    src: { flag: '--src-range', invertible: true, value: span, doc: 'the source address lies in this range' },
    dst: { flag: '--dst-range', invertible: true, value: span, doc: 'the destination address lies in this range' },
  },
  listed: [
    [
      /(?:source IP range\s+(! ?)?(\S+))?(?: ?destination IP range\s+(! ?)?(\S+))?/y,
      (_, notSource, source, notDestination, destination) =>
        `${source ? ` ${notSource ? '! ' : ''}--src-range ${source}` : ''}${destination ? ` ${notDestination ? '! ' : ''}--dst-range ${destination}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches ranges of addresses that are no prefix.',
    notes: ['A range that falls is accepted and holds no address.'],
    kernel: 'net/netfilter/xt_iprange.c: iprange_mt4, iprange_mt6',
  },
  check({ src, dst }, { family }) {
    const wrong = [src, dst].find((given) => given && (typeof given.value[0] === 'number') !== (family === 4))
    return wrong && `${span.print(wrong.value)} is of the other family`
  },
  list({ src, dst }) {
    const part = (given: Given<Span> | undefined, side: string) => {
      if (!given) return ''
      const [from, to] = given.value
      return ` ${side} IP range${given.inverted ? ' !' : ''} ${showIp(from)}-${showIp(to)}`
    }
    return part(src, 'source') + part(dst, 'destination')
  },
  lower({ src, dst }, { family }) {
    const parts: Condition[] = []
    const add = (given: Given<Span> | undefined, side: 'saddr' | 'daddr') => {
      if (!given) return
      const [from, to] = given.value
      const inside = inRanges(family === 4 ? `ip.${side}` : `ip6.${side}`, from > to ? [] : [[from, to]])
      parts.push(invertedIf(given.inverted, inside))
    }
    add(src, 'saddr')
    add(dst, 'daddr')
    return all(...parts)
  },
})
