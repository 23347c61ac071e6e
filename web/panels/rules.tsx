import { computed, signal } from '@preact/signals'
import { placeOf } from '../engine/answers.js'
import { t } from '../i18n/index.js'
import { family, focus, shown } from '../state.js'
import { RuleList } from './rule-list.js'

/** All chains of the table below each other, instead of the one in focus. */
const whole = signal(false)

export function Rules() {
  const where = focus.value
  const { place, family: of, backend, table, chain } = where ?? {}
  const key = [place, of, backend, table, whole.value ? '' : `/${chain}`, versionOf(shown.value)].join('\0')
  return (
    <section class="rules panel" aria-labelledby="rules-title">
      <h2 id="rules-title">{where ? t('rulesOf', { chain: `${table} ${chain}` }) : t('rules')}</h2>
      {where ? (
        <>
          <ChainChoice />
          <RuleList key={key} where={where} whole={whole.value} />
        </>
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

interface Choice {
  readonly backend: string
  readonly table: string
  readonly chain: string
  readonly rules: number
}

const nameOf = ({ backend, table, chain }: Omit<Choice, 'rules'>): string => `${table} ${chain} (${backend})`

/** The chains of the namespace in focus, in the order of its tables. */
const chains = computed((): readonly Choice[] => {
  const at = focus.value?.place
  const namespaces = (shown.value?.namespaces ?? []) as unknown as readonly ShownNamespace[]
  const tables = namespaces.find((one) => placeOf(one) === at)?.tables.filter((one) => one.family === family.value)
  return (tables ?? []).flatMap(({ name: table, backend, chains: all }) =>
    all.map(({ name: chain, rules }) => ({ backend, table, chain, rules })),
  )
})
const names = computed(() => chains.value.map((one) => nameOf(one).toLowerCase()))

const sought = signal('')
/** More are no help to somebody who chooses, and a node has tens of thousands. */
const MOST_OFFERED = 60
const offered = computed((): readonly Choice[] => {
  const words = sought.value.toLowerCase().split(/\s+/)
  const found: Choice[] = []
  for (const [i, name] of names.value.entries()) {
    if (!words.every((word) => name.includes(word))) continue
    found.push(chains.value[i]!)
    if (found.length === MOST_OFFERED) break
  }
  return found
})

function ChainChoice() {
  const where = focus.value!
  const name = nameOf(where)
  return (
    <div class="row">
      <label class="field chain-choice">
        <span>{t('chain')}</span>
        <input
          type="text"
          name="chain"
          list="chains"
          autocomplete="off"
          spellcheck={false}
          value={name}
          // the whole list is offered, not what fits the name that stands there
          onFocus={({ currentTarget }) => currentTarget.select()}
          onBlur={({ currentTarget }) => {
            currentTarget.value = name
            sought.value = ''
          }}
          onInput={({ currentTarget }) => {
            const found = chains.value[names.value.indexOf(currentTarget.value.toLowerCase())]
            sought.value = found ? '' : currentTarget.value
            if (found) focus.value = { ...where, backend: found.backend, table: found.table, chain: found.chain }
          }}
        />
        <datalist id="chains">
          {offered.value.map((one) => (
            <option key={nameOf(one)} value={nameOf(one)}>
              {t('rulesCount', { n: one.rules })}
            </option>
          ))}
        </datalist>
      </label>
      <label class="small">
        <input
          type="checkbox"
          name="whole"
          checked={whole.value}
          onChange={({ currentTarget }) => {
            whole.value = currentTarget.checked
          }}
        />{' '}
        {t('wholeTable')}
      </label>
    </div>
  )
}
