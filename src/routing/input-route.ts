import type { Ip } from '../address/ip.js'
import type { Flow } from './flow.js'
import type { Found, RuleTried } from './lookup.js'

/** A received packet as routing sees it. */
export interface InputFlow extends Flow {
  readonly src: Ip
  readonly iif: string
}

export interface Validation {
  readonly ok: boolean
  /** `rp-filter`: the way back leads elsewhere; `martian-source`: nobody outside may have this address. */
  readonly reason: 'rp_filter' | 'martian-source' | undefined
  readonly mode: number
  /** The source is reached without a gateway. */
  readonly direct: boolean
  /** The reverse lookup, where one was made. */
  readonly found: Found | undefined
  readonly tried: readonly RuleTried[]
  readonly text: string
}

export type InputRoute = {
  readonly tried: readonly RuleTried[]
  readonly found: Found
  readonly validation: Validation | undefined
} & (
  | { readonly to: 'local'; readonly type: 'local' | 'broadcast' | 'multicast' }
  | {
      readonly to: 'forward'
      readonly dev: string
      readonly gateway: Ip | undefined
      readonly mtu: number | undefined
      readonly redirect: boolean
      /** Where the kernel draws among next hops: all of them, this one first. */
      readonly ways?: readonly InputWay[]
    }
  /** `icmp`: the code of "destination unreachable" that the sender is told, if any. */
  | { readonly to: 'nowhere'; readonly reason: string; readonly text: string; readonly icmp: number | undefined }
)

export interface InputWay {
  readonly dev: string
  readonly gateway: Ip | undefined
  /** Of 1. */
  readonly weight: number
  /** Source validation hangs on the device as well: this way ends there. */
  readonly refused: Validation | undefined
}

export const NOTHING = { tried: [], found: { is: 'none' }, validation: undefined } as const

export const martian = (which: 'source' | 'destination', text: string): InputRoute => ({
  ...NOTHING,
  to: 'nowhere',
  reason: `martian-${which}`,
  text,
  icmp: undefined,
})

export type Looked = Pick<InputRoute, 'tried' | 'found' | 'validation'>

export const invalid = (base: Looked, validation: Validation): InputRoute => ({
  ...base,
  validation,
  to: 'nowhere',
  reason: validation.reason!,
  text: validation.text,
  icmp: undefined,
})

export const forwardOff = (base: Looked, iif: string): InputRoute => ({
  ...base,
  to: 'nowhere',
  reason: 'ip-forward-off',
  text: `the packet is not for this host, and forwarding is off on ${iif}`,
  icmp: undefined,
})
