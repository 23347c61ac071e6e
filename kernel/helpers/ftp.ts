import { FLAG } from '../cases/frames.js'
import type { Flow } from '../cases/stage.js'
import { ADDRESSES } from './scene.js'
import { type Talk, TcpTalk } from './talk.js'

/** A control connection with commands good and bad, and the data connections that come of them. */
export function* ftpFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other, server, service } = ADDRESSES[family]
  for (
    let sessions = random.weighted([
      [3, 1],
      [1, 2],
    ]);
    sessions > 0;
    sessions--
  ) {
    const control = new TcpTalk(
      talk,
      'r0',
      random.pick([client, client, other]),
      random.pick([1025, 40000, random.int(1, 65535)]),
      random.pick([server, service]),
      21,
    )
    if (!(yield* control.open())) continue
    if (random.chance(0.8)) yield* control.send('server', '220 ready\r\n')
    if (random.chance(0.9)) yield* control.send('client', 'USER x\r\n')
    if (random.chance(0.8)) yield* control.send('server', '331 go on\r\n')
    for (let n = random.int(1, 6); n > 0; n--) yield* step(talk, control)
    if (random.chance(0.4)) yield* control.close()
  }
}

const commas = (ip: string) => ip.replaceAll('.', ',')

function* step(talk: Talk, control: TcpTalk): Flow {
  const { random, family } = talk
  const own = control.ends.client.place!.src
  const ports = [1024, 2000, 65535, 80, 255, 256, random.int(1, 65535)]
  const port = random.pick(ports)
  const two = `${port >> 8},${port & 255}`
  const from = random.weighted([
    [8, own],
    [1, ADDRESSES[family].other],
    [1, ADDRESSES[family].server],
  ])
  const kind = random.weighted([
    [5, 'PORT'],
    [5, 'EPRT'],
    [6, '227'],
    [6, '229'],
    [3, 'odd'],
    [5, 'ack'],
    [2, 'again'],
    [3, 'error'],
    [1, 'reset'],
    [2, 'text'],
  ] as const)
  const version = family === 4 ? 1 : 2
  if (kind === 'ack') return yield* control.acknowledge(random.pick(['client', 'server']))
  if (kind === 'again') return yield* control.again()
  if (kind === 'error') return yield* control.complain(random.pick(['client', 'server']))
  if (kind === 'reset') {
    yield* control.send(random.pick(['client', 'server']), '', FLAG.rst)
    return
  }
  if (kind === 'text') {
    yield* control.send('client', random.pick(['LIST\r\n', 'NOOP', 'STOR a\r\nPORT 1,2\r\n', 'PO']))
    return
  }
  if (kind === 'odd') {
    const side = random.pick(['client', 'server'] as const)
    const odd = side === 'client' ? ODD_COMMANDS : ODD_ANSWERS
    yield* control.send(side, random.pick(odd).replaceAll('OWN', commas(own)).replaceAll('IP', own))
    return
  }
  if (kind === 'PORT' || kind === 'EPRT') {
    const text =
      kind === 'PORT'
        ? `${random.pick(['PORT', 'port', 'PORT '])} ${commas(from)},${two}\r\n`
        : `EPRT ${random.pick(['|', '|', '!'])}`
    const delimiter = text.at(-1)!
    const line = kind === 'PORT' ? text : `${text}${version}${delimiter}${from}${delimiter}${port}${delimiter}\r\n`
    const heard = yield* control.send('client', line)
    if (random.chance(0.3)) yield* control.again()
    if (heard !== undefined && random.chance(0.8)) yield* active(talk, control, heard)
    return
  }
  const server = control.ends.server.place
  if (!server) return
  const said = random.weighted([
    [8, server.src],
    [1, ADDRESSES[family].other],
    [1, control.ends.client.place!.dst],
  ])
  if (random.chance(0.5)) yield* control.send('client', kind === '227' ? 'PASV\r\n' : 'EPSV\r\n')
  const line =
    kind === '227'
      ? random.pick([
          `227 Entering Passive Mode (${commas(said)},${two})\r\n`,
          `227 ${commas(said)},${two}\r\n`,
          `227 =${commas(said)},${two}.\r\n`,
        ])
      : random.pick([`229 Extended (|||${port}|)\r\n`, `229 (|||${port}|)\r\n`, `229 ok (!!!${port}!)\r\n`])
  const heard = yield* control.send('server', line)
  if (random.chance(0.3)) yield* control.again()
  if (heard !== undefined && random.chance(0.8)) yield* passive(talk, control, heard)
}

const ODD_COMMANDS = [
  'PORT OWN,1,2', 'PORT OWN,1\r\n', 'PORT 1,2,3\r\n', 'PORT OWN,300,400\r\n', 'EPRT |3|IP|1|\r\n', 'EPRT |1|IP|0|\r\n', 'EPRT |2|IP|70000|\r\n', 'EPRT', 'EPRT \r\n', 'PORT OWN,4,1\n',
  'PORT OWN,4,1 \r\n', 'PORT 999999999999,0,0,2,4,1\r\n', 'EPRT 1|1|IP|5|\r\n', 'PORT\r\n', 'PORT ,,,,,\r\n', 'EPRT ||||\r\n', '\r\n',
] // biome-ignore format: a table
const ODD_ANSWERS = [
  '227 \r\n', '227 none\r\n', '227 (1,2,3)\r\n', '229 (|||0|)\r\n', '229 |||5|\r\n', '229 (||5|)\r\n', '229 (|||65536|)\r\n', '229 (|||', '22', '227-x\r\n', '200 ok\r\n', '229 (|||12a|)\r\n', '227 1,2,3,4,5,6',
] // biome-ignore format: a table

/** The server connects to what it was told. */
function* active(talk: Talk, control: TcpTalk, heard: string): Flow {
  const place = control.ends.server.place
  const target = targetOf(heard)
  if (!place || !target) return
  const { random } = talk
  const data = new TcpTalk(
    talk,
    place.at,
    place.src,
    random.pick([20, 20, random.int(1024, 65535)]),
    target.ip ?? place.dst,
    target.port,
  )
  yield* transfer(talk, data)
}

/** The client connects to what it was told. */
function* passive(talk: Talk, control: TcpTalk, heard: string): Flow {
  const place = control.ends.client.place!
  const target = targetOf(heard)
  if (!target) return
  const { random } = talk
  const data = new TcpTalk(
    talk,
    place.at,
    place.src,
    random.pick([place.sport, random.int(1024, 65535)]),
    target.ip ?? place.dst,
    target.port,
  )
  yield* transfer(talk, data)
}

function* transfer({ random }: Talk, data: TcpTalk): Flow {
  if (random.chance(0.3)) {
    yield* data.send('client', '', FLAG.syn)
    return
  }
  if (!(yield* data.open())) return
  if (random.chance(0.6)) yield* data.send(random.pick(['client', 'server']), 'data')
  if (random.chance(0.5)) yield* data.close()
}

function targetOf(text: string): { readonly ip: string | undefined; readonly port: number } | undefined {
  const six = /(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)/.exec(text)
  if (six)
    return {
      ip: six
        .slice(1, 5)
        .map((n) => Number(n) & 255)
        .join('.'),
      port: (Number(six[5]) * 256 + Number(six[6])) & 0xffff,
    }
  const extended = /([|!])([12]?)\1([\da-f.:]*)\1(\d+)\1/.exec(text)
  return extended ? { ip: extended[3] === '' ? undefined : extended[3], port: Number(extended[4]) & 0xffff } : undefined
}
