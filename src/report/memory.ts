import { parseIp } from '../address/ip.js'
import type { Field, FieldValue } from '../packet/fields.js'
import type { Headers, RuleVisit, Step } from '../path/trail.js'
import { isIn } from '../rules/interpret.js'
import { print } from './reason.js'

/** What the reader of a trail has seen so far in one namespace. */
export interface Memory {
  /** The connection's state, as this namespace sees it. */
  readonly state: string | undefined
  /** `was 8080 before DNAT`: the rule would have compared equal before an address rewriting. */
  nearMiss(visit: RuleVisit): string | undefined
}

interface Rewriting {
  readonly before: Headers
  name: string
}

/** Reads a way from its beginning, step by step. */
export class Reader implements Memory {
  #state = new Map<string, string>()
  #rewritings: Rewriting[] = []
  #last: Headers | undefined
  #place = ''

  get state(): string | undefined {
    return this.#state.get(this.#place)
  }

  see(step: Step): void {
    const place = `${step.host}/${step.namespace}`
    if (place !== this.#place || step.kind === 'encapsulate' || step.kind === 'decapsulate') {
      this.#rewritings = []
      this.#last = undefined
    }
    this.#place = place
    if (step.kind === 'conntrack') this.#state.set(place, step.state)
    if (this.#last && changed(this.#last, step.packet))
      this.#rewritings.push({ before: this.#last, name: 'it was rewritten' })
    const latest = this.#rewritings.at(-1)
    // the nat step may come behind the hook's, whose packet is rewritten already
    if (step.kind === 'nat' && step.before !== step.after && latest) latest.name = manipName(step)
    this.#last = step.packet
  }

  nearMiss({ outcome, because }: RuleVisit): string | undefined {
    if (outcome !== 'no' || because === undefined || because.inverted) return undefined
    const { value, seen, wanted } = because
    if (typeof value !== 'string' || seen === undefined || wanted === undefined || wanted === 'readable')
      return undefined
    for (const { before, name } of this.#rewritings.toReversed()) {
      const was = headerValue(before, value)
      if (was !== undefined && was !== seen && isIn(was, wanted)) return `was ${print(value, was)} before ${name}`
    }
    return undefined
  }
}

const changed = (a: Headers, b: Headers): boolean =>
  a.src !== b.src || a.dst !== b.dst || a.sport !== b.sport || a.dport !== b.dport

function manipName({ manip, rule }: Extract<Step, { kind: 'nat' }>): string {
  const name = manip === 'dst' ? 'DNAT' : 'SNAT'
  return rule ? `${name} by ${rule.chain} rule ${rule.number}` : name
}

/** The fields that address rewriting changes. */
function headerValue(headers: Headers, field: Field): FieldValue | undefined {
  switch (field) {
    case 'th.sport':
      return headers.sport
    case 'th.dport':
      return headers.dport
    case 'ip.saddr':
    case 'ip6.saddr':
      return parseIp(headers.src)
    case 'ip.daddr':
    case 'ip6.daddr':
      return parseIp(headers.dst)
    default:
      return undefined
  }
}
