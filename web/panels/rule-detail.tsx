import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer, ChainAddress, RuleLine } from '../engine/protocol.js'
import type { Packets, RulePackets } from '../engine/rule-packets.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { ask, fail, line, questions, shown } from '../state.js'
import { editAt } from './editor.js'
import { visitsOf } from './visits.js'

const answer = signal<Answer<RulePackets> | undefined>(undefined)

/** One rule: what was compared, where it stands, which packets come to it, and one to walk. */
export function RuleDetail({
  where,
  number,
  rule,
}: {
  where: ChainAddress
  number: number
  rule: RuleLine | undefined
}) {
  const now = shown.value
  useEffect(() => {
    let current = true
    answer.value = undefined
    questions.rule(where, number).then((found) => {
      if (current) answer.value = found
    }, fail)
    return () => {
      current = false
    }
  }, [where, number, now])
  const visit = visitsOf(where.chain).get(number)
  const found = answer.value
  return (
    <section class="rule-detail" aria-label={t('ruleDetail', { n: number })}>
      <pre>{rule?.text ?? ''}</pre>
      {rule?.file != null && (
        <p class="dim small">
          <button type="button" class="link" onClick={() => editAt(rule.file!, rule.line ?? 1)}>
            {`${rule.file}:${rule.line}`}
          </button>
        </p>
      )}
      {visit && (
        <dl class="compared">
          <div>
            <dt>{t('outcome')}</dt>
            <dd>
              {visit.outcome === 'no'
                ? t('notMatched')
                : visit.outcome === 'yes'
                  ? t('matched')
                  : t(`outcome-${visit.outcome}`)}
            </dd>
          </div>
          {visit.field !== null && (
            <>
              <Compared name={t('comparedField')} value={say(visit.field)} />
              <Compared name={t('wanted')} value={visit.wanted === null ? null : say(visit.wanted)} />
              <Compared name={t('seen')} value={visit.seen === null ? null : say(visit.seen)} />
            </>
          )}
        </dl>
      )}
      <div aria-live="polite">
        {!found && <p class="dim">{t('workingOut')}</p>}
        {found && !found.ok && <p class="dim">{say(found.problems[0]?.message ?? '')}</p>}
        {found?.ok && (
          <>
            <PacketsOf name={t('reachIt')} of={found.value.reach} />
            <PacketsOf name={t('matchIt')} of={found.value.match} />
            {found.value.example !== null && (
              <p class="row">
                <button
                  type="button"
                  class="chip"
                  onClick={() => {
                    line.value = found.value.example!
                    ask()
                  }}
                >
                  {t('walkExample')}
                </button>
                <code>{found.value.example}</code>
              </p>
            )}
          </>
        )}
      </div>
    </section>
  )
}

function Compared({ name, value }: { name: string; value: string | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value ?? '—'}</code>
      </dd>
    </div>
  )
}

function PacketsOf({ name, of: { lines, more } }: { name: string; of: Packets }) {
  return (
    <>
      <h3>{name}</h3>
      {lines.length === 0 && !more && <p class="dim">{t('none')}</p>}
      <ul class="packets">
        {lines.map((text) => (
          <li key={text}>
            <code>{text}</code>
          </li>
        ))}
        {more && <li class="dim">{t('andMore')}</li>}
      </ul>
    </>
  )
}
