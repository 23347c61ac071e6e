import { computed, effect, signal } from '@preact/signals'
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { placeOf } from '../engine/answers.js'
import type { ChainAddress, RuleLine } from '../engine/protocol.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { engine, family, focus, lane, shown } from '../state.js'
import { marks } from './findings.js'
import { RuleDetail } from './rule-detail.js'
import { visits } from './visits.js'

/** Number of the rule whose packets are shown. */
const chosen = signal<number | undefined>(undefined)
const inFocus = computed(() => Object.values(focus.value ?? {}).join('\0'))
effect(() => {
  void inFocus.value
  chosen.value = undefined
})

const HEIGHT = 46
/** Rules are asked of the engine in pages. */
const PAGE = 200

export function Rules() {
  const where = focus.value
  return (
    <section class="rules panel" aria-labelledby="rules-title">
      <h2 id="rules-title">{where ? t('rulesOf', { chain: `${where.table} ${where.chain}` }) : t('rules')}</h2>
      <ChainChoice />
      {where ? (
        <ChainRules key={`${Object.values(where).join('\0')} ${versionOf(shown.value)}`} where={where} />
      ) : (
        <p class="dim">{t('chooseChain')}</p>
      )}
    </section>
  )
}

/** Rules are asked for again where the snapshot is another one. */
const versions = new WeakMap<object, number>()
let last = 0
function versionOf(what: object | undefined): number {
  if (!what) return 0
  if (!versions.has(what)) versions.set(what, ++last)
  return versions.get(what)!
}

/** All chains of the namespace in focus. */
function ChainChoice() {
  const where = focus.value
  const namespaces = (shown.value?.namespaces ?? []) as unknown as readonly ShownNamespace[]
  const tables =
    namespaces.find((one) => placeOf(one) === where?.place)?.tables.filter((one) => one.family === family.value) ?? []
  if (!where) return null
  const value = `${where.backend}\0${where.table}\0${where.chain}`
  return (
    <label class="field">
      <span class="sr">{t('chooseChain')}</span>
      <select
        value={value}
        onChange={({ currentTarget }) => {
          const [backend, table, chain] = currentTarget.value.split('\0')
          focus.value = { ...where, backend: backend!, table: table!, chain: chain! }
        }}
      >
        {tables.map(({ name, backend, chains }) => (
          <optgroup key={backend + name} label={`${name} (${backend})`}>
            {chains.map((chain) => (
              <option key={chain.name} value={`${backend}\0${name}\0${chain.name}`}>
                {`${name} ${chain.name} (${chain.rules})`}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  )
}

interface ShownNamespace {
  readonly host: string
  readonly namespace: string
  readonly tables: readonly {
    readonly name: string
    readonly backend: string
    readonly family: number
    readonly chains: readonly { readonly name: string; readonly rules: number }[]
  }[]
}

function ChainRules({ where }: { where: ChainAddress }) {
  const scroller = useRef<HTMLDivElement>(null)
  const [, redraw] = useState(0)
  const pages = useMemo(() => new Map<number, readonly RuleLine[] | 'asked'>(), [])
  const head = useMemo(() => signal<{ total: number; policy: string | null }>({ total: 0, policy: null }), [])
  const load = (page: number) => {
    if (pages.has(page)) return
    pages.set(page, 'asked')
    engine.chain(where, page * PAGE, PAGE).then((found) => {
      pages.set(page, found?.rules ?? [])
      if (found && page === 0) head.value = { total: found.total, policy: found.policy }
      redraw((n) => n + 1)
    })
  }
  useEffect(() => load(0), [])
  const { total, policy } = head.value
  const height = `min(24rem, ${total * HEIGHT + 2}px)`
  const options = {
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw((n) => n + 1),
  }
  const list = useMemo(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options), [])
  list.setOptions({ ...list.options, ...options })
  useLayoutEffect(() => list._didMount(), [])
  useLayoutEffect(() => list._willUpdate())
  const hit = [...visits.value.values()].findLast(({ outcome }) => outcome !== 'no')?.number
  useEffect(() => {
    if (hit !== undefined && total > 0) list.scrollToIndex(hit - 1, { align: 'center' })
  }, [hit, total])
  return (
    <>
      <p class="dim">
        {t('rulesCount', { n: total })}
        {policy !== null && `, ${t('policy')} ${policy.toUpperCase()}`}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section class="scroller" ref={scroller} style={{ height }} tabIndex={0} aria-labelledby="rules-title">
        <div class="all" style={{ height: `${list.getTotalSize()}px` }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const page = Math.floor(index / PAGE)
            load(page)
            const rules = pages.get(page)
            const rule = rules === 'asked' ? undefined : rules?.[index % PAGE]
            return <RuleRow key={index} rule={rule} number={index + 1} top={start} />
          })}
        </div>
      </section>
      {chosen.value !== undefined && chosen.value <= total && (
        <RuleDetail where={where} number={chosen.value} rule={ruleOf(pages, chosen.value)} />
      )}
    </>
  )
}

const ruleOf = (pages: ReadonlyMap<number, readonly RuleLine[] | 'asked'>, number: number): RuleLine | undefined => {
  const page = pages.get(Math.floor((number - 1) / PAGE))
  return page === 'asked' ? undefined : page?.[(number - 1) % PAGE]
}

function RuleRow({ rule, number, top }: { rule: RuleLine | undefined; number: number; top: number }) {
  const visit = visits.value.get(number)
  const state = visit ? (visit.outcome === 'no' ? 'no' : visit.outcome) : 'unseen'
  const found = marks.value.get(number) ?? []
  const said = visit ? (visit.outcome === 'no' ? t('notMatched') : t('matched')) : t('notReached')
  return (
    <div
      class={`rule ${state}${chosen.value === number ? ' chosen' : ''}`}
      data-rule={number}
      style={{ transform: `translateY(${top}px)`, height: `${HEIGHT}px` }}
    >
      <span class="number">
        {found.length > 0 && (
          <span
            class={`mark ${found[0]!.level}`}
            role="img"
            aria-label={found.map(({ message }) => say(message)).join('; ')}
            title={found.map(({ message }) => say(message)).join('\n')}
          >
            ▲
          </span>
        )}
        {number}
      </span>
      <button
        type="button"
        class="text"
        title={rule?.text}
        aria-expanded={chosen.value === number}
        onClick={() => {
          chosen.value = chosen.value === number ? undefined : number
        }}
      >
        <code>{rule?.text ?? '…'}</code>
      </button>
      <span class="why" title={say(visit?.why ?? '')}>
        {visit?.why ? say(visit.why) : lane.value ? said : ''}
      </span>
      <span class="counters">{rule?.packets == null ? '' : rule.packets.toLocaleString()}</span>
    </div>
  )
}
