import { effect, signal } from '@preact/signals'
import type { Answer } from '../engine/protocol.js'
import type { AllMatrix } from '../engine/questions.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { ask, fail, line, questions, shown } from '../state.js'

type Cell = AllMatrix['cells'][number][number]

const found = signal<Answer<AllMatrix> | undefined>(undefined)
const wanted = signal(false)

/** Asked for once the table is open, and again whenever the snapshot changes. */
effect(() => {
  const now = shown.value
  found.value = undefined
  if (!now || !wanted.value) return
  questions.matrix().then((answer) => {
    if (shown.peek() === now) found.value = answer
  }, fail)
})

const CLASSES = { all: 'works', some: 'unsure', perhaps: 'unsure', none: 'fails' } as const
const SIGNS = { all: '✓', some: '◐', perhaps: '?', none: '✗' } as const

/** Who reaches what, over all packets: a proof in every field. */
export function AllPacketsMatrix() {
  const answer = found.value
  return (
    <details
      class="matrix all-matrix"
      onToggle={({ currentTarget }) => {
        wanted.value = currentTarget.open
      }}
    >
      <summary>{t('allMatrix')}</summary>
      <p class="dim small">{t('allMatrixHelp')}</p>
      <div aria-live="polite">
        {wanted.value && !answer && <p class="dim">{t('workingOut')}</p>}
        {answer && !answer.ok && <p class="problem">{say(answer.problems[0]?.message ?? '')}</p>}
      </div>
      {answer?.ok && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        <section class="wide" tabIndex={0} aria-label={t('allMatrix')}>
          <table>
            <thead>
              <tr>
                <td />
                {answer.value.to.map((target) => (
                  <th key={target} scope="col" title={target}>
                    <span>{target.split(' ').at(-1)}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {answer.value.cells.map((row, i) => (
                <tr key={answer.value.from[i]}>
                  <th scope="row">{answer.value.from[i]}</th>
                  {row.map((cell, k) => (
                    <Field
                      key={answer.value.to[k]}
                      cell={cell}
                      name={`${answer.value.from[i]} → ${answer.value.to[k]}`}
                    />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  )
}

function Field({ cell: { reach, receivers }, name }: { cell: Cell; name: string }) {
  const seen = receivers.map(({ place, sources }) => `${place} ← ${sources.join(', ')}`)
  const title = [`${name}: ${t(`cell-${reach}`)}`, ...seen].join('\n')
  const packet = receivers.find(({ example }) => example !== null)?.example?.packet
  return (
    <td class={CLASSES[reach]}>
      <button
        type="button"
        aria-label={title}
        title={title}
        disabled={packet === undefined}
        onClick={() => {
          line.value = packet!
          ask()
        }}
      >
        {SIGNS[reach]}
      </button>
    </td>
  )
}
