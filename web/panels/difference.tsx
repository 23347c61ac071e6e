import type { Difference } from '../engine/questions.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { ask, line } from '../state.js'

type One = Difference['differences'][number]

/** Two states of the rules side by side: which packets fare differently, and who decides about them on each side. */
export function Differences({ of, names }: { of: Difference; names: readonly [before: string, after: string] }) {
  const nothing = of.differences.length === 0 && of.cells.length === 0
  return (
    <div class="differences">
      {nothing && <p class="dim">{t('noDifference')}</p>}
      {of.differences.length > 0 && (
        <ul class="plain">
          {of.differences.map((one) => (
            <Row
              key={`${one.namespace} ${one.family} ${one.where} ${one.before.text} ${one.after.text} ${one.packets[0]}`}
              one={one}
              names={names}
            />
          ))}
        </ul>
      )}
      {of.cells.length > 0 && (
        <>
          <h4>{t('connectionsDiffer', { n: of.cells.length })}</h4>
          <ul class="plain cells">
            {of.cells.slice(0, MOST).map(({ before, after }) => (
              <li key={after.line}>
                <button type="button" class="link" onClick={() => walk(after.line)}>
                  {after.line}
                </button>{' '}
                <del>{say(before.symptom)}</del> → <ins>{say(after.symptom)}</ins>
              </li>
            ))}
          </ul>
        </>
      )}
      {[
        ...of.onlyBefore.map((name) => `${names[0]}: ${name}`),
        ...of.onlyAfter.map((name) => `${names[1]}: ${name}`),
      ].map((text) => (
        <p class="dim small" key={text}>
          {t('onlyIn', { name: say(text) })}
        </p>
      ))}
      {of.undecided.map((text) => (
        <p class="dim small" key={text}>
          {t('cannotBeTold', { name: say(text) })}
        </p>
      ))}
      {of.incomplete.map((text) => (
        <p class="dim small" key={text}>
          {say(text)}
        </p>
      ))}
    </div>
  )
}
const MOST = 20
const MOST_RULES = 3

const walk = (packet: string) => {
  line.value = packet
  ask()
}

/** What this host sends has its own address, and begins here. */
const exampleOf = ({ hook, example, namespace }: One): string =>
  hook === 'output' && example !== null
    ? `${example.replace(/^(\S+) \S+ > /, '$1 > ')} from ${namespace}`
    : (example ?? '')

function Row({ one, names }: { one: One; names: readonly [string, string] }) {
  const sides = [
    [names[0], one.before],
    [names[1], one.after],
  ] as const
  return (
    <li class="difference-row">
      <p>
        <code>{one.kind === 'chain' ? `${one.namespace} ${one.table} ${one.chain}` : one.where}</code>{' '}
        <span class="dim small">IPv{one.family}</span>
      </p>
      <ul class="packets">
        {one.packets.slice(0, MOST).map((text) => (
          <li key={text}>
            <code>{text}</code>
          </li>
        ))}
        {(one.more || one.packets.length > MOST) && <li class="dim">{t('andMore')}</li>}
      </ul>
      <div class="sides">
        {sides.map(([name, { fares, text, rules }]) => (
          <div key={name} class={`side ${fares}`}>
            <span class="dim small">{name}</span> <strong>{text === fares ? t(fares) : say(text)}</strong>
            {rules.slice(-MOST_RULES).map((by) => (
              <code class="by" key={`${by.chain} ${by.rule} ${by.text}`}>
                {say(by.text)}
              </code>
            ))}
          </div>
        ))}
      </div>
      {one.example !== null && (
        <button type="button" class="chip" onClick={() => walk(exampleOf(one))}>
          {t('walkExample')}
        </button>
      )}
    </li>
  )
}
