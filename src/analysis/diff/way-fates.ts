import { type Ip, printIp } from '../../address/ip.js'
import type { Field } from '../../packet/fields.js'
import { hasPorts } from '../../packet/headers.js'
import type { Branch } from '../../path/trail.js'
import { placeName } from '../../path/world.js'
import type { Node } from '../../sets/bdd.js'
import type { Ground } from '../walk-ground.js'
import type { End } from '../walk-group.js'
import { valueIn } from '../walk-routes.js'
import type { Fate } from './compare.js'
import type { Fares } from './difference.js'
import { rewritingWords, type Told } from './fate-text.js'

/** What is looked at of packets that have arrived or left: their headers and their mark, and the mark that their connection keeps. */
export const COUNTS = (field: Field): boolean => /^(?!meta\.|ct\.|socket\.)|^(meta|ct)\.mark$/.test(field)

export type WayFate = Fate<End>

/** Ends as fates. */
export function fatesOf(ground: Ground, ends: readonly End[]): readonly WayFate[] {
  return ends.flatMap((end) => {
    const { transforms } = ground.site(end.place).math
    const { outcome } = end
    const place = placeName(end.place)
    // whoever is dropped is dropped, wherever that is
    const is =
      outcome === 'delivered'
        ? `delivered ${place}`
        : outcome === 'sent'
          ? `sent ${place} ${end.interface}`
          : outcome === 'undecided'
            ? `undecided ${end.text}`
            : 'dropped'
    const goesOn = outcome === 'delivered' || outcome === 'sent'
    return end.ways.map(({ transform, packets }) => ({
      is,
      lots: '',
      transforms,
      transform: goesOn ? transform : transforms.identity,
      packets,
      of: end,
    }))
  })
}

const TOLD = (field: Field): boolean => COUNTS(field) && field !== 'ip.ttl'

export const told = (fates: readonly WayFate[]): readonly Told[] =>
  fates.map(({ of: { outcome, place, interface: name, text }, transform }) => {
    const stops = outcome !== 'delivered' && outcome !== 'sent'
    const end =
      outcome === 'delivered'
        ? `delivered to ${placeName(place)}`
        : outcome === 'sent'
          ? `leaves ${placeName(place)} by ${name}`
          : outcome === 'undecided'
            ? `not known: ${text}`
            : 'dropped'
    return { end, words: stops ? [] : rewritingWords(transform, TOLD) }
  })

export function faresOfFates(fates: readonly WayFate[]): Fares {
  const gets = fates.some(({ of: { outcome } }) => outcome === 'delivered' || outcome === 'sent')
  const dropped = fates.some(({ of: { outcome } }) => outcome === 'dropped' || outcome === 'rejected')
  const unknown = fates.some(({ of: { outcome } }) => outcome === 'undecided')
  return unknown || (gets && dropped) ? 'either' : gets ? 'accepted' : 'dropped'
}

/** For a host's rules it has arrived though nobody listens. */
export const ARRIVED: ReadonlySet<string> = new Set([
  'no-socket',
  'no-protocol',
  'echo-ignored',
  'not-for-this-host',
  'checksum',
])

/** Where `trace` says that a packet ended; undefined: it does not know. */
export function placeOfBranch({ outcome, where, final }: Branch): string | undefined {
  if (outcome === 'undecided') return undefined
  const headers = `${final.src}:${final.sport ?? ''} > ${final.dst}:${final.dport ?? ''}`
  if (outcome === 'delivered' || ARRIVED.has(where.reason)) return `delivered ${placeName(where)} ${headers}`
  return outcome === 'sent' ? `sent ${placeName(where)} ${final.interface} ${headers}` : 'dropped'
}

/** The same, as a fate tells it of one packet; `*`: any. */
export function placeOfFate(ground: Ground, { is, transform, transforms }: WayFate, packet: Node): string {
  if (!/^(delivered|sent)/.test(is)) return is
  const { space, addresses } = ground
  const seen = transforms.image(transform, packet)
  const any = (field: Field) => !space.asks(seen, field)
  const ported = hasPorts(Number(valueIn(space, seen, 'meta.l4proto')))
  const ip = (field: Field) => {
    const value = valueIn(space, seen, field)
    return any(field) ? '*' : printIp((ground.family === 4 ? Number(value) : BigInt(value)) as Ip)
  }
  const port = (field: Field) => (!ported ? '' : any(field) ? '*' : `${valueIn(space, seen, field)}`)
  return `${is} ${ip(addresses.src)}:${port('th.sport')} > ${ip(addresses.dst)}:${port('th.dport')}`
}

/** Is a place among those that are claimed? */
export function isClaimed(place: string, claims: readonly string[]): boolean {
  return claims.some((claim) => {
    if (!claim.includes('*')) return claim === place
    const parts = claim.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('[0-9a-f.:]*')}$`).test(place)
  })
}
