import type { Random } from '../prng.js'
import { host, prefixes } from './scene.js'
import { setMatch } from './sets.js'
import type { Spot } from './spot.js'

const not = (random: Random, probability = 0.2): string => (random.chance(probability) ? '! ' : '')
const range = ({ random }: Spot, low: number, high: number): string =>
  random.weighted([
    [2, () => `${random.int(low, high)}`],
    [1, () => `:${random.int(low, high)}`],
    [1, () => `${random.int(low, high)}:`],
    [1, () => `${low}:${random.int(low, high)}`],
  ])()

type Generator = (spot: Spot) => string | undefined

function connbytes({ random }: Spot): string {
  const mode = random.pick(['packets', 'bytes', 'avgpkt'])
  // iptables-save 1.8.9 writes `! 0:0` as `0`, which is another condition
  const from = mode === 'packets' ? random.int(1, 4) : random.int(20, 200)
  const to = random.chance(0.5) ? `:${from + random.int(0, mode === 'packets' ? 4 : 300)}` : ''
  return `${not(random)}--connbytes ${from}${to} --connbytes-dir ${random.pick(['original', 'reply', 'both'])} --connbytes-mode ${mode}`
}

function hashlimit({ random }: Spot): string {
  const mode = random.chance(0.8) ? ` --hashlimit-mode ${random.some(['srcip', 'dstip', 'srcport', 'dstport'], random.int(1, 2)).join(',')}` : '' // biome-ignore format: one thing
  const masks = mode.includes('srcip') && random.chance(0.3) ? ` --hashlimit-srcmask ${random.pick([8, 16, 24])}` : ''
  return `--hashlimit-${random.pick(['upto', 'above'])} ${random.pick(['1/hour', '5/hour', '1/min'])} --hashlimit-burst ${random.int(1, 5)}${mode}${masks} --hashlimit-name H${random.int(1, 99999)}`
}

function iprange(spot: Spot): string {
  const {
    random,
    scene: { family, client },
  } = spot
  const source = `${not(random)}--src-range ${host(family, 1, client)}-${host(family, 2, 30)}`
  const destination = `${not(random)}--dst-range ${host(family, 2, 10)}-${host(family, 3, 9)}`
  return random.pick([source, destination, `${source} ${destination}`])
}

/** The rarer matches; which see `MATCHES`. */
export const MORE_MATCHES: Readonly<Record<string, Generator>> = {
  cluster: ({ random, hook }) =>
    hook === 'PREROUTING'
      ? `--cluster-total-nodes ${random.int(2, 4)} ${not(random)}--cluster-local-node ${random.int(1, 2)} --cluster-hash-seed 0x${random.int(1, 0x7fffffff).toString(16)}`
      : undefined,
  connbytes,
  connlabel: ({ random }) => `${not(random)}--label ${random.int(0, 5)}${random.chance(0.4) ? ' --set' : ''}`,
  connlimit: ({ random, scene }) =>
    `--connlimit-${random.pick(['upto', 'above'])} ${random.int(0, 3)} --connlimit-mask ${random.pick(scene.family === 4 ? [32, 24, 0] : [128, 64])} ${random.pick(['--connlimit-saddr', '--connlimit-daddr'])}`,
  /** Which CPU it is, is chance: the two labs have one each. */
  cpu: () => undefined,
  devgroup: ({ random, hook }) =>
    hook === 'PREROUTING' || hook === 'INPUT'
      ? `${not(random)}--src-group ${random.pick(['0x0', '0x1'])}`
      : hook === 'POSTROUTING' || hook === 'OUTPUT'
        ? `${not(random)}--dst-group ${random.pick(['0x0', '0x1'])}`
        : undefined,
  dscp: ({ random }) => `${not(random)}--dscp ${random.pick(['0x00', '0x2e', '0x02', '0x04'])}`,
  hashlimit,
  helper: ({ random }) => `${not(random)}--helper ${random.pick(['ftp', 'sip', 'tftp'])}`,
  iprange,
  length: (spot) => `${not(spot.random)}--length ${range(spot, 28, 80)}`,
  mac: ({ random, hook }) =>
    ['PREROUTING', 'INPUT', 'FORWARD'].includes(hook)
      ? `${not(random)}--mac-source 02:00:00:00:01:1${random.int(0, 2)}`
      : undefined,
  pkttype: ({ random }) => `${not(random)}--pkt-type ${random.pick(['unicast', 'broadcast', 'multicast'])}`,
  quota: ({ random }) => `${not(random)}--quota ${random.pick([0, 40, 100, 250, 10000])}`,
  realm: ({ random, hook, scene }) =>
    scene.family === 4 && ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)
      ? `${not(random)}--realm ${random.pick(['0x0', '0x1', '0x0/0xf'])}`
      : undefined,
  rpfilter: ({ random, hook, table }) =>
    hook === 'PREROUTING' && (table === 'raw' || table === 'mangle')
      ? random.some(['--loose', '--validmark', '--accept-local', '--invert'], random.int(0, 2)).join(' ')
      : undefined,
  set: setMatch,
  tcpmss: ({ random, protocol }) =>
    protocol === 'tcp' ? `${not(random)}--mss ${random.pick(['1460', '536:1459', '1000:2000'])}` : undefined,
  time: ({ random }) => random.pick(['--timestart 00:00 --timestop 23:59:59', '--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun', '--datestop 2020-01-01', '--datestart 2020-01-01']), // biome-ignore format: one thing
  tos: ({ random }) => `${not(random)}--tos ${random.pick(['0x08', '0x10/0x3f', '0x00/0xff', '0xb8/0xfc'])}`,
}

/** Of the source prefixes, for targets and matches that take whole nets. */
export const nets = (spot: Spot): readonly string[] =>
  prefixes(spot.scene).filter((prefix) => !/\/(32|128)$/.test(prefix))
