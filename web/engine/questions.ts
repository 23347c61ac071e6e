import { parseIp } from '../../src/address/ip.js'
import { parsePrefix } from '../../src/address/prefix.js'
import { diff } from '../../src/analysis/diff.js'
import { type LintResult, lint } from '../../src/analysis/lint/lint.js'
import { type ReachQuestion, reach } from '../../src/analysis/reach.js'
import { matrix } from '../../src/analysis/reach-matrix.js'
import { parsePacketLine } from '../../src/packet/language.js'
import { QuestionError } from '../../src/path/resolve.js'
import { trace } from '../../src/path/trace.js'
import type { OutcomeName } from '../../src/path/trail.js'
import { type Hosts, type Namespace, placeName } from '../../src/path/world.js'
import { diffJson } from '../../src/report/diff.js'
import { reachJson } from '../../src/report/reach.js'
import { matrixJson } from '../../src/report/reach-matrix.js'
import { NodeLimitError } from '../../src/sets/bdd.js'
import { VisitLimitError } from '../../src/sets/chains.js'
import { changeHosts } from '../../src/snapshot/change/index.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { type Cell, changedCells, type Grid, gridOf } from './grid.js'
import type { Answer, ChainAddress, Situation, TextFile } from './protocol.js'
import { type RulePackets, rulePackets } from './rule-packets.js'

export type Difference = ReturnType<typeof diffJson> & {
  /** Connections that fare differently, of those that the grid asks. */
  readonly cells: readonly { readonly before: Cell; readonly after: Cell }[]
}
export type Reached = ReturnType<typeof reachJson>
export type AllMatrix = ReturnType<typeof matrixJson>

/** How a packet's way ended; without an outcome: why it has none. */
export interface Ending {
  readonly outcome: OutcomeName | undefined
  readonly text: string
}

/** Questions over all packets: they may take seconds, so a worker of their own answers them, with the same hosts as the other one. */
export class Questions {
  #base: Hosts | undefined
  #hosts: Hosts | undefined

  /** What is asked about from now on. */
  sync({ base, files, commands, usual }: Situation): void {
    const read = (texts: readonly TextFile[]) => {
      const snapshot = readSnapshot(texts)
      return snapshot.ok ? snapshot.hosts : undefined
    }
    this.#base = read(base)
    const edited = sameFiles(base, files) ? this.#base : read(files)
    const place = edited?.namespaces.find((namespace) => placeName(namespace) === usual) ?? edited?.namespaces[0]
    if (!edited || !place) return
    const changes = commands.map((text, i) => ({ text, name: `what-if:${i + 1}` }))
    const changed = changeHosts(edited, changes, () => place)
    this.#hosts = changed.ok ? changed.hosts : edited
  }

  /** What is wrong, dead or dangerous in the rules. */
  lint(): LintResult | undefined {
    return this.#hosts && lint(this.#hosts)
  }

  /** What became of a packet in the snapshot as it was opened. */
  before(line: string): readonly Ending[] | undefined {
    const parsed = parsePacketLine(line)
    if (!this.#base || !parsed.ok || parsed.packet.is === 'capture') return undefined
    try {
      return trace(this.#base, parsed.packet).branches.map(({ outcome, where: { text } }) => ({ outcome, text }))
    } catch (error) {
      if (error instanceof QuestionError) return [{ outcome: undefined, text: error.message }]
      throw error
    }
  }

  /** Which packets fare differently now than in the snapshot as it was opened. */
  difference(): Difference | undefined {
    return this.#base && this.#hosts && differenceOf(this.#base, this.#hosts)
  }

  /** The same against another snapshot, which is the newer one. */
  compare(files: readonly TextFile[]): Answer<Difference> {
    const other = readSnapshot(files)
    if (!other.ok) return { ok: false, problems: other.problems }
    if (!this.#hosts) return complain('no snapshot is open')
    return { ok: true, value: differenceOf(this.#hosts, other.hosts) }
  }

  rule(address: ChainAddress, number: number): Answer<RulePackets> {
    const namespace = this.#namespace(address.place)
    if (!this.#hosts || !namespace) return complain('no snapshot is open')
    return limited(() => rulePackets(this.#hosts!, namespace, address, number))
  }

  /** `from`: internet, any, a prefix, an interface; `to`: ADDRESS, or ADDRESS:PORT/PROTOCOL. */
  reach(at: string, from: string, to: string): Answer<Reached> {
    const namespace = this.#namespace(at)
    if (!this.#hosts || !namespace) return complain('no snapshot is open')
    const [origin, target] = [originOf(from, namespace), targetOf(to)]
    if (!origin) return complain(`${from}: neither internet, nor any, nor a prefix, nor an interface of ${at}`)
    if (!target) return complain(`${to}: it must be ADDRESS, or ADDRESS:PORT/tcp`)
    return limited(() =>
      reachJson(reach(this.#hosts!, { at: namespace, from: origin, to: target, through: [{ place: namespace }] })),
    )
  }

  /** Who reaches what, over all packets. */
  matrix(): Answer<AllMatrix> {
    if (!this.#hosts) return complain('no snapshot is open')
    return limited(() => matrixJson(matrix(this.#hosts!, { examples: true })))
  }

  grid(): Grid | undefined {
    return this.#hosts && gridOf(this.#hosts)
  }

  #namespace(place: string): Namespace | undefined {
    return this.#hosts?.namespaces.find((namespace) => placeName(namespace) === place)
  }
}

const sameFiles = (a: readonly TextFile[], b: readonly TextFile[]): boolean =>
  a === b || (a.length === b.length && a.every(({ path, text }, i) => path === b[i]!.path && text === b[i]!.text))

function differenceOf(before: Hosts, after: Hosts): Difference {
  return { ...diffJson(diff(before, after)), cells: changedCells(gridOf(before), gridOf(after)) }
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, 'ipv6-icmp': 58 }

function targetOf(text: string): ReachQuestion['to'] | undefined {
  const whole = parseIp(text.trim())
  if (whole !== undefined) return { address: whole }
  const [, bracketed, plain, port, name] =
    /^(?:\[([^\]]+)\]|([^/:]+))(?::(\d+))?(?:\/(\w[\w-]*))?$/.exec(text.trim()) ?? []
  const address = parseIp(bracketed ?? plain ?? '')
  const protocol = PROTOCOLS[name ?? (port === undefined ? '' : 'tcp')]
  if (address === undefined || (name !== undefined && protocol === undefined) || Number(port ?? 0) > 65535)
    return undefined
  return {
    address,
    ...(protocol === undefined ? {} : { protocol }),
    ...(port === undefined ? {} : { port: Number(port) }),
  }
}

function originOf(text: string, { links }: Namespace): ReachQuestion['from'] | undefined {
  const word = text.trim()
  if (word === 'internet' || word === '') return { outside: true }
  if (word === 'any') return {}
  const prefix = parsePrefix(word)
  if (prefix) return { prefix }
  return links.some(({ name }) => name === word) ? { iif: word } : undefined
}

/** Sets can become too large: then there is no answer, and that is said. */
const TOO_DEEP = 'more than this browser has room for: ask packetwalk on the command line'

function limited<T>(ask: () => T | undefined): Answer<T> {
  try {
    const value = ask()
    return value === undefined ? complain('there is no such rule') : { ok: true, value }
  } catch (error) {
    if (error instanceof NodeLimitError || error instanceof VisitLimitError) return complain(error.message)
    // a browser's worker has less room for nested calls than Node
    if (error instanceof RangeError) return complain(TOO_DEEP)
    throw error
  }
}

const complain = (message: string): Answer<never> => ({ ok: false, problems: [{ message }] })
