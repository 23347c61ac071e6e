import { computed, effect, signal } from '@preact/signals'
import type { LintResult } from '../../src/analysis/lint/lint.js'
import type { Finding } from '../../src/analysis/lint/types.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { ask, fail, focus, line, questions, shown } from '../state.js'
import { ruleKey } from './visits.js'

const wanted = signal(false)
const result = signal<LintResult | undefined>(undefined)

/** Asked for once the list is open, and again whenever the snapshot changes. */
effect(() => {
  const now = shown.value
  result.value = undefined
  if (!now || !wanted.value) return
  questions.lint().then((found) => {
    if (shown.peek() === now) result.value = found
  }, fail)
})

/** The findings about the rules of the table in focus, by `ruleKey`. */
export const marks = computed((): ReadonlyMap<string, readonly Finding[]> => {
  const where = focus.value
  const found = new Map<string, Finding[]>()
  if (!where) return found
  for (const finding of result.value?.findings ?? []) {
    const { chain, number } = finding.at
    if (finding.place !== where.place || finding.family !== where.family) continue
    if (number === undefined || !chain?.startsWith(`${where.table}/`)) continue
    const key = ruleKey(chain.slice(where.table.length + 1), number)
    found.set(key, [...(found.get(key) ?? []), finding])
  }
  return found
})

export function Findings() {
  const { findings = [], incomplete = [] } = result.value ?? {}
  return (
    <details
      class="findings"
      onToggle={({ currentTarget }) => {
        wanted.value = currentTarget.open
      }}
    >
      <summary>{result.value ? `${t('findings')} (${findings.length})` : t('findings')}</summary>
      <div role="status">{wanted.value && !result.value && <p class="dim">{t('loading')}</p>}</div>
      {result.value && findings.length === 0 && <p class="dim">{t('noFindings')}</p>}
      <ul>
        {findings.map((finding, i) => (
          <FindingLine key={i} finding={finding} />
        ))}
      </ul>
      {incomplete.map((text) => (
        <p class="dim" key={text}>
          {say(text)}
        </p>
      ))}
    </details>
  )
}

function FindingLine({ finding }: { finding: Finding }) {
  const { level, id, message, at, packet, fix, place, family } = finding
  const show = () => {
    const [table, chain] = (at.chain ?? '/').split(/\/(.*)/s) as [string, string]
    const namespaces = (shown.value?.namespaces ?? []) as unknown as readonly {
      readonly host: string
      readonly namespace: string
      readonly tables: readonly { readonly name: string; readonly family: number; readonly backend: string }[]
    }[]
    const owner = namespaces.find((one) => (one.namespace === '' ? one.host : `${one.host}/${one.namespace}`) === place)
    const backend = owner?.tables.find((one) => one.name === table && one.family === family)?.backend
    if (backend !== undefined) focus.value = { place, family, backend, table, chain }
  }
  return (
    <li class={`finding ${level}`}>
      <strong>{t(`level-${level}`)}</strong> {say(message)} <code>{id}</code>
      <div class="row">
        {at.chain !== undefined && (
          <button type="button" class="link" onClick={show}>
            {`${place}: ${at.chain}${at.number === undefined ? '' : ` ${at.number}`}`}
          </button>
        )}
        {packet !== undefined && (
          <button
            type="button"
            class="chip"
            onClick={() => {
              line.value = packet
              ask()
            }}
          >
            {t('walkExample')}
          </button>
        )}
      </div>
      {fix !== undefined && <p class="dim">{say(fix)}</p>}
    </li>
  )
}
