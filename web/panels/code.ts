import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, setDiagnostics } from '@codemirror/lint'
import { EditorState, type Text } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { Complaint } from '../engine/protocol.js'

/** iptables-save text, coarsely: enough to see its parts. */
const saveLanguage = StreamLanguage.define({
  token(stream) {
    if (stream.sol() && stream.match(/#.*/)) return 'comment'
    if (stream.sol() && stream.match(/\*\S+|COMMIT/)) return 'heading'
    if (stream.sol() && stream.match(/:\S+/)) return 'typeName'
    if (stream.match(/"(?:[^"\\]|\\.)*"?/)) return 'string'
    if (stream.match(/\[\d+:\d+\]/)) return 'comment'
    if (stream.match(/(?:ACCEPT|RETURN)\b/)) return 'atom'
    if (stream.match(/(?:DROP|REJECT)\b/)) return 'invalid'
    if (stream.match(/--?[a-zA-Z][\w-]*/)) return 'keyword'
    if (stream.match(/[^\s"]+/) || stream.eatSpace()) return null
    stream.next()
    return null
  },
})

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--dim)' },
  { tag: tags.heading, color: 'var(--accent)', fontWeight: '700' },
  { tag: tags.typeName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--maybe)' },
  { tag: tags.atom, color: 'var(--good)' },
  { tag: tags.invalid, color: 'var(--bad)' },
  { tag: tags.keyword, color: 'var(--text)', fontWeight: '600' },
])

const theme = EditorView.theme({
  '&': { color: 'var(--text)', background: 'var(--card)', height: '24rem', fontSize: '13px' },
  '&.cm-focused': { outline: '2.5px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', overflow: 'auto' },
  '.cm-gutters': { background: 'var(--raised)', color: 'var(--dim)', border: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  // the library's own wavy line is a data: image, which the page's policy refuses
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)' },
  '.cm-tooltip': { background: 'var(--card)', color: 'var(--text)', border: '1px solid var(--line)' },
})

/**
 * An editor in a shadow root: there it brings its styles as constructed style sheets, which the page's policy allows; in the document it would
 * have to write a style element, which it does not.
 */
export function openEditor(
  host: HTMLElement,
  label: string,
  text: string,
  changed: (text: string) => void,
): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      history(),
      keymap.of([...defaultKeymap, ...historyKeymap]),
      saveLanguage,
      syntaxHighlighting(colours),
      theme,
      EditorView.contentAttributes.of({ 'aria-label': label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString())
      }),
    ],
  })
  return new EditorView({ state, parent: root, root })
}

/** Shows what is wrong in its place. */
export function markProblems(view: EditorView, problems: readonly Complaint[]): void {
  const { doc } = view.state
  const marks = problems.map(({ message, line = 1, column = 1 }): Diagnostic => {
    const from = positionOf(doc, line, column)
    return { from, to: Math.min(doc.length, from + 1), severity: 'error', message }
  })
  view.dispatch(setDiagnostics(view.state, marks))
}

function positionOf(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.max(1, Math.min(line, doc.lines)))
  return Math.min(found.to, found.from + column - 1)
}

/** Puts the cursor into a line, in the middle of what is seen. */
export function goToLine(view: EditorView, line: number): void {
  const { doc } = view.state
  const { from } = doc.line(Math.max(1, Math.min(line, doc.lines)))
  view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
  view.focus()
  view.dom.scrollIntoView({ block: 'nearest' })
}
