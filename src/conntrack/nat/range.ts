import type { Ip } from '../../address/ip.js'

/** Which end of a packet is exchanged. */
export type Manip = 'src' | 'dst'

/** What NAT may choose from (struct nf_nat_range2); the same shape as an effect's range, which this layer does not know. */
export interface Range {
  readonly addresses?: readonly [from: Ip, to: Ip]
  readonly ports?: readonly [from: number, to: number]
  readonly basePort?: number
  readonly random?: boolean
  readonly fullyRandom?: boolean
  readonly persistent?: boolean
  readonly netmap?: boolean
}
