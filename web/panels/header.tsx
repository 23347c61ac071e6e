import { language, t } from '../i18n/index.js'
import { SAMPLES, type SampleName } from '../samples.js'
import { open, opened } from '../state.js'
import { openFiles } from './files.js'
import { openLesson } from './learn.js'
import { pasting } from './paste.js'
import { Said, Share } from './share.js'

function toggleTheme(): void {
  const root = document.documentElement
  const dark = root.dataset['theme']
    ? root.dataset['theme'] === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches
  root.dataset['theme'] = dark ? 'light' : 'dark'
}

export function Header() {
  const what = opened.value
  const sample = what && 'sample' in what ? what.sample : ''
  return (
    <header class="top">
      <h1>
        <span class="logo" aria-hidden="true" />
        {t('title')}
      </h1>
      <p class="tagline">{t('tagline')}</p>
      <div class="tools">
        <label class="field">
          <span>{t('snapshot')}</span>
          <select
            value={sample}
            onChange={({ currentTarget }) => {
              if (currentTarget.value !== '') open({ sample: currentTarget.value as SampleName })
            }}
          >
            {sample === '' && <option value="">—</option>}
            {SAMPLES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="button">
          {t('openFolder')}
          <input
            type="file"
            class="hidden"
            multiple
            ref={(input) => input?.setAttribute('webkitdirectory', '')}
            onChange={({ currentTarget }) => openFiles([...(currentTarget.files ?? [])])}
          />
        </label>
        <label class="button">
          {t('openFiles')}
          <input
            type="file"
            class="hidden"
            multiple
            onChange={({ currentTarget }) => openFiles([...(currentTarget.files ?? [])])}
          />
        </label>
        <button
          type="button"
          onClick={() => {
            pasting.value = true
          }}
        >
          {t('paste')}
        </button>
        <button type="button" onClick={() => openLesson(0)}>
          {t('learn')}
        </button>
        <Share />
        <button
          type="button"
          onClick={() => {
            language.value = language.value === 'en' ? 'zh' : 'en'
          }}
        >
          {t('language')}
        </button>
        <button type="button" class="icon" aria-label={t('theme')} title={t('theme')} onClick={toggleTheme}>
          <svg class="glyph" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M10 3a7 7 0 1 0 0 14z" />
            <circle cx="10" cy="10" r="7" class="ring" />
          </svg>
        </button>
        <Said />
      </div>
    </header>
  )
}
