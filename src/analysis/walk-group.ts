import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import type { VlanTag } from '../packet/frame.js'
import type { Fate } from '../path/fate.js'
import type { Destination, PacketType } from '../path/skb.js'
import type { StageName } from '../path/stages.js'
import { type Namespace, placeName } from '../path/world.js'
import type { Way } from '../sets/ways.js'

/** What Linux keeps beside the bytes of packets that stand at one place: the same for all of them (compare `Skb`). */
export interface Beside {
  readonly place: Namespace
  readonly iif: string | undefined
  readonly oif: string | undefined
  readonly result: Destination['result'] | undefined
  /** Undefined: the packet's own destination. */
  readonly gateway: Ip | undefined
  readonly mac: Mac | undefined
  readonly type: PacketType
  readonly vlans: readonly VlanTag[]
  readonly bridge:
    | { readonly in: string | undefined; readonly out: string | undefined; readonly calls: boolean }
    | undefined
  /** NAT has changed the destination since the packets came into the bridge, or through lo. */
  readonly moved: boolean
  /** A connection was attached to them in this namespace, and which manips it has. */
  readonly tracked: boolean
  readonly manips: { readonly src: boolean; readonly dst: boolean }
  /** A device that the sender is bound to. */
  readonly bound: string | undefined
  /** The sender leaves the choice of the source to the kernel. */
  readonly chooses: boolean
  /** Namespaces and loops that they have passed. */
  readonly hops: number
  /** Which of the spots that the question names, by bits. */
  readonly seen: number
}

/** Packets on their way, as sets: as they were when they set out, with what was written to them since. */
export interface Group extends Beside {
  readonly stage: StageName
  readonly ways: readonly Way[]
}

/** Where packets ended. */
export interface End {
  readonly place: Namespace
  readonly outcome: Fate['outcome']
  readonly reason: string
  readonly text: string
  readonly interface: string | undefined
  readonly seen: number
  readonly ways: readonly Way[]
}

export type Moved = Group | End

export const isEnd = (one: Moved): one is End => 'outcome' in one

/** Groups with the same key can be one. */
export function keyOf({ ways: _, place, bridge, manips, ...rest }: Group): string {
  const values = (of: object | undefined) => of && Object.values(of).map(String).join(' ')
  return [
    placeName(place),
    values(bridge),
    values(manips),
    JSON.stringify(rest, (_, value) => (typeof value === 'bigint' ? `${value}n` : value === undefined ? null : value)),
  ].join('|')
}

export const endKey = ({ place, outcome, reason, text, interface: name, seen }: End): string =>
  [placeName(place), outcome, reason, name, text, seen].join('|')

export const NOTHING_BESIDE: Omit<Beside, 'place'> = {
  iif: undefined,
  oif: undefined,
  result: undefined,
  gateway: undefined,
  mac: undefined,
  type: 'host',
  vlans: [],
  bridge: undefined,
  moved: false,
  tracked: false,
  manips: { src: false, dst: false },
  bound: undefined,
  chooses: false,
  hops: 0,
  seen: 0,
}

export const endOf = (
  { place, iif, oif, seen }: Group,
  outcome: End['outcome'],
  reason: string,
  text: string,
  ways: readonly Way[],
): End => ({ place, outcome, reason, text, interface: oif ?? iif, seen, ways })
