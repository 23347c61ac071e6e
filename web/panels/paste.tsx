import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n/index.js'
import { open } from '../state.js'

export const pasting = signal(false)

export function PasteDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (pasting.value) dialog.current?.showModal()
    else dialog.current?.close()
  }, [pasting.value])
  const close = () => {
    pasting.value = false
  }
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="paste-title">
      <h2 id="paste-title">{t('paste')}</h2>
      <p id="paste-help">{t('pasteHelp')}</p>
      <textarea ref={area} rows={16} spellcheck={false} aria-labelledby="paste-title" aria-describedby="paste-help" />
      <div class="row">
        <button
          type="button"
          class="primary"
          onClick={() => {
            const text = area.current?.value ?? ''
            close()
            if (text.trim() !== '') open({ files: [{ path: 'pasted', text }] })
          }}
        >
          {t('pasteOpen')}
        </button>
        <button type="button" onClick={close}>
          {t('close')}
        </button>
      </div>
    </dialog>
  )
}
