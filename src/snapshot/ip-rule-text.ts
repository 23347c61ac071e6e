import type { Item } from './item.js'
import { Builder, linesOf, Words } from './words.js'

/** Words with a value → their key in the JSON of `ip -j rule`. */
const VALUES: Readonly<Record<string, string>> = {
  tos: 'tos', dsfield: 'tos', iif: 'iif', oif: 'oif', ipproto: 'ipproto', goto: 'goto', suppress_ifgroup: 'suppress_ifgroup',
  suppress_prefixlength: 'suppress_prefixlen', suppress_prefixlen: 'suppress_prefixlen', protocol: 'protocol', proto: 'protocol',
} // biome-ignore format: a table

const RANGES: Readonly<Record<string, string>> = { sport: 'sport', dport: 'dport', uidrange: 'uid' }
const ACTIONS = new Set(['blackhole', 'unreachable', 'prohibit'])
/** Words of their own → the key that JSON has for them. */
const BARE: Readonly<Record<string, string>> = { not: 'not', nop: 'nop', '[unresolved]': 'unresolved' }

type Draft = Record<string, unknown>

/** The lines of `ip rule show` as the objects of `ip -j rule show`. */
export function ruleObjects(text: string): readonly Item[] {
  const builder = new Builder()
  return builder.items(
    linesOf(text).map((line) => {
      const words = new Words(line)
      const rule = builder.object(words.position)
      const { position } = words
      const priority = words.next('the priority')
      if (!/^\d+:$/.test(priority)) words.fail(`"${priority}" is no priority of a rule`, position)
      builder.set(rule, 'priority', Number(priority.slice(0, -1)), position)
      while (!words.done) readWord(words, rule, builder)
      return rule
    }),
  )
}

function readWord(words: Words, rule: Draft, builder: Builder): void {
  const { position } = words
  const word = words.next('the rule')
  const at = words.position
  if (word in BARE) builder.set(rule, BARE[word]!, null, position)
  else if (word === 'from' || word === 'to') readAddress(words, rule, builder, word === 'from' ? 'src' : 'dst')
  else if (word === '[detached]')
    builder.set(rule, rule['oif'] === undefined ? 'iif_detached' : 'oif_detached', null, position)
  else if (ACTIONS.has(word)) builder.set(rule, 'action', word, position)
  else if (word === 'lookup' || word === 'table') {
    const table = words.next(word)
    if (table === '[l3mdev-table]') builder.set(rule, 'l3mdev', null, at)
    else builder.set(rule, 'table', table, at)
  } else if (word === 'fwmark') {
    const [mark, mask] = words.next(word).split('/')
    builder.set(rule, 'fwmark', mark, at)
    if (mask !== undefined) builder.set(rule, 'fwmask', mask, at)
  } else if (word in RANGES) readRange(words, rule, builder, RANGES[word]!)
  else if (word === 'realms') words.next(word)
  else if (word in VALUES) builder.set(rule, VALUES[word]!, words.next(word), at)
  else words.fail(`"${word}" is no word of a rule`, position)
}

function readAddress(words: Words, rule: Draft, builder: Builder, key: string): void {
  const { position } = words
  const [address, length] = words.next(key === 'src' ? 'from' : 'to').split('/')
  builder.set(rule, key, address, position)
  if (length !== undefined) builder.set(rule, `${key}len`, length, position)
}

function readRange(words: Words, rule: Draft, builder: Builder, key: string): void {
  const { position } = words
  const [from, to] = words.next(key).split('-')
  builder.set(rule, to === undefined ? key : `${key}_start`, from, position)
  if (to !== undefined) builder.set(rule, `${key}_end`, to, position)
}
