import type { Item } from './item.js'

/** As `ip rule show` prints it: `32766:	from all lookup main`. Source: iproute2 ip/iprule.c, print_rule. */
export function ruleText(item: Item): string {
  const { value } = item
  const words: string[] = []
  const say = (key: string, word = key) => {
    if (item.has(key)) words.push(word, `${value[key]}`)
  }
  const bare = (key: string, word: string) => {
    if (value[key] !== undefined) words.push(word)
  }
  bare('not', 'not')
  words.push('from', address(item, 'src', 'srclen') ?? 'all')
  const to = address(item, 'dst', 'dstlen')
  if (to !== undefined) words.push('to', to)
  say('tos')
  if (item.has('fwmark')) words.push('fwmark', `${value['fwmark']}${item.has('fwmask') ? `/${value['fwmask']}` : ''}`)
  say('iif')
  bare('iif_detached', '[detached]')
  say('oif')
  bare('oif_detached', '[detached]')
  bounds(item, 'uid', 'uidrange', words)
  say('ipproto')
  bounds(item, 'sport', 'sport', words)
  bounds(item, 'dport', 'dport', words)
  if (value['l3mdev'] !== undefined) words.push('lookup', '[l3mdev-table]')
  else say('table', 'lookup')
  say('suppress_prefixlen', 'suppress_prefixlength')
  say('suppress_ifgroup')
  say('goto')
  bare('unresolved', '[unresolved]')
  bare('nop', 'nop')
  if (item.has('action') && value['action'] !== 'to_tbl') words.push(`${value['action']}`)
  return `${value['priority']}:\t${words.join(' ')}`
}

function address(item: Item, key: string, length: string): string | undefined {
  if (!item.has(key)) return undefined
  return item.has(length) ? `${item.value[key]}/${item.value[length]}` : `${item.value[key]}`
}

function bounds(item: Item, key: string, word: string, words: string[]): void {
  const { value } = item
  if (item.has(key)) words.push(word, `${value[key]}`)
  else if (item.has(`${key}_start`)) words.push(word, `${value[`${key}_start`]}-${value[`${key}_end`]}`)
}
