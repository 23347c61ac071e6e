import type { Family } from '../../address/ip.js'
import type { Hook } from '../../rules/program.js'

/** What becomes of packets, in a word: `either` where lots, limits, or something that is not known decide. */
export type Fares = 'accepted' | 'dropped' | 'either'

/** Packets that fare differently. */
export interface Difference {
  /** `way`: they set out at one place and end otherwise. `chain`: one base chain treats them otherwise. */
  readonly kind: 'way' | 'chain'
  readonly place: string
  readonly family: Family
  /** `filter/INPUT`; of a way, where they set out: `in eth0`, `sent by gw`. */
  readonly where: string
  readonly table: string | undefined
  readonly chain: string | undefined
  readonly hook: Hook | undefined
  readonly before: Became
  readonly after: Became
  /** Blocks without a packet in common. */
  readonly packets: readonly string[]
  /** There are more blocks than these. */
  readonly more: boolean
  /** One of them, as `trace` reads it; of a way: `trace` says of it what is told here. Undefined: none that was tried can be asked. */
  readonly example: string | undefined
  /** The interface that it leaves through, where the hook knows one. */
  readonly out: string | undefined
  /** The rules that decide the example, of each thing that may become of it. */
  readonly rulesBefore: readonly Decided[]
  readonly rulesAfter: readonly Decided[]
}

export interface Became {
  readonly fares: Fares
  /** For people: `accepted, to 172.17.0.2:80`. */
  readonly text: string
}

/** A rule with its place, or what decides where no rule does. */
export interface Decided {
  readonly rule:
    | {
        readonly chain: string
        readonly number: number
        readonly text: string
        readonly file: string | undefined
        readonly line: number | undefined
      }
    | undefined
  readonly text: string
}
