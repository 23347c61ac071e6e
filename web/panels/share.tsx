import { signal } from '@preact/signals'
import { t } from '../i18n/index.js'
import { writeFragment, writePage } from '../share.js'
import { sharedState } from '../start.js'
import { fail } from '../state.js'
import { download } from './what-if.js'

const said = signal('')
const obscured = signal(false)
const link = signal('')

async function copyLink(): Promise<void> {
  const state = sharedState(obscured.value)
  if (!state) return
  link.value = ''
  const fragment = await writeFragment(state)
  if (fragment === undefined) {
    said.value = t('shareTooLong')
    return
  }
  // the page itself stays what it is: a link with other addresses is only for others
  if (!obscured.value) history.replaceState(null, '', fragment)
  const url = new URL(location.href)
  url.hash = fragment
  link.value = url.href
  await navigator.clipboard?.writeText(url.href).catch(() => undefined)
  said.value = t('shared')
}

async function savePage(): Promise<void> {
  const state = sharedState(obscured.value)
  if (!state) return
  link.value = ''
  await writePage(state).then((page) => {
    download('packetwalk.html', page, 'text/html')
    said.value = t('pageSaved')
  }, fail)
}

/** The whole state, taken elsewhere: as a link, or as a page of one file. */
export function Share() {
  return (
    <span class="row">
      <button type="button" onClick={copyLink}>
        {t('share')}
      </button>
      <button type="button" title={t('savePageHelp')} onClick={savePage}>
        {t('savePage')}
      </button>
      <label class="small" title={t('obscureHelp')}>
        <input
          type="checkbox"
          checked={obscured.value}
          onChange={({ currentTarget }) => {
            obscured.value = currentTarget.checked
          }}
        />{' '}
        {t('obscure')}
      </label>
    </span>
  )
}

export const Said = () => (
  <span class="said" role="status">
    {link.value === '' ? said.value : <a href={link.value}>{said.value}</a>}
  </span>
)
