import type { EditorView } from '@codemirror/view'
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n/index.js'
import { edit, files, shown, snapshotProblems } from '../state.js'

const chosen = signal<string | undefined>(undefined)
const PAUSE = 300

/** A file of the snapshot as text: what is typed is read at once, and errors stand in their places. */
export function Editor() {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | undefined>(undefined)
  const path = chosen.value
  const text = path === undefined ? undefined : files.value.find((file) => file.path === path)?.text
  const known = (shown.value?.files ?? []) as unknown as readonly {
    readonly path: string
    readonly kind: string | null
  }[]
  const gone = path !== undefined && text === undefined
  useEffect(() => {
    if (gone) chosen.value = undefined
  }, [gone])
  useEffect(() => {
    if (path === undefined || text === undefined || !host.current) return
    const element = host.current
    let timer = 0
    let over = false
    import('./code.js').then(({ openEditor, markProblems }) => {
      if (over) return
      view.current = openEditor(element, path, text, (changed) => {
        clearTimeout(timer)
        timer = window.setTimeout(async () => {
          await edit(path, changed)
          if (view.current)
            markProblems(
              view.current,
              snapshotProblems.value.filter(({ file }) => file === path),
            )
        }, PAUSE)
      })
    })
    return () => {
      over = true
      clearTimeout(timer)
      view.current?.destroy()
      view.current = undefined
    }
  }, [path])
  if (files.value.length === 0) return null
  return (
    <details class="editor">
      <summary>{t('editText')}</summary>
      <select
        aria-label={t('file')}
        value={path ?? ''}
        onChange={({ currentTarget }) => {
          chosen.value = currentTarget.value === '' ? undefined : currentTarget.value
        }}
      >
        <option value="">{t('chooseFile')}</option>
        {known
          .filter(({ kind }) => kind !== null)
          .map(({ path: name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
      </select>
      <div class="code" ref={host} key={path} />
    </details>
  )
}
