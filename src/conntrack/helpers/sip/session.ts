import type { Ip } from '../../../address/ip.js'
import { ACCEPT, drop, type Helped } from '../helper.js'
import { CLASS, type MediaClass } from './classes.js'
import { expectMedia } from './expect.js'
import type { Message } from './message.js'
import { rewriteMediaAddress, rewriteSessionAddress } from './nat.js'
import { numberAt, sessionIp, sessionLine } from './text.js'

const MEDIA: readonly (readonly [word: string, kind: MediaClass])[] = [
  ['audio ', CLASS.audio],
  ['video ', CLASS.video],
  ['image ', CLASS.image],
]
const MOST_MEDIA = MEDIA.length
const [LEAST_PORT, LARGEST_PORT] = [1024, 65535]
const CANNOT_REWRITE = drop('the session description of a SIP message cannot be rewritten')

/** process_sdp: the media that a session description offers, and its addresses. */
export function followSession(message: Message): Helped {
  const { family } = message
  const version = sessionLine(message.text, 0, 'version', family)
  if (version.is !== 'found') return ACCEPT
  const start = version.at
  const common = sessionIp(message.text, start, 'connection', family, 'media')
  /** The last address under which media are to be found. */
  let told: Ip | undefined = common?.ip
  let at = start
  for (let media = 0; media < MOST_MEDIA; ) {
    const line = sessionLine(message.text, at, 'media', family)
    if (line.is !== 'found') break
    const known = MEDIA.find(([word]) => line.length >= word.length && message.text.startsWith(word, line.at))
    at = line.at + (known ? known[0].length : line.length)
    if (!known) continue
    const { value: port } = numberAt(message.text, at)
    if (port === 0) continue
    if (port < LEAST_PORT || port > LARGEST_PORT) return drop(`a SIP message names port ${port} for media`)
    const own = sessionIp(message.text, at, 'connection', family, 'media')
    const ip = own?.ip ?? common?.ip
    if (ip === undefined) return drop('a session description does not say where its media are')
    const length = line.length - known[0].length
    const expected = expectMedia(message, { ip, port, class: known[1], at, length })
    if (expected.is === 'failed') return expected.helped
    told = expected.ip
    if (own && message.translated && !rewriteMediaAddress(message, at, told)) return CANNOT_REWRITE
    media++
  }
  if (!message.translated || told === undefined) return ACCEPT
  return rewriteSessionAddress(message, start, told) ? ACCEPT : CANNOT_REWRITE
}
