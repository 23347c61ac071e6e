import { CLEAR_TOKEN, cryptoToken } from './h235-types.js'
import { CONTROL_MESSAGE, OPEN_LOGICAL_CHANNEL } from './h245-types.js'
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
  wide,
} from './per.js'

/** Messages of ITU-T H.225.0 as far as there are addresses in them. */

const H221 = sequence([whole(0, 255), whole(0, 255), WORD], OPEN)
export const NON_STANDARD: Type = sequence([openChoice([OID, H221]), octets()])

/** TransportAddress. */
export const ADDRESS: Type = openChoice([
  named('ipAddress', sequence([named('ip', octets(4, 4)), WORD])),
  sequence([octets(4, 4), WORD, sequenceOf(octets(4, 4)), openChoice([NOTHING, NOTHING])], OPEN),
  sequence([octets(6, 6), octets(4, 4), octets(2, 2)]),
  named('ip6Address', sequence([named('ip', octets(16, 16)), WORD], OPEN)),
  octets(16, 16),
  octets(1, 20),
  NON_STANDARD,
])

/** AliasAddress: dialed digits, a name; others are additions. */
const ALIAS = openChoice([digits(1, 128), wide(1, 256)], 7)
export const ALIASES: Type = sequenceOf(ALIAS)

/** VendorIdentifier. */
export const VENDOR: Type = sequence([H221, optional(octets(1, 256)), optional(octets(1, 256))], OPEN)

const withNonStandard = (known: number): Type => sequence([optional(NON_STANDARD)], { known })
const PROTOCOLS = sequenceOf(openChoice([NON_STANDARD, ...Array.from({ length: 8 }, () => withNonStandard(2))], 11))

/** EndpointType: gatekeeper, gateway, MCU, terminal. */
export const ENDPOINT: Type = sequence(
  [
    optional(NON_STANDARD),
    optional(VENDOR),
    optional(withNonStandard(0)),
    optional(sequence([optional(PROTOCOLS), optional(NON_STANDARD)], OPEN)),
    optional(withNonStandard(1)),
    optional(withNonStandard(0)),
    FLAG,
    FLAG,
  ],
  { known: 2 },
)

export const CALL_TYPE: Type = openChoice([NOTHING, NOTHING, NOTHING, NOTHING])
const SERVICES = sequence([FLAG, FLAG, FLAG, FLAG, FLAG, FLAG, FLAG, sequence([FLAG, FLAG], OPEN)], OPEN)
const CONFERENCE = octets(16, 16)
const FAST_START = named('fastStart', sequenceOf(OPEN_LOGICAL_CHANNEL, { open: true, most: 30 }))
const H245_ADDRESS = named('h245Address', ADDRESS)

const SETUP = sequence(
  [
    OID,
    optional(H245_ADDRESS),
    optional(ALIASES),
    ENDPOINT,
    optional(ALIASES),
    optional(named('destCallSignalAddress', ADDRESS)),
    optional(ALIASES),
    optional(sequenceOf(WORD)),
    FLAG,
    CONFERENCE,
    openChoice([NOTHING, NOTHING, NOTHING], 5),
    optional(SERVICES),
    CALL_TYPE,
  ],
  // what follows is the endpoint identifier, at which Linux stops: what comes behind the message is then read from there
  { known: 26, at: { 0: named('sourceCallSignalAddress', ADDRESS), 6: FAST_START, 9: STOP } },
)

/** Call Proceeding and Alerting. */
const underWay = (known: number): Type =>
  sequence([OID, ENDPOINT, optional(H245_ADDRESS)], { known, at: { 4: FAST_START } })

const CONNECT = sequence([OID, optional(H245_ADDRESS), ENDPOINT, CONFERENCE], { known: 15, at: { 4: FAST_START } })

const FACILITY = sequence(
  [
    OID,
    optional(named('alternativeAddress', ADDRESS)),
    optional(ALIASES),
    optional(CONFERENCE),
    named('reason', openChoice([NOTHING, named('callForwarded', NOTHING), NOTHING, NOTHING], 11)),
  ],
  { known: 16, at: { 6: H245_ADDRESS, 7: FAST_START } },
)

const SECURITY_MODE = openChoice([NON_STANDARD, NOTHING, NOTHING])
const CAPABILITIES = sequence([optional(NON_STANDARD), SECURITY_MODE, SECURITY_MODE, SECURITY_MODE], OPEN)
const PROGRESS = sequence(
  [
    OID,
    ENDPOINT,
    optional(H245_ADDRESS),
    sequence([octets(16, 16)], OPEN),
    optional(openChoice([NON_STANDARD, NOTHING, CAPABILITIES, CAPABILITIES])),
    optional(sequenceOf(CLEAR_TOKEN)),
    optional(sequenceOf(cryptoToken(ALIAS))),
    optional(FAST_START),
  ],
  { known: 3 },
)

const INFORMATION = sequence([OID], { known: 6 })
const REASONS = openChoice(
  Array.from({ length: 12 }, () => NOTHING),
  22,
)
const RELEASE_COMPLETE = sequence([OID, optional(REASONS)], { known: 9 })

const BODY = choice(
  [
    named('setup', SETUP),
    named('callProceeding', underWay(9)),
    named('connect', CONNECT),
    named('alerting', underWay(14)),
    INFORMATION,
    RELEASE_COMPLETE,
    named('facility', FACILITY),
  ],
  { known: 13, at: { 7: named('progress', PROGRESS) } },
)

const PDU = sequence([named('body', BODY), optional(NON_STANDARD)], {
  known: 9,
  at: { 2: named('h245Control', sequenceOf(CONTROL_MESSAGE, { open: true, most: 4 })), 3: STOP },
})

/** H323-UserInformation: `pdu` with `body` and `h245Control`. */
export const USER_INFORMATION: Type = sequence([named('pdu', PDU), STOP], { known: 0, optionals: 1 })
