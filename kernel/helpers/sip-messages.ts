import type { Random } from '../prng.js'

/** One end of the signalling, as somebody sees it. */
export interface Place {
  readonly ip: string
  readonly port: number
}

type Draws = Pick<Random, 'int' | 'chance' | 'pick' | 'weighted' | 'some'>

/** Nothing out of the ordinary. */
export const CALM: Draws = {
  int: (low) => low,
  chance: (probability) => probability >= 0.6,
  pick: ([first]) => first!,
  weighted: ([first]) => first![1],
  some: () => [],
}

/** What a message says; where nothing is said it is drawn. */
export interface Talker {
  readonly random: Draws
  readonly family: 4 | 6
  readonly transport: 'UDP' | 'TCP'
  readonly me: Place
  readonly them: Place
  /** Addresses of others. */
  readonly others: readonly string[]
}

export const MEDIA_PORTS = [10000, 10002, 10004, 20000] as const
const METHODS = ['INVITE', 'ACK', 'BYE', 'REGISTER', 'UPDATE', 'PRACK', 'OPTIONS', 'CANCEL', 'SUBSCRIBE'] as const
export type Method = (typeof METHODS)[number]

const bracketed = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip)

/** An end of the connection, mostly as it is. */
function place({ random, others }: Talker, { ip, port }: Place): string {
  const address = random.weighted([
    [30, bracketed(ip)],
    [2, bracketed(random.pick(others))],
    [1, 'pbx.example.org'],
    [1, ip],
    [1, `${bracketed(ip)}a`],
    [1, ip.includes(':') ? `[${ip}` : `0${ip}`],
  ])
  const number = random.weighted([
    [30, `:${port}`],
    [port === 5060 ? 20 : 3, ''],
    [2, `:${random.int(1024, 65535)}`],
    [1, ':1023'],
    [1, ':65536'],
    [1, ':'],
    [1, `:0${port}`],
    [1, `:${port}x`],
    [1, ':123456'],
  ])
  return address + number
}

const uri = (talker: Talker, to: Place): string => {
  const { random } = talker
  const scheme = random.weighted([
    [20, 'sip:'],
    [2, 'SIP:'],
    [1, 'sips:'],
    [1, 'tel:'],
  ])
  const user = random.weighted([
    [10, 'bob@'],
    [5, ''],
    [1, 'bob:secret@'],
    [1, 'a@b@'],
  ])
  return `${scheme}${user}${place(talker, to)}`
}

function header({ random }: Talker, name: string, compact: string | undefined, value: string): string {
  const called = compact && random.chance(0.15) ? compact : random.chance(0.05) ? name.toLowerCase() : name
  const colon = random.weighted([
    [20, ': '],
    [2, ':'],
    [1, ' : '],
    [1, ' :'],
    [1, ':\t'],
    [1, ':\r\n '],
    [1, '\r\n : '],
    [1, ' '],
  ])
  return `${called}${colon}${value}`
}

function via(talker: Talker): string {
  const { random, transport, me, them } = talker
  const over = random.weighted([
    [20, transport],
    [1, 'UDP'],
    [1, 'TCP'],
    [1, 'TLS'],
  ])
  const sent = random.chance(0.08) ? { ip: me.ip, port: random.pick([5060, 5062, 7000]) } : me
  const parameters = random.some(
    [
      ';branch=z9hG4bKnashds7',
      ';rport',
      `;rport=${random.pick([them.port, me.port, 80, 99999])}`,
      `;maddr=${bracketed(random.pick([me.ip, them.ip]))}`,
      `;received=${random.pick([them.ip, me.ip, bracketed(them.ip)])}`,
      ';ttl=1',
    ],
    random.int(0, 4),
  )
  return header(talker, 'Via', 'v', `SIP/2.0/${over} ${place(talker, sent)}${parameters.join('')}`)
}

export function contact(talker: Talker, of: Place = talker.me): string {
  const { random, transport } = talker
  const one = () =>
    `<${uri(talker, of)}${random.weighted([
      [8, ''],
      [2, `;transport=${transport.toLowerCase()}`],
      [1, ';transport=tls'],
      [1, ';transport=tcp'],
      [1, ';transport=udp'],
    ])}>` +
    random.weighted([
      [8, ''],
      [3, ';expires=600'],
      [1, ';expires=0'],
      [1, ';expires=x'],
      [1, ';expires=0x20'],
      [1, ';expires=010'],
      [1, ';q=0.7;expires=20'],
      [1, ';expires=99999999999'],
    ])
  const all = Array.from(
    {
      length: random.weighted([
        [10, 1],
        [2, 2],
        [1, 3],
      ]),
    },
    one,
  )
  return header(talker, 'Contact', 'm', all.join(random.pick([', ', ',', ',\r\n ', ', \r\n\t'])))
}

export interface Offer {
  readonly ip: string
  readonly ports: readonly number[]
}

/** A session description of the media that somebody offers. */
export function session(talker: Talker, { ip, ports }: Offer): string {
  const { random, family, others } = talker
  const told = () =>
    random.weighted([
      [20, ip],
      [1, random.pick(others)],
      [1, 'host'],
      [1, '300.1.1.1'],
    ])
  const version = random.chance(0.04) ? 10 - family : family
  const lines = [
    random.chance(0.97) ? 'v=0' : 'v=x',
    ...(random.chance(0.93) ? [`o=alice 289084 289084 IN IP${version} ${told()}`] : []),
    's=-',
    ...(random.chance(0.85) ? [`c=IN IP${version} ${told()}`] : []),
    't=0 0',
  ]
  for (const port of ports) {
    const kind = random.weighted([
      [10, 'audio'],
      [4, 'video'],
      [2, 'image'],
      [2, 'text'],
      [1, 'AUDIO'],
    ])
    const count = random.weighted([
      [12, ''],
      [1, '/2'],
    ])
    lines.push(`m=${kind} ${port}${count} RTP/AVP 0`)
    if (random.chance(0.25)) lines.push(`c=IN IP${version} ${told()}${random.chance(0.1) ? '/127' : ''}`)
    if (random.chance(0.5)) lines.push('a=rtpmap:0 PCMU/8000')
  }
  const end = random.weighted([
    [12, '\r\n'],
    [1, '\n'],
  ])
  return lines.join(end) + (random.chance(0.9) ? end : '')
}

function finish(talker: Talker, lines: readonly string[], body: string): string {
  const { random, transport } = talker
  const length = random.weighted([
    [20, body.length],
    [1, 0],
    [1, body.length + 7],
    [1, Math.max(0, body.length - 3)],
  ])
  const told = random.chance(transport === 'TCP' ? 0.97 : 0.9)
    ? [header(talker, 'Content-Length', 'l', `${length}`)]
    : []
  const end = random.weighted([
    [20, '\r\n'],
    [1, '\n'],
    [1, '\r'],
  ])
  const [first, ...rest] = lines
  const mixed = random.chance(0.2) ? random.some(rest, rest.length) : rest
  return spoil(random, `${[first, ...mixed, ...told].join(end)}${end}${end}${body}`)
}

/** Now and then something is missing, doubled or cut off. */
function spoil(random: Draws, text: string): string {
  if (!random.chance(0.08)) return text
  const from = random.int(0, text.length)
  const to = Math.min(text.length, from + random.int(1, 12))
  return random.pick([
    text.slice(0, from),
    text.slice(0, from) + text.slice(to),
    text.slice(0, to) + text.slice(from),
    `${text.slice(0, from)}${random.pick([' ', '\r\n', ',', ';', '@', '0', '\0', '\xe9'])}${text.slice(from)}`,
  ])
}

export function request(talker: Talker, method: Method, cseq: number, offer: Offer | undefined): string {
  const { random, them, me } = talker
  const name = random.chance(0.03) ? method.toLowerCase() : method
  const lines = [
    `${name} ${uri(talker, them)} SIP/2.0`,
    via(talker),
    header(talker, 'From', 'f', `Alice <${uri(talker, me)}>;tag=88`),
    header(talker, 'To', 't', `<${uri(talker, method === 'REGISTER' ? me : them)}>`),
    header(talker, 'Call-ID', 'i', `a84b4c76e66710@${me.ip}`),
    ...(random.chance(0.97) ? [header(talker, 'CSeq', undefined, `${cseq} ${method}`)] : []),
    ...(random.chance(0.93) ? [contact(talker)] : []),
    ...(random.chance(method === 'REGISTER' ? 0.6 : 0.1) ? [header(talker, 'Expires', undefined, random.pick(['3600', '60', '0', 'x']))] : []),
    ...(random.chance(0.2) ? [header(talker, 'Route', undefined, `<sip:${them.ip}:${them.port};lr>`)] : []),
    ...(random.chance(0.1) ? [header(talker, 'Record-Route', undefined, `<sip:${me.ip}:${me.port};lr>`)] : []),
  ] // biome-ignore format: a table
  return finish(talker, lines, offer ? session(talker, offer) : '')
}

/** The answer to a request as it came: its Via, From, To and CSeq come back. */
export function answer(
  talker: Talker,
  heard: string,
  code: string,
  more: readonly string[],
  offer: Offer | undefined,
): string {
  const { random } = talker
  const kept = heard
    .split(/\r\n|\r|\n/)
    .filter(
      (line) =>
        /^(via|v|from|f|to|t|call-id|i|cseq)\s*:/i.test(line) || (random.chance(0.5) && /^record-route/i.test(line)),
    )
    .map((line) =>
      /^v/i.test(line) && random.chance(0.5)
        ? line.replace(/;rport(?!=)/, `;received=${talker.them.ip};rport=${talker.them.port}`)
        : line,
    )
  return finish(talker, [`SIP/2.0 ${code}`, ...kept, ...more], offer ? session(talker, offer) : '')
}
