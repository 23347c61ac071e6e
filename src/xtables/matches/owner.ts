import { all, any, type Condition, equals, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, flag, number, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

const ids: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'id[-id]',
  parse(word) {
    if (word === 'root') return [0, 0]
    if (!/^\d/.test(word)) throw new WordError(`"${word}": a number is needed, names of users are not in a snapshot`)
    const [from = '', to = from] = word.split('-')
    return [number(from, 0xffffffff, 'id'), number(to, 0xffffffff, 'id')]
  },
  print: ([from, to]) => (from === to ? `${from}` : `${from}-${to}`),
}

export const owner = defineMatch({
  name: 'owner',
  families: [4, 6],
  chains: ['OUTPUT', 'POSTROUTING'],
  needsOption: true,
  options: {
    socket: { flag: '--socket-exists', invertible: true, value: flag, doc: 'a local socket sends it' },
    uid: { flag: '--uid-owner', invertible: true, value: ids, doc: 'the socket belongs to this user' },
    gid: { flag: '--gid-owner', invertible: true, value: ids, doc: 'the socket belongs to this group' },
    groups: { flag: '--suppl-groups', value: flag, doc: 'supplementary groups count too' },
  },
  listed: [
    [/(! )?owner UID match (\S+)/y, (_, not, id) => `${not ? '! ' : ''}--uid-owner ${id}`],
    [/(! )?owner GID match (\S+)/y, (_, not, id) => `${not ? '! ' : ''}--gid-owner ${id}`],
    [/(! )?owner socket exists/y, (_, not) => `${not ? '! ' : ''}--socket-exists`],
  ],
  doc: {
    summary: 'Matches the sending socket; in OUTPUT and POSTROUTING.',
    notes: [
      'What is forwarded, and what the kernel sends by itself (RST, ICMP errors), has no socket: it matches only where all that is asked is inverted.',
    ],
    kernel: 'net/netfilter/xt_owner.c: owner_mt',
  },
  check(given) {
    const { uid, gid, groups } = given
    const falls = [uid, gid].find((one) => one && one.value[0] > one.value[1])
    if (falls) return `a range of ids must rise: ${ids.print(falls.value)}`
    const order = Object.keys(given)
    return groups && (!gid || order.indexOf('groups') < order.indexOf('gid'))
      ? '--suppl-groups needs --gid-owner in front of it'
      : undefined
  },
  list({ socket, uid, gid, groups }) {
    const part = (given: Given<readonly [number, number]> | undefined, what: string) =>
      given ? `${given.inverted ? ' !' : ''} owner ${what} match ${ids.print(given.value)}` : ''
    const exists = socket ? `${socket.inverted ? ' !' : ''} owner socket exists` : ''
    return `${exists}${part(uid, 'UID')}${part(gid, 'GID')}${groups ? ' incl. suppl. groups' : ''}`
  },
  lower({ socket, uid, gid, groups }) {
    const given = [socket, uid, gid, groups]
    // without a socket it matches where everything that is asked is asked inverted
    const alone = given.every((one) => !one || one.inverted) ? [equals('socket.exists', 0)] : []
    const parts: Condition[] = [equals('socket.exists', 1)]
    const add = (ask: Given<readonly [number, number]> | undefined, field: 'socket.uid' | 'socket.gid') =>
      ask && parts.push(invertedIf(ask.inverted, inRanges(field, [ask.value])))
    add(uid, 'socket.uid')
    if (!groups) add(gid, 'socket.gid')
    else if (gid) {
      const others: Condition = {
        is: 'unknown',
        text: '--suppl-groups',
        needs: 'the groups of the sender are not known',
      }
      parts.push(invertedIf(gid.inverted, any(inRanges('socket.gid', [gid.value]), others)))
    }
    return socket?.inverted ? any(...alone) : any(...alone, all(...parts))
  },
})
