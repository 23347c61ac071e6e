import type { Item } from './item.js'
import type { Position } from './problem.js'
import { Builder, type Line, linesOf, Words } from './words.js'

type Draft = Record<string, unknown>

/** `2: eth0@if5: <FLAGS> …` of `ip link` and `ip addr`; `2: eth0    inet …` of `ip -o addr`. */
const HEAD = /^(\d+): ([^\s:@]+)(?:@([^\s:]+))?(?::\s+<([^>]*)>|:?(?=\s+inet6? )|:?(?=\s+altname ))/

/** Words of the first two lines with a value → key in JSON. */
const VALUES: Readonly<Record<string, string>> = {
  mtu: 'mtu', qdisc: 'qdisc', master: 'master', state: 'operstate', mode: 'linkmode', group: 'group', qlen: 'txqlen', brd: 'broadcast', peer: 'broadcast',
  'link-netnsid': 'link_netnsid', 'link-netns': 'link_netns', vrf: 'vrf', alias: 'ifalias', cost: 'cost',
} // biome-ignore format: a table

/** `ip link`, `ip addr`, with -d, -s or -o, as the objects of `ip -j`. Statistics and what the model has no use for are passed over. */
export function linkObjects(text: string): readonly Item[] {
  const builder = new Builder()
  const links = new Map<number, Draft>()
  const reader = new LinkReader(builder)
  for (const line of linesOf(text).flatMap(unfold)) {
    const head = HEAD.exec(line.text)
    if (head) reader.begin(head, line, links)
    else if (!reader.readLine(line))
      new Words(line).fail(`"${line.text.trim().slice(0, 40)}" is no line of ip link or ip addr`)
  }
  return builder.items([...links.values()])
}

/** `ip -o` puts a backslash where the line would end. Columns stay what they are. */
function unfold({ text, number }: Line): readonly Line[] {
  let at = 0
  return text.split('\\').map((part) => {
    const line = { text: `${' '.repeat(at)}${part}`, number }
    at += part.length + 1
    return line
  })
}

class LinkReader {
  readonly #builder: Builder
  #link: Draft | undefined
  #address: Draft | undefined

  constructor(builder: Builder) {
    this.#builder = builder
  }

  begin([whole, index = '', name, peer, flags]: RegExpExecArray, line: Line, links: Map<number, Draft>): void {
    const position = { line: line.number, column: 1 }
    this.#address = undefined
    this.#link = links.get(Number(index)) ?? this.#builder.object(position)
    links.set(Number(index), this.#link)
    this.#builder.set(this.#link, 'ifindex', Number(index), position)
    this.#builder.set(this.#link, 'ifname', name, { line: line.number, column: index.length + 3 })
    if (flags !== undefined)
      this.#builder.set(
        this.#link,
        'flags',
        flags.split(',').filter((flag) => flag !== ''),
        position,
      )
    if (peer !== undefined) this.#setPeer(peer, position)
    const rest = new Words({ text: `${' '.repeat(whole.length)}${line.text.slice(whole.length)}`, number: line.number })
    if (rest.peek() === 'inet' || rest.peek() === 'inet6') this.#readAddress(rest)
    else this.#readAttributes(rest)
  }

  /** `@if5`: the ifindex of something in another namespace; otherwise a name here. */
  #setPeer(peer: string, position: Position): void {
    const foreign = /^if(\d+)$/.exec(peer)
    if (foreign) this.#builder.set(this.#link!, 'link_index', Number(foreign[1]), position)
    else if (peer !== 'NONE') this.#builder.set(this.#link!, 'link', peer, position)
  }

  /** False for a line that stands in no link or that nobody knows. */
  readLine(line: Line): boolean {
    if (!this.#link) return false
    const words = new Words(line)
    const first = words.peek() ?? ''
    if (/^(RX|TX|altname|alias|vf|prog\/xdp|xdp|valid_lft|\d+$|.*:$)/.test(first)) return true
    if (first.startsWith('link/')) this.#readHardware(words)
    else if (first === 'inet' || first === 'inet6') this.#readAddress(words)
    else if (first === 'hairpin') while (!words.done) readInfoWord(words, this.#link, this.#builder)
    else if (/^[a-z_]+_slave$/.test(first)) this.#readInfo(words, 'info_slave_kind', 'info_slave_data')
    else if (/^[a-z][\w-]*$/.test(first)) this.#readInfo(words, 'info_kind', 'info_data')
    else return false
    return true
  }

  #readAttributes(words: Words): void {
    while (!words.done) {
      const word = words.next('the link')
      const { position } = words
      // `bridge link` says the port's state where `ip link` says the device's, in small letters
      const key = word === 'state' && /^[a-z]/.test(words.peek() ?? '') ? 'state' : VALUES[word]
      if (key && !words.done) this.#builder.set(this.#link!, key, words.next(key), position)
    }
  }

  #readHardware(words: Words): void {
    const { position } = words
    this.#builder.set(this.#link!, 'link_type', words.next('link/').slice('link/'.length), position)
    const at = words.position
    if (/^[\da-f]{2}(:[\da-f]{2})+$|^[\d.]+$/i.test(words.peek() ?? ''))
      this.#builder.set(this.#link!, 'address', words.next('link'), at)
    this.#readAttributes(words)
  }

  /** The kind, then its words; what has a value and what has not differs by kind: those that are asked for are looked up here. */
  #readInfo(words: Words, kindKey: string, dataKey: string): void {
    const info = (this.#link!['linkinfo'] ?? this.#builder.object(words.position)) as Draft
    this.#link!['linkinfo'] = info
    const { position } = words
    const kind = words.next('the kind').replace(/_slave$/, '')
    // `addrgenmode …` alone: a link of no kind
    if (kind === 'addrgenmode' || kind === 'promiscuity') return
    this.#builder.set(info, kindKey, kind, position)
    const data = this.#builder.object(words.position)
    while (!words.done) readInfoWord(words, data, this.#builder)
    this.#builder.set(info, dataKey, data, position)
  }

  #readAddress(words: Words): void {
    const { position } = words
    this.#address = this.#builder.object(position)
    this.#builder.append(this.#link!, 'addr_info', this.#address)
    readAddressWords(words, this.#address, this.#builder)
  }
}

const INFO: Readonly<Record<string, string>> = {
  vlan_filtering: 'vlan_filtering', vlan_protocol: 'vlan_protocol', mcast_flood: 'mcast_flood', bcast_flood: 'bcast_flood', stp_state: 'stp_state', group_fwd_mask: 'group_fwd_mask', no_linklocal_learn: 'no_linklocal_learn',
  locked: 'locked', mab: 'mab', neigh_suppress: 'neigh_suppress', neigh_vlan_suppress: 'neigh_vlan_suppress', proxy_arp: 'proxy_arp', proxy_arp_wifi: 'proxy_arp_wifi', vlan_tunnel: 'vlan_tunnel', mcast_to_unicast: 'mcast_to_unicast', nf_call_iptables: 'nf_call_iptables', nf_call_ip6tables: 'nf_call_ip6tables', nf_call_arptables: 'nf_call_arptables', state: 'state', hairpin: 'hairpin',
  isolated: 'isolated', flood: 'flood', learning: 'learning', local: 'local', remote: 'remote', group: 'group', dev: 'link', dstport: 'port', ttl: 'ttl',
  id: 'id', table: 'table', mode: 'mode', active_slave: 'active_slave', protocol: 'protocol', tos: 'tos', ikey: 'ikey', okey: 'okey',
} // biome-ignore format: a table

const IPV6_INFO: Readonly<Record<string, string>> = { local: 'local6', remote: 'remote6', group: 'group6' }

/** Bare words of tunnels that the model asks for. */
const TUNNEL_FLAGS: ReadonlySet<string> = new Set(['iseq', 'oseq', 'icsum', 'ocsum', 'external'])

function readInfoWord(words: Words, data: Draft, builder: Builder): void {
  const { position } = words
  const word = words.next('the link')
  const key = INFO[word]
  if (word === 'nolearning') builder.set(data, 'learning', false, position)
  else if (word === 'srcport' && !words.done) {
    const range = builder.object(words.position)
    builder.set(range, 'low', words.next(word), words.position)
    builder.set(range, 'high', words.next(word), words.position)
    builder.set(data, 'port_range', range, position)
  } else if (word === 'noudpcsum') builder.set(data, 'udp_csum', false, position)
  else if (word === 'nopmtudisc') builder.set(data, 'pmtudisc', false, position)
  else if (TUNNEL_FLAGS.has(word) && data[word] === undefined) builder.set(data, word, true, position)
  else if (key && !words.done && data[key] === undefined) {
    const at = words.position
    const value = words.next(word)
    builder.set(data, (value.includes(':') && IPV6_INFO[word]) || key, value, at)
  }
}

const BARE_FLAGS = new Set([
  'secondary', 'temporary', 'deprecated', 'tentative', 'dadfailed', 'dynamic', 'nodad', 'optimistic', 'home', 'mngtmpaddr', 'noprefixroute', 'autojoin',
  'permanent', 'stable-privacy',
]) // biome-ignore format: a table

function readAddressWords(words: Words, address: Draft, builder: Builder): void {
  const { position } = words
  const family = words.next('the link')
  builder.set(address, 'family', family, position)
  const at = words.position
  const [local, length] = words.next(family).split('/')
  builder.set(address, 'local', local, at)
  if (length !== undefined) builder.set(address, 'prefixlen', length, at)
  while (!words.done) {
    const here = words.position
    const word = words.next(family)
    const value = words.position
    if (word === 'peer') {
      const [far, bits] = words.next(word).split('/')
      builder.set(address, 'address', far, value)
      if (bits !== undefined) builder.set(address, 'prefixlen', bits, value)
    } else if (word === 'brd') builder.set(address, 'broadcast', words.next(word), value)
    else if (word === 'scope') builder.set(address, 'scope', words.next(word), value)
    else if (
      word === 'metric' ||
      word === 'proto' ||
      word === 'valid_lft' ||
      word === 'preferred_lft' ||
      word === 'any'
    )
      words.next(word)
    else if (BARE_FLAGS.has(word)) builder.set(address, word, true, here)
    else if (word !== 'flags') builder.set(address, 'label', word, here)
    else words.next(word)
  }
}
