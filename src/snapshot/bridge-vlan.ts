import type { PortVlan } from '../path/world.js'
import { type Item, jsonItems } from './item.js'
import { InputError } from './problem.js'
import { type Line, linesOf, looksLikeJson, Words } from './words.js'

/** `bridge vlan show`, as JSON or text: the VLANs of each device. Throws InputError. Source: bridge(8). */
export function readBridgeVlans(text: string): ReadonlyMap<string, readonly PortVlan[]> {
  return looksLikeJson(text) ? fromJson(jsonItems(text)) : fromText(linesOf(text))
}

function fromJson(items: readonly Item[]): ReadonlyMap<string, readonly PortVlan[]> {
  return new Map(
    items.map((item) => [
      item.need('ifname', item.text('ifname')),
      item.items('vlans').flatMap((vlan) => {
        const first = vlan.need('vlan', vlan.number('vlan'))
        const flags = vlan.has('flags') ? vlan.texts('flags') : []
        const state = vlan.text('state') ?? 'forwarding'
        if (state !== 'forwarding') vlan.fail('state', `a VLAN that is ${state} is not modelled`)
        const last = vlan.number('vlanEnd') ?? first
        if (!isRange(first, last)) vlan.fail('vlan', 'VLANs go from 1 to 4094')
        return spread(first, last, flags.includes('PVID'), flags.includes('Egress Untagged'))
      }),
    ]),
  )
}

const isRange = (first: number, last: number): boolean => first >= 1 && first <= last && last <= 4094

const spread = (first: number, last: number, pvid: boolean, untagged: boolean): readonly PortVlan[] =>
  Array.from({ length: last - first + 1 }, (_, i) => ({ id: first + i, pvid, untagged }))

function fromText(lines: readonly Line[]): ReadonlyMap<string, readonly PortVlan[]> {
  const found = new Map<string, PortVlan[]>()
  let device: string | undefined
  for (const line of lines) {
    if (/^port\s+vlan/.test(line.text)) continue
    const words = new Words(line)
    // what stands at the beginning of a line is a device
    if (/^\S/.test(line.text)) {
      device = words.next('the device')
      if (!found.has(device)) found.set(device, [])
    }
    if (words.done || words.take('None')) continue
    const known = device === undefined ? undefined : found.get(device)
    if (!known) throw new InputError('a VLAN of no device', words.position)
    // bridge -d: what else is known of the one above
    if (words.take('state')) {
      const { position } = words
      const state = words.next('state')
      if (state !== 'forwarding') throw new InputError(`a VLAN that is ${state} is not modelled`, position)
      continue
    }
    known.push(...readVlan(words))
  }
  return found
}

function readVlan(words: Words): readonly PortVlan[] {
  const { position } = words
  const range = /^(\d+)(?:-(\d+))?$/.exec(words.next('the device'))
  if (!range) throw new InputError('a VLAN is a number', position)
  const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])]
  if (!isRange(first, last)) throw new InputError('VLANs go from 1 to 4094', position)
  const flags = { pvid: false, untagged: false }
  while (!words.done) {
    const at = words.position
    const word = words.next('the VLAN')
    if (word === 'PVID') flags.pvid = true
    else if (word === 'Egress' && words.take('Untagged')) flags.untagged = true
    else throw new InputError(`"${word}" is no word of a VLAN`, at)
  }
  return spread(first, last, flags.pvid, flags.untagged)
}
