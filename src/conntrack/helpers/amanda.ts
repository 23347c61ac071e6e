import { ACCEPT, type HelpContext, type Helped, type Helper, payloadOf, textOf } from './helper.js'
import { mangleUdp } from './mangle.js'
import { expectAtPort, type ToldPort } from './port.js'

const WORDS = ['DATA ', 'MESG ', 'INDEX ', 'STATE ']
/** master_timeout: answers of a backup's client may take their time. */
const MASTER = 300

/** The answer's CONNECT line names ports to which the backup server connects. net/netfilter/nf_conntrack_amanda.c, nf_nat_amanda.c. */
export const amanda: Helper = {
  name: 'amanda',
  families: [4, 6],
  protocol: 17,
  port: 10080,
  policies: [{ maxExpected: 4, timeout: 180 }],
  help(context) {
    const { attachment, table, now } = context
    const { entry, direction } = attachment
    if (direction === 'original') return ACCEPT
    table.refresh(entry, now + MASTER)
    const payload = payloadOf(context)
    if (!payload) return ACCEPT
    const text = textOf(payload.data)
    const connect = text.indexOf('CONNECT ')
    const start = connect + 'CONNECT '.length
    const stop = connect < 0 ? -1 : text.indexOf('\n', start)
    return stop < 0 ? ACCEPT : announceAll(context, payload.at, start, stop)
  },
}

/** Offsets are those of the packet as it is at that moment: what was rewritten may have moved the line's end. */
function announceAll(context: HelpContext, at: number, start: number, stop: number): Helped {
  const { packet } = context
  let result = ACCEPT
  for (const word of WORDS) {
    const line = textOf(packet.bytes.subarray(at + start, at + stop))
    const found = line.indexOf(word)
    if (found < 0) continue
    const from = start + found + word.length
    const digits = /^\d*/.exec(textOf(packet.bytes.subarray(at + from, at + Math.min(from + 5, stop))))![0]
    const port = Number(digits) & 0xffff
    if (port === 0) break
    result = announceOne(context, port, at + from, digits.length)
  }
  return result
}

function announceOne(context: HelpContext, port: number, at: number, length: number): Helped {
  const { attachment, packet, offset } = context
  const { original } = attachment.entry
  const told: ToldPort = {
    helper: amanda,
    port,
    direction: 'original',
    at: (dport) => ({ tuple: { ...original, protocol: 6, dport }, src: original.src, sport: undefined }),
    tell: (other) => mangleUdp(packet, offset, at, length, `${other}`),
  }
  return expectAtPort(told, context)
}
