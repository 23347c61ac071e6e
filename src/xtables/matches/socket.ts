import { type Condition, equals } from '../../rules/condition.js'
import { flag } from '../codec.js'
import { defineMatch } from '../match.js'

export const socket = defineMatch({
  name: 'socket',
  families: [4, 6],
  defragments: true,
  chains: ['PREROUTING', 'INPUT'],
  options: {
    transparent: { flag: '--transparent', value: flag, doc: 'only sockets with IP_TRANSPARENT' },
    nowildcard: { flag: '--nowildcard', value: flag, doc: 'sockets that listen on any address count too' },
    restore: { flag: '--restore-skmark', value: flag, doc: 'gives the packet the mark of the socket' },
  },
  listed: [[/socket((?: --(?:transparent|nowildcard|restore-skmark))*)/y, (_, words = '') => words]],
  doc: {
    summary: 'Matches packets for which this host has a socket.',
    notes: [
      'Without --nowildcard a socket that listens on any address does not count.',
      'Whether a socket is transparent, and its mark, are not known.',
    ],
    kernel: 'net/netfilter/xt_socket.c: socket_match; net/ipv4/netfilter/nf_socket_ipv4.c',
  },
  list: (_, { saved }) => ` socket${saved() ? ` ${saved()}` : ''}`,
  lower({ transparent, nowildcard, restore }): Condition {
    const there: Condition = equals({ from: 'socket', wildcard: nowildcard !== undefined }, 1)
    const more = transparent ? '--transparent' : restore ? '--restore-skmark' : undefined
    if (!more) return there
    const needs = transparent ? 'whether the socket is transparent is not known' : 'the mark of the socket is not known'
    return { is: 'all', of: [there, { is: 'unknown', text: `-m socket ${more}`, needs }] }
  },
})
