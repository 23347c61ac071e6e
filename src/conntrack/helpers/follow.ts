import type { Entry } from '../entry.js'
import { setUp } from '../nat/setup.js'
import { type Direction, opposite } from '../tuple.js'
import type { FollowContext } from './helper.js'

/**
 * nf_nat_follow_master: the announced connection is translated as its master is: its source to whom the master talks, its destination to where it
 * was announced before NAT chose another port. `direction`: of the master, in which the announced connection goes.
 */
export function followMaster(master: Entry, direction: Direction, port: number, { table, random }: FollowContext) {
  return (entry: Entry, now: number): void => {
    const back = opposite(direction) === 'original' ? master.original : master.reply
    const context = { table, now, random }
    setUp(entry, 'src', { addresses: [back.dst, back.dst] }, context)
    setUp(entry, 'dst', { addresses: [back.src, back.src], ports: [port, port] }, context)
  }
}
