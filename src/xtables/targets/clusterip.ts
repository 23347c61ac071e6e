import { isMulticastMac, parseMac, printMac } from '../../address/mac.js'
import { type Codec, flag, integer, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** CLUSTERIP_MAX_NODES. */
const MOST_NODES = 16
const MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport']

const hashmode: Codec<string> = {
  words: 1,
  metavar: 'mode',
  parse(word) {
    if (!MODES.includes(word)) throw new WordError(`Unknown hashmode "${word}"`)
    return word
  },
  print: (word) => word,
}

const mac: Codec<string> = {
  words: 1,
  metavar: 'mac',
  parse(word) {
    const parsed = parseMac(word)
    if (parsed === undefined) throw new WordError(`bad MAC address "${word}"`)
    if (!isMulticastMac(parsed)) throw new WordError('MAC has to be a multicast ethernet address')
    return printMac(parsed).toUpperCase()
  },
  print: (word) => word,
}

export const clusterip = defineTarget({
  name: 'CLUSTERIP',
  families: [4],
  chains: ['INPUT'],
  options: {
    fresh: { flag: '--new', value: flag, doc: 'begins a cluster address' },
    mode: { flag: '--hashmode', value: hashmode, doc: 'what decides whose a packet is' },
    mac: { flag: '--clustermac', value: mac, doc: 'the multicast MAC address that all nodes share' },
    total: { flag: '--total-nodes', value: integer(MOST_NODES, 'nodes'), doc: 'how many nodes there are' },
    local: { flag: '--local-node', value: integer(MOST_NODES, 'node', 1), doc: 'which of them this host is' },
    seed: { flag: '--hash-init', value: integer(0xffffffff, 'seed'), doc: 'what the hash begins with' },
  },
  doc: {
    summary:
      'Several hosts share an address, and each takes its part of the packets. Linux has not had it since 6.3: -m cluster is its successor.',
    kernel: 'net/ipv4/netfilter/ipt_CLUSTERIP.c: clusterip_tg (Linux 6.2)',
  },
  check({ fresh, mode, mac: address, total, local, seed }) {
    const all = mode && address && total && local
    if (!fresh)
      return mode || address || total || local || seed ? 'CLUSTERIP: the options of a cluster go with --new' : undefined
    return all ? undefined : 'CLUSTERIP needs --hashmode, --clustermac, --total-nodes and --local-node with --new'
  },
  print({ fresh, mode, mac: address, total, local, seed }) {
    if (!fresh) return ''
    return `--new --hashmode ${mode!.value} --clustermac ${address!.value} --total-nodes ${total!.value} --local-node ${local!.value} --hash-init ${seed?.value ?? 0}`
  },
  list: ({ fresh, mode, mac: address, total, local, seed }) =>
    fresh
      ? ` CLUSTERIP hashmode=${mode!.value} clustermac=${address!.value} total_nodes=${total!.value} local_node=${local!.value} hash_init=${seed?.value ?? 0}`
      : ' CLUSTERIP',
  lower: () => [
    { do: 'unknown', text: '-j CLUSTERIP', needs: 'which node the kernel counts itself to is not in a snapshot' },
  ],
})
