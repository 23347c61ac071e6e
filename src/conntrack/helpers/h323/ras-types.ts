import { ADDRESS, ALIASES, CALL_TYPE, ENDPOINT, NON_STANDARD, VENDOR } from './h225-types.js'
import {
  choice,
  FLAG,
  NOTHING,
  named,
  OID,
  openChoice,
  optional,
  type Part,
  STOP,
  sequence,
  sequenceOf,
  type Type,
  whole,
  wide,
} from './per.js'

/** RasMessage of ITU-T H.225.0 as far as there are addresses in it, and for how long a registration counts. */

const NUMBER = whole(1, 65535)
const IDENTIFIER = wide(1, 128)
const LONG = whole(0, 4294967295)
const CALL_MODEL = openChoice([NOTHING, NOTHING])
const ADDRESSES = sequenceOf(ADDRESS, { most: 10 })
const SIGNAL_ADDRESSES = named('callSignalAddress', ADDRESSES)
const RAS_ADDRESS = named('rasAddress', ADDRESS)
/** Alternates, the time to live, and what is of no interest. */
const REGISTERED = { 1: named('timeToLive', whole(1, 4294967295)), 2: STOP }

/** What Linux reads to its end or stops in. */
const cut = (optionals: number, root: readonly (Part | Type)[]): Type =>
  sequence([...root, STOP], { known: 0, optionals })

const MESSAGES: Readonly<Record<number, Part>> = {
  0: named('gatekeeperRequest', cut(4, [NUMBER, OID, optional(NON_STANDARD), RAS_ADDRESS])),
  1: named(
    'gatekeeperConfirm',
    sequence([NUMBER, OID, optional(NON_STANDARD), optional(IDENTIFIER), RAS_ADDRESS], { known: 9, at: { 0: STOP } }),
  ),
  3: named(
    'registrationRequest',
    sequence(
      [
        NUMBER,
        OID,
        optional(NON_STANDARD),
        FLAG,
        SIGNAL_ADDRESSES,
        named('rasAddress', ADDRESSES),
        ENDPOINT,
        optional(ALIASES),
        optional(IDENTIFIER),
        VENDOR,
      ],
      { known: 21, at: REGISTERED },
    ),
  ),
  4: named(
    'registrationConfirm',
    sequence(
      [NUMBER, OID, optional(NON_STANDARD), SIGNAL_ADDRESSES, optional(ALIASES), optional(IDENTIFIER), IDENTIFIER],
      { known: 17, at: REGISTERED },
    ),
  ),
  6: named('unregistrationRequest', cut(3, [NUMBER, SIGNAL_ADDRESSES])),
  9: named(
    'admissionRequest',
    cut(7, [
      NUMBER,
      CALL_TYPE,
      optional(CALL_MODEL),
      IDENTIFIER,
      optional(ALIASES),
      optional(named('destCallSignalAddress', ADDRESS)),
      optional(ALIASES),
      ALIASES,
      optional(named('srcCallSignalAddress', ADDRESS)),
    ]),
  ),
  10: named('admissionConfirm', cut(2, [NUMBER, LONG, CALL_MODEL, named('destCallSignalAddress', ADDRESS)])),
  18: named(
    'locationRequest',
    sequence([NUMBER, optional(IDENTIFIER), ALIASES, optional(NON_STANDARD), named('replyAddress', ADDRESS)], {
      known: 12,
      at: { 0: STOP },
    }),
  ),
  19: named('locationConfirm', cut(1, [NUMBER, named('callSignalAddress', ADDRESS), RAS_ADDRESS])),
  22: named(
    'infoRequestResponse',
    cut(3, [optional(NON_STANDARD), NUMBER, ENDPOINT, IDENTIFIER, RAS_ADDRESS, SIGNAL_ADDRESSES]),
  ),
}

const ROOT = 24
const KNOWN = 32

/** Where one of its messages is of interest, it is kept under its name. */
export const RAS_MESSAGE: Type = choice(
  Array.from({ length: ROOT }, (_, i) => MESSAGES[i] ?? STOP),
  { known: KNOWN, at: Object.fromEntries(Array.from({ length: KNOWN - ROOT }, (_, i) => [ROOT + i, STOP])) },
)
