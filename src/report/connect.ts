import type { Connection, Connections, View } from '../path/connect.js'
import type { Branch, Step } from '../path/trail.js'
import { placeName } from '../path/world.js'
import { destination, source } from './headers.js'
import { branchJson, headersJson, type Json, SCHEMAS } from './json.js'
import { fill, type Line, printable, type Role, type Span, span, table, words } from './line.js'
import { phaseTexts, separated } from './phase-lines.js'
import { neverRunInput, outcomeRole, percent, wayHeading, whereText } from './summary.js'
import { assumptionLines, type TextOptions, titleLines } from './text.js'

const worksRole = (works: boolean | null): Role => (works === null ? 'unknown' : works ? 'accept' : 'drop')
const worksText = (works: boolean | null): string =>
  works === null ? 'undecided' : works ? 'the connection works' : 'the connection does not work'

const tupleText = (tuple: View): string => `${source(tuple)} > ${destination(tuple)}`

/** Both directions as lanes, what each end sees, and why it works or does not. */
export function connectText(trail: Connections, options: TextOptions): Line[] {
  const several = trail.branches.length > 1
  return [
    ...titleLines(trail, options.width),
    ...assumptionLines(trail.assumptions, options.width),
    ...trail.branches.flatMap((branch) => [
      [],
      ...(several ? [[span(wayHeading(branch), 'heading' as Role)]] : []),
      ...conversationLines(branch, options),
    ]),
  ]
}

function conversationLines(way: Connection, options: TextOptions): Line[] {
  const row = (label: string, text: string, role: Role = 'plain') =>
    fill(
      { indent: 0, hang: 10, pieces: [span(label.padEnd(9), 'label'), ...words(printable(text), role)] },
      options.width,
    )
  const { receiver } = way
  const notes = neverRunInput(way.request.steps).flatMap((text) => row('Note', text, 'unknown'))
  return [
    ...(way.rival ? lane('the other packet, confirmed first', way.rival, options) : []),
    ...lane('request', way.request, options),
    ...(way.rival
      ? row('Clash', clashText(way.request), way.request.where.reason === 'conntrack-clash' ? 'drop' : 'plain')
      : []),
    ...(way.reply ? lane('reply', way.reply, options) : []),
    ...(way.third ? thirdLane(way.third, way.request, options) : []),
    ...row('Outcome', worksText(way.works), worksRole(way.works)),
    ...row('Why', way.why),
    ...row('Symptom', way.symptom),
    ...row('Sender', tupleText(way.sender)),
    ...(receiver ? row('Receiver', `${tupleText(receiver)} in ${placeName(receiver)}`) : []),
    ...notes,
  ]
}

/** What became of the packet that lost the race. */
function clashText({ steps, where }: Branch): string {
  if (where.reason === 'conntrack-clash')
    return 'the packet that came second is dropped: its sender asks again when it gives up waiting'
  const said = steps.findLast(
    (step) => step.kind === 'conntrack' && step.text.startsWith('another packet of this flow'),
  )
  if (said?.kind !== 'conntrack') return 'none: both packets pass'
  const older = 'Linux before 5.7 drops it, and a resolver asks again after five seconds'
  return said.text.includes('translated otherwise') ? `${said.text}; ${older}` : said.text
}

/** One packet's way: where it went, what changed it, how it ended. */
function lane(name: string, branch: Branch, options: TextOptions): Line[] {
  const rows = branch.steps.flatMap(hops).map((row) => row.map(({ text, role }) => span(printable(text), role)))
  const body = options.verbose
    ? phaseTexts(branch.steps, options).flatMap(separated)
    : table(rows, { indent: 2, width: options.width })
  return [...laneHead(name, branch, whereText(branch), options), ...body, []]
}

function laneHead(name: string, { outcome }: Branch, text: string, { width }: TextOptions): Line[] {
  const pieces = [
    span(`${name}:`, 'heading'),
    span(`${outcome},`, outcomeRole(outcome)),
    ...words(printable(text), 'dim'),
  ]
  return fill({ indent: 0, hang: 2, pieces }, width)
}

/** The third packet mostly goes where the first one went: then one line says so. */
function thirdLane(third: Branch, request: Branch, options: TextOptions): Line[] {
  const course = ({ outcome, steps }: Branch) =>
    [outcome, ...steps.flatMap(hops).map(([place, what]) => `${place!.text} ${what!.text}`)].join()
  if (options.verbose || course(third) !== course(request)) return lane('third packet', third, options)
  return [...laneHead('third packet', third, 'the same way as the request', options), []]
}

/** What of a step shows in a lane: crossing a wire, being rewritten, ending. */
function hops(step: Step): Span[][] {
  const row = (what: string, text: string, role: Role = 'plain'): Span[][] => [
    [span(placeName(step), 'name'), span(what, 'label'), span(text, role)],
  ]
  switch (step.kind) {
    case 'generate':
      return row('sends', `${source(step.packet)} > ${destination(step.packet)}`)
    case 'receive':
      return row('receives', `on ${step.interface}`, 'dim')
    case 'nat':
      if (step.before === step.after) return []
      return row(
        step.hook.toUpperCase(),
        `${step.manip === 'dst' ? 'destination' : 'source'} ${step.before} → ${step.after}`,
        'rewrite',
      )
    case 'reroute':
      return row('reroute', step.text)
    case 'encapsulate':
    case 'decapsulate':
      return row(
        step.kind === 'encapsulate' ? 'wraps' : 'unwraps',
        `${step.interface}: ${source(step.outer)} > ${destination(step.outer)}`,
      )
    case 'bridge':
      return row('bridges', step.text, 'dim')
    case 'rp-filter':
    case 'check':
      return step.passed ? [] : row('check', step.text, 'drop')
    case 'reply':
      return row('answers', step.text, 'drop')
    case 'copy':
      return row('copies', step.text, 'dim')
    case 'deliver':
      return row('delivers', step.socket ?? step.text, 'accept')
    case 'send':
      return row('sends', `on ${step.interface}`, 'dim')
    case 'drop':
      return row('drops', step.reason, 'drop')
    case 'hook':
    case 'conntrack':
    case 'route':
    case 'neighbour':
      return []
  }
}

/** One line for each way. */
export const connectVerdict = ({ branches }: Connections): Line[] =>
  branches.map(({ probability, supposing, works, why, symptom }) => [
    ...(branches.length > 1
      ? [span(printable(supposing === undefined ? `${percent(probability)} ` : `if ${supposing}: `), 'label')]
      : []),
    span(worksText(works), worksRole(works)),
    span(printable(`: ${why}; ${symptom}`)),
  ])

const tupleJson = ({ src, sport, dst, dport }: View) => ({ src, sport: sport ?? null, dst, dport: dport ?? null })

export function connectJson(trail: Connections) {
  const { packet } = trail
  return {
    schema: SCHEMAS.connect,
    packet: { ...headersJson(packet), from: packet.from ?? null, in: packet.in ?? null },
    assumptions: trail.assumptions,
    branches: trail.branches.map(({ receiver, ...way }) => ({
      probability: way.probability,
      supposing: way.supposing ?? null,
      works: way.works,
      symptom: way.symptom,
      why: way.why,
      request: branchJson(way.request),
      reply: way.reply ? branchJson(way.reply) : null,
      third: way.third ? branchJson(way.third) : null,
      ...(way.rival ? { rival: branchJson(way.rival) } : {}),
      sender: tupleJson(way.sender),
      receiver: receiver ? { host: receiver.host, namespace: receiver.namespace, ...tupleJson(receiver) } : null,
    })),
  } satisfies Json
}
