import { all, type Condition, equals, invertedIf } from '../../rules/condition.js'
import { type Codec, integer, quote, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** A path of cgroup v2, as it was said; printed in quotes where it has more than letters. */
const path: Codec<string> = {
  words: 1,
  metavar: 'path',
  parse(word) {
    if (word.length > 511) throw new WordError('at most 511 characters')
    return word
  },
  print: quote,
}

export const cgroup = defineMatch({
  name: 'cgroup',
  families: [4, 6],
  chains: ['INPUT', 'OUTPUT', 'POSTROUTING'],
  exactlyOne: ['path', 'classid'],
  options: {
    path: { flag: '--path', invertible: true, value: path, doc: 'a cgroup v2 that has the sender in it, or below it' },
    classid: {
      flag: '--cgroup',
      invertible: true,
      value: integer(0xffffffff, 'class id'),
      doc: 'the class of net_cls',
    },
  },
  listed: [
    [/cgroup (! )?(\d+)(?= |$)/y, (_, not, id) => `${not ?? ''}--cgroup ${id}`],
    [/cgroup (! )?(\S+)/y, (_, not, path) => `${not ?? ''}--path ${path}`],
  ],
  doc: {
    summary: 'Matches the control group of the sending process.',
    notes: [
      'What has no socket of this host, forwarded packets above all, does not match, inverted or not.',
      'Which cgroup a process is in is not in a snapshot.',
    ],
    kernel: 'net/netfilter/xt_cgroup.c: cgroup_mt_v2',
  },
  list({ path, classid }) {
    const given = path ?? classid!
    return ` cgroup ${given.inverted ? '! ' : ''}${given.value}`
  },
  lower({ path: at, classid }): Condition {
    const given = at ?? classid!
    const text = at ? `--path ${at.value}` : `--cgroup ${classid!.value}`
    const unknown: Condition = { is: 'unknown', text, needs: 'the cgroup of the socket is not known' }
    return all(equals('socket.exists', 1), invertedIf(given.inverted, unknown))
  },
})
