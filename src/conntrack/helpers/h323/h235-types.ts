import {
  bitString,
  NOT_ALIGNED,
  NUMBER,
  OID,
  OPEN,
  octets,
  openChoice,
  optional,
  sequence,
  type Type,
  whole,
  wide,
} from './per.js'

/** Tokens of ITU-T H.235 and H.225.0, which stand before what is of interest in one message. */

const TIME = optional(whole(1, 4294967295))
const IDENTIFIER = wide(1, 128)
/** BIT STRING (SIZE (0..2048)). */
const KEY = bitString(2048)
const HASH = bitString()

export const CLEAR_TOKEN: Type = sequence(
  [
    OID,
    TIME,
    optional(IDENTIFIER),
    optional(sequence([KEY, KEY, KEY], OPEN)),
    optional(octets(8, 128)),
    optional(NUMBER),
    optional(sequence([OID, octets()], OPEN)),
    optional(IDENTIFIER),
    optional(sequence([OID, octets()])),
  ],
  { known: 2 },
)

const PARAMETERS = sequence([optional(NUMBER), optional(octets(8, 8))], { known: 1 })
const HASHED = sequence([OID, PARAMETERS, HASH])
const ENCRYPTED = sequence([OID, PARAMETERS, octets()])
/** What is signed stands behind its length, which Linux reads from where it is, aligned or not. */
const SIGNED = sequence([NOT_ALIGNED, OID, PARAMETERS, HASH])

const CRYPTO_TOKEN = openChoice([
  sequence([OID, ENCRYPTED]),
  sequence([OID, SIGNED]),
  sequence([OID, CLEAR_TOKEN, HASHED]),
  ENCRYPTED,
])

/** CryptoH323Token; `alias`: AliasAddress. */
export const cryptoToken = (alias: Type): Type =>
  openChoice([
    sequence([alias, whole(1, 4294967295), HASHED]),
    sequence([IDENTIFIER, whole(1, 4294967295), HASHED]),
    ENCRYPTED,
    ENCRYPTED,
    SIGNED,
    SIGNED,
    SIGNED,
    CRYPTO_TOKEN,
  ])
