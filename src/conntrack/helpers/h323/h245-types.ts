import {
  choice,
  digits,
  FLAG,
  NOTHING,
  named,
  OID,
  OPEN,
  octets,
  openChoice,
  optional,
  STOP,
  sequence,
  sequenceOf,
  type Type,
  WORD,
  whole,
} from './per.js'

/** Messages of ITU-T H.245 that open logical channels, as far as there are addresses in them. */

const flags = (count: number): readonly Type[] => Array.from({ length: count }, () => FLAG)
const nothings = (count: number): readonly Type[] => Array.from({ length: count }, () => NOTHING)

const NON_STANDARD = sequence([choice([OID, sequence([whole(0, 255), whole(0, 255), WORD])]), octets()])

const INTERVAL = whole(1, 4)
const H261 = sequence([optional(INTERVAL), optional(INTERVAL), FLAG, whole(1, 19200), FLAG], { known: 1 })
/** Bit rate, buffer, samples a line, lines, pictures a second, luminance samples. */
const PICTURES = [
  whole(0, 1073741823),
  whole(0, 262143),
  whole(0, 16383),
  whole(0, 16383),
  whole(0, 15),
  whole(0, 4294967295),
].map(optional)
const H262 = sequence([...flags(11), ...PICTURES], { known: 1 })
const FREQUENCY = optional(whole(1, 32))
const H263 = sequence(
  [
    FREQUENCY,
    FREQUENCY,
    FREQUENCY,
    FREQUENCY,
    FREQUENCY,
    whole(1, 192400),
    ...flags(5),
    optional(whole(0, 524287)),
    optional(WORD),
  ],
  { known: 8 },
)
const IS11172_VIDEO = sequence([FLAG, ...PICTURES], { known: 1 })
const VIDEO = openChoice([NON_STANDARD, H261, H262, H263, IS11172_VIDEO], 6)

const FRAMES = whole(1, 256)
const AUDIO = openChoice(
  [
    NON_STANDARD,
    ...Array.from({ length: 7 }, () => FRAMES),
    sequence([FRAMES, FLAG]),
    FRAMES,
    FRAMES,
    FRAMES,
    sequence([...flags(8), whole(1, 448)], OPEN),
    sequence([...flags(20), whole(1, 1130)], OPEN),
  ],
  22,
)

/** DataProtocolCapability. */
const DATA_PROTOCOL = choice([NON_STANDARD, ...nothings(6)], {
  known: 14,
  at: { 10: named('separateLANStack', NOTHING) },
})
const T84_PROFILE = choice([NOTHING, sequence(flags(19), OPEN)])
const APPLICATION = openChoice(
  [
    NON_STANDARD,
    named('t120', DATA_PROTOCOL),
    DATA_PROTOCOL,
    DATA_PROTOCOL,
    sequence([DATA_PROTOCOL, T84_PROFILE]),
    DATA_PROTOCOL,
    DATA_PROTOCOL,
    sequence([DATA_PROTOCOL, octets()]),
    NOTHING,
    DATA_PROTOCOL,
  ],
  14,
)
const DATA = sequence([named('application', APPLICATION), whole(0, 4294967295)], OPEN)
const ENCRYPTION = openChoice([NON_STANDARD, NOTHING])
const DATA_TYPE = openChoice([NON_STANDARD, NOTHING, VIDEO, AUDIO, named('data', DATA), ENCRYPTION], 9)

const H222 = sequence([WORD, WORD, optional(WORD), optional(octets()), optional(octets())], OPEN)
const AL3 = sequence([whole(0, 2), whole(0, 16777215)])
const H223 = sequence([openChoice([NON_STANDARD, ...nothings(4), AL3], 9), FLAG], OPEN)
const V76 = sequence(
  [
    sequence([openChoice(nothings(3)), WORD, FLAG], OPEN),
    openChoice(nothings(3)),
    FLAG,
    openChoice([sequence([whole(1, 127), openChoice(nothings(3))], OPEN), NOTHING]),
    sequence([FLAG], OPEN),
  ],
  OPEN,
)

const UNICAST = openChoice(
  [
    named('iPAddress', sequence([named('network', octets(4, 4)), WORD], OPEN)),
    sequence([octets(6, 6), octets(4, 4), octets(2, 2)], OPEN),
    named('iP6Address', sequence([named('network', octets(16, 16)), WORD], OPEN)),
    octets(16, 16),
    sequence([choice(nothings(2)), octets(4, 4), WORD, sequenceOf(octets(4, 4))], OPEN),
  ],
  7,
)
const MULTICAST = openChoice([sequence([octets(4, 4), WORD], OPEN), sequence([octets(16, 16), WORD], OPEN)], 4)
/** TransportAddress. */
const ADDRESS = openChoice([named('unicastAddress', UNICAST), MULTICAST])
const MEDIA_CHANNEL = optional(named('mediaChannel', ADDRESS))
const MEDIA_CONTROL_CHANNEL = optional(named('mediaControlChannel', ADDRESS))

const NON_STANDARDS = optional(sequenceOf(NON_STANDARD))
/** H2250LogicalChannelParameters. */
const RTP = named(
  'h2250',
  sequence(
    [NON_STANDARDS, whole(0, 255), optional(whole(1, 255)), MEDIA_CHANNEL, optional(FLAG), MEDIA_CONTROL_CHANNEL, STOP],
    { known: 0, optionals: 10 },
  ),
)
const RTP_ACK = sequence(
  [NON_STANDARDS, optional(whole(1, 255)), MEDIA_CHANNEL, MEDIA_CONTROL_CHANNEL, optional(whole(96, 127))],
  { known: 2 },
)

const Q2931 = sequence([openChoice([digits(1, 16), octets(1, 20)]), optional(octets(1, 20))], OPEN)
/** NetworkAccessParameters. */
const SEPARATE_STACK = named(
  'separateStack',
  sequence(
    [
      optional(openChoice(nothings(2))),
      named('networkAddress', openChoice([Q2931, digits(1, 128), named('localAreaAddress', ADDRESS)])),
      FLAG,
      optional(octets(1, 255)),
    ],
    { known: 1 },
  ),
)

const FORWARD = sequence(
  [
    optional(WORD),
    named('dataType', DATA_TYPE),
    named('multiplexParameters', choice([H222, H223, V76], { known: 5, at: { 3: RTP } })),
  ],
  { known: 2 },
)
const REVERSE = sequence(
  [DATA_TYPE, optional(named('multiplexParameters', choice([H223, V76], { known: 3, at: { 2: RTP } })))],
  { known: 2 },
)

/** OpenLogicalChannel: `forward` and `reverse`, each with `multiplexParameters`, and `separateStack`. */
export const OPEN_LOGICAL_CHANNEL: Type = sequence(
  [whole(1, 65535), named('forward', FORWARD), optional(named('reverse', REVERSE))],
  {
    known: 2,
    at: { 0: SEPARATE_STACK, 1: STOP },
  },
)

const REVERSE_ACK = sequence(
  [
    whole(1, 65535),
    optional(WORD),
    optional(named('multiplexParameters', choice([H222], { known: 2, at: { 1: RTP } }))),
  ],
  { known: 1 },
)
const OPEN_LOGICAL_CHANNEL_ACK = sequence([whole(1, 65535), optional(named('reverse', REVERSE_ACK))], {
  known: 3,
  at: { 0: SEPARATE_STACK, 1: named('forwardAck', openChoice([named('h2250', RTP_ACK)])), 2: STOP },
})

/** All the others are of no interest. */
const only = (count: number, place: number, name: string, type: Type, known: number): Type =>
  choice(
    Array.from({ length: count }, (_, i) => (i === place ? named(name, type) : STOP)),
    { known, at: Object.fromEntries(Array.from({ length: known - count }, (_, i) => [count + i, STOP])) },
  )
const REQUEST = only(11, 3, 'openLogicalChannel', OPEN_LOGICAL_CHANNEL, 15)
const RESPONSE = only(19, 5, 'openLogicalChannelAck', OPEN_LOGICAL_CHANNEL_ACK, 24)

/** MultimediaSystemControlMessage. */
export const CONTROL_MESSAGE: Type = openChoice([named('request', REQUEST), named('response', RESPONSE), STOP, STOP])
