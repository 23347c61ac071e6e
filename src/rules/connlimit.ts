/** A connection as it is counted. */
export interface Own {
  readonly id: string
  /** It is in the table already. */
  readonly confirmed: boolean
  readonly assured: boolean
  /** Is it in the table, and not closed? Asked later on; `now` in seconds since the epoch. */
  state(now: number): 'open' | 'closed' | 'gone'
}

/** The connections of one key (struct nf_conncount_list): when it was looked through for those that are gone, and how many were left then. */
interface List {
  readonly connections: Own[]
  looked: number
  left: number
}

/**
 * Within one jiffy a list is looked through once. How long a jiffy is, and when one begins, nobody tells: so there are two lists, one as if every packet
 * had a jiffy of its own, and one as if packets less than the longest jiffy apart shared one. What the kernel counts lies between.
 */
export interface Counted {
  readonly least: List
  readonly most: List
}

/** Seconds, of the slowest kernels (CONFIG_HZ=100). */
const LONGEST_JIFFY = 0.01
/** CONNCOUNT_GC_MAX_COLLECT: after so many new ones it is looked through all the same, and a look ends when it has found more that are gone. */
const MOST_AT_ONCE = 64

/** How many connections the key has, the packet's own among them. 0: the kernel drops the packet. */
export function count(
  { least, most }: Counted,
  own: Own,
  now: number,
): { readonly least: number; readonly most: number } {
  return { least: add(least, own, now, false), most: add(most, own, now, now - most.looked < LONGEST_JIFFY) }
}

/** insert_tree: the first connection of a key, whatever has become of it. */
export function begin(own: Own, now: number): Counted {
  const list = (): List => ({ connections: [own], looked: now, left: 0 })
  return { least: list(), most: list() }
}

/** net/netfilter/nf_conncount.c: __nf_conncount_add, and count_tree around it. */
function add(list: List, own: Own, now: number, sameJiffy: boolean): number {
  const { connections } = list
  // a connection in full swing is not counted any more
  if (own.confirmed && own.assured) {
    if (!sameJiffy) lookThrough(list, now, undefined)
    return connections.length
  }
  if (!own.confirmed && sameJiffy && connections.length - list.left < MOST_AT_ONCE) connections.push(own)
  else if (!lookThrough(list, now, own)) connections.push(own)
  return connections.length
}

/** Takes out those that are gone or closed. `own` ends the look where it is met: true. */
function lookThrough(list: List, now: number, own: Own | undefined): boolean {
  const { connections } = list
  let collected = 0
  for (let i = 0; i < connections.length && collected <= MOST_AT_ONCE; ) {
    const one = connections[i]!
    const state = one.state(now)
    if (one.id === own?.id && state !== 'gone') return true
    if (state === 'open') i++
    else {
      connections.splice(i, 1)
      collected++
    }
  }
  list.looked = now
  list.left = connections.length
  return false
}
