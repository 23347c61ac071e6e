import { type Codec, flag, number, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const zone: Codec<number | 'mark'> = {
  words: 1,
  metavar: 'zone|mark',
  parse: (word) => (word === 'mark' ? 'mark' : number(word, 0xffff, 'zone')),
  print: String,
}
const name: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word.length > 31) throw new WordError('the name is too long')
    return word
  },
  print: (word) => word,
}

/** A comma-separated choice of `known`, printed in their order. */
const events = (known: readonly string[]): Codec<readonly string[]> => ({
  words: 1,
  metavar: 'event[,...]',
  parse(word) {
    const said = word.split(',')
    const strange = said.find((event) => !known.includes(event))
    if (strange !== undefined) throw new WordError(`unknown event "${strange}": ${known.join(', ')}`)
    return known.filter((event) => said.includes(event))
  },
  print: (chosen) => chosen.join(','),
})

/** ct_event_tbl and exp_event_tbl of libxt_CT.c. */
const CONNECTION_EVENTS = events([
  'new', 'related', 'destroy', 'reply', 'assured', 'protoinfo', 'helper', 'mark', 'natseqinfo', 'secmark',
]) // biome-ignore format: one line of words
const EXPECTATION_EVENTS = events(['new'])

export const ct = defineTarget({
  name: 'CT',
  families: [4, 6],
  tables: ['raw'],
  tracks: ({ notrack }) => !notrack,
  options: {
    notrack: { flag: '--notrack', value: flag, doc: 'connection tracking leaves the packet alone' },
    helper: { flag: '--helper', value: name, doc: 'the helper that watches this connection' },
    timeout: { flag: '--timeout', value: name, doc: 'the timeout policy' },
    events: { flag: '--ctevents', value: CONNECTION_EVENTS, doc: 'only these events are reported' },
    expevents: {
      flag: '--expevents',
      value: EXPECTATION_EVENTS,
      doc: 'only these events of expectations are reported',
    },
    zone: { flag: '--zone', value: zone, doc: 'the zone of both directions' },
    zoneOrig: { flag: '--zone-orig', value: zone, doc: 'the zone of the original direction' },
    zoneReply: { flag: '--zone-reply', value: zone, doc: 'the zone of the reply direction' },
  },
  check: ({ helper }, { protocol }) => (helper && !protocol ? '--helper needs -p' : undefined),
  listed: [
    [/NOTRACK|CT notrack/y, () => '--notrack'],
    [
      /CT((?: (?:zone|zone-orig|zone-reply|helper|timeout|ctevents|expevents) \S+)*)/y,
      (_, words = '') => words.replace(/ (\S+) (\S+)/g, ' --$1 $2'),
    ],
  ],
  doc: { summary: 'Says how a connection is to be tracked.', kernel: 'net/netfilter/xt_CT.c: xt_ct_target' },
  list: (_, { saved }) => ` CT${saved() ? ` ${saved().replaceAll('--', '')}` : ''}`,
  lower({ notrack, helper, timeout, zone, zoneOrig, zoneReply }) {
    if (notrack) return [{ do: 'notrack' }]
    const given = zone ?? zoneOrig ?? zoneReply
    const direction = zoneOrig ? 'original' : zoneReply ? 'reply' : undefined
    return [
      {
        do: 'template',
        ...(given ? (given.value === 'mark' ? { zoneFromMark: true } : { zone: given.value as number }) : {}),
        ...(direction ? { zoneDirection: direction } : {}),
        ...(helper ? { helper: helper.value } : {}),
        ...(timeout ? { timeout: timeout.value } : {}),
      },
    ]
  },
})
