import type { EditorView } from '@codemirror/view'
import { batch, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { edit, returns } from '../history.js'
import { t } from '../i18n/index.js'
import { files, shown, snapshotProblems } from '../state.js'

const chosen = signal<string | undefined>(undefined)
const PAUSE = 300

/** Where in the file to go once it is open. */
const wantedLine = signal<number | undefined>(undefined)
const isOpen = signal(false)

/** Opens a file of the snapshot at a line. */
export function editAt(path: string, at: number): void {
  if (!files.peek().some((file) => file.path === path)) return
  batch(() => {
    isOpen.value = true
    chosen.value = path
    wantedLine.value = at
  })
}

/** A file of the snapshot as text: what is typed is read at once, and errors stand in their places. */
export function Editor() {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | undefined>(undefined)
  /** What stands in the editor, typed or put there. */
  const latest = useRef<string | undefined>(undefined)
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
    latest.current = text
    import('./code.js').then(({ openEditor, markProblems, goToLine }) => {
      if (over) return
      view.current = openEditor(element, path, text, (changed) => {
        if (changed === latest.current) return
        latest.current = changed
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
      if (wantedLine.value !== undefined) goToLine(view.current, wantedLine.value)
      wantedLine.value = undefined
    })
    return () => {
      over = true
      clearTimeout(timer)
      view.current?.destroy()
      view.current = undefined
    }
  }, [path])
  useEffect(() => {
    const to = wantedLine.value
    if (to === undefined || !view.current) return
    wantedLine.value = undefined
    import('./code.js').then(({ goToLine }) => view.current && goToLine(view.current, to))
  }, [wantedLine.value])
  // undone or done again: not what was typed here
  useEffect(() => {
    if (text === undefined || text === latest.current || !view.current) return
    latest.current = text
    view.current.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } })
  }, [returns.value])
  if (files.value.length === 0) return null
  return (
    <details
      class="editor"
      open={isOpen.value}
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open
      }}
    >
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
