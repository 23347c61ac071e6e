import { flag } from '../codec.js'
import { defineTarget } from '../target.js'
import { natRange, portsOnly, rangeFlags, rangeProblem } from './nat-range.js'

const random = { flag: '--random', value: flag, doc: 'the port is drawn' } as const
const fully = { flag: '--random-fully', value: flag, doc: 'the port is drawn from all' } as const
const persistent = { flag: '--persistent', value: flag, doc: 'a client always gets the same address' } as const

/** ` random persistent` as options. */
const dashed = (flags: string): string => flags.replace(/ +(?=\w)/g, ' --')

const listedFlags = (given: Readonly<Record<string, unknown>>): string =>
  `${given['random'] ? ' random' : ''}${given['fully'] ? ' random-fully' : ''}${given['persistent'] ? ' persistent' : ''}`

export const dnat = defineTarget({
  name: 'DNAT',
  families: [4, 6],
  tables: ['nat'],
  chains: ['PREROUTING', 'OUTPUT'],
  tracks: true,
  plainWords: true,
  required: ['to'],
  options: { to: { flag: '--to-destination', value: natRange, doc: 'where to' }, random, persistent },
  listed: [
    [
      /to:(\S+)((?: random| random-fully| persistent)*)/y,
      (_, to, flags = '') => `--to-destination ${to}${dashed(flags)}`,
    ],
  ],
  doc: {
    summary: 'Sends the connection to another address or port; replies are translated back.',
    notes: ['Decided for the first packet of a connection only.', 'In OUTPUT the packet is routed again.'],
    kernel: 'net/netfilter/xt_nat.c: xt_dnat_target_v2',
  },
  check: ({ to }, context) => rangeProblem(to!.value, context),
  list: (given) => ` to:${natRange.print(given.to!.value)}${listedFlags(given)}`,
  lower: (given) => [{ do: 'nat', manip: 'dst', to: { ...given.to!.value, ...rangeFlags(given) } }],
})

export const snat = defineTarget({
  name: 'SNAT',
  families: [4, 6],
  tables: ['nat'],
  chains: ['POSTROUTING', 'INPUT'],
  tracks: true,
  plainWords: true,
  required: ['to'],
  options: { to: { flag: '--to-source', value: natRange, doc: 'the new source' }, random, fully, persistent },
  listed: [
    [/to:(\S+)((?: random| random-fully| persistent)*)/y, (_, to, flags = '') => `--to-source ${to}${dashed(flags)}`],
  ],
  doc: {
    summary: 'Gives the connection another source address or port; replies are translated back.',
    notes: ['Decided for the first packet of a connection only.'],
    kernel: 'net/netfilter/xt_nat.c: xt_snat_target_v2',
  },
  check: ({ to }, context) => rangeProblem(to!.value, context),
  list: (given) => ` to:${natRange.print(given.to!.value)}${listedFlags(given)}`,
  lower: (given) => [{ do: 'nat', manip: 'src', to: { ...given.to!.value, ...rangeFlags(given) } }],
})

export const masquerade = defineTarget({
  name: 'MASQUERADE',
  families: [4, 6],
  tables: ['nat'],
  chains: ['POSTROUTING'],
  tracks: true,
  options: { ports: { flag: '--to-ports', value: portsOnly, doc: 'source ports to use' }, random, fully },
  listed: [
    [
      /(?:masq ports: (\S+))?((?: ?random-fully| ?random)*)/y,
      (_, ports, flags = '') => `${ports ? `--to-ports ${ports}` : ''}${dashed(` ${flags}`)}`,
    ],
  ],
  doc: {
    summary: 'SNAT to the address of the interface that the packet leaves through.',
    notes: ['Matches forwarded packets in either direction, if nothing narrows it.'],
    kernel: 'net/netfilter/nf_nat_masquerade.c: nf_nat_masquerade_ipv4',
  },
  check: ({ ports }, context) => ports && rangeProblem({ ports: ports.value }, context),
  list: (given) => `${given.ports ? ` masq ports: ${portsOnly.print(given.ports.value)}` : ''}${listedFlags(given)}`,
  lower: (given) => [
    {
      do: 'nat',
      manip: 'src',
      how: 'masquerade',
      to: { ...(given.ports ? { ports: given.ports.value } : {}), ...rangeFlags(given) },
    },
  ],
})

export const redirect = defineTarget({
  name: 'REDIRECT',
  families: [4, 6],
  tables: ['nat'],
  chains: ['PREROUTING', 'OUTPUT'],
  tracks: true,
  options: { ports: { flag: '--to-ports', value: portsOnly, doc: 'the port' }, random },
  listed: [[/redir ports (\S+)((?: random)*)/y, (_, ports, flags = '') => `--to-ports ${ports}${dashed(flags)}`]],
  doc: {
    summary: 'DNAT to this host itself.',
    notes: ['In PREROUTING to the first address of the incoming interface, in OUTPUT to 127.0.0.1.'],
    kernel: 'net/netfilter/nf_nat_redirect.c: nf_nat_redirect_ipv4',
  },
  check: ({ ports }, context) => ports && rangeProblem({ ports: ports.value }, context),
  list: (given) => `${given.ports ? ` redir ports ${portsOnly.print(given.ports.value)}` : ''}${listedFlags(given)}`,
  lower: (given) => [
    {
      do: 'nat',
      manip: 'dst',
      how: 'redirect',
      to: { ...(given.ports ? { ports: given.ports.value } : {}), ...rangeFlags(given) },
    },
  ],
})
