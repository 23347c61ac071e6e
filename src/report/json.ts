import type { Branch, ChainVisit, Headers, RouteLookup, RuleVisit, Step, Trail, Way } from '../path/trail.js'
import { hex } from './headers.js'
import { explain } from './reason.js'

/** Documents of `--json`: what is not there is `null`, marks are hex text, all other numbers numbers. Shapes: schema/*.schema.json. */
export const SCHEMAS = {
  trace: 'packetwalk/trace/1',
  connect: 'packetwalk/connect/1',
  show: 'packetwalk/show/1',
} as const

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export function trailJson(trail: Trail) {
  return {
    schema: SCHEMAS.trace,
    packet: { ...headersJson(trail.packet), from: trail.packet.from ?? null, in: trail.packet.in ?? null },
    assumptions: trail.assumptions,
    branches: trail.branches.map(branchJson),
  } satisfies Json
}

export function branchJson({ probability, supposing, outcome, where, final, symptom, steps, way }: Branch) {
  return {
    probability,
    supposing: supposing ?? null,
    outcome,
    where: whereJson(where),
    final: {
      interface: final.interface ?? null,
      src: final.src,
      dst: final.dst,
      protocol: final.protocol,
      sport: final.sport ?? null,
      dport: final.dport ?? null,
      mark: hex(final.mark),
    },
    symptom,
    steps: stepsJson(steps),
    way: wayJson(way),
  } satisfies Json
}

export const whereJson = ({ host, namespace, hook, table, chain, rule, reason, text }: Branch['where']) =>
  ({
    host,
    namespace,
    hook: hook ?? null,
    table: table ?? null,
    chain: chain ?? null,
    rule: rule ?? null,
    reason,
    text,
  }) satisfies Json

export function headersJson(packet: Headers) {
  const { src, dst, protocol, sport, dport, icmp, flags, ttl, length, mark } = packet
  return {
    src,
    dst,
    protocol,
    sport: sport ?? null,
    dport: dport ?? null,
    icmp: icmp ? { type: icmp.type, code: icmp.code, id: icmp.id ?? null } : null,
    flags: flags ?? null,
    ttl,
    length,
    mark: hex(mark),
  } satisfies Json
}

/** The connection's state is carried along: a rule's comparison alone does not tell it. */
function stepsJson(steps: readonly Step[]): Json[] {
  const states = new Map<string, string>()
  return steps.map((step) => {
    const place = `${step.host}/${step.namespace}`
    if (step.kind === 'conntrack') states.set(place, step.state)
    return stepJson(step, states.get(place))
  })
}

const wayJson = (way: Way): Json => way.map(({ host, namespace, stage, step }) => ({ host, namespace, stage, step }))

function stepJson(step: Step, state: string | undefined): Json {
  const { kind, host, namespace } = step
  return { kind, host, namespace, ...details(step, state), packet: headersJson(step.packet) }
}

/** Everything of a step that is its own. */
function details(step: Step, state: string | undefined): { readonly [key: string]: Json } {
  switch (step.kind) {
    case 'generate':
      return { text: step.text }
    case 'receive':
      return { interface: step.interface, from: step.from ?? null }
    case 'hook': {
      const chains = step.chains.map((chain) => chainJson(chain, state))
      return { hook: step.hook, iif: step.iif ?? null, oif: step.oif ?? null, chains }
    }
    case 'conntrack': {
      const { hook, direction, original, reply, text } = step
      const connection = { original: original ?? null, reply: reply ?? null }
      return { hook, state: step.state, direction: direction ?? null, ...connection, text }
    }
    case 'nat': {
      const { hook, manip, before, after, rule, text, ports } = step
      return { hook, manip, before, after, rule: rule ? visitJson(rule, state) : null, ports: ports ?? null, text }
    }
    case 'route':
    case 'reroute':
      return { result: step.result, lookup: lookupJson(step.lookup), text: step.text }
    case 'rp-filter': {
      const { mode, passed, lookup, text } = step
      return { interface: step.interface, mode, passed, lookup: lookup ? lookupJson(lookup) : null, text }
    }
    case 'check':
      return { what: step.what, passed: step.passed, text: step.text }
    case 'neighbour':
      return { interface: step.interface, address: step.address, mac: step.mac ?? null, text: step.text }
    case 'bridge':
      return { bridge: step.bridge, in: step.in ?? null, out: step.out, text: step.text }
    case 'encapsulate':
    case 'decapsulate': {
      const { outer, inner, text } = step
      return { interface: step.interface, outer: headersJson(outer), inner: headersJson(inner), text }
    }
    case 'reply':
      return { reply: headersJson(step.reply), walked: stepsJson(step.walked), way: wayJson(step.way), text: step.text }
    case 'copy':
      return { copy: headersJson(step.copy), walked: stepsJson(step.walked), way: wayJson(step.way), text: step.text }
    case 'deliver':
      return { socket: step.socket ?? null, text: step.text }
    case 'send':
      return { interface: step.interface, to: step.to ?? null, text: step.text }
    case 'drop':
      return { reason: step.reason, text: step.text }
  }
}

function chainJson(visited: ChainVisit, state: string | undefined) {
  const { table, backend, family, chain, priority, type, visits, verdict, decidedBy, skipped } = visited
  return {
    table,
    backend,
    family,
    chain,
    priority,
    type,
    verdict,
    decided: { chain: decidedBy.chain, rule: decidedBy.number ?? null },
    skipped: skipped ?? null,
    rules: visits.map((visit) => visitJson(visit, state)),
  } satisfies Json
}

function visitJson({ chain, number, rule, outcome, because, did, depth }: RuleVisit, state: string | undefined) {
  const why = because ? explain(because, outcome === 'yes', { state }) : undefined
  return {
    chain,
    number,
    text: rule.text,
    source: rule.source ? { file: rule.source.file, line: rule.source.line } : null,
    depth,
    outcome,
    field: why?.field ?? null,
    wanted: why?.wanted ?? null,
    seen: why?.seen ?? null,
    why: why?.sentence ?? null,
    did,
  } satisfies Json
}

function lookupJson(lookup: RouteLookup) {
  const { rules, destination, source, mark, iif, rule, route, table, type, dev, gateway, sourceChosen } = lookup
  return {
    destination,
    source: source ?? null,
    mark: hex(mark),
    iif: iif ?? null,
    rules: rules.map(({ text, matched, why, table: tried, route: found }) => {
      return { text, matched, why, table: tried ?? null, route: found ?? null }
    }),
    rule: rule ?? null,
    table: table ?? null,
    route: route ?? null,
    type,
    dev: dev ?? null,
    gateway: gateway ?? null,
    sourceChosen: sourceChosen ?? null,
  } satisfies Json
}
