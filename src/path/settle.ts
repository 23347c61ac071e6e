import { familyOf, parseIp } from '../address/ip.js'
import type { Route } from '../routing/types.js'
import type { Answer, Supposable } from './suppose.js'
import type { Branch } from './trail.js'
import type { Hosts, Namespace } from './world.js'
import { placeName } from './world.js'

/** What an answer hangs on, read out of its branches. */
export interface Reading<B> {
  /** Two branches for which this is the same end alike. */
  outcomeOf(branch: B): string
  /** The walks that it is made of. */
  walksOf(branch: B): readonly Branch[]
}

/** One way that something could be which the snapshot does not tell. */
interface World {
  /** `net.ipv4.ip_forward of gw is 1`. */
  readonly text: string
  readonly hosts: Hosts
}

/** Settings that decide where packets go and that a snapshot without them leaves open; the first value is the kernel's own. */
export const SETTINGS = [
  { key: 'net.ipv4.ip_forward', values: ['0', '1'], inPart: true },
  { key: 'net.ipv6.conf.all.forwarding', values: ['0', '1'], inPart: true },
  { key: 'net.ipv4.conf.all.rp_filter', values: ['0', '1', '2'], inPart: true },
  // without br_netfilter there is none: a file that has other settings tells that
  { key: 'net.bridge.bridge-nf-call-iptables', values: ['0', '1'], inPart: false },
  { key: 'net.bridge.bridge-nf-call-ip6tables', values: ['0', '1'], inPart: false },
] as const

/**
 * The answer, or several where it hangs on settings or routes that the snapshot does not have: one for each way that they could be. What makes no difference
 * stays as it was taken.
 */
export function settle<B extends Supposable>(
  hosts: Hosts,
  ask: (hosts: Hosts) => Answer<B>,
  reading: Reading<B>,
): Answer<B> {
  const answer = ask(hosts)
  for (const worlds of openQuestions(hosts, answer, reading)) {
    const [own, ...others] = worlds
    const asked = others.map((world) => ({ ...world, answer: ask(world.hosts) }))
    if (asked.every((other) => alike(answer, other.answer, reading))) continue
    return together(
      [own!, ...asked].map(({ text, hosts: known }) => ({ text, answer: settle(known, ask, reading) })),
      reading,
    )
  }
  return answer
}

const endsOf = <B>({ branches }: Answer<B>, { outcomeOf }: Reading<B>) => branches.map(outcomeOf).join()
const alike = <B>(a: Answer<B>, b: Answer<B>, reading: Reading<B>) => endsOf(a, reading) === endsOf(b, reading)

/** Each question is the ways that something could be; the first is how it was taken. */
function* openQuestions<B>(hosts: Hosts, answer: Answer<B>, { walksOf }: Reading<B>): Generator<readonly World[]> {
  const walks = answer.branches.flatMap(walksOf)
  const names = new Set(walks.flatMap(({ steps }) => steps.map((step) => placeName(step))))
  const family = familyOf(parseIp(answer.packet.dst)!)
  for (const namespace of hosts.namespaces) {
    if (!names.has(placeName(namespace))) continue
    for (const { key, values, inPart } of SETTINGS) {
      const { sysctls } = namespace
      if (sysctls?.has(key) || (sysctls && !inPart) || (key.includes('6') ? 6 : 4) !== family) continue
      yield values.map((value) => ({
        text: `${key} of ${placeName(namespace)} is ${value}`,
        hosts: changed(hosts, namespace, { sysctls: new Map([...(sysctls ?? []), [key, value]]) }),
      }))
    }
    const known = family === 4 ? namespace.known.routes4 : namespace.known.routes6
    const lost = walks.find(({ where }) => where.reason === 'no-route' && placeName(where) === placeName(namespace))
    if (!known && lost) yield ways(hosts, namespace, lost, family)
  }
}

/** A packet for which there is no route among those that were given, and none were: it may leave by any interface that has an address, or by none. */
function ways(hosts: Hosts, namespace: Namespace, { final, steps }: Branch, family: 4 | 6): readonly World[] {
  const came = steps.findLast((step) => step.kind === 'receive' && placeName(step) === placeName(namespace))
  const routes = (dev: string | undefined) => ({
    routes: dev === undefined ? namespace.routes : [...namespace.routes, defaultRoute(family, dev)],
    known: { ...namespace.known, [family === 4 ? 'routes4' : 'routes6']: true },
  })
  const devices = namespace.links.filter(
    ({ up, kind, name, addresses }) =>
      up &&
      kind !== 'loopback' &&
      name !== (came?.kind === 'receive' ? came.interface : undefined) &&
      addresses.some(({ prefix }) => familyOf(prefix.ip) === family),
  )
  const place = placeName(namespace)
  return [
    { text: `${place} has no route to ${final.dst}`, hosts: changed(hosts, namespace, routes(undefined)) },
    ...devices.map(({ name }) => ({
      text: `${place} has a route to ${final.dst} by ${name}`,
      hosts: changed(hosts, namespace, routes(name)),
    })),
  ]
}

const changed = (hosts: Hosts, namespace: Namespace, change: Partial<Namespace>): Hosts => ({
  ...hosts,
  namespaces: hosts.namespaces.map((one) => (one === namespace ? { ...namespace, ...change } : one)),
})

const defaultRoute = (family: 4 | 6, dev: string): Route => ({
  type: 'unicast',
  destination: { ip: family === 4 ? 0 : 0n, length: 0 },
  table: 'main',
  metric: family === 4 ? 0 : 1024,
  tos: 0,
  scope: 'link',
  source: undefined,
  nexthops: [{ gateway: undefined, dev, weight: 1, onlink: false, dead: false }],
  mtu: undefined,
  text: `default dev ${dev}`,
})

/** The answers of several worlds as one: each branch says which it is of. Worlds that end alike are told once. */
function together<B extends Supposable>(
  asked: readonly { readonly text: string; readonly answer: Answer<B> }[],
  reading: Reading<B>,
): Answer<B> {
  const groups = new Map<string, typeof asked>()
  for (const one of asked) {
    const key = endsOf(one.answer, reading)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return {
    packet: asked[0]!.answer.packet,
    assumptions: [...new Set(asked.flatMap(({ answer }) => answer.assumptions))],
    branches: [...groups.values()].flatMap((group) =>
      group[0]!.answer.branches.map((branch) => ({
        ...branch,
        probability: branch.probability / groups.size,
        supposing: and(either(group.map(({ text }) => text)), branch.supposing),
      })),
    ),
  }
}

/** `a is 1`, `a is 2` → `a is 1 or 2`. */
function either(texts: readonly string[]): string {
  const [first = ''] = texts
  const at = first.lastIndexOf(' ') + 1
  const head = first.slice(0, at)
  if (!texts.every((text) => text.startsWith(head))) return texts.reduce((all, text) => `${all}, or ${text}`)
  return `${head}${texts.map((text) => text.slice(at)).join(' or ')}`
}

const and = (one: string, other: string | undefined): string => (other === undefined ? one : `${one}, and ${other}`)
