import type { Random } from '../prng.js'

/** A namespace with a random routing state, as `ip -batch` commands. */
export interface RoutesSpec {
  readonly links: readonly string[]
  /** Links whose other end is up. */
  readonly carriers: readonly string[]
  readonly commands: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
}

type Family = 4 | 6
type Weighted = readonly (readonly [weight: number, value: string])[]

const LINKS = ['r0', 'r1', 'r2', 'r3', 'r4']
/** r3 has no carrier, r4 is down. */
const CARRIERS = ['r0', 'r1', 'r2', 'r4']

const OWN: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.1', '10.0.1.1', '10.1.0.1', '10.2.0.1', '10.2.0.7', '192.0.2.1', '198.51.100.1', '10.3.0.1', '10.4.0.1', '10.5.0.1'],
  6: ['fd00:1::1', 'fd00:2::1', 'fd00:2::7', '2001:db8::1', '2001:db8:1::1', 'fe80::1', 'fe80::2', 'fd00:3::1', 'fd00:4::1', '2002::1'],
} // biome-ignore format: a table

const HOSTS: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.9', '10.0.1.9', '10.1.0.9', '10.1.0.77', '10.1.200.5', '10.2.0.9', '10.2.255.255', '10.3.0.9', '10.3.7.9', '10.3.7.10', '10.4.0.9', '10.5.0.9', '10.0.255.255', '10.1.255.255', '192.0.2.9', '192.0.2.255', '198.51.100.9', '203.0.113.9', '8.8.8.8', '200.0.0.1', '240.0.0.1', '0.1.2.3', '169.254.1.1', '127.0.0.1', '127.0.0.2', '127.255.255.255'],
  6: ['fd00:1::9', 'fd00:1::77', 'fd00:2::9', 'fd00:3::9', 'fd00:3:7::9', 'fd00:4::9', 'fd00:1::', 'fd00:2::', '2001:db8::9', '2001:db8:1::9', '2001:db8:2::9', '2600::1', 'fe80::9', 'fe80::77', '::1', '2002::9', '::ffff:10.0.0.1'],
} // biome-ignore format: a table

const ODD: Readonly<Record<Family, readonly string[]>> = {
  4: ['0.0.0.0', '255.255.255.255', '224.0.0.1', '224.0.0.5', '239.1.1.1'],
  6: ['::', 'ff02::1', 'ff02::2', 'ff05::1', 'ff0e::7', 'ff01::1'],
}

const PREFIXES: Readonly<Record<Family, readonly string[]>> = {
  4: ['default', '0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '10.1.128.0/17', '10.1.0.77/32', '10.2.0.0/16', '10.3.0.0/16', '10.3.7.0/24', '10.3.7.9/32', '10.4.0.0/14', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '8.8.8.8/32', '240.0.0.0/4', '224.0.0.0/4', '239.0.0.0/8', '127.0.0.0/8', '127.0.0.2/32', '10.1.0.1/32', '255.255.255.255/32'],
  6: ['default', '::/1', '2000::/3', 'fd00::/16', 'fd00:1::/64', 'fd00:1::/96', 'fd00:1::77/128', 'fd00:2::/64', 'fd00:3::/48', 'fd00:3:7::/64', 'fd00:3:7::9/128', 'fd00:4::/30', '2001:db8::/32', '2001:db8:1::/64', '2600::1/128', 'fe80::/64', 'fe80::77/128', 'ff00::/8', 'ff05::/16', 'fd00:1::1/128'],
} // biome-ignore format: a table

const LENGTHS: Readonly<Record<Family, readonly number[]>> = {
  4: [8, 16, 16, 16, 24, 24, 30, 31, 32],
  6: [48, 64, 64, 64, 126, 128],
}

const TABLES: Weighted = [[10, 'main'], [4, '100'], [3, '101'], [1, 'default'], [1, 'local']] // biome-ignore format: a table

function addressCommands(random: Random, family: Family): readonly string[] {
  const commands: string[] = []
  // an address on two devices belongs to the one that got it last, which a snapshot does not tell
  const left = [...OWN[family]]
  for (const dev of LINKS)
    for (const ip of random.some(left, random.int(family === 4 && random.chance(0.1) ? 0 : 1, 3))) {
      left.splice(left.indexOf(ip), 1)
      const length = random.pick(LENGTHS[family])
      const scope =
        family === 4
          ? random.weighted([
              [8, ''],
              [1, ' scope link'],
              [1, ' scope host'],
            ])
          : ''
      const peer = random.chance(0.08) ? ` peer ${random.pick(HOSTS[family].slice(0, 8))}/${length}` : `/${length}`
      const broadcast = family === 4 && random.chance(0.5) ? ' brd +' : ''
      const extra = family === 6 ? ` nodad${random.chance(0.15) ? ' preferred_lft 0' : ''}` : `${broadcast}${scope}`
      commands.push(`addr add ${ip}${peer} dev ${dev}${extra}`)
    }
  if (random.chance(0.2) && left.length > 0)
    commands.push(`addr add ${random.pick(left)}/${family === 4 ? 32 : 128} dev lo`)
  return commands
}

function routeCommand(random: Random, family: Family): string {
  const type = random.weighted([
    [14, ''],
    [1, 'blackhole '],
    [1, 'unreachable '],
    [1, 'prohibit '],
    [1, 'throw '],
    [1, 'local '],
    [family === 4 ? 1 : 0, 'broadcast '],
    [family === 4 ? 1 : 0, 'multicast '],
    [family === 6 ? 1 : 0, 'anycast '],
  ])
  const words = [`route append ${type}${random.pick(PREFIXES[family])}`]
  const refusal = ['blackhole ', 'unreachable ', 'prohibit ', 'throw '].includes(type)
  const dev = random.pick(LINKS.slice(0, 4))
  const gateway = () => random.pick([...HOSTS[family].slice(0, 10), ...(family === 6 ? ['fe80::9', 'fe80::77'] : [])])
  if (!refusal) {
    if (type !== '') words.push(`dev ${random.chance(0.2) ? 'lo' : dev}`)
    else if (random.chance(0.12)) {
      const hop = () =>
        `nexthop via ${gateway()} dev ${random.pick(LINKS.slice(0, 4))} weight ${random.int(1, 4)}${random.chance(0.7) ? ' onlink' : ''}`
      words.push(...tail(random, family, refusal), hop(), hop())
      return words.join(' ')
    } else if (random.chance(0.5)) words.push(`dev ${dev}`)
    else words.push(`via ${gateway()} dev ${dev}${random.chance(0.6) ? ' onlink' : ''}`)
  }
  return [...words, ...tail(random, family, refusal)].join(' ')
}

function tail(random: Random, family: Family, refusal: boolean): readonly string[] {
  const words = [`table ${random.weighted(TABLES)}`]
  if (random.chance(0.4)) words.push(`metric ${random.pick([0, 10, 20, 300])}`)
  if (family === 4 && random.chance(0.15)) words.push(`tos ${random.pick(['0x04', '0x08', '0x10', '0x1c', '0x44'])}`)
  if (!refusal && random.chance(0.2)) words.push(`src ${random.pick(OWN[family])}`)
  if (family === 4 && !refusal && random.chance(0.1)) words.push(`scope ${random.pick(['global', 'link', 'host'])}`)
  return words
}

/** Nexthop objects, groups of them, and routes by their numbers. */
function nexthopCommands(random: Random, family: Family): readonly string[] {
  if (random.chance(0.5)) return []
  const commands = ['nexthop add id 9 blackhole']
  for (let id = 1; id <= 4; id++)
    commands.push(
      `nexthop add id ${id} via ${random.pick(HOSTS[family].slice(0, 10))} dev ${random.pick(LINKS.slice(0, 4))}${random.chance(0.7) ? ' onlink' : ''}`,
    )
  commands.push(`nexthop add id 5 dev ${random.pick(LINKS.slice(0, 4))}`)
  commands.push(
    `nexthop add id 10 group ${random
      .some([1, 2, 3, 4], 2)
      .map((id) => `${id},${random.int(1, 4)}`)
      .join('/')}`,
  )
  for (let i = random.int(1, 8); i > 0; i--)
    commands.push(
      `route append ${random.pick(PREFIXES[family])} nhid ${random.pick([1, 2, 3, 4, 5, 9, 10, 10])} ${tail(random, family, true).join(' ')}`,
    )
  return commands
}

const sub = (random: Random, family: Family): string =>
  random.chance(0.5)
    ? random.pick([...HOSTS[family], ...OWN[family]])
    : random.pick(PREFIXES[family].filter((prefix) => prefix !== 'default'))

function ruleCommand(random: Random, family: Family): string {
  const words = [
    `rule add${random.chance(0.1) ? ' not' : ''}`,
    `pref ${random.pick([1, 5, 10, 20, 30, 40, 100, 1000, 32766, 40000])}`,
  ]
  if (random.chance(0.35)) words.push(`from ${sub(random, family)}`)
  if (random.chance(0.25)) words.push(`to ${sub(random, family)}`)
  if (random.chance(0.2)) words.push(`iif ${random.pick([...LINKS.slice(0, 3), 'lo', 'gone0'])}`)
  if (random.chance(0.1)) words.push(`oif ${random.pick([...LINKS.slice(0, 3), 'lo'])}`)
  if (random.chance(0.3)) words.push(`fwmark ${random.pick(['1', '2', '0x4000/0x4000', '0x0/0xff', '3/0xf'])}`)
  if (random.chance(0.1)) words.push(`tos ${random.pick(['0x04', '0x10', '0x1c'])}`)
  if (random.chance(0.1)) words.push(`ipproto ${random.pick(['tcp', 'udp', 'icmp'])}`)
  if (random.chance(0.06)) words.push(`sport ${random.pick(['1000', '1000-2000'])}`)
  if (random.chance(0.06)) words.push(`dport ${random.pick(['53', '80-443'])}`)
  if (random.chance(0.06)) words.push(`uidrange ${random.pick(['0-0', '1000-2000', '0-65535'])}`)
  words.push(actionOf(random))
  return words.join(' ')
}

function actionOf(random: Random): string {
  const kind = random.weighted([
    [14, 'lookup'],
    [1, 'goto'],
    [1, 'nop'],
    [1, 'blackhole'],
    [1, 'unreachable'],
    [1, 'prohibit'],
  ])
  if (kind === 'goto') return `goto ${random.pick([40, 100, 1000, 32766, 32767, 50000])}`
  if (kind !== 'lookup') return kind
  const suppress = random.weighted([
    [6, ''],
    [1, ' suppress_prefixlength 0'],
    [1, ' suppress_prefixlength 16'],
    [1, ' suppress_ifgroup 7'],
  ])
  return `lookup ${random.pick(['main', '100', '101', '100', '101', 'default', 'local', '55'])}${suppress}`
}

export function randomNamespace(random: Random, family: Family): RoutesSpec {
  const commands = LINKS.filter((name) => name !== 'r4').map((name) => `link set ${name} up`)
  if (random.chance(0.5)) commands.push(`link set ${random.pick(LINKS.slice(0, 3))} group 7`)
  commands.push(...addressCommands(random.fork('addresses'), family))
  const routes = random.fork('routes')
  for (let i = random.int(4, 40); i > 0; i--) commands.push(routeCommand(routes, family))
  commands.push(...nexthopCommands(random.fork('nexthops'), family))
  const rules = random.fork('rules')
  if (random.chance(0.65)) for (let i = random.int(1, 12); i > 0; i--) commands.push(ruleCommand(rules, family))
  if (random.chance(0.08)) commands.push('rule add pref 500 lookup local', 'rule del pref 0')
  return { links: LINKS, carriers: CARRIERS, commands, sysctls: sysctls(random.fork('sysctls'), family) }
}

function sysctls(random: Random, family: Family): Readonly<Record<string, string>> {
  const values: Record<string, string> = {}
  if (family === 6) {
    values['net.ipv6.conf.all.forwarding'] = random.chance(0.85) ? '1' : '0'
    for (const dev of LINKS.slice(0, 4))
      if (random.chance(0.2)) values[`net.ipv6.conf.${dev}.ignore_routes_with_linkdown`] = '1'
    return values
  }
  values['net.ipv4.ip_forward'] = random.chance(0.85) ? '1' : '0'
  for (const dev of ['all', ...LINKS.slice(0, 4)]) {
    const set = (name: string, probability: number, value = '1') => {
      if (random.chance(probability)) values[`net.ipv4.conf.${dev}.${name}`] = value
    }
    set('rp_filter', 0.25, random.pick(['1', '2']))
    set('accept_local', 0.1)
    set('route_localnet', 0.1)
    set('src_valid_mark', 0.1)
    set('send_redirects', 0.3, '0')
    set('ignore_routes_with_linkdown', 0.2)
    if (dev !== 'all') set('forwarding', 0.1, '0')
  }
  return values
}

/** The words behind `ip route get`. */
export function randomQuery(random: Random, family: Family): string {
  const any = () =>
    random.weighted([
      [6, random.pick(HOSTS[family])],
      [2, random.pick(OWN[family])],
      [1, random.pick(ODD[family])],
    ])
  const to = any()
  const words = [to]
  // of multicast that comes in the multicast routing table is asked, not this one (inet6_rtm_getroute: ip6mr_get_route)
  const input = random.chance(0.5) && !(family === 6 && to.startsWith('ff'))
  if (input) words.push(`from ${any()}`, `iif ${random.pick([...LINKS.slice(0, 4), ...LINKS.slice(0, 3), 'lo'])}`)
  else {
    if (random.chance(0.3)) words.push(`from ${random.chance(0.8) ? random.pick(OWN[family]) : any()}`)
    if (random.chance(0.2)) words.push(`oif ${random.pick([...LINKS, 'lo'])}`)
    if (random.chance(0.1)) words.push(`uid ${random.pick([0, 1000, 70000])}`)
  }
  if (random.chance(0.35)) words.push(`mark ${random.pick([1, 2, 3, 0x4000, 0x4001])}`)
  if (random.chance(0.2)) words.push(`tos ${random.pick(['0x04', '0x08', '0x10', '0x1c', '0x20', '0xb8', '0x02'])}`)
  if (random.chance(0.3)) {
    const protocol = random.pick([6, 17])
    words.push(`ipproto ${protocol}`)
    if (random.chance(0.5)) words.push(`sport ${random.pick([1000, 1500, 3000])}`)
    if (random.chance(0.5)) words.push(`dport ${random.pick([53, 80, 100, 8080])}`)
  }
  return words.join(' ')
}
