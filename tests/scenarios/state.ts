import { parsePacketLine } from '../../src/packet/language.js'
import type { PacketRequest } from '../../src/packet/request.js'
import { connect } from '../../src/path/connect.js'
import { trace } from '../../src/path/trace.js'
import type { Hosts } from '../../src/path/world.js'
import { readSnapshot } from '../../src/snapshot/index.js'

/** One namespace, told shortly; `state` writes the files that the real commands would print. */
export interface Netns {
  /** Interface → addresses with their prefix lengths; with options where it is no plain Ethernet card. */
  readonly links: Readonly<Record<string, readonly string[] | LinkSpec>>
  /** Lines of `ip route`, besides those that the addresses bring. */
  readonly routes?: readonly string[]
  /** Lines of `ip rule`, besides the kernel's three. */
  readonly rules?: readonly string[]
  readonly sysctl?: Readonly<Record<string, string | number>>
  readonly iptables?: string
  readonly ip6tables?: string
  /** A second backend's tables. */
  readonly legacy?: string
  /** `nft list ruleset`. */
  readonly nft?: string
  /** `tcp 0.0.0.0:22`, one a line. Absent: no list. */
  readonly sockets?: readonly string[]
  readonly neighbours?: readonly string[]
  readonly conntrack?: string
  /** Lines of `bridge fdb`. */
  readonly fdb?: readonly string[]
  /** Other files of the namespace: name in the folder → text. */
  readonly files?: Readonly<Record<string, string>>
}

export interface LinkSpec {
  readonly addresses?: readonly string[]
  readonly kind?: string
  /** What `ip -d link` says of the kind: `{ id: 5 }`. */
  readonly data?: Readonly<Record<string, unknown>>
  /** The device that it stands on: `eth0.5@eth0`. */
  readonly lower?: string
  readonly master?: string
  readonly mac?: string
  readonly mtu?: number
  /** NETNS/LINK at the other end of a veth pair; the host's own namespace is `-`. */
  readonly peer?: string
  readonly hairpin?: boolean
  /** What `ip -d link` says of it as a port. */
  readonly port?: Readonly<Record<string, unknown>>
  readonly down?: boolean
}

export interface HostSpec extends Netns {
  readonly netns?: Readonly<Record<string, Netns>>
}

type Files = { path: string; text: string }[]

/** A host's snapshot, read by the same reader as any other. */
export function state(hosts: Readonly<Record<string, HostSpec>>): Hosts {
  const files: Files = []
  for (const [host, spec] of Object.entries(hosts)) {
    const all: Record<string, Netns> = { '-': spec, ...spec.netns }
    for (const [name, netns] of Object.entries(all))
      files.push(...filesOf(name === '-' ? `${host}/` : `${host}/netns/${name}/`, name, netns, all))
  }
  const read = readSnapshot(files)
  if (!read.ok) throw new Error(read.problems.map(({ message, line }) => `line ${line}: ${message}`).join('\n'))
  return read.hosts
}

const specOf = (link: readonly string[] | LinkSpec): LinkSpec =>
  'length' in link ? { addresses: link as readonly string[] } : (link as LinkSpec)

const ARPLESS: ReadonlySet<string> = new Set(['tun', 'wireguard', 'gre', 'ipip', 'sit', 'xfrm'])

const masterKind = ({ links }: Netns, master: string): string =>
  (links[master] && specOf(links[master]).kind) ?? 'bridge'

/** Interface numbers are given in the order in which the links stand, over all namespaces of a host. */
function numbers(all: Readonly<Record<string, Netns>>): Map<string, number> {
  let next = 2
  return new Map(
    Object.entries(all).flatMap(([name, { links }]) =>
      Object.keys(links).map((link) => [`${name}/${link}`, next++] as const),
    ),
  )
}

function macOf(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`
}

function filesOf(folder: string, name: string, netns: Netns, all: Readonly<Record<string, Netns>>): Files {
  const index = numbers(all)
  const names = Object.keys(all)
  const addr: unknown[] = [
    {
      ifindex: 1,
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
      mtu: 65536,
      link_type: 'loopback',
      address: '00:00:00:00:00:00',
      addr_info: [inet('127.0.0.1/8', 'host')],
    },
  ]
  const link: unknown[] = [
    {
      ifindex: 1,
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
      mtu: 65536,
      link_type: 'loopback',
      address: '00:00:00:00:00:00',
    },
  ]
  const routes: string[] = [
    'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
    'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
  ]
  for (const [ifname, given] of Object.entries(netns.links)) {
    const spec = specOf(given)
    const number = index.get(`${name}/${ifname}`)!
    const arpless = ARPLESS.has(spec.kind ?? '')
    const base = {
      ifindex: number,
      ifname,
      flags: [
        ...(arpless ? ['POINTOPOINT', 'NOARP'] : ['BROADCAST', 'MULTICAST']),
        ...(spec.down ? [] : ['UP', 'LOWER_UP']),
      ],
      mtu: spec.mtu ?? 1500,
      link_type: arpless ? 'none' : 'ether',
      ...(arpless ? {} : { address: spec.mac ?? macOf(number) }),
      ...(spec.lower ? { link: spec.lower } : {}),
      ...(spec.master ? { master: spec.master } : {}),
      ...(spec.peer ? { link_index: index.get(spec.peer), link_netnsid: names.indexOf(spec.peer.split('/')[0]!) } : {}),
    }
    const info = {
      ...(spec.kind || spec.peer ? { info_kind: spec.kind ?? 'veth' } : {}),
      ...(spec.kind === 'bridge'
        ? { info_data: { vlan_filtering: 0, nf_call_iptables: 0, nf_call_ip6tables: 0, ...spec.data } }
        : spec.data
          ? { info_data: spec.data }
          : {}),
      ...(spec.master
        ? {
            info_slave_kind: masterKind(netns, spec.master),
            info_slave_data: spec.port ?? {
              state: 'forwarding',
              hairpin: spec.hairpin ?? false,
              isolated: false,
              learning: true,
              flood: true,
            },
          }
        : {}),
    }
    link.push({ ...base, linkinfo: info })
    addr.push({ ...base, addr_info: (spec.addresses ?? []).map((address) => inet(address, 'global')) })
    for (const address of spec.addresses ?? []) if (!address.includes(':')) routes.push(...connected(address, ifname))
  }
  const text = (path: string, content: string | undefined) =>
    content === undefined ? [] : [{ path: `${folder}${path}`, text: content }]
  return [
    ...text('ip-addr.json', JSON.stringify(addr)),
    ...text('ip-link.json', JSON.stringify(link)),
    ...text('ip-route', `${[...(netns.routes ?? []), ...routes].join('\n')}\n`),
    ...text(
      'ip-rule',
      `0:\tfrom all lookup local\n${(netns.rules ?? []).map((rule) => `${rule}\n`).join('')}32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n`,
    ),
    ...text(
      'sysctl',
      netns.sysctl &&
        Object.entries({ 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.rp_filter': 0, ...netns.sysctl })
          .map(([key, value]) => `${key} = ${value}\n`)
          .join(''),
    ),
    ...text('iptables-save', netns.iptables && save(netns.iptables, 'nf_tables')),
    ...text(
      'ip6tables-save',
      netns.ip6tables && save(netns.ip6tables, 'nf_tables').replace('iptables-save', 'ip6tables-save'),
    ),
    ...text('iptables-legacy-save', netns.legacy && save(netns.legacy, 'legacy')),
    ...text('nft-ruleset.nft', netns.nft),
    ...text('ip-neigh', netns.neighbours?.join('\n')),
    ...text('conntrack', netns.conntrack),
    ...text('bridge-fdb', netns.fdb?.join('\n')),
    ...Object.entries(netns.files ?? {}).flatMap(([path, content]) => text(path, content)),
    ...text(
      'sockets',
      netns.sockets &&
        `Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n${netns.sockets.map(socketLine).join('')}`,
    ),
  ]
}

function inet(address: string, scope: string) {
  const [local, prefixlen] = address.split('/')
  return { family: local!.includes(':') ? 'inet6' : 'inet', local, prefixlen: Number(prefixlen), scope }
}

/** The routes that an IPv4 address brings with it. */
function connected(address: string, dev: string): string[] {
  const [ip, length] = address.split('/') as [string, string]
  const bits = Number(length)
  const value = ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - bits)
  const print = (n: number) => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.')
  const network = Math.floor(value / size) * size
  const own = `local ${ip} dev ${dev} table local proto kernel scope host src ${ip}`
  if (bits === 32) return [own]
  return [
    `${print(network)}/${bits} dev ${dev} proto kernel scope link src ${ip}`,
    own,
    `broadcast ${print(network + size - 1)} dev ${dev} table local proto kernel scope link src ${ip}`,
  ]
}

/** Chains that rules name are declared, so that a scenario holds nothing but what it is about. */
function save(text: string, backend: string): string {
  const builtin = /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/
  const tables = text
    .trim()
    .split(/^\*/m)
    .filter((part) => part.trim() !== '')
  const body = tables.map((part) => {
    const lines = part
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && line !== 'COMMIT')
    const [table, ...rest] = lines
    const declared = new Set(rest.filter((line) => line.startsWith(':')).map((line) => line.slice(1).split(' ')[0]!))
    const used = rest.filter((line) => line.startsWith('-A')).map((line) => line.split(' ')[1]!)
    const missing = [...new Set(used)]
      .filter((chain) => !declared.has(chain))
      .map((chain) => `:${chain} ${builtin.test(chain) ? 'ACCEPT' : '-'} [0:0]`)
    const declarations = rest
      .filter((line) => line.startsWith(':'))
      .map((line) => (/\]$/.test(line) ? line : `${line} [0:0]`))
    return [`*${table}`, ...declarations, ...missing, ...rest.filter((line) => !line.startsWith(':')), 'COMMIT'].join(
      '\n',
    )
  })
  return `# Generated by iptables-save v1.8.9 (${backend})\n${body.join('\n')}\n`
}

function socketLine(socket: string): string {
  const [protocol, local] = socket.split(' ')
  return `${protocol}   ${protocol === 'tcp' ? 'LISTEN' : 'UNCONN'} 0      128    ${local}      0.0.0.0:*\n`
}

export function packet(line: string): PacketRequest {
  const parsed = parsePacketLine(line)
  if (!parsed.ok) throw new Error(`${line}: ${parsed.problem.message}`)
  return parsed.packet
}

/** The only branch of a trace. */
export function traced(hosts: Hosts, line: string) {
  const { branches } = trace(hosts, packet(line))
  if (branches.length !== 1) throw new Error(`${branches.length} branches`)
  return branches[0]!
}

export function connected1(hosts: Hosts, line: string) {
  const { branches } = connect(hosts, packet(line))
  if (branches.length !== 1) throw new Error(`${branches.length} branches`)
  return branches[0]!
}
