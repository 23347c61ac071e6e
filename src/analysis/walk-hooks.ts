import { CT_STATE } from '../packet/fields.js'
import type { HookEntry } from '../path/hooks.js'
import type { Hook } from '../rules/program.js'
import { EMPTY } from '../sets/bdd.js'
import { Summaries } from '../sets/summary.js'
import type { Way } from '../sets/ways.js'
import { rerouted } from './walk-decide.js'
import type { Site } from './walk-ground.js'
import { type End, endOf, type Group, isEnd, type Moved } from './walk-group.js'
import { manipulate } from './walk-nat.js'
import type { Connections } from './walk-replies.js'
import { translationsOf } from './walk-translations.js'

/** Everything that is registered on a hook, by priority: what is left of a group behind it, and what ended there. */
export function runHook(site: Site, group: Group, hook: Hook, connections?: Connections): readonly Moved[] {
  let here: readonly Group[] = [group]
  const ended: End[] = []
  for (const entry of site.scope.hooks[hook]) {
    const next: Group[] = []
    for (const one of here)
      for (const moved of runEntry(site, one, hook, entry, connections)) {
        if (moved.ways.length === 0) continue
        if (isEnd(moved)) ended.push(moved)
        else next.push(moved)
      }
    here = next
  }
  return [...here, ...ended]
}

function runEntry(
  site: Site,
  group: Group,
  hook: Hook,
  entry: HookEntry,
  connections: Connections | undefined,
): readonly Moved[] {
  switch (entry.kind) {
    case 'chain':
      return throughChain(site, group, hook, entry)
    case 'conntrack':
      return track(site, group, connections)
    case 'nat':
      return translate(site, group, hook, entry, connections)
    case 'opaque':
      return [group, endOf(group, 'undecided', 'unmodelled', `${entry.text}: not evaluated`, group.ways)]
    case 'confirm':
      if (group.tracked && connections && !connections.back) connections.confirm(site, group.place, group.ways)
      return [group]
    case 'defragment':
      return [group]
  }
}

function throughChain(
  site: Site,
  group: Group,
  hook: Hook,
  { table, chain, base }: Extract<HookEntry, { kind: 'chain' }>,
): readonly Moved[] {
  const { math, scope } = site
  const summary = Summaries.of(scope.conditions).chain(table, chain)
  const byPolicy = base.policy === 'drop' ? 'dropped' : 'accepted'
  const of = (ways: readonly Way[]) => site.atPorts(ways, group.bridge)
  const pass = of(byPolicy === 'accepted' ? math.union(summary.accepted, summary.returned) : summary.accepted)
  const stop = of(byPolicy === 'dropped' ? math.union(summary.dropped, summary.returned) : summary.dropped)
  const dropped = endOf(group, 'dropped', 'rules', `${table.name}/${chain.name}`, math.sequence(group.ways, stop))
  const ways = math.sequence(group.ways, pass)
  if (hook !== 'output' || base.type !== 'route') return [{ ...group, ways }, dropped]
  // what routing looked at may have changed
  const plain = math.sequence(
    group.ways,
    pass.filter(({ transform }) => transform === math.transforms.identity),
  )
  const written = math.sequence(
    group.ways,
    pass.filter(({ transform }) => transform !== math.transforms.identity),
  )
  return [
    { ...group, ways: plain },
    dropped,
    ...(written.length > 0 ? rerouted(site, { ...group, ways: written }) : []),
  ]
}

/** nf_conntrack_in: first packets of connections, and what comes back over those that are supposed. */
function track(site: Site, group: Group, connections: Connections | undefined): readonly Moved[] {
  const { math, existing, first } = site
  const { bdd } = site.scope.space
  if (group.tracked) return [group]
  const unseen = site.inState('INVALID')
  const back = connections?.back && first.length > 0 ? bdd.and(unseen, connections.belonging(site, group.place)) : EMPTY
  const fresh = bdd.minus(unseen, back)
  const known = math.into(group.ways, bdd.and(fresh, existing))
  const others = math.into(group.ways, bdd.minus(fresh, existing))
  const text = 'packets of a connection that the snapshot lists: followed is who begins one'
  return [
    // what NOTRACK has let pass
    { ...group, ways: math.into(group.ways, bdd.not(unseen)) },
    ...(back === EMPTY
      ? []
      : [
          {
            ...group,
            tracked: true,
            ways: site.belonging(
              math.into(group.ways, back),
              connections?.back === 'errors' ? 'RELATED' : 'ESTABLISHED',
            ),
          },
        ]),
    endOf(group, 'undecided', 'connection', text, known),
    ...first.map(({ state, way }) => ({ ...group, tracked: state === 'NEW', ways: math.sequence(others, [way]) })),
  ]
}

function translate(
  site: Site,
  group: Group,
  hook: Hook,
  { manip, chains }: Extract<HookEntry, { kind: 'nat' }>,
  connections: Connections | undefined,
): readonly Moved[] {
  const { math, scope, netns } = site
  const { bdd } = scope.space
  if (!group.tracked || group.manips[manip]) return [group]
  const first = scope.space.equals('ct.state', CT_STATE.NEW)
  const later = math.into(group.ways, bdd.not(first))
  const back = connections?.back ? connections.undo(site, group.place, manip, later) : { changed: [], same: later }
  const out: Moved[] = [{ ...group, ways: back.same }]
  const of = (ways: readonly Way[]) => site.atPorts(ways, group.bridge)
  const done: Group = { ...group, manips: { ...group.manips, [manip]: true } }
  let left = math.into(group.ways, first)
  if (manip === 'src' && connections && !connections.back) connections.beforeSource(site, group.place, left)
  let [changed, same]: readonly Way[][] = [[], []] as never
  for (const { table, chain, base } of chains) {
    const summary = Summaries.of(scope.conditions).chain(table, chain)
    const { translated, accepted, dropped } = translationsOf(scope.conditions, table, summary, site.together)
    for (const one of translated) {
      const ways = math.sequence(left, of(one.ways))
      if (ways.length === 0) continue
      const result = manipulate(math, group, hook, { effect: one.effect, ways }, netns.interfaces)
      if (connections && !connections.back) connections.translated(site, group.place, manip, ways, result.changed)
      changed = [...changed!, ...result.changed]
      same = [...same!, ...result.same]
      out.push(endOf(group, 'dropped', 'rules', `${table.name}/${chain.name}`, result.dropped))
    }
    const stop = of(base.policy === 'drop' ? math.union(dropped, summary.returned) : dropped)
    out.push(endOf(group, 'dropped', 'rules', `${table.name}/${chain.name}`, math.sequence(left, stop)))
    left = math.sequence(left, of(base.policy === 'drop' ? accepted : math.union(accepted, summary.returned)))
  }
  out.push({ ...done, ways: [...left, ...same!] })
  const moved: Group = {
    ...done,
    ways: merged(site, [...changed!, ...back.changed]),
    moved: group.moved || manip === 'dst',
  }
  if (moved.ways.length === 0) return out
  return [...out, ...(hook === 'output' && manip === 'dst' ? rerouted(site, moved) : [moved])]
}

const merged = (site: Site, ways: readonly Way[]): readonly Way[] =>
  ways.length < 2 ? ways : site.math.sequence(ways, site.math.everything)
