import type { WireGuard } from '../path/device.js'
import type { Bridge, BridgePort, FdbEntry, Link, LinkKind } from '../path/world.js'
import { type LinkFacts, linkKind } from './ip-link.js'

export interface MergedLinks {
  readonly links: readonly Link[]
  /** What was taken for granted of them. */
  readonly notes: readonly string[]
  /** The name of the namespace in which a link's peer lies, where the command printed a name instead of a number. */
  readonly foreign: ReadonlyMap<Link, string>
}

const PLAIN_PORT: BridgePort = { hairpin: false, isolated: false, state: 'forwarding', flood: true, learning: true }
const PLAIN_BRIDGE: Bridge = { vlanFiltering: false, callIptables: false, callIp6tables: false, callArptables: false }

/** One link for each interface, from what several commands say of it: `ip -d link`, `ip addr`, `bridge -d link`. The first that says a thing counts. */
export function mergeLinks(
  facts: readonly LinkFacts[],
  fdb: readonly FdbEntry[],
  wireGuard: ReadonlyMap<string, WireGuard> = new Map(),
): MergedLinks {
  const byIndex = new Map<number, LinkFacts[]>()
  for (const one of facts) byIndex.set(one.index, [...(byIndex.get(one.index) ?? []), one])
  const merged = [...byIndex.values()].map(merge).sort((a, b) => a.index - b.index)
  const guesser = new Guesser(merged, fdb)
  const foreignIds = new Map<string, number>()
  const foreign = new Map<Link, string>()
  const links = merged.map((one) => {
    const plain = toLink(one, guesser, merged, foreignIds)
    const device = plain.kind === 'wireguard' ? wireGuard.get(plain.name) : undefined
    const link = device ? { ...plain, device } : plain
    if (one.peerNetnsName !== undefined) foreign.set(link, one.peerNetnsName)
    return link
  })
  return { links, foreign, notes: guesser.notes() }
}

/** The links alone. */
export const linksOf = (facts: readonly LinkFacts[]): readonly Link[] => mergeLinks(facts, []).links

function merge(facts: readonly LinkFacts[]): LinkFacts {
  const first = <K extends keyof LinkFacts>(key: K): LinkFacts[K] => {
    for (const one of facts) if (one[key] !== undefined) return one[key]
    return facts[0]![key]
  }
  const keys = Object.keys(facts[0]!) as (keyof LinkFacts)[]
  return Object.fromEntries(keys.map((key) => [key, first(key)])) as unknown as LinkFacts
}

const LOOPBACK_MTU = 65536
const ETHERNET_MTU = 1500

function toLink(of: LinkFacts, guesser: Guesser, all: readonly LinkFacts[], foreignIds: Map<string, number>): Link {
  const { name, index, flags } = of
  const kind = guesser.kindOf(of)
  const isPort =
    of.master !== undefined && all.some((one) => one.name === of.master && guesser.kindOf(one) === 'bridge')
  return {
    name,
    index,
    kind,
    kindText: of.kindText ?? kind,
    mac: of.mac,
    mtu: of.mtu ?? (kind === 'loopback' ? LOOPBACK_MTU : ETHERNET_MTU),
    up: flags?.includes('UP') ?? true,
    carrier: flags ? flags.includes('LOWER_UP') : true,
    arp: !flags?.includes('NOARP'),
    addresses: (of.addresses ?? []).map(({ noPrefixRoute: _, ...address }) => address),
    master: of.master,
    port: isPort ? (of.port ?? PLAIN_PORT) : undefined,
    bridge: of.bridge ?? (kind === 'bridge' ? PLAIN_BRIDGE : undefined),
    vxlan: of.vxlan,
    ...(of.device ? { device: of.device } : {}),
    ...(of.active === undefined ? {} : { active: of.active }),
    peerIndex: of.peerIndex ?? all.find((one) => one.name === of.peerName)?.index,
    peerNetnsId: of.peerNetnsId ?? foreignId(of.peerNetnsName, foreignIds),
    group: of.group ?? 0,
  }
}

/** Text prints a namespace's name where it has one, and not its number: any number that no other has will do. */
function foreignId(name: string | undefined, ids: Map<string, number>): number | undefined {
  if (name === undefined) return undefined
  const known = ids.get(name) ?? -1 - ids.size
  ids.set(name, known)
  return known
}

/** Names that container runtimes and libvirt give their bridges. */
const BRIDGE_NAME = /^(docker\d+|br-[\da-f]{12}|cni\d+|virbr\d+|lxcbr\d+|lxdbr\d+|podman\d+|kube-bridge|cbr\d+)$/

/** The kinds of interfaces where nothing printed them (`ip addr` without -d). */
class Guesser {
  /** With -d, hardware is what has no kind. */
  readonly #detailed: boolean
  readonly #bridges: ReadonlySet<string>
  readonly #guessed = new Map<string, LinkKind>()

  constructor(all: readonly LinkFacts[], fdb: readonly FdbEntry[]) {
    this.#detailed = all.some(({ kindText }) => kindText !== undefined)
    this.#bridges = new Set(
      [...all.map(({ master }) => master), ...fdb.map(({ master }) => master)].filter((name) => name !== undefined),
    )
  }

  kindOf(of: LinkFacts): LinkKind {
    const said = linkKind(of.kindText, of.linkType ?? (of.name === 'lo' ? 'loopback' : 'ether'))
    if (this.#detailed || said !== 'ether') return said
    const guess = this.#guess(of)
    if (guess !== 'ether') this.#guessed.set(of.name, guess)
    return guess
  }

  #guess({ name, peerIndex, peerName }: LinkFacts): LinkKind {
    if (this.#bridges.has(name) || BRIDGE_NAME.test(name)) return 'bridge'
    // `eth0.10@eth0` is a VLAN, `veth0@veth1` a pair
    if (peerName !== undefined) return name.startsWith(`${peerName}.`) ? 'vlan' : 'veth'
    if (peerIndex !== undefined) return 'veth'
    return /^wg\d+$/.test(name) ? 'wireguard' : /^(tun|tap)\d+$/.test(name) ? 'tun' : 'ether'
  }

  notes(): readonly string[] {
    const list = [...this.#guessed].map(([name, kind]) => `${name} a ${kind}`)
    return list.length === 0 ? [] : [`no \`ip -d link\`: by what else is known, ${list.join(', ')}`]
  }
}
