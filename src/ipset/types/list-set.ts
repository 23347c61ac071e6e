import { ADD_LIST, asIs, noLengths, type SetType } from '../type.js'

/** net/netfilter/ipset/ip_set_list_set.c */
export const listSet: SetType = {
  name: 'list:set',
  aliases: ['setlist'],
  revision: 3,
  kind: 'list',
  families: 'none',
  parts: [{ read: 'setname', print: ({ set }) => set! }],
  options: {
    create: ['size', 'timeout', 'counters', 'comment', 'skbinfo'],
    add: ADD_LIST,
    del: ['before', 'after'],
    test: ['before', 'after'],
  },
  allowed: { create: [], add: ['name', 'before'], del: ['name', 'before'], test: ['name', 'before'] },
  needed: { create: [], add: ['name'], del: ['name'], test: ['name'] },
  nomatch: false,
  *elements(_, { name }) {
    yield { set: name! }
  },
  lengths: noLengths,
  masked: asIs,
  words: () => [],
  key: () => [],
  fromKey: () => undefined,
  print: ({ set }) => set!,
}
