import type { Neighbour } from '../path/world.js'
import { type Item, jsonItems } from './item.js'
import { Builder, linesOf, looksLikeJson, Words } from './words.js'

/** NUD_* as `ip neigh` names them (<linux/neighbour.h>). */
const STATES = new Set(['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT', 'NONE'])

/** `ip neigh show`, as JSON or text, both families. Proxy entries are left out. Throws InputError. Source: ip-neighbour(8). */
export function readNeighbours(text: string): readonly Neighbour[] {
  const items = looksLikeJson(text) ? jsonItems(text) : neighbourObjects(text)
  return items.filter((item) => item.value['proxy'] === undefined).map(toNeighbour)
}

function toNeighbour(item: Item): Neighbour {
  return {
    ip: item.need('dst', item.ip('dst')),
    dev: item.need('dev', item.text('dev')),
    // tunnels without link addresses print an IP address, or nothing
    mac: item.text('lladdr')?.split(':').length === 6 ? item.mac('lladdr') : undefined,
    state: item.texts('state').join(',') || 'NONE',
  }
}

const VALUES = new Set(['dev', 'lladdr', 'nhid', 'protocol', 'proto', 'probes', 'ref', 'vlan', 'vni', 'port'])
const BARE = new Set(['router', 'proxy', 'extern_learn', 'extern_valid', 'managed', 'offload', 'use'])

function neighbourObjects(text: string): readonly Item[] {
  const builder = new Builder()
  return builder.items(linesOf(text).map((line) => readNeighbour(new Words(line), builder)))
}

function readNeighbour(words: Words, builder: Builder): Record<string, unknown> {
  const { position: start } = words
  const neighbour = builder.object(start)
  builder.set(neighbour, 'dst', words.next('the address'), start)
  while (!words.done) {
    const { position } = words
    const word = words.next('the neighbour')
    if (VALUES.has(word)) {
      const at = words.position
      builder.set(neighbour, word, words.next(word), at)
    } else if (word === 'used') words.next(word)
    else if (BARE.has(word)) builder.set(neighbour, word, null, position)
    else if (STATES.has(word)) builder.append(neighbour, 'state', word)
    else words.fail(`"${word}" is no word of a neighbour`, position)
  }
  return neighbour
}
