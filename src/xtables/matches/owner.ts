import { all, type Condition, equals, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, flag, number, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

const ids: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'id[-id]',
  parse(word) {
    if (!/^\d/.test(word)) throw new WordError(`"${word}": a number is needed, names of users are not in a snapshot`)
    const [from = '', to = from] = word.split('-')
    return [number(from, 0xffffffff, 'id'), number(to, 0xffffffff, 'id')]
  },
  print: ([from, to]) => (from === to ? `${from}` : `${from}-${to}`),
}

export const owner = defineMatch({
  name: 'owner',
  families: [4, 6],
  options: {
    socket: { flag: '--socket-exists', invertible: true, value: flag, doc: 'a local socket sends it' },
    uid: { flag: '--uid-owner', invertible: true, value: ids, doc: 'the socket belongs to this user' },
    gid: { flag: '--gid-owner', invertible: true, value: ids, doc: 'the socket belongs to this group' },
    groups: { flag: '--suppl-groups', value: flag, doc: 'supplementary groups count too' },
  },
  doc: {
    summary: 'Matches the sending socket; in OUTPUT and POSTROUTING.',
    notes: ['What the kernel sends by itself (RST, ICMP errors) has no socket and never matches, inverted or not.'],
    kernel: 'net/netfilter/xt_owner.c: owner_mt',
  },
  lower({ socket, uid, gid, groups }) {
    if (socket?.inverted) return equals('socket.exists', 0)
    const parts: Condition[] = [equals('socket.exists', 1)]
    const add = (given: Given<readonly [number, number]> | undefined, field: 'socket.uid' | 'socket.gid') =>
      given && parts.push(invertedIf(given.inverted, inRanges(field, [given.value])))
    add(uid, 'socket.uid')
    add(gid, 'socket.gid')
    if (groups)
      parts.push({ is: 'unknown', text: '--suppl-groups', needs: 'the groups of the sending process are not known' })
    return all(...parts)
  },
})
