import type { Item } from './item.js'

/** A route in one line, as `ip route show` prints it, the table left out and next hops in the same line. Source: iproute2 ip/iproute.c, print_route. */
export function routeText(item: Item): string {
  const { value } = item
  const words: string[] = []
  const say = (key: string, word = key, unless?: string) => {
    const shown = value[key]
    if (shown !== undefined && shown !== null && shown !== unless) words.push(word, `${shown}`)
  }
  if (item.has('type') && value['type'] !== 'unicast') words.push(`${value['type']}`)
  words.push(`${value['dst'] ?? ''}`)
  say('from')
  say('tos')
  say('nhid')
  words.push(...hopText(item))
  say('protocol', 'proto', 'boot')
  say('scope', 'scope', 'global')
  say('prefsrc', 'src')
  say('metric')
  words.push(...item.texts('flags'))
  const realms = item.item('flow')
  if (realms) words.push('realm', `${realms.has('from') ? `${realms.value['from']}/` : ''}${realms.value['to']}`)
  for (const metric of item.items('metrics'))
    words.push(...Object.entries(metric.value).map(([key, shown]) => `${key} ${shown}`))
  say('pref')
  for (const hop of item.items('nexthops'))
    words.push('nexthop', ...hopText(hop), `weight ${hop.value['weight'] ?? 1}`, ...hop.texts('flags'))
  return words.join(' ')
}

function hopText(item: Item): string[] {
  const { value } = item
  const via = item.item('via')
  return [
    ...(via
      ? [`via ${via.value['family']} ${via.value['host']}`]
      : item.has('gateway')
        ? [`via ${value['gateway']}`]
        : []),
    ...(item.has('dev') ? [`dev ${value['dev']}`] : []),
  ]
}
