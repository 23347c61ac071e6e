import { CT_STATUS } from '../../packet/fields.js'
import { all, anyBit, type Condition, equals, inRanges, invertedIf, not } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
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
      // iptables takes no greater mask than 32, as if it were a number of nodes
      value: integer(32, 'mask', 1),
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
    notes: [
      'The source address of the connection is hashed, of IPv6 only its first 32 bits; a packet without a connection does not match, inverted or not, nor one in raw that has the template of a CT rule.',
    ],
    kernel: 'net/netfilter/xt_cluster.c: xt_cluster_mt',
  },
  print({ mask, node, total, seed }) {
    const given = mask ?? node!
    const bits = mask ? mask.value : (2 ** (node!.value - 1)) >>> 0
    const not = given.inverted ? '! ' : ''
    return `${not}--cluster-local-nodemask ${hex.print(bits)} --cluster-total-nodes ${total!.value} --cluster-hash-seed ${hex.print(seed!.value)}`
  },
  check({ mask, node, total }) {
    const bits = mask ? mask.value : 2 ** (node!.value - 1)
    return bits >= 2 ** total!.value ? `there are ${total!.value} nodes` : undefined
  },
  list({ mask, node, total, seed }) {
    const given = mask ?? node!
    const bits = mask ? mask.value : (2 ** (node!.value - 1)) >>> 0
    return ` cluster ${given.inverted ? '!' : ''}node_mask=${hex.print(bits)} total_nodes=${total!.value} hash_seed=${hex.print(seed!.value)}`
  },
  lower({ mask, node, total, seed }, { family }): Condition {
    const given = mask ?? node!
    const bits = mask ? mask.value : 2 ** (node!.value - 1)
    // of an IPv6 address the first 32 bits (xt_cluster_hash_ipv6 takes a number of bytes for one of words)
    const source: Value = family === 4 ? 'ct.original.saddr' : { from: 'shifted', of: 'ct.original.saddr6', by: 96 }
    const into = total!.value
    const hash: Value = { from: 'hash', of: source, seed: seed!.value, into }
    const own = Array.from({ length: into }, (_, i) => i).filter((i) => Math.floor(bits / 2 ** i) % 2 === 1)
    // a packet that came as a link-layer multicast is for this host from here on, which is not modelled
    const isMulticast = equals('meta.pkttype', MULTICAST)
    const unicast = inRanges(
      family === 4 ? 'ip.daddr' : 'ip6.daddr',
      family === 4 ? [[0, 0xdfffffff], [0xf0000000, 0xffffffff]] : [[0n, (0xffn << 120n) - 1n]], // biome-ignore format: two ranges
    )
    const text = '-m cluster'
    return all(
      not(all(isMulticast, unicast, { is: 'unknown', text, needs: 'link-layer multicast is not modelled' })),
      inRanges(hash, [[0, into]]), // without a connection nothing matches, inverted or not
      not(anyBit('ct.status', CT_STATUS.TEMPLATE)), // nor does the template of a CT rule
      not(
        all(anyBit('ct.status', CT_STATUS.EXPECTED), {
          is: 'unknown',
          text,
          needs: 'the connection that expected this one is not known',
        }),
      ),
      invertedIf(
        given.inverted,
        inRanges(
          hash,
          own.map((i) => [i, i] as const),
        ),
      ),
    )
  },
})

/** PACKET_MULTICAST. */
const MULTICAST = 2
