import { CT_STATE } from '../../packet/fields.js'
import { anyBit, invertedIf } from '../../rules/condition.js'
import { nameSet } from '../codec.js'
import { defineMatch } from '../match.js'

const STATES = {
  INVALID: CT_STATE.INVALID,
  NEW: CT_STATE.NEW,
  RELATED: CT_STATE.RELATED,
  ESTABLISHED: CT_STATE.ESTABLISHED,
  UNTRACKED: CT_STATE.UNTRACKED,
} as const

export const state = defineMatch({
  name: 'state',
  families: [4, 6],
  tracks: true,
  required: ['state'],
  options: {
    state: {
      flag: '--state',
      invertible: true,
      value: nameSet('connection state', STATES),
      doc: 'the connection is in one of these states',
    },
  },
  listed: [[/(! )?state (\S+)/y, (_, not, states) => `${not ? '! ' : ''}--state ${states}`]],
  doc: {
    summary: 'Matches the state of the connection: the short form of conntrack.',
    kernel: 'net/netfilter/xt_state.c: state_mt',
  },
  list: (_, { saved }) => ` ${saved().replace('--', '')}`,
  lower: ({ state }) => invertedIf(state!.inverted, anyBit('ct.state', state!.value)),
})
