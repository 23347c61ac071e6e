import { type ChainVisit, placeOf, type Step, stepsAt } from '../engine/answers.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { kindLabel, stageLabel } from '../i18n/stages.js'
import { stageOf } from '../map/layout.js'
import { at, family, focus, lane } from '../state.js'

/** What happened on the stage at which the packet stands. */
export function Here() {
  const now = lane.value
  const visit = now?.way[at.value]
  if (!now || !visit) return null
  const steps = stepsAt(now, at.value)
  return (
    <section class="here panel" aria-live="polite">
      <h2>
        {stageLabel(visit.stage)} <small>{placeOf(visit)}</small>
      </h2>
      {steps.length === 0 && <p class="dim">{t('nothingHere')}</p>}
      <ul>
        {steps.map((step, i) => (
          <li key={i} class={`step ${step.kind}`}>
            {step.chains ? (
              step.chains.map((chain) => <Chain key={chain.table + chain.chain} chain={chain} at={placeOf(step)} />)
            ) : (
              <Plain step={step} />
            )}
          </li>
        ))}
      </ul>
      <p class="source">{stageOf(visit.stage).kernel}</p>
    </section>
  )
}

function Plain({ step }: { step: Step }) {
  const text =
    (step.text && say(step.text)) ?? [step.interface, step.from && `← ${step.from}`].filter(Boolean).join(' ')
  return (
    <>
      <b>{kindLabel(step.kind)}</b> <span>{step.state ? `${step.state}: ${text}` : text}</span>
    </>
  )
}

function Chain({ chain, at: where }: { chain: ChainVisit; at: string }) {
  const matched = chain.rules.filter(({ outcome }) => outcome !== 'no')
  return (
    <div class={`chain-visit ${chain.skipped === null ? chain.verdict : 'skipped'}`}>
      <button
        type="button"
        class="link"
        onClick={() => {
          focus.value = {
            place: where,
            family: family.value,
            backend: chain.backend,
            table: chain.table,
            chain: chain.chain,
          }
        }}
      >
        {chain.table} {chain.chain}
      </button>{' '}
      <span class="verdict-word">
        {chain.skipped === null ? chain.verdict : t('skippedBecause', { reason: say(chain.skipped) })}
      </span>
      {matched.length > 0 && (
        <ol class="rules-hit">
          {matched.map((rule) => (
            <li
              key={`${rule.chain} ${rule.number} ${rule.depth}`}
              style={{ marginInlineStart: `${rule.depth * 12}px` }}
            >
              <code>{rule.text}</code>
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}
