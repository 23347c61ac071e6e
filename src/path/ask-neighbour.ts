import { type Ip, printIp } from '../address/ip.js'
import { BROADCAST_MAC, type Mac } from '../address/mac.js'
import { ARP_REPLY, ARP_REQUEST, arpField, buildArp } from '../packet/arp.js'
import type { Hook } from '../rules/program.js'
import { runArpHook } from './arp-hooks.js'
import { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { Located } from './layer2.js'
import type { Netns } from './netns.js'
import { Skb } from './skb.js'
import { outputSource } from './source.js'
import type { Link } from './world.js'

/**
 * A next hop that is in no table is asked for with ARP: the request meets arptables here and at whom it asks, the answer there and here. A fate: it stays
 * unknown. `owner`: who answers, where the snapshot knows; `mac`: what is answered.
 */
export function askNeighbour(cursor: Cursor, link: Link, nexthop: Ip, mac: Mac, owner?: Located): Fate | undefined {
  const { netns, run, skb } = cursor
  const there = owner && run.netns(owner.namespace)
  if (typeof nexthop !== 'number' || (!hasRules(netns) && !(there && hasRules(there)))) return undefined
  const own = netns.addressOf(skb.packet, 'src')
  const spa = netns.isLocal(own) ? own : (outputSource(cursor, nexthop, link.name) ?? 0)
  const sha = link.mac ?? 0
  const request = new Skb(buildArp({ opcode: ARP_REQUEST, sha, spa, tha: 0, tpa: nexthop }, BROADCAST_MAC))
  const meets = (at: Netns, one: Skb, hook: Hook, dev: string): Fate | undefined => {
    one.iif = hook === 'input' ? dev : undefined
    one.oif = hook === 'output' ? dev : undefined
    const asking = new Cursor(run, cursor.walkOn, at, one)
    const fate = runArpHook(asking, hook)
    cursor.steps.push(...asking.steps)
    return fate
  }
  const unresolved = (fate: Fate | undefined, what: string) =>
    fate &&
    cursor.drop(
      'neighbour-unresolved',
      `no link-layer address for ${printIp(nexthop)} on ${link.name}: ${what}: ${fate.text}`,
      {
        place: fate.place,
        table: fate.table,
        chain: fate.chain,
        rule: fate.rule,
        errno: 'EHOSTUNREACH',
      },
    )
  const asked =
    unresolved(meets(netns, request, 'output', link.name), 'the ARP request is dropped') ??
    (there && unresolved(meets(there, request, 'input', owner.link.name), 'the ARP request is dropped'))
  if (asked) return asked
  const told = (field: Parameters<typeof arpField>[1]) => arpField(request.packet, field) ?? 0
  const to = told('sha')
  const answer = { opcode: ARP_REPLY, sha: mac, spa: told('tpa'), tha: to, tpa: told('spa') }
  const reply = new Skb(buildArp(answer, to))
  const refused = there && unresolved(meets(there, reply, 'output', owner.link.name), 'the answer is dropped')
  if (refused) return refused
  if (arpField(reply.packet, 'spa') !== nexthop || to !== sha || arpField(reply.packet, 'sha') !== mac) {
    const about = `arptables changes what is asked or answered about ${printIp(nexthop)}`
    return run.options.chooser.choose({ kind: 'unknown', weights: [0.5, 0.5], about }) === 1
      ? cursor.drop('neighbour-unresolved', about, { errno: 'EHOSTUNREACH' })
      : undefined
  }
  // the answer of somebody outside: rules that look at its MAC cannot be told
  if (!there && looksAtMac(netns)) {
    const about = `the MAC of ${printIp(nexthop)} is not known, and arptables looks at it`
    if (run.options.chooser.choose({ kind: 'unknown', weights: [0.5, 0.5], about }) === 1)
      return cursor.drop('neighbour-unresolved', about, { errno: 'EHOSTUNREACH' })
    return undefined
  }
  return unresolved(meets(netns, reply, 'input', link.name), 'the answer is dropped')
}

const chains = ({ state }: Netns) => (state.arpTables ?? []).flatMap(({ chains: all }) => [...all.values()])
const hasRules = (netns: Netns): boolean =>
  chains(netns).some(({ rules, base }) => rules.length > 0 || base?.policy === 'drop')
const looksAtMac = (netns: Netns): boolean =>
  chains(netns).some(({ rules }) => rules.some(({ text }) => text.includes(' --src-mac ')))
