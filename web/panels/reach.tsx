import { effect, signal } from '@preact/signals'
import { placeOf } from '../engine/answers.js'
import type { Cell, Grid } from '../engine/grid.js'
import type { Answer } from '../engine/protocol.js'
import type { Difference, Reached } from '../engine/questions.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { readSample, SAMPLES, type SampleName } from '../samples.js'
import { ask, fail, files, line, place, questions, shown } from '../state.js'
import { AllPacketsMatrix } from './all-matrix.js'
import { Differences } from './difference.js'
import { readFiles } from './files.js'
import { type Asked, ReachAnswer } from './reach-answer.js'

/** Questions over all packets. */
export function Questions() {
  if (!shown.value) return null
  return (
    <section class="questions panel" aria-labelledby="questions-title">
      <h2 id="questions-title">{t('questions')}</h2>
      <Reach />
      <Matrix />
      <AllPacketsMatrix />
      <Compare />
    </section>
  )
}

const walk = (packet: string) => {
  line.value = packet
  ask()
}

const answer = signal<Answer<Reached> | 'asked' | undefined>(undefined)
const asked = signal<Asked>({ from: '', through: '', to: '' })
effect(() => {
  void shown.value
  answer.value = undefined
})

/** Which packets get from here to there: all of them. */
function Reach() {
  const namespaces = (shown.value?.namespaces ?? []) as unknown as readonly { host: string; namespace: string }[]
  const submit = async (form: HTMLFormElement) => {
    const data = new FormData(form)
    const of = (name: string) => String(data.get(name) ?? '').trim()
    answer.value = 'asked'
    asked.value = { from: of('origin'), through: of('at'), to: of('to') }
    const now = shown.peek()
    const found = await questions.reach(of('at'), of('origin'), of('to'))
    if (shown.peek() === now) answer.value = found
  }
  const result = answer.value
  return (
    <details>
      <summary>{t('reach')}</summary>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault()
          submit(event.currentTarget)
        }}
      >
        <label>
          {t('reachFrom')}
          <input type="text" name="origin" defaultValue="internet" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          {t('reachAt')}
          <select name="at" defaultValue={place.value}>
            {namespaces.map((one) => (
              <option key={placeOf(one)}>{placeOf(one)}</option>
            ))}
          </select>
        </label>
        <label>
          {t('reachTo')}
          <input type="text" name="to" placeholder="172.17.0.2:80/tcp" required autocomplete="off" spellcheck={false} />
        </label>
        <button type="submit">{t('askAll')}</button>
      </form>
      <div aria-live="polite">
        {result === 'asked' && <p class="dim">{t('workingOut')}</p>}
        {result !== 'asked' && result && !result.ok && <p class="problem">{say(result.problems[0]?.message ?? '')}</p>}
        {result !== 'asked' && result?.ok && <ReachAnswer of={result.value} asked={asked.value} />}
      </div>
    </details>
  )
}

const grid = signal<Grid | undefined>(undefined)
const gridOpen = signal(false)
effect(() => {
  const now = shown.value
  grid.value = undefined
  if (!now || !gridOpen.value) return
  questions.grid().then((found) => {
    if (shown.peek() === now) grid.value = found
  }, fail)
})

/** Who gets a connection to what: a table that is a picture. */
function Matrix() {
  const found = grid.value
  return (
    <details
      class="matrix"
      onToggle={({ currentTarget }) => {
        gridOpen.value = currentTarget.open
      }}
    >
      <summary>{t('matrix')}</summary>
      <p class="dim small">{t('matrixHelp')}</p>
      <div aria-live="polite">{gridOpen.value && !found && <p class="dim">{t('workingOut')}</p>}</div>
      {found && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        <section class="wide" tabIndex={0} aria-label={t('matrix')}>
          <table>
            <thead>
              <tr>
                <td />
                {found.services.map(({ protocol, address, port, name }) => (
                  <th key={`${protocol} ${address} ${port}`} scope="col" title={name}>
                    <span>{`${address}:${port}${protocol === 'tcp' ? '' : `/${protocol}`}`}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.sources.map((source, i) => (
                <tr key={source}>
                  <th scope="row">{source}</th>
                  {found.cells[i]!.map((one) => (
                    <GridCell key={one.line} {...one} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {found.more && <p class="dim small">{t('andMore')}</p>}
        </section>
      )}
    </details>
  )
}

const SIGNS = { true: '✓', false: '✗', null: '?', undefined: '' } as const
const CLASSES = { true: 'works', false: 'fails', null: 'unsure', undefined: 'none' } as const

function GridCell({ line: packet, works, symptom }: Cell) {
  const key = String(works) as keyof typeof SIGNS
  return (
    <td class={CLASSES[key]}>
      {works === undefined ? (
        <span title={say(symptom)}>·</span>
      ) : (
        <button
          type="button"
          aria-label={`${packet}: ${say(symptom)}`}
          title={`${packet}: ${say(symptom)}`}
          onClick={() => walk(packet)}
        >
          {SIGNS[key]}
        </button>
      )}
    </td>
  )
}

const other = signal<{ readonly name: string; readonly found: Answer<Difference> | undefined } | undefined>(undefined)
effect(() => {
  void files.value
  other.value = undefined
})

async function compareWith(name: string, texts: Parameters<typeof questions.compare>[0]): Promise<void> {
  if (texts.length === 0) return
  other.value = { name, found: undefined }
  const found = await questions.compare(texts)
  if (other.peek()?.name === name) other.value = { name, found }
}

/** This snapshot and another one, side by side. */
function Compare() {
  const now = other.value
  return (
    <details>
      <summary>{t('compare')}</summary>
      <p class="dim small">{t('compareHelp')}</p>
      <div class="row">
        <label class="button">
          {t('openFiles')}
          <input
            type="file"
            class="hidden"
            multiple
            onChange={async ({ currentTarget }) => {
              const chosen = [...(currentTarget.files ?? [])]
              await compareWith(chosen[0]?.name ?? '', await readFiles(chosen))
            }}
          />
        </label>
        <select
          aria-label={t('compare')}
          value=""
          onChange={async ({ currentTarget }) => {
            const name = currentTarget.value as SampleName | ''
            if (name !== '') await compareWith(name, await readSample(name))
          }}
        >
          <option value="">{t('sampleOf')}…</option>
          {SAMPLES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div aria-live="polite">
        {now && !now.found && <p class="dim">{t('workingOut')}</p>}
        {now?.found && !now.found.ok && <p class="problem">{now.found.problems[0]?.message}</p>}
        {now?.found?.ok && <Differences of={now.found.value} names={[t('thisOne'), now.name]} />}
      </div>
    </details>
  )
}
