import { effect, signal } from '@preact/signals'
import type { Complaint, Saved, Switch } from '../engine/protocol.js'
import type { Difference, Ending } from '../engine/questions.js'
import { canRedo, canUndo, isChanged, redo, run, undo } from '../history.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { asked, commands, engine, fail, line, place, questions, shown } from '../state.js'
import { Differences } from './difference.js'
import { shellScript } from './script.js'

const problems = signal<readonly Complaint[]>([])
const typed = signal('')
const offered = signal<readonly string[]>([])

/** The packet's fate in the snapshot as it was opened. */
const before = signal<readonly Ending[] | undefined>(undefined)
const difference = signal<Difference | undefined>(undefined)

effect(() => {
  const [now, question] = [shown.value, line.value]
  before.value = undefined
  if (!now || !isChanged.value || !asked.value) return
  questions.before(question).then((found) => {
    if (shown.peek() === now && line.peek() === question) before.value = found
  }, fail)
})

effect(() => {
  const now = shown.value
  difference.value = undefined
  if (!now || !isChanged.value) return
  questions.difference().then((found) => {
    if (shown.peek() === now) difference.value = found
  }, fail)
})

async function submit(): Promise<void> {
  const command = typed.value.trim()
  if (command === '') return
  problems.value = await run(command)
  if (problems.value.length === 0) typed.value = ''
}

async function complete(text: string): Promise<void> {
  const found = await engine.complete(text, place.peek() ?? '')
  if (typed.peek() === text) offered.value = found
}

/** A console whose commands change the snapshot that is open, and nothing else. */
export function WhatIf() {
  const [problem] = problems.value
  return (
    <section class="what-if panel" aria-labelledby="what-if-title">
      <h2 id="what-if-title">{t('whatIf')}</h2>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <input
          type="text"
          name="command"
          value={typed.value}
          list="commands"
          aria-labelledby="what-if-title"
          aria-describedby="what-if-help"
          aria-invalid={problem !== undefined}
          placeholder={t('whatIfHint')}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => {
            typed.value = currentTarget.value
            complete(currentTarget.value)
          }}
        />
        <datalist id="commands">
          {offered.value.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
        <button type="submit">{t('apply')}</button>
      </form>
      <p id="what-if-help" class="dim small">
        {t('whatIfHelp')}
      </p>
      {problem && (
        <p class="problem" role="alert">
          {problem.column !== undefined && problem.file?.startsWith('what-if') && (
            <code class="caret">{`${typed.value}\n${' '.repeat(problem.column - 1)}^`}</code>
          )}
          {say(problem.message)}
        </p>
      )}
      <Switches />
      {(canUndo.value || canRedo.value) && (
        <div class="row">
          <button type="button" disabled={!canUndo.value} onClick={undo}>
            {t('undo')}
          </button>
          <button type="button" disabled={!canRedo.value} onClick={redo}>
            {t('redo')}
          </button>
        </div>
      )}
      {commands.value.length > 0 && (
        <ol class="changes">
          {commands.value.map((command, i) => (
            <li key={`${i} ${command}`}>
              <code>{command}</code>
            </li>
          ))}
        </ol>
      )}
      <div aria-live="polite">{isChanged.value && <Effect />}</div>
      <Export />
    </section>
  )
}

const endingText = ({ outcome, text }: Ending): string =>
  outcome === undefined ? say(text) : `${t(outcome)} (${say(text)})`

/** What the changes make of the packet that was asked about, and of all others. */
function Effect() {
  const after = asked.value?.trace.branches
    .map(({ outcome, where: { text } }) => endingText({ outcome, text }))
    .join(' / ')
  return (
    <>
      {before.value !== undefined && after !== undefined && (
        <p class="difference">
          {t('before')} <del>{before.value.map(endingText).join(' / ')}</del> · {t('now')} <ins>{after}</ins>
        </p>
      )}
      <h3>{t('differently')}</h3>
      {difference.value ? (
        <Differences of={difference.value} names={[t('before'), t('now')]} />
      ) : (
        <p class="dim">{t('workingOut')}</p>
      )}
    </>
  )
}

const switches = signal<readonly Switch[]>([])
const opened = signal(false)
effect(() => {
  const [now, where] = [shown.value, place.value]
  if (!now || where === undefined || !opened.value) return
  engine.switches(where).then((found) => {
    if (shown.peek() === now && place.peek() === where) switches.value = found
  }, fail)
})

/** Settings to flip; each flip is a command like any other. */
function Switches() {
  return (
    <details
      class="switches"
      onToggle={({ currentTarget }) => {
        opened.value = currentTarget.open
      }}
    >
      <summary>{t('settings', { place: place.value ?? '' })}</summary>
      <ul class="plain">
        {switches.value.map(({ key, value, values, assumed }) => (
          <li key={key}>
            <label>
              <select
                value={value}
                onChange={({ currentTarget }) => run(`${place.peek()}: sysctl -w ${key}=${currentTarget.value}`)}
              >
                {[...new Set([...values, value])].map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>{' '}
              <code>{key}</code>
              {assumed && <span class="dim small"> {t('kernelDefault')}</span>}
            </label>
          </li>
        ))}
      </ul>
    </details>
  )
}

const exported = signal<{ readonly name: string; readonly text: string } | undefined>(undefined)
const said = signal('')
effect(() => {
  void shown.value
  exported.value = undefined
  said.value = ''
})

const restoreText = (all: readonly Saved[]): string =>
  all
    .map(({ family, backend, text }) => `# ip${family === 4 ? '' : '6'}tables-${backend}-restore reads this\n${text}`)
    .join('')

/** The changes to take away: as a script, or the rules as they are now. */
function Export() {
  if (!shown.value) return null
  const out = exported.value
  return (
    <div class="export">
      <div class="row">
        <button
          type="button"
          disabled={commands.value.length === 0}
          onClick={() => {
            exported.value = { name: 'what-if.sh', text: shellScript(commands.value) }
          }}
        >
          {t('asScript')}
        </button>
        <button
          type="button"
          onClick={async () => {
            const where = place.peek() ?? ''
            exported.value = { name: `${where.replace('/', '-')}.rules`, text: restoreText(await engine.saved(where)) }
          }}
        >
          {t('asRestore')}
        </button>
      </div>
      {out && (
        <>
          <textarea class="code" readOnly rows={8} value={out.text} aria-label={out.name} />
          <div class="row">
            <button
              type="button"
              onClick={async () => {
                await navigator.clipboard?.writeText(out.text).catch(() => undefined)
                said.value = t('copied')
              }}
            >
              {t('copy')}
            </button>
            <button type="button" onClick={() => download(out.name, out.text, 'text/plain')}>
              {t('download')}
            </button>
            <span role="status">{said.value}</span>
          </div>
        </>
      )}
    </div>
  )
}

/** Saves a text as a file, without asking anybody for it. */
export function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
