import type { Ip } from '../address/ip.js'
import type { Field } from '../packet/fields.js'
import type { OutputRoute } from '../routing/output.js'
import type { Way } from '../sets/ways.js'
import type { Site } from './walk-ground.js'
import { endOf, type Group, type Moved } from './walk-group.js'
import { assign, writing } from './walk-nat.js'
import { nameNumber } from './walk-routes.js'

export const outgoing = (site: Site, dev: string | undefined) =>
  assign('meta.oifname', nameNumber(site.scope.space, dev))
export const incoming = (site: Site, dev: string | undefined) =>
  assign('meta.iifname', nameNumber(site.scope.space, dev))

/** The routing decision for what came in: a group for each way on, and what has none. Which of several next hops is drawn, each is possible. */
export function routedIn(site: Site, group: Group): readonly (Moved & { readonly to?: 'local' | 'forward' })[] {
  const { math, netns } = site
  // it brings its route along through lo
  if (group.result === 'local' && netns.interfaces.isLoopback(group.iif!)) return [{ ...group, to: 'local' }]
  const out: (Moved & { readonly to?: 'local' | 'forward' })[] = []
  for (const { packets, route } of site.routes.input(group.iif!)) {
    const ways = math.into(group.ways, packets)
    if (ways.length === 0) continue
    if (route.to === 'nowhere') out.push(endOf(group, 'dropped', route.reason, route.text, ways))
    else if (route.to === 'local') out.push({ ...group, to: 'local', result: route.type, ways })
    else
      for (const way of route.ways ?? [{ dev: route.dev, gateway: route.gateway, refused: undefined }]) {
        const { dev, gateway, refused } = way
        if (refused) out.push(endOf(group, 'dropped', refused.reason ?? 'martian-source', refused.text, ways))
        else
          out.push({
            ...group,
            to: 'forward',
            result: 'forward',
            oif: dev,
            gateway,
            ways: math.written(ways, outgoing(site, dev)),
          })
      }
  }
  return out
}

/** The first decision for what a namespace sends. */
export function routedOut(site: Site, group: Group): readonly Moved[] {
  return decided(site, group, group.chooses, group.bound, !group.chooses)
}

/** The second one, where OUTPUT has changed what the first one stood on. Rules of the same hook go on to see the first one's device. */
export function rerouted(site: Site, group: Group): readonly Moved[] {
  return decided(site, group, false, group.bound, true, true)
}

function decided(
  site: Site,
  group: Group,
  chooses: boolean,
  oif: string | undefined,
  anySource: boolean,
  again = false,
): readonly Moved[] {
  const { math, scope } = site
  const saddr: Field = scope.family === 4 ? 'ip.saddr' : 'ip6.saddr'
  return site.routes.output(chooses, oif, anySource).flatMap(({ packets, route }): readonly Moved[] => {
    const ways = math.into(group.ways, packets)
    if (ways.length === 0) return []
    if (!route.ok) return [endOf(group, 'dropped', route.reason, route.text, ways)]
    return eachWay(route).map(({ dev, gateway, source }) => {
      const written: readonly Way[] = again ? ways : math.written(ways, outgoing(site, dev))
      return {
        ...group,
        result: route.type === 'unicast' ? 'output' : route.type,
        oif: dev,
        gateway,
        chooses: false,
        ways: chooses && source !== undefined ? writing(math, written, [assign(saddr, source)]) : written,
      }
    })
  })
}

const eachWay = (
  route: Extract<OutputRoute, { ok: true }>,
): readonly { readonly dev: string; readonly gateway: Ip | undefined; readonly source: Ip | undefined }[] =>
  route.ways ?? [{ dev: route.dev, gateway: route.gateway, source: route.source }]
