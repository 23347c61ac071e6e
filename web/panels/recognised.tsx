import { signal } from '@preact/signals'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { base, blocks, missing, opened } from '../state.js'
import { lessonIndex } from './learn.js'

const said = signal('')

/** What the input was taken for, block by block, and what it does not say, with the command that prints it. */
export function Recognised() {
  const all = blocks.value
  if (all.length === 0) return null
  const what = opened.value
  const known = all.filter(({ kind }) => kind !== null)
  const commands = [...new Set(missing.value.map(({ command }) => command))]
  // what was just brought along is shown at once
  const key = base.value.length === 0 ? '' : `${base.value[0]!.path} ${base.value.length}`
  return (
    <details
      class="recognised"
      key={key}
      open={what !== undefined && !('sample' in what) && lessonIndex.value === undefined}
    >
      <summary>
        {`${t('recognised')} (${known.length}/${all.length})`}
        {missing.value.length > 0 && ` · ${t('missing', { n: missing.value.length })}`}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls has to be reachable by keyboard */}
      <ul class="plain blocks" tabIndex={0} aria-label={t('recognised')}>
        {all.slice(0, MOST).map(({ path, kind, place, lines }, i) => (
          <li key={`${path} ${i}`} class={kind === null ? 'no' : 'yes'}>
            <span aria-hidden="true">{kind === null ? '✗' : '✓'}</span> <b>{kind ?? t('notRecognised')}</b>{' '}
            {place !== null && <span class="dim">{place}</span>}{' '}
            <code>{lines === null ? path : t('lines', { from: lines[0], to: lines[1] })}</code>
          </li>
        ))}
        {all.length > MOST && <li class="dim">{t('andMore')}</li>}
      </ul>
      {missing.value.length > 0 && (
        <>
          <h3>{t('notSaid')}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls has to be reachable by keyboard */}
          <ul class="plain blocks" tabIndex={0} aria-label={t('notSaid')}>
            {missing.value.map(({ place, text, command }) => (
              <li key={`${place} ${command} ${text}`}>
                <span class="dim">{place}</span> {say(text)} <code>{command}</code>
              </li>
            ))}
          </ul>
          <div class="row">
            <button
              type="button"
              onClick={async () => {
                await navigator.clipboard?.writeText(`${commands.join('; ')}\n`).catch(() => undefined)
                said.value = t('copied')
              }}
            >
              {t('copyCommands')}
            </button>
            <span role="status">{said.value}</span>
          </div>
        </>
      )}
    </details>
  )
}
const MOST = 200
