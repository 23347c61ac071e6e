import { type Codec, integer, number } from '../codec.js'
import { defineMatch } from '../match.js'

const hex: Codec<number> = {
  words: 1,
  metavar: 'number',
  parse: (word) => number(word, 0xffffffff),
  print: (value) => `0x${value.toString(16).padStart(8, '0')}`,
}

export const cluster = defineMatch({
  name: 'cluster',
  families: [4, 6],
  tracks: true,
  required: ['total', 'seed'],
  exactlyOne: ['mask', 'node'],
  options: {
    mask: {
      flag: '--cluster-local-nodemask',
      invertible: true,
      value: hex,
      doc: 'the nodes that this host stands for, as bits',
    },
    node: {
      flag: '--cluster-local-node',
      invertible: true,
      value: integer(32, 'node', 1),
      doc: 'the node that this host is',
    },
    total: { flag: '--cluster-total-nodes', value: integer(32, 'number of nodes', 1), doc: 'how many nodes there are' },
    seed: { flag: '--cluster-hash-seed', value: hex, doc: 'what the hash begins with' },
  },
  doc: {
    summary: 'Matches the share of connections that falls to this node of a cluster.',
    notes: ['The hash is not modelled yet: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_cluster.c: xt_cluster_mt',
  },
  print({ mask, node, total, seed }) {
    const given = mask ?? node!
    const bits = mask ? mask.value : (2 ** (node!.value - 1)) >>> 0
    const not = given.inverted ? '! ' : ''
    return `${not}--cluster-local-nodemask ${hex.print(bits)} --cluster-total-nodes ${total!.value} --cluster-hash-seed ${hex.print(seed!.value)}`
  },
  lower: () => ({ is: 'unknown', text: '-m cluster', needs: 'the hash of this match is not modelled yet' }),
})
