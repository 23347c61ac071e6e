import type { OutcomeName } from '../path/trail.js'
import type { Counters } from '../rules/program.js'
import { fill, type Line, printable, type Role, span, words } from './line.js'

export interface SentText {
  readonly interface: string
  /** Hex, Ethernet header included. */
  readonly frame: string
}

/** A rule that the kernel and the model have not counted alike. `rule` from 1; 0 is the policy. */
export interface CountDifference {
  readonly table: string
  readonly chain: string
  readonly rule: number
  readonly text: string
  readonly kernel: Counters
  readonly model: Counters
}

export interface PacketVerdict {
  readonly packet: string
  /** `HOST[/NETNS]`, and the interface at which the packet arrives; `local`: it is sent there. */
  readonly namespace: string
  readonly at: string
  readonly verdict: 'agrees' | 'differs' | 'undecided'
  /** What the model says of it, and why. */
  readonly outcome: OutcomeName
  readonly why: string
  readonly kernel: readonly SentText[]
  readonly model: readonly SentText[]
  readonly counters: readonly CountDifference[]
}

export interface VerifyResult {
  /** `uname -r` of the kernel that was asked. */
  readonly kernel: string
  /** What the sandbox has not, or has only something that stands in for it. */
  readonly notes: readonly string[]
  readonly packets: readonly PacketVerdict[]
}

/** One that differs makes the whole differ; else one that is not decided leaves it undecided. */
export function verdictOf({ packets }: VerifyResult): PacketVerdict['verdict'] {
  const has = (verdict: PacketVerdict['verdict']) => packets.some((one) => one.verdict === verdict)
  return has('differs') ? 'differs' : has('undecided') || packets.length === 0 ? 'undecided' : 'agrees'
}

/** schema/verify.schema.json. */
export const verifyJson = (result: VerifyResult) => ({
  schema: 'packetwalk/verify/1',
  verdict: verdictOf(result),
  ...result,
})

const ROLES: Readonly<Record<PacketVerdict['verdict'], Role>> = {
  agrees: 'accept',
  differs: 'drop',
  undecided: 'unknown',
}

export function verifyText(result: VerifyResult, width: number, verbose: boolean): readonly Line[] {
  const notes = result.notes.flatMap((note) =>
    fill({ indent: 0, hang: 2, pieces: [span('note:', 'label'), ...words(printable(note))] }, width),
  )
  return [...notes, ...result.packets.flatMap((one) => packetLines(one, width, verbose)), summary(result)]
}

function packetLines(one: PacketVerdict, width: number, verbose: boolean): readonly Line[] {
  const { verdict, packet, outcome, why, namespace } = one
  const pieces = [
    span(verdict.padEnd(9), ROLES[verdict]),
    ...words(printable(packet)),
    span(`(${namespace}):`, 'dim'),
    ...words(printable(`${outcome}, ${why}`)),
  ]
  const lines: Line[] = [...fill({ indent: 0, hang: 10, pieces }, width)]
  if (verdict === 'differs' || verbose) {
    lines.push(...frameLines('kernel', one.kernel), ...frameLines('model', one.model))
    for (const { table, chain, rule, text, kernel, model } of one.counters)
      lines.push([
        span('  counted: ', 'label'),
        span(printable(rule === 0 ? `${table} ${chain} ${text}` : `${table} ${text}`), 'rule'),
        span(`: kernel [${kernel.packets}:${kernel.bytes}], model [${model.packets}:${model.bytes}]`),
      ])
  }
  return lines
}

function frameLines(who: string, frames: readonly SentText[]): readonly Line[] {
  const label = span(`  ${who} sends: `.padEnd(16), 'label')
  if (frames.length === 0) return [[label, span('nothing', 'dim')]]
  return frames.map(({ interface: link, frame }): Line => [label, span(`${printable(link)} `, 'name'), span(frame)])
}

function summary(result: VerifyResult): Line {
  const verdict = verdictOf(result)
  const count = (name: PacketVerdict['verdict']) => result.packets.filter((one) => one.verdict === name).length
  return [
    span(`Linux ${result.kernel}: `, 'label'),
    span(`${count('agrees')} of ${result.packets.length} packets agree`, ROLES[verdict]),
    span(count('differs') > 0 ? `, ${count('differs')} differ` : ''),
    span(count('undecided') > 0 ? `, ${count('undecided')} undecided` : ''),
  ]
}
