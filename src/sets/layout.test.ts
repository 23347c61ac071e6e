import { expect, test } from 'vitest'
import { FIELDS, type Field, fieldSpec } from '../packet/fields.js'
import { Layout } from './layout.js'

const FIELD_NAMES = Object.keys(FIELDS) as Field[]

test.each(FIELD_NAMES)('%s has its variables', (field) => {
  for (const family of [4, 6] as const) {
    const { bits, named } = new Layout(family, 5).place(field)
    expect(bits.length).toBe(named ? 5 : fieldSpec(field).bits)
  }
})

test('no two fields share variables but those that share bytes', () => {
  const layout = new Layout(4, 5)
  const owners = new Map<number, Field[]>()
  for (const field of FIELD_NAMES)
    for (const bit of layout.place(field).bits) if (bit !== 'one') owners.set(bit, [...(owners.get(bit) ?? []), field])
  const shared = new Set([...owners.values()].filter((fields) => fields.length > 1).flat())
  const transport = /^(th|tcp|udp|icmp|sctp|dccp|esp|ah|mh|ipcomp)\./
  expect([...shared].filter((field) => !transport.test(field)).sort()).toEqual([
    'frag.more',
    'ip.flags',
    'ip.protocol',
    'meta.l4proto',
  ])
})
