import type { Caught } from './agent.js'
import { type Answer, ask, kernelTrace, type Lab } from './model.js'
import { countsOf, type Verdict } from './verdict.js'

/** One point on which the model and the kernel differ. `packet` from 1. */
export interface Difference {
  readonly about: 'frames' | 'counters' | 'connections' | 'expectations' | 'sets' | 'trace' | 'failure' | 'unknown'
  readonly packet?: number
  readonly text: string
}

/** Everything on which the model differs from the kernel; nothing is best. `unknown` stands alone: the model says that it cannot tell. */
export function differences(lab: Lab, verdict: Verdict): readonly Difference[] {
  let answer: Answer
  try {
    answer = ask(lab, verdict)
  } catch (error) {
    return [{ about: 'failure', text: error instanceof Error ? (error.stack ?? error.message) : String(error) }]
  }
  const found = [
    ...frames(verdict, answer),
    ...counters(verdict, answer),
    ...connections(verdict, answer),
    ...second(verdict, answer),
    ...sets(verdict, answer),
    ...lines('expectations', verdict.expectations ?? answer.expectations, answer.expectations),
    ...traces(verdict, answer),
  ]
  return found.length > 0 && answer.unknown.length > 0
    ? answer.unknown.map((text) => ({ about: 'unknown', text }))
    : found
}

const side = (sent: readonly Caught[]): string =>
  sent.length === 0 ? 'nothing' : sent.map(([link, frame]) => `${link} ${frame}`).join('\n           ')

function frames(verdict: Verdict, { sent, outcomes }: Answer): readonly Difference[] {
  return verdict.sent.flatMap((kernel, i): readonly Difference[] => {
    const model = sent[i]!
    if (kernel.length === model.length && kernel.every((one, n) => same(one, model[n]!))) return []
    const { at, frame } = verdict.packets[i]!
    const text = `packet ${i + 1} at ${at} ${frame}\n   kernel: ${side(kernel)}\n   model:  ${side(model)}\n   (${outcomes[i]})`
    return [{ about: 'frames', packet: i + 1, text }]
  })
}

/** Equal but for what the kernel drew (`?`); there, the header checksum must be right in itself. */
function same([link, kernel]: Caught, [otherLink, model]: Caught): boolean {
  if (link !== otherLink || kernel.length !== model.length) return false
  if (!kernel.includes('?')) return kernel === model
  for (let i = 0; i < kernel.length; i++) if (kernel[i] !== '?' && kernel[i] !== model[i]) return false
  return model.slice(24, 28) !== '0800' || headerSum(model.slice(28)) === 0xffff
}

function headerSum(packet: string): number {
  let total = 0
  const length = Number.parseInt(packet[1]!, 16) * 8
  for (let at = 0; at < length; at += 4) total += Number.parseInt(packet.slice(at, at + 4), 16)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

function counters({ save }: Pick<Verdict, 'save'>, { counts }: Pick<Answer, 'counts'>): readonly Difference[] {
  const model = new Map(counts.map((count) => [`${count.table} ${count.chain} ${count.number}`, count]))
  return countsOf(save).flatMap(({ table, chain, number, text, packets, bytes }): readonly Difference[] => {
    const other = model.get(`${table} ${chain} ${number}`)
    if (other?.packets === packets && other.bytes === bytes) return []
    const found = other ? `[${other.packets}:${other.bytes}]` : 'no such rule'
    return [
      {
        about: 'counters',
        text: `${table} ${number === 0 ? `${chain} policy ` : ''}${text}: kernel [${packets}:${bytes}], model ${found}`,
      },
    ]
  })
}

const connections = (
  { conntrack }: Pick<Verdict, 'conntrack'>,
  answer: Pick<Answer, 'conntrack'>,
): readonly Difference[] => lines('connections', conntrack, answer.conntrack)

/** The router behind the first. */
function second(verdict: Verdict, answer: Answer): readonly Difference[] {
  const [kernel, model] = [verdict.second, answer.second]
  if (!kernel || !model) return []
  const found = [...counters(kernel, model), ...connections(kernel, model)]
  return found.map(({ about, text }) => ({ about, text: `second router: ${text}` }))
}

/** Behind an element of a type with networks, ipset 7.17 prints what lay in its memory as the length of a bitmask: `255.255.0.255/12`, `/172`. */
const withoutLength = (line: string): string => line.replace(/( bitmask [\da-f.:]+)\/\d+/, '$1')

const sets = (verdict: Verdict, answer: Answer): readonly Difference[] =>
  verdict.sets ? lines('sets', verdict.sets.after.map(withoutLength), answer.sets ?? []) : []

function lines(
  about: 'connections' | 'expectations' | 'sets',
  kernel: readonly string[],
  model: readonly string[],
): readonly Difference[] {
  const [ours, theirs] = [new Set(model), new Set(kernel)]
  return [
    ...kernel
      .filter((line) => !ours.has(line))
      .map((line): Difference => ({ about, text: `only the kernel has: ${line}` })),
    ...model
      .filter((line) => !theirs.has(line))
      .map((line): Difference => ({ about, text: `only the model has:  ${line}` })),
  ]
}

function traces(verdict: Verdict, answer: Answer): readonly Difference[] {
  return (verdict.trace ?? []).flatMap((lines, i): readonly Difference[] => {
    const kernel = kernelTrace(lines, verdict.save).join(' ')
    const model = answer.trace[i]!.join(' ')
    return kernel === model
      ? []
      : [{ about: 'trace', packet: i + 1, text: `packet ${i + 1}\n   kernel: ${kernel}\n   model:  ${model}` }]
  })
}

export const report = (name: string, found: readonly Difference[], most = 12): string =>
  [`${name}: ${found.length} differences`, ...found.slice(0, most).map(({ about, text }) => `  ${about}: ${text}`), ...(found.length > most ? [`  … and ${found.length - most} more`] : [])].join('\n') // biome-ignore format: one thing
