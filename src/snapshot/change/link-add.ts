import { parseMac } from '../../address/mac.js'
import type { Device } from '../../path/device.js'
import type { Link, LinkKind, Namespace } from '../../path/world.js'
import { type Arguments, Refusal } from './refusal.js'

/** What is read of `ip link add` in front of the type. */
interface Draft {
  name: string | undefined
  lower: Link | undefined
  mac: number | undefined
  mtu: number | undefined
}

const IFNAMSIZ = 16
const ETHERNET_MTU = 1500
/** What nobody chose: locally administered, so that it is no real card's. */
const MADE_UP = 0x020000fe0000

/** `ip link add [link DEV] [name] NAME [address MAC] [mtu N] type KIND …`: devices that need nothing from outside. Throws Refusal. */
export function addLink(namespace: Namespace, args: Arguments): Namespace {
  const draft: Draft = { name: undefined, lower: undefined, mac: undefined, mtu: undefined }
  while (!args.take('type')) {
    if (args.done) throw new Refusal('Not enough information: "type" argument is required', args.last)
    readWord(namespace, args, draft)
  }
  const kind = args.need()
  const { name } = draft
  if (name === undefined) throw new Refusal('a new device needs a name here', args.last)
  if (/[/\s]/.test(name)) throw new Refusal(`Error: argument "${name}" is wrong: "dev" not a valid ifname`, args.last)
  if (name.length >= IFNAMSIZ) throw new Refusal('Error: Attribute failed policy validation.', args.last)
  const made = deviceOf(kind, args, draft)
  if (namespace.links.some((link) => link.name === name)) throw new Refusal('RTNETLINK answers: File exists', args.last)
  return { ...namespace, links: [...namespace.links, linkOf(namespace, name, kind, draft, made)] }
}

function readWord(namespace: Namespace, args: Arguments, draft: Draft): void {
  const word = args.need()
  switch (word) {
    case 'link': {
      const lower = args.need()
      draft.lower = namespace.links.find(({ name }) => name === lower)
      if (!draft.lower) throw new Refusal(`Cannot find device "${lower}"`, args.last)
      return
    }
    case 'address':
      draft.mac = parseMac(args.need())
      if (draft.mac === undefined) throw new Refusal(`"${args.last!.text}" is invalid lladdr.`, args.last)
      return
    case 'mtu':
      draft.mtu = Number(args.need())
      if (!Number.isInteger(draft.mtu))
        throw new Refusal(`Error: argument "${args.last!.text}" is wrong: Invalid "mtu" value`, args.last)
      return
    case 'name':
    case 'dev':
      draft.name = args.need()
      return
    default:
      draft.name = word
  }
}

interface Made {
  readonly kind: LinkKind
  readonly device?: Device
}

function deviceOf(kind: string, args: Arguments, { lower }: Draft): Made {
  const needLower = (): Link => {
    if (!lower) throw new Refusal('RTNETLINK answers: Invalid argument', args.last)
    return lower
  }
  switch (kind) {
    case 'dummy':
    case 'bridge':
      return end(args, { kind })
    case 'vlan': {
      needLower()
      if (args.need() !== 'id') throw new Refusal(`"ip link add … type vlan ${args.last!.text}" is not read`, args.last)
      const id = Number(args.need())
      if (!(id >= 0 && id < 4096))
        throw new Refusal(`Error: argument "${args.last!.text}" is wrong: id is invalid`, args.last)
      return end(args, { kind, device: { is: 'vlan', id, tpid: 0x8100 } })
    }
    case 'macvlan': {
      needLower()
      const mode = args.take('mode') ? args.need() : 'vepa'
      if (!['private', 'vepa', 'bridge', 'passthru', 'source'].includes(mode))
        throw new Refusal(
          `Error: argument of "mode" must be "private", "vepa", "bridge", "passthru" or "source", not "${mode}"`,
          args.last,
        )
      return end(args, { kind, device: { is: 'macvlan', mode } })
    }
    case 'vrf': {
      if (!args.take('table')) throw new Refusal('Error: VRF table id is missing.', args.last)
      return end(args, { kind, device: { is: 'vrf', table: args.need() } })
    }
    default:
      throw new Refusal(`devices of type ${kind} are not added: collect a snapshot that has them`, args.last)
  }
}

function end(args: Arguments, made: Made): Made {
  const word = args.next()
  if (word !== undefined) throw new Refusal(`"ip link add … ${word}" is not read`, args.last)
  return made
}

/** A new device is down. */
function linkOf({ links }: Namespace, name: string, kindText: string, { lower, mac, mtu }: Draft, made: Made): Link {
  const index = 1 + Math.max(0, ...links.map((link) => link.index))
  return {
    name,
    index,
    kind: made.kind,
    kindText,
    mac: mac ?? (made.kind === 'vlan' ? lower!.mac : MADE_UP + index),
    mtu: mtu ?? lower?.mtu ?? ETHERNET_MTU,
    up: false,
    carrier: false,
    arp: made.kind !== 'dummy' && made.kind !== 'vrf',
    addresses: [],
    master: undefined,
    port: undefined,
    bridge:
      made.kind === 'bridge'
        ? { vlanFiltering: false, callIptables: false, callIp6tables: false, callArptables: false }
        : undefined,
    vxlan: undefined,
    ...(made.device ? { device: made.device } : {}),
    peerIndex: lower?.index,
    peerNetnsId: undefined,
    group: 0,
  }
}
