import { findNodeAtLocation, type ParseError, parse, parseTree, printParseErrorCode } from 'jsonc-parser'
import { type Ip, parseIp } from '../address/ip.js'
import { type Mac, parseMac } from '../address/mac.js'
import { type Prefix, parsePrefix } from '../address/prefix.js'
import { InputError, type Position, positionOf, START } from './problem.js'

export type Fields = Readonly<Record<string, unknown>>

/** Where an object, or one of its keys, stands in the input. */
export interface Places {
  of(object: object, key: string | undefined): Position
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * One object of what a command printed: as its JSON has it, or as a reader of its plain text put it together under the same keys. Getters give
 * `undefined` for a key that is absent, and throw InputError, with the value's place, for one that is something else than was asked for.
 */
export class Item {
  readonly value: Fields
  readonly #places: Places

  constructor(value: Fields, places: Places) {
    this.value = value
    this.#places = places
  }

  fail(key: string | undefined, message: string): never {
    throw new InputError(message, this.#places.of(this.value, key))
  }

  has(key: string): boolean {
    return this.value[key] !== undefined && this.value[key] !== null
  }

  #bad(key: string, what: string): never {
    return this.fail(key, `${key} ${JSON.stringify(this.value[key])} is not ${what}`)
  }

  text(key: string): string | undefined {
    const value = this.value[key] ?? undefined
    return value === undefined || typeof value === 'string' ? value : this.#bad(key, 'a text')
  }

  /** A number, or digits (decimal, or hex after `0x`): several versions of iproute2 quote theirs. */
  number(key: string): number | undefined {
    const value = this.value[key] ?? undefined
    if (value === undefined) return undefined
    const number = typeof value === 'string' && /^(0x[\da-f]+|\d+)$/i.test(value) ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? number : this.#bad(key, 'a number')
  }

  /** Booleans; `null` stands for "set" where iproute2 prints a bare key; numbers and on/off of plain text. */
  flag(key: string): boolean | undefined {
    if (!(key in this.value)) return undefined
    const value = this.value[key]
    if (value === null || value === true || value === 1 || value === 'on') return true
    if (value === undefined) return undefined
    return value === false || value === 0 || value === 'off' ? false : this.#bad(key, 'true or false')
  }

  ip(key: string): Ip | undefined {
    const text = this.text(key)
    return text === undefined ? undefined : (parseIp(text) ?? this.#bad(key, 'an IP address'))
  }

  prefix(key: string): Prefix | undefined {
    const text = this.text(key)
    return text === undefined ? undefined : (parsePrefix(text) ?? this.#bad(key, 'an address or prefix'))
  }

  mac(key: string): Mac | undefined {
    const text = this.text(key)
    return text === undefined ? undefined : (parseMac(text) ?? this.#bad(key, 'a MAC address'))
  }

  texts(key: string): readonly string[] {
    const value = this.value[key] ?? []
    return Array.isArray(value) && value.every((one) => typeof one === 'string')
      ? value
      : this.#bad(key, 'a list of texts')
  }

  item(key: string): Item | undefined {
    const value = this.value[key] ?? undefined
    return value === undefined
      ? undefined
      : isObject(value)
        ? new Item(value, this.#places)
        : this.#bad(key, 'an object')
  }

  items(key: string): readonly Item[] {
    const value = this.value[key] ?? []
    return Array.isArray(value) && value.every(isObject)
      ? value.map((one) => new Item(one, this.#places))
      : this.#bad(key, 'a list of objects')
  }

  /** The value of a key that every such object has. */
  need<T>(key: string, value: T | undefined): T {
    return value ?? this.fail(key, `${key} is missing`)
  }
}

/** Fails with the place at which it stops being JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const errors: ParseError[] = []
    parse(text, errors, { disallowComments: true, allowTrailingComma: false })
    const [first] = errors
    // what the forgiving parser takes and JSON.parse does not (a control character within a string, say) has no place
    if (!first) throw new InputError('this is not JSON', START)
    const name = printParseErrorCode(first.error)
    const said = name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`).toLowerCase()
    throw new InputError(`not JSON: ${said}`, positionOf(text, first.offset))
  }
}

/** Several documents one after the other, as two commands into one file leave them (`ip -j …; ip -6 -j …`), one per line. */
function parseDocuments(text: string): readonly unknown[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > 1 && lines.every((line) => line.startsWith('[') && line.trimEnd().endsWith(']'))) {
    try {
      return lines.map((line) => JSON.parse(line) as unknown)
    } catch {
      // one document on several lines after all
    }
  }
  return [parseJson(text)]
}

/** The objects of a JSON array of objects. Empty ones, as older versions of iproute2 leave them, are left out. */
export function jsonItems(text: string): readonly Item[] {
  const documents = parseDocuments(text)
  const places = jsonPlaces(text, documents)
  return documents.flatMap((root) => {
    if (!Array.isArray(root)) throw new InputError('this is not a list of objects', START)
    return root
      .filter((one) => !isObject(one) || Object.keys(one).length > 0)
      .map((one, index) => {
        if (!isObject(one)) throw new InputError(`entry ${index + 1} is no object`, START)
        return new Item(one, places)
      })
  })
}

/** A JSON document that is one object. */
export function jsonItem(text: string): Item {
  const root = parseJson(text)
  if (!isObject(root)) throw new InputError('this is not an object', START)
  return new Item(root, jsonPlaces(text, [root]))
}

/** Looked up only where something is wrong. */
const jsonPlaces = (text: string, documents: readonly unknown[]): Places => ({
  of(object, key) {
    const [root] = documents
    const path = documents.length === 1 ? pathTo(root, object) : undefined
    const tree = path && parseTree(text)
    const node =
      tree && (findNodeAtLocation(tree, key === undefined ? path : [...path, key]) ?? findNodeAtLocation(tree, path))
    return node ? positionOf(text, node.offset) : START
  },
})

function pathTo(from: unknown, object: object): (string | number)[] | undefined {
  if (from === object) return []
  if (typeof from !== 'object' || from === null) return undefined
  for (const [key, value] of Object.entries(from)) {
    const rest = pathTo(value, object)
    if (rest) return [Array.isArray(from) ? Number(key) : key, ...rest]
  }
  return undefined
}
