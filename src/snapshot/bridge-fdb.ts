import type { FdbEntry } from '../path/world.js'
import { type Item, jsonItems } from './item.js'
import { Builder, linesOf, looksLikeJson, Words } from './words.js'

/** `bridge fdb show`, as JSON or text. Throws InputError. Source: bridge(8). */
export function readFdb(text: string): readonly FdbEntry[] {
  return (looksLikeJson(text) ? jsonItems(text) : fdbObjects(text)).map(toEntry)
}

function toEntry(item: Item): FdbEntry {
  const master = item.text('master')
  return {
    mac: item.need('mac', item.mac('mac')),
    dev: item.need('ifname', item.text('ifname')),
    master,
    remote: item.ip('dst'),
    local: master !== undefined && item.text('state') === 'permanent',
    ...(item.has('vlan') ? { vlan: item.number('vlan')! } : {}),
    ...(master === undefined && item.text('state') === 'permanent' ? { permanent: true } : {}),
  }
}

const VALUES: Readonly<Record<string, string>> = {
  dev: 'ifname', master: 'master', dst: 'dst', vlan: 'vlan', port: 'port', vni: 'vni', src_vni: 'src_vni', via: 'viaIf', nhid: 'nhid',
} // biome-ignore format: a table
const STATES = new Set(['permanent', 'static', 'stale', 'local'])
const FLAGS = new Set(['self', 'offload', 'extern_learn', 'sticky', 'router', 'locked', 'added_by_user'])

function fdbObjects(text: string): readonly Item[] {
  const builder = new Builder()
  return builder.items(linesOf(text).map((line) => readEntry(new Words(line), builder)))
}

function readEntry(words: Words, builder: Builder): Record<string, unknown> {
  const { position: start } = words
  const entry = builder.object(start)
  builder.set(entry, 'mac', words.next('the address'), start)
  while (!words.done) {
    const { position } = words
    const word = words.next('the entry')
    const at = words.position
    if (word in VALUES) builder.set(entry, VALUES[word]!, words.next(word), at)
    else if (STATES.has(word)) builder.set(entry, 'state', word, position)
    else if (word === 'used') words.next(word)
    else if (!FLAGS.has(word)) words.fail(`"${word}" is no word of a forwarding entry`, position)
  }
  return entry
}
