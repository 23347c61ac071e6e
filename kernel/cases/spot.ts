import type { Random } from '../prng.js'
import type { Scene } from './scene.js'

/** Where a rule is about to stand. `hook`: the base chain that it belongs to; `any` in chains that every base chain may use. */
export interface Spot {
  readonly random: Random
  readonly scene: Scene
  readonly table: string
  readonly hook: 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING' | 'any'
  /** `-p`, if the rule has one. */
  readonly protocol: string | undefined
}
