import { computed, effect, signal } from '@preact/signals'
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ChainAddress, ChainHead, RuleLine } from '../engine/protocol.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { enlarged } from '../rem.js'
import { engine, focus, lane } from '../state.js'
import { marks } from './findings.js'
import { RuleDetail } from './rule-detail.js'
import { ruleKey, visitsOf } from './visits.js'

/** Number of the rule of the chain in focus that is looked at more closely. */
const chosen = signal<number | undefined>(undefined)
const inFocus = computed(() => Object.values(focus.value ?? {}).join('\0'))
effect(() => {
  void inFocus.value
  chosen.value = undefined
})

/** Of a line of the list, at the usual size of type. */
const HEIGHT = 46
/** Lines are asked of the engine in pages. */
const PAGE = 200

type Line = ChainHead | RuleLine
const isRule = (line: Line): line is RuleLine => 'number' in line

/** A chain's rules, or its whole table: any number of lines, of which only those in sight are there. */
export function RuleList({ where, whole }: { where: ChainAddress; whole: boolean }) {
  const scroller = useRef<HTMLDivElement>(null)
  const [, redraw] = useState(0)
  const pages = useMemo(() => new Map<number, readonly Line[] | 'asked'>(), [])
  const head = useMemo(() => signal<{ total: number; policy: string | null }>({ total: 0, policy: null }), [])
  const load = (page: number) => {
    if (pages.has(page)) return
    pages.set(page, 'asked')
    const show = (total: number, policy: string | null, lines: readonly Line[]) => {
      pages.set(page, lines)
      if (page === 0) head.value = { total, policy }
      redraw((n) => n + 1)
    }
    if (whole) engine.table(where, page * PAGE, PAGE).then((found) => show(found?.total ?? 0, null, found?.lines ?? []))
    else
      engine
        .chain(where, page * PAGE, PAGE)
        .then((found) => show(found?.total ?? 0, found?.policy ?? null, found?.rules ?? []))
  }
  useEffect(() => load(0), [])
  const { total, policy } = head.value
  const row = useMemo(() => Math.round(HEIGHT * enlarged()), [])
  const height = `min(24rem, ${total * row + 2}px)`
  const options = {
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => row,
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
  const hit = [...visitsOf(where.chain).values()].findLast(({ outcome }) => outcome !== 'no')?.number
  useEffect(() => {
    if (total === 0) return undefined
    let current = true
    const to = (start: number, offset: number) => {
      if (current) list.scrollToIndex(start + offset, { align: offset === 0 ? 'start' : 'center' })
    }
    if (whole) engine.startOf(where).then((start) => to(start ?? 0, hit ?? 0))
    else if (hit !== undefined) to(-1, hit)
    return () => {
      current = false
    }
  }, [where.chain, hit, total])
  const lineAt = (index: number): Line | undefined => {
    const page = Math.floor(index / PAGE)
    load(page)
    const lines = pages.get(page)
    return lines === 'asked' ? undefined : lines?.[index % PAGE]
  }
  const number = chosen.value
  return (
    <>
      <p class="dim">
        {whole ? t('linesCount', { n: total }) : t('rulesCount', { n: total })}
        {policy !== null && `, ${t('policy')} ${policy.toUpperCase()}`}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section class="scroller" ref={scroller} style={{ height }} tabIndex={0} aria-labelledby="rules-title">
        <div class="all" style={{ height: `${list.getTotalSize()}px` }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const line = lineAt(index)
            if (line && !isRule(line)) return <HeadRow key={index} head={line} where={where} top={start} row={row} />
            const chain = line?.chain ?? where.chain
            return (
              <RuleRow key={index} rule={line} chain={chain} number={line?.number ?? index + 1} top={start} row={row} />
            )
          })}
        </div>
      </section>
      {number !== undefined && <ChosenRule where={where} number={number} />}
    </>
  )
}

function ChosenRule({ where, number }: { where: ChainAddress; number: number }) {
  const rule = useMemo(() => signal<RuleLine | undefined>(undefined), [where, number])
  useEffect(() => {
    engine.chain(where, number - 1, 1).then((found) => {
      rule.value = found?.rules[0]
    })
  }, [where, number])
  return <RuleDetail where={where} number={number} rule={rule.value} />
}

const rowStyle = (top: number, row: number) => ({ transform: `translateY(${top}px)`, height: `${row}px` })

function HeadRow({ head, where, top, row }: { head: ChainHead; where: ChainAddress; top: number; row: number }) {
  const { chain, policy, rules } = head
  return (
    <div class={`rule head${chain === where.chain ? ' chosen' : ''}`} data-chain={chain} style={rowStyle(top, row)}>
      <button
        type="button"
        class="text"
        title={chain}
        onClick={() => {
          focus.value = { ...where, chain }
        }}
      >
        <code>{chain}</code>
      </button>
      <span class="why">
        {t('rulesCount', { n: rules })}
        {policy !== null && `, ${t('policy')} ${policy.toUpperCase()}`}
      </span>
    </div>
  )
}

function RuleRow({
  rule,
  chain,
  number,
  top,
  row,
}: {
  rule: RuleLine | undefined
  chain: string
  number: number
  top: number
  row: number
}) {
  const visit = visitsOf(chain).get(number)
  const state = visit ? (visit.outcome === 'no' ? 'no' : visit.outcome) : 'unseen'
  const found = marks.value.get(ruleKey(chain, number)) ?? []
  const said = visit ? (visit.outcome === 'no' ? t('notMatched') : t('matched')) : t('notReached')
  const open = chosen.value === number && focus.value?.chain === chain
  return (
    <div class={`rule ${state}${open ? ' chosen' : ''}`} data-rule={number} style={rowStyle(top, row)}>
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
        aria-expanded={open}
        onClick={() => {
          if (focus.value?.chain !== chain) focus.value = { ...focus.value!, chain }
          chosen.value = open ? undefined : number
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
