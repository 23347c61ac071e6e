import type { Ip } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'

/** IPsec as `ip xfrm policy` and `ip xfrm state` print it; keys are not kept. */
export interface Xfrm {
  /** The one with the lowest number that matches counts; in the order printed where they are equal. */
  readonly policies: readonly XfrmPolicy[]
  /** Undefined: no listing. */
  readonly states: readonly XfrmState[] | undefined
}

export interface XfrmPolicy {
  readonly direction: 'in' | 'out' | 'fwd'
  readonly priority: number
  readonly src: Prefix
  readonly dst: Prefix
  readonly protocol: number | undefined
  readonly sport: number | undefined
  readonly dport: number | undefined
  readonly dev: string | undefined
  readonly mark: { readonly value: number; readonly mask: number } | undefined
  readonly block: boolean
  readonly templates: readonly XfrmTemplate[]
  /** As it was printed, on one line. */
  readonly text: string
}

export interface XfrmTemplate {
  /** The ends of the tunnel; 0 in transport mode. */
  readonly src: Ip
  readonly dst: Ip
  /** IPPROTO_ESP 50, IPPROTO_AH 51, IPPROTO_COMP 108. */
  readonly protocol: number
  readonly mode: string
  /** Packets without it are taken as well (`level use`). */
  readonly optional: boolean
}

export interface XfrmState {
  readonly src: Ip
  readonly dst: Ip
  readonly protocol: number
  readonly spi: number
  readonly mode: string
  /** ESP in UDP: source and destination port. */
  readonly udp: readonly [number, number] | undefined
}
