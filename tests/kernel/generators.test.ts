import { expect, test } from 'vitest'
import { MATCHES } from '../../kernel/cases/matches.js'
import { TARGETS } from '../../kernel/cases/targets.js'
import { matches } from '../../src/xtables/matches/index.js'
import { targets } from '../../src/xtables/targets/index.js'

test('every match that the model knows has a generator for random rules', () => {
  expect(Object.keys(matches).filter((name) => !(name in MATCHES))).toEqual([])
})

test('every target that the model knows has a generator for random rules', () => {
  expect(Object.keys(targets).filter((name) => !(name in TARGETS))).toEqual([])
})
