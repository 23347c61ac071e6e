import type { Performed } from '../rules/traverse.js'
import type { Fate } from './fate.js'

/** What an effect came to. `afterwards`: carried out once the chain's visit is on record (REJECT's answer walks behind it). */
export type Done = Performed & { readonly afterwards?: () => Fate }
