import { bytesToHex, hexToBytes } from '../../src/packet/hex.js'
import { simulate } from '../../src/path/simulate.js'
import { connectionsText } from '../../src/report/connections.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { blankCookie, blankIds } from '../judge.js'
import { connectionText } from '../verdict.js'

/** What lab.py prints: everything that the router handled, in order. */
export interface Conversation {
  readonly kernel: string
  readonly files: Readonly<Record<string, string>>
  readonly frames: readonly (readonly [seconds: string, device: string, sent: boolean, frame: string])[]
  /** `conntrack -L -o extended` of both families afterwards. */
  readonly conntrack: string
}

export interface Compared {
  readonly received: number
  readonly sent: number
  readonly differences: readonly string[]
}

const MULTICAST6 = /^3333/
/** Listener reports and the like are between a host and its link. */
const between = (frame: string): boolean => MULTICAST6.test(frame) || /^.{24}0806/.test(frame)

/** The model gets what the router received, and has to send what the router sent, in the same order, because of the same frame. */
export function compare({ files, frames, conntrack }: Conversation): Compared {
  const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
  if (!read.ok) throw new Error(`the snapshot is not read: ${JSON.stringify(read.problems[0])}`)
  const [place] = read.hosts.namespaces
  const told = frames.filter(([, , , frame]) => !between(frame))
  const start = Number(told[0]?.[0] ?? 0)
  const simulation = simulate(read.hosts, {
    now: start,
    seed: 1,
    assumeNeighbours: false,
    captured: true,
    steps: false,
  })
  const differences: string[] = []
  let [received, sent, now] = [0, 0, start]
  for (let i = 0; i < told.length; ) {
    const [seconds, device, out, frame] = told[i++]!
    if (out) {
      differences.push(`frame ${i}: sent through ${device} without a reason: ${frame}`)
      continue
    }
    received++
    now = Math.max(now, Number(seconds))
    const { sent: model, branch } = simulation.receive(place!, device, hexToBytes(frame)!, now)
    const kernel: string[] = []
    while (told[i]?.[2]) {
      kernel.push(`${told[i]![1]} ${told[i]![3]}`)
      i++
    }
    sent += kernel.length
    const mine = model.map((one) => `${one.interface} ${bytesToHex(one.frame)}`)
    if (kernel.length === mine.length && kernel.every((one, n) => same(one, mine[n]!))) continue
    const { outcome, where } = branch
    differences.push(
      `frame ${i} at ${device} ${frame}\n  kernel ${kernel.join('\n         ')}\n  model  ${mine.join('\n         ')}\n  (${outcome} ${where.reason} ${where.text})`,
    )
  }
  differences.push(...tables(conntrack, connectionsText(simulation.connections(place!), { now, accounting: true })))
  return { received, sent, differences }
}

/** What the router says by itself has an id of its own, and SYNPROXY's SYN-ACK a cookie. */
function same(kernel: string, model: string): boolean {
  if (kernel === model) return true
  const [link, frame] = kernel.split(' ') as [string, string]
  const [other, mine] = model.split(' ') as [string, string]
  if (link !== other) return false
  return frame.slice(46, 48) === '01' ? blankIds(frame) === blankIds(mine) : blankCookie(frame) === blankCookie(mine)
}

function tables(kernel: string, model: string): readonly string[] {
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map(connectionText)
      .sort()
  const [theirs, mine] = [lines(kernel), lines(model)]
  return [
    ...theirs.filter((line) => !mine.includes(line)).map((line) => `only the kernel has: ${line}`),
    ...mine.filter((line) => !theirs.includes(line)).map((line) => `only the model has:  ${line}`),
  ]
}
