import { familyOf, type Ip } from '../../address/ip.js'
import { servicePort } from '../../address/services.js'
import { showIp } from '../address-mask.js'
import { address, type Codec, type MarkMask, markWithMask, WordError } from '../codec.js'
import type { OptionsOf, RuleContext } from '../extension.js'
import { defineTarget } from '../target.js'

/** Numbers are decimal alone, and only their last 16 bits are kept (getservbyname in xtopt_parse_port without a range). */
const port: Codec<number> = {
  words: 1,
  metavar: 'port',
  parse(word) {
    const value = /^\d+$/.test(word) ? Number(BigInt(word) & 0xffffn) : servicePort(word)
    if (value === undefined) throw new WordError(`Port "${word}" does not resolve to anything.`)
    return value
  },
  print: String,
}

const options = {
  port: { flag: '--on-port', value: port, doc: 'the port of the local socket; 0: that of the packet' },
  ip: { flag: '--on-ip', value: address, doc: 'its address; that of the incoming device' },
  mark: { flag: '--tproxy-mark', value: markWithMask, doc: 'the mark for the packet, for the routing that comes' },
} as const

export const tproxy = defineTarget({
  name: 'TPROXY',
  families: [4, 6],
  defragments: true,
  tables: ['mangle'],
  chains: ['PREROUTING'],
  protocols: [6, 17],
  required: ['port'],
  options,
  doc: {
    summary: 'Hands the packet to a socket of this host without changing its addresses, and accepts it.',
    notes: [
      'The packet is delivered there only if routing finds it to be for this host: a rule by mark and a route "local default dev lo".',
      'Where no socket listens the packet is dropped.',
      'The socket has to have IP_TRANSPARENT set: a listing of sockets does not say so, it is assumed.',
    ],
    kernel: 'net/netfilter/xt_TPROXY.c: tproxy_tg4, tproxy_tg6_v1',
  },
  check: ({ ip }, { family }) =>
    ip && familyOf(ip.value) !== family ? `${showIp(ip.value)} is of the other family` : undefined,
  print: (given, context) =>
    `--on-port ${given.port!.value} --on-ip ${showIp(addressOf(given, context))} --tproxy-mark ${markWithMask.print(markOf(given))}`,
  list: (given, context) =>
    ` TPROXY redirect ${showIp(addressOf(given, context))}:${given.port!.value} mark ${markWithMask.print(markOf(given))}`,
  lower(given, context) {
    const ip = addressOf(given, context)
    const { value, mask } = markOf(given)
    const bound = ip === anyOf(context) ? {} : { ip }
    return [{ do: 'to-socket', ...bound, port: given.port!.value, mark: value, mask }]
  },
})

type Given = OptionsOf<typeof options>
const anyOf = ({ family }: RuleContext): Ip => (family === 4 ? 0 : 0n)
const addressOf = ({ ip }: Given, context: RuleContext): Ip => ip?.value ?? anyOf(context)
const markOf = ({ mark }: Given): MarkMask => mark?.value ?? { value: 0, mask: 0 }
