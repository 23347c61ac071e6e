import { describe, expect, test } from 'vitest'
import { readBridgeVlans } from './bridge-vlan.js'

// written after iproute2's bridge/vlan.c: this machine's kernel has no VLAN filtering

const vlan = (id: number, ...words: readonly ('pvid' | 'untagged')[]) => ({
  id,
  pvid: words.includes('pvid'),
  untagged: words.includes('untagged'),
})
const EXPECTED = [
  ['eth0', [vlan(1, 'pvid', 'untagged'), vlan(5), vlan(10), vlan(11), vlan(12)]],
  ['eth1', [vlan(5, 'pvid', 'untagged')]],
  ['eth2', []],
  ['br0', [vlan(1, 'pvid')]],
]

const NEW = `port              vlan-id  
eth0              1 PVID Egress Untagged
                  5
                  10-12
eth1              5 PVID Egress Untagged
eth2              None
br0               1 PVID
`
const OLD = `port\tvlan ids
eth0\t 1 PVID Egress Untagged
\t 5
\t 10-12

eth1\t 5 PVID Egress Untagged

eth2\tNone
br0\t 1 PVID

`
const DETAILED = NEW.replaceAll(/^(.*\d.*)$/gm, '$1\n                    state forwarding mcast_router 1')
const JSON_TEXT = JSON.stringify([
  { ifname: 'eth0', vlans: [{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }, { vlan: 5 }, { vlan: 10, vlanEnd: 12 }] },
  { ifname: 'eth1', vlans: [{ vlan: 5, flags: ['PVID', 'Egress Untagged'] }] },
  { ifname: 'eth2', vlans: [] },
  { ifname: 'br0', vlans: [{ vlan: 1, flags: ['PVID'] }] },
])

describe('bridge vlan', () => {
  test.each([
    ['as it is printed today', NEW],
    ['as it was printed before', OLD],
    ['with details', DETAILED],
    ['as JSON', JSON_TEXT],
  ])('%s', (_, text) => {
    expect([...readBridgeVlans(text)]).toEqual(EXPECTED)
  })

  test.each([
    ['port vlan-id\neth0 x\n', 'a VLAN is a number', 2, 6],
    ['port vlan-id\neth0 5000\n', 'VLANs go from 1 to 4094', 2, 6],
    ['port vlan-id\neth0 5 Strange\n', '"Strange" is no word of a VLAN', 2, 8],
    ['port vlan-id\n     5\n', 'a VLAN of no device', 2, 6],
    ['port vlan-id\neth0 5\n     state blocking\n', 'a VLAN that is blocking is not modelled', 3, 12],
  ])('%j is refused', (text, message, line, column) => {
    expect(() => readBridgeVlans(text)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
