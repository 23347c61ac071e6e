import { readFileSync } from 'node:fs'
import { Agent, type ToolResult } from '../agent.js'

/** One node of the cluster: what is on it, and what the other has to know of it. */
interface Node {
  readonly name: string
  readonly number: 0 | 1
  readonly address: string
  /** Its end of the tunnel. */
  readonly tunnelMac: string
  readonly pods: readonly { readonly name: string; readonly octet: number }[]
}

export const NODES: readonly Node[] = [
  { name: 'node1', number: 0, address: '192.168.50.11', tunnelMac: '0e:00:00:00:00:00', pods: [{ name: 'coredns-a', octet: 2 }, { name: 'shell', octet: 3 }] },
  { name: 'node2', number: 1, address: '192.168.50.12', tunnelMac: '0e:00:00:00:00:01', pods: [{ name: 'coredns-b', octet: 2 }, { name: 'web', octet: 3 }] },
] // biome-ignore format: a table

const CLIENT = '192.168.50.100'

/** Two Kubernetes nodes, four pods and somebody outside on the nodes' LAN, in namespaces of their own. */
export class Cluster {
  readonly #agent = new Agent('hosts/hosts.py')
  #paths: Readonly<Record<string, string>> = {}

  /** `rules`: a folder with `node1/iptables-save` and `node2/iptables-save`: what kube-proxy and flannel wrote. */
  static async build(rules: string): Promise<Cluster> {
    const cluster = new Cluster()
    try {
      await cluster.#build(rules)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async #build(rules: string): Promise<void> {
    const names = ['lan', 'client', ...NODES.flatMap(({ name, pods }) => [name, ...pods.map((pod) => pod.name)])]
    this.#paths = (await this.#agent.ask('make', { names }))['paths']
    await this.#ip('lan', ['link set lo up', 'link add lan0 type bridge', 'link set lan0 up'])
    await this.#ip('client', [
      `link add eth0 type veth peer name client netns ${this.#paths['lan']}`,
      'link set lo up',
      `addr add ${CLIENT}/24 dev eth0`,
      'link set eth0 up',
      // beyond the nodes, where they let nobody through
      'route add 203.0.113.0/24 via 192.168.50.11',
    ])
    for (const node of NODES) await this.#node(node)
    await this.#ip(
      'lan',
      [...NODES.map(({ name }) => name), 'client'].map((port) => `link set ${port} master lan0 up`),
    )
    for (const { name } of NODES)
      await this.must(name, ['iptables-restore'], readFileSync(`${rules}/${name}/iptables-save`, 'utf8'))
    await this.#agent.ask('serve', { at: 'web', protocol: 'tcp', port: 8080 })
    await this.#agent.ask('serve', { at: 'node1', protocol: 'tcp', port: 6443 })
    for (const dns of ['coredns-a', 'coredns-b']) await this.#agent.ask('serve', { at: dns, protocol: 'udp', port: 53 })
  }

  async #node({ name, number, address, tunnelMac, pods }: Node): Promise<void> {
    const other = NODES[1 - number]!
    await this.#ip(name, [
      `link add eth0 type veth peer name ${name} netns ${this.#paths['lan']}`,
      'link set lo up',
      `addr add ${address}/24 dev eth0`,
      'link set eth0 up',
      'route add default via 192.168.50.1',
      'link add cni0 type bridge',
      `addr add 10.244.${number}.1/24 dev cni0`,
      'link set cni0 up',
      `link add flannel.1 address ${tunnelMac} mtu 1450 type vxlan id 1 local ${address} dev eth0 dstport 8472 nolearning`,
      `addr add 10.244.${number}.0/32 dev flannel.1`,
      'link set flannel.1 up',
      `route add 10.244.${other.number}.0/24 via 10.244.${other.number}.0 dev flannel.1 onlink`,
      `neigh add 10.244.${other.number}.0 lladdr ${other.tunnelMac} dev flannel.1 nud permanent`,
    ])
    await this.must(name, [
      'bridge',
      'fdb',
      'append',
      other.tunnelMac,
      'dev',
      'flannel.1',
      'dst',
      other.address,
      'self',
      'permanent',
    ])
    await this.#agent.ask('sysctl', {
      at: name,
      values: {
        'net.ipv4.ip_forward': '1',
        'net.netfilter.nf_conntrack_acct': '1',
        'net.bridge.bridge-nf-call-iptables': '1',
      },
    })
    for (const { name: pod, octet } of pods) {
      await this.#ip(pod, [
        `link add eth0 type veth peer name veth${octet} netns ${this.#paths[name]}`,
        'link set lo up',
        `addr add 10.244.${number}.${octet}/24 dev eth0`,
        'link set eth0 up',
        `route add default via 10.244.${number}.1`,
      ])
      await this.#ip(name, [`link set veth${octet} master cni0 up`])
      await this.must(name, ['bridge', 'link', 'set', 'dev', `veth${octet}`, 'hairpin', 'on'])
    }
  }

  async #ip(at: string, lines: readonly string[]): Promise<void> {
    await this.must(at, ['ip', '-batch', '-'], `${lines.join('\n')}\n`)
  }

  async run(at: string, argv: readonly string[], input = ''): Promise<ToolResult> {
    return (await this.#agent.ask('run', { at, argv, input })) as unknown as ToolResult
  }

  async must(at: string, argv: readonly string[], input = ''): Promise<string> {
    const { status, out, err } = await this.run(at, argv, input)
    if (status !== 0) throw new Error(`${at}: ${argv.join(' ')}: ${err || out}\n${input}`)
    return out
  }

  /** A folder of folders as the snapshot's files: both nodes with their pods. */
  async snapshot(): Promise<readonly { readonly path: string; readonly text: string }[]> {
    const files: { readonly path: string; readonly text: string }[] = []
    const collect = async (at: string, folder: string) => {
      for (const [name, argv] of COMMANDS) {
        const { out } = await this.run(at, argv)
        const text = name === 'sysctl' ? out.replaceAll(/^(?!net\.).*\n/gm, '') : out
        if (text !== '') files.push({ path: `${folder}/${name}`, text })
      }
    }
    for (const { name, pods } of NODES) {
      await collect(name, name)
      for (const pod of pods) await collect(pod.name, `${name}/netns/${pod.name}`)
    }
    return files
  }

  async forget(): Promise<void> {
    for (const { name } of NODES) await this.run(name, ['conntrack', '-F'])
  }

  /** `conntrack -L` of a node. */
  connections(node: string): Promise<string> {
    return this.must(node, ['conntrack', '-L', '-o', 'extended'])
  }

  /** A real socket in `at` talks to an address. */
  async talk(at: string, protocol: 'tcp' | 'udp', address: string, port: number, seconds: number): Promise<Talk> {
    return (await this.#agent.ask('talk', { at, protocol, address, port, seconds })) as unknown as Talk
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

/** What came of it: the client's words for it; who took it, and between which addresses the server saw it. */
export interface Talk {
  readonly symptom: string
  readonly server: string | null
  readonly peer: readonly [address: string, port: number] | null
  readonly to: readonly [address: string | null, port: number] | null
}

const COMMANDS: readonly (readonly [file: string, argv: readonly string[]])[] = [
  ['iptables-save', ['iptables-save', '-c']],
  ['ip-link.json', ['ip', '-d', '-j', 'link', 'show']],
  ['ip-addr.json', ['ip', '-j', 'addr', 'show']],
  ['ip-route.json', ['ip', '-j', 'route', 'show', 'table', 'all']],
  ['ip-route6.json', ['ip', '-6', '-j', 'route', 'show', 'table', 'all']],
  ['ip-rule.json', ['ip', '-j', 'rule', 'show']],
  ['ip-rule6.json', ['ip', '-6', '-j', 'rule', 'show']],
  ['ip-neigh.json', ['ip', '-j', 'neigh', 'show']],
  ['bridge-link.json', ['bridge', '-d', '-j', 'link', 'show']],
  ['bridge-fdb.json', ['bridge', '-j', 'fdb', 'show']],
  ['sysctl', ['sysctl', '-a']],
  ['conntrack', ['conntrack', '-L', '-o', 'extended']],
  ['sockets', ['ss', '-tuln']],
]
