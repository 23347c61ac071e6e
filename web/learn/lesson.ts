import type { Fact } from '../engine/facts.js'
import type { TextFile } from '../engine/protocol.js'
import type { Language } from '../i18n/index.js'
import type { SampleName } from '../samples.js'

export type Text = Readonly<Record<Language, string>>

export interface Check extends Fact {
  readonly packet: string
}

export interface Lesson {
  readonly id: string
  readonly title: Text
  /** What there is to know before the question: paragraphs, apart by empty lines. */
  readonly text: Text
  readonly snapshot: SampleName | readonly TextFile[]
  readonly packet: string
  readonly question: Text
  readonly choices: readonly (Text & { readonly fact: Fact })[]
  /** Why it is so, beside the walk. */
  readonly because: Text
  readonly task: {
    readonly text: Text
    readonly checks: readonly Check[]
    /** Commands that do it: shown on demand, and held against the checks by a test. */
    readonly solution: readonly string[]
  }
}

/** One host in plain text, as the commands print it. */
export interface HostText {
  /** `NAME ADDRESS/LENGTH …`, one interface a line. */
  readonly links: string
  readonly routes?: string
  readonly rules?: string
  readonly sysctl?: string
  readonly sockets?: string
  readonly iptables?: string
  readonly legacy?: string
}

/** A gateway with a public and a private side. */
export const GATEWAY = {
  links: 'eth0 203.0.113.10/24\nlan0 192.168.1.1/24',
  routes: 'default via 203.0.113.1 dev eth0',
  sockets: 'tcp 0.0.0.0:22\ntcp 0.0.0.0:80\ntcp 0.0.0.0:8080',
}

export function hostFiles(name: string, host: HostText): readonly TextFile[] {
  const links = host.links.split('\n').map((line) => line.split(' '))
  const loopback = '1: lo    inet 127.0.0.1/8 scope host lo'
  const addresses = links.flatMap(([dev, ...all], i) =>
    all.map((address) => `${i + 2}: ${dev}    inet ${address} scope global ${dev}`),
  )
  const routes = links.flatMap(([dev, ...all]) =>
    all.map((address) => `${networkOf(address)} dev ${dev} proto kernel scope link src ${address.split('/')[0]}`),
  )
  const rules = [
    '0:\tfrom all lookup local',
    ...(host.rules?.split('\n') ?? []),
    '32766:\tfrom all lookup main',
    '32767:\tfrom all lookup default',
  ]
  const sysctl = `net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n${host.sysctl ?? ''}`
  const sockets = [
    'Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port',
    ...(host.sockets?.split('\n') ?? []).map(socketLine),
  ]
  const file = (path: string, text: string | undefined) =>
    text === undefined ? [] : [{ path: `${name}/${path}`, text: text.endsWith('\n') ? text : `${text}\n` }]
  return [
    ...file('ip-addr', [loopback, ...addresses].join('\n')),
    ...file('ip-route', [...(host.routes === undefined ? [] : [host.routes]), ...routes].join('\n')),
    ...file('ip-rule', rules.join('\n')),
    ...file('sysctl', sysctl),
    ...file('sockets', sockets.join('\n')),
    ...file('iptables-save', host.iptables),
    ...file('iptables-legacy-save', host.legacy),
  ]
}

function networkOf(address: string): string {
  const [ip, length] = address.split('/') as [string, string]
  const size = 2 ** (32 - Number(length))
  const value = ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const network = Math.floor(value / size) * size
  return `${[24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.')}/${length}`
}

function socketLine(line: string): string {
  const [protocol, local] = line.split(' ')
  return `${protocol} ${protocol === 'tcp' ? 'LISTEN' : 'UNCONN'} 0 128 ${local} 0.0.0.0:*`
}

/** iptables-save text of some tables; chains that are not told have policy ACCEPT. */
export function tables(parts: Readonly<Record<string, string>>): string {
  const BUILTIN: Readonly<Record<string, readonly string[]>> = {
    raw: ['PREROUTING', 'OUTPUT'],
    mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  }
  return Object.entries(parts)
    .map(([table, text]) => {
      const lines = text
        .trim()
        .split('\n')
        .filter((line) => line !== '')
      const told = new Set(lines.flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []))
      const rest = BUILTIN[table]!.filter((chain) => !told.has(chain)).map((chain) => `:${chain} ACCEPT [0:0]`)
      const declared = lines.filter((line) => line.startsWith(':')).map((line) => `${line} [0:0]`)
      return [`*${table}`, ...rest, ...declared, ...lines.filter((line) => !line.startsWith(':')), 'COMMIT'].join('\n')
    })
    .join('\n')
}
