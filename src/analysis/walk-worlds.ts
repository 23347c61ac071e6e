import { SETTINGS } from '../path/settle.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'

/** One way that settings could be which the snapshot does not have. */
export interface World {
  readonly hosts: Hosts
  /** `net.ipv4.ip_forward of gw is 1`; empty where everything is known. */
  readonly supposing: readonly string[]
}

/** More worlds than these are not walked: then namespaces that lack a setting are taken to have the same one. */
const MOST_WORLDS = 24

/** Every way that settings could be which decide where packets go and that the snapshot lacks. `whole`: all of them, else those in which namespaces are alike. */
export function worldsOf(hosts: Hosts, family: 4 | 6): { readonly worlds: readonly World[]; readonly whole: boolean } {
  const open = SETTINGS.flatMap(({ key, values, inPart }) => {
    if ((key.includes('6') ? 6 : 4) !== family) return []
    const places = hosts.namespaces.filter(
      ({ sysctls, links }) =>
        !sysctls?.has(key) && (!sysctls || inPart) && (!key.includes('.bridge.') || links.some(({ bridge }) => bridge)),
    )
    return places.length === 0 ? [] : [{ key, values, places }]
  })
  const each = open.flatMap(({ key, values, places }) => places.map((place) => ({ key, values, places: [place] })))
  const count = each.reduce((all, { values }) => all * values.length, 1)
  const whole = count <= MOST_WORLDS
  let worlds: readonly World[] = [{ hosts, supposing: [] }]
  for (const { key, values, places } of whole ? each : open)
    worlds = worlds.flatMap((world) => values.map((value) => supposed(world, key, value, places)))
  return { worlds, whole }
}

function supposed({ hosts, supposing }: World, key: string, value: string, places: readonly Namespace[]): World {
  const names = new Set(places.map(placeName))
  const namespaces = hosts.namespaces.map((one) =>
    names.has(placeName(one)) ? { ...one, sysctls: new Map([...(one.sysctls ?? []), [key, value]]) } : one,
  )
  const text = `${key} of ${[...names].slice(0, 3).join(', ')}${names.size > 3 ? ', …' : ''} is ${value}`
  return { hosts: { ...hosts, namespaces }, supposing: [...supposing, text] }
}
