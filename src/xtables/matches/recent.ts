import type { Condition } from '../../rules/condition.js'
import { masked } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
import { address, type Codec, flag, integer, quote, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

const listName: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word.length > 199 || word === '' || word.includes('/')) throw new WordError(`bad list name "${word}"`)
    return word
  },
  print: (word) => (/\s/.test(word) ? quote(word) : word),
}

const OPERATIONS = { set: 'set', rcheck: 'check', update: 'update', remove: 'remove' } as const

export const recent = defineMatch({
  name: 'recent',
  families: [4, 6],
  exactlyOne: ['set', 'rcheck', 'update', 'remove'],
  options: {
    set: { flag: '--set', invertible: true, value: flag, doc: 'puts the address on the list' },
    rcheck: { flag: '--rcheck', invertible: true, value: flag, doc: 'is the address on the list?' },
    update: { flag: '--update', invertible: true, value: flag, doc: 'as --rcheck, and notes that it was seen' },
    remove: { flag: '--remove', invertible: true, value: flag, doc: 'takes the address off the list' },
    seconds: {
      flag: '--seconds',
      value: integer(0xffffffff, 'seconds', 1),
      doc: 'only what was seen in the last seconds counts',
    },
    reap: { flag: '--reap', value: flag, doc: 'forgets what is older' },
    hitcount: { flag: '--hitcount', value: integer(0xffff, 'count', 1), doc: 'seen at least that often' },
    rttl: { flag: '--rttl', value: flag, doc: 'with the same TTL' },
    name: { flag: '--name', value: listName, doc: 'the list; DEFAULT' },
    mask: { flag: '--mask', value: address, doc: 'these bits of the address count; all' },
    rsource: { flag: '--rsource', value: flag, doc: 'the source address (that is the default)' },
    rdest: { flag: '--rdest', value: flag, doc: 'the destination address' },
  },
  listed: [
    [
      /(! )?recent: (SET|UPDATE|CHECK|REMOVE)(?: seconds: (\d+))?( reap)?(?: hit_count: (\d+))?( TTL-Match)? name: (\S+) side: (source|dest)(?: mask: (\S+))?/y,
      (_, not, op = '', seconds, reap, hits, ttl, name, side, mask) =>
        [
          not ? '!' : '', op === 'CHECK' ? '--rcheck' : `--${op.toLowerCase()}`, seconds ? `--seconds ${seconds}` : '', reap ? '--reap' : '',
          hits ? `--hitcount ${hits}` : '', ttl ? '--rttl' : '', `--name ${name}`, mask ? `--mask ${mask}` : '', `--r${side}`,
        ].join(' '), // biome-ignore format: one line of words
    ],
  ],
  doc: {
    summary: 'Lists of addresses seen lately.',
    notes: ['Lists are not part of a snapshot: they are taken as empty.'],
    kernel: 'net/netfilter/xt_recent.c: recent_mt',
  },
  check({ seconds, reap, rsource, rdest, hitcount, rttl, rcheck, update }) {
    if (reap && !seconds) return '--reap needs --seconds'
    if (rsource && rdest) return '--rsource and --rdest exclude each other'
    return (seconds || hitcount || rttl) && !rcheck && !update
      ? '--seconds, --hitcount and --rttl go with --rcheck or --update'
      : undefined
  },
  print(given, { family }) {
    const { seconds, reap, hitcount, rttl, name, mask, rdest } = given
    const words: string[] = []
    for (const key of ['set', 'rcheck', 'update', 'remove'] as const)
      if (given[key]) words.push(`${given[key].inverted ? '! ' : ''}--${key}`)
    if (seconds) words.push(`--seconds ${seconds.value}`)
    if (reap) words.push('--reap')
    if (hitcount) words.push(`--hitcount ${hitcount.value}`)
    if (rttl) words.push('--rttl')
    words.push(`--name ${listName.print(name?.value ?? 'DEFAULT')}`)
    words.push(
      `--mask ${mask ? address.print(mask.value) : family === 4 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'}`,
    )
    words.push(rdest ? '--rdest' : '--rsource')
    return words.join(' ')
  },
  list(given, { family }) {
    const { seconds, reap, hitcount, rttl, name, mask, rdest } = given
    const operation = (Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]).find((key) => given[key])!
    const words = [
      `${given[operation]!.inverted ? ' !' : ''} recent: ${operation === 'rcheck' ? 'CHECK' : operation.toUpperCase()}`,
    ]
    if (seconds) words.push(`seconds: ${seconds.value}`)
    if (reap) words.push('reap')
    if (hitcount) words.push(`hit_count: ${hitcount.value}`)
    if (rttl) words.push('TTL-Match')
    const all = family === 4 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    words.push(
      `name: ${name?.value ?? 'DEFAULT'} side: ${rdest ? 'dest' : 'source'} mask: ${mask ? address.print(mask.value) : all}`,
    )
    return words.join(' ')
  },
  lower(given, { family }): Condition {
    const { seconds, reap, hitcount, rttl, name, mask, rdest } = given
    const side = rdest ? 'daddr' : 'saddr'
    const field: Value = family === 4 ? `ip.${side}` : `ip6.${side}`
    const operation = (Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]).find((key) => given[key])!
    return {
      is: 'stateful',
      name: `recent ${name?.value ?? 'DEFAULT'}`,
      machine: {
        kind: 'recent',
        op: OPERATIONS[operation],
        key: mask ? masked(field, mask.value) : field,
        inverted: given[operation]!.inverted,
        ...(seconds ? { seconds: seconds.value } : {}),
        ...(hitcount ? { hits: hitcount.value } : {}),
        ...(reap ? { reap: true } : {}),
        ...(rttl ? { ttl: true } : {}),
      },
    }
  },
})
