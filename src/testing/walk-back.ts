import { connectionsOf, startBack } from '../analysis/reach-replies.js'
import { SetWalk } from '../analysis/walk.js'
import { type Beginning, originName } from '../analysis/walk-begin.js'
import type { Ground } from '../analysis/walk-ground.js'
import type { End } from '../analysis/walk-group.js'
import { reversedOf } from '../analysis/walk-replies.js'
import { headersOf } from '../packet/headers.js'
import { parsePacketLine } from '../packet/language.js'
import { begin } from '../path/begin.js'
import { seededRandom } from '../path/choices.js'
import { Cursor } from '../path/cursor.js'
import { replyTo } from '../path/next-packet.js'
import { Skb } from '../path/skb.js'
import { walk } from '../path/walk.js'
import { placeName } from '../path/world.js'
import { ARRIVED, singleton, Unanswered } from './walk-agreement.js'

export type BackAgreement =
  | 'same'
  | 'either'
  /** The first packet gets nowhere, or nobody answers it. */
  | 'none'
  | { readonly packet: string; readonly concrete: string; readonly symbolic: readonly string[] }

/**
 * Compares what becomes of replies: of one first packet's, as `connect` walks it, and of the set of all replies. `ends`: where the first packets of the
 * beginning end.
 */
export function backAgreement(
  ground: Ground,
  beginning: Beginning,
  ends: readonly End[],
): (words: string) => BackAgreement {
  const { space, hosts, run } = ground
  const goals = new Map<
    string,
    { readonly start: ReturnType<typeof startBack>; readonly ends: readonly End[] } | undefined
  >()
  const goalOf = (key: string) => {
    if (!goals.has(key)) goals.set(key, walkedBack(key))
    return goals.get(key)
  }

  function walkedBack(key: string) {
    const own = ends.filter((end) => keyOf(end) === key)
    if (own.length === 0) return undefined
    const there = space.union(own.flatMap(({ ways }) => ways.map(({ packets }) => packets)))
    const connections = connectionsOf(ground, { groups: [beginning.group] }, there)
    connections.back = 'replies'
    const start = startBack(
      ground,
      own[0]!,
      space.union(own.map(({ place, ways }) => reversedOf(ground.site(place).math, ways))),
      'replies',
    )
    return { start, ends: new SetWalk(ground, undefined, connections).walk(start.groups) }
  }

  return (words) => {
    const text = `${words} from ${originName(beginning.origin)}`
    const parsed = parsePacketLine(text)
    if (!parsed.ok) throw new Error(text)
    const options = {
      now: 0,
      random: seededRandom(1),
      chooser: { choose: () => 0 },
      assumeNeighbours: true,
      followWires: true,
      silent: true,
    }
    const own = new Unanswered(hosts, options)
    const { cursor, stage } = begin(own, walk, parsed.packet)
    const fate = walk(cursor, stage)
    const sent = fate.outcome === 'sent'
    const outcome = sent ? 'sent' : fate.outcome === 'delivered' || ARRIVED.has(fate.reason) ? 'delivered' : undefined
    const answer = outcome && replyTo(fate.skb.packet)
    if (!answer) return 'none'
    const netns = own.netns(fate.place)
    const found = goalOf(keyOf({ place: netns.state, outcome, interface: sent ? fate.interface : '' }))
    const skb = new Skb(answer)
    if (sent) {
      skb.iif = fate.interface
      answer.mac = {
        source: 0,
        destination: run.netns(fate.place).link(fate.interface)?.mac ?? 0,
        ethertype: answer.family === 4 ? 0x0800 : 0x86dd,
      }
    } else skb.sender = { uid: undefined, gid: undefined, socket: true }
    const headers = headersOf(answer, 0)
    const back = walk(new Cursor(own, walk, netns, skb), sent ? 'receive' : 'generate')
    const home =
      placeName(back.place) === placeName(beginning.origin.place) &&
      (back.outcome === 'delivered' || ARRIVED.has(back.reason))
    const concrete = home ? 'home' : back.outcome === 'undecided' ? 'undecided' : 'elsewhere'
    const symbolic = new Set<string>()
    const origin = { place: netns.state, ...(sent && fate.interface !== undefined ? { iif: fate.interface } : {}) }
    const one = found && singleton(ground, { origin, packets: found.start.packets }, headers, headers.src)
    // who is outside may have an address from which nothing is taken in, or have no way back to a private one
    if (!one && sent) return 'none'
    if (found && one)
      for (const { place, outcome: how, ways } of found.ends)
        if (ways.some(({ packets }) => space.bdd.contains(packets, one.values)))
          symbolic.add(
            how === 'undecided'
              ? how
              : how === 'delivered' && placeName(place) === placeName(beginning.origin.place)
                ? 'home'
                : 'elsewhere',
          )
    if (!symbolic.has(concrete) && concrete !== 'undecided' && !symbolic.has('undecided'))
      return {
        packet: text,
        concrete: `${concrete}: ${back.outcome} ${back.reason} in ${placeName(back.place)}`,
        symbolic: [...symbolic, String(found && one && true)],
      }
    return symbolic.size === 1 ? 'same' : 'either'
  }
}

const keyOf = ({
  place,
  outcome,
  interface: name,
}: Pick<End, 'place' | 'interface'> & { readonly outcome: string }): string =>
  `${placeName(place)} ${outcome} ${outcome === 'sent' ? name : ''}`
