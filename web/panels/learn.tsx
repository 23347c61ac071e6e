import { batch, computed, signal } from '@preact/signals'
import { language, t } from '../i18n/index.js'
import { LESSONS } from '../learn/index.js'
import type { Check, Lesson } from '../learn/lesson.js'
import { engine, open, playing } from '../state.js'

/** Index of the lesson; undefined: no course. */
export const lessonIndex = signal<number | undefined>(undefined)
const chosen = signal<number | undefined>(undefined)
const verdicts = signal<readonly boolean[] | undefined>(undefined)
const checked = signal<{ readonly done: boolean; readonly failed: readonly Check[] } | undefined>(undefined)
const solution = signal(false)

const lesson = computed((): Lesson | undefined => LESSONS[lessonIndex.value ?? -1])

/** Opens a lesson: its snapshot, its packet at the beginning of its way, nothing chosen. */
export async function openLesson(index: number | undefined): Promise<void> {
  batch(() => {
    lessonIndex.value = index
    chosen.value = undefined
    verdicts.value = undefined
    checked.value = undefined
    solution.value = false
  })
  const now = lesson.value
  if (!now) return
  await open(typeof now.snapshot === 'string' ? { sample: now.snapshot } : { files: now.snapshot }, now.packet)
}

async function answer(index: number): Promise<void> {
  const now = lesson.value
  if (!now) return
  chosen.value = index
  // the engine says which answer is right, nobody else does
  verdicts.value = await Promise.all(now.choices.map(({ fact }) => engine.holds(now.packet, fact)))
  playing.value = true
}

async function check(): Promise<void> {
  const now = lesson.value
  if (!now) return
  const results = await Promise.all(now.task.checks.map(({ packet, ...fact }) => engine.holds(packet, fact)))
  checked.value = {
    done: results.every((done) => done),
    failed: now.task.checks.filter((_, i) => !results[i]),
  }
}

export function Learn() {
  const now = lesson.value
  const index = lessonIndex.value
  if (!now || index === undefined) return null
  const told = language.value
  const right = chosen.value !== undefined && verdicts.value?.[chosen.value]
  return (
    <section class="learn panel" aria-labelledby="lesson-title">
      <div class="row spread">
        <p class="dim">{t('lessonOf', { n: index + 1, all: LESSONS.length })}</p>
        <select
          aria-label={t('lessons')}
          value={index}
          onChange={({ currentTarget }) => openLesson(Number(currentTarget.value))}
        >
          {LESSONS.map(({ id, title }, i) => (
            <option key={id} value={i}>
              {`${i + 1}. ${title[told]}`}
            </option>
          ))}
        </select>
      </div>
      <h2 id="lesson-title">{now.title[told]}</h2>
      {now.text[told].split('\n\n').map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      <fieldset>
        <legend>{now.question[told]}</legend>
        {now.choices.map((choice, i) => (
          <label key={choice.en} class={`choice ${chosen.value !== undefined && verdicts.value?.[i] ? 'right' : ''}`}>
            <input type="radio" name="choice" checked={chosen.value === i} onChange={() => answer(i)} />
            {choice[told]}
          </label>
        ))}
      </fieldset>
      <div role="status">
        {verdicts.value && (
          <p class={right ? 'good' : 'bad'}>
            <strong>{t(right ? 'right' : 'wrong')}</strong> {now.because[told]}
          </p>
        )}
      </div>
      <h3>{t('yourTask')}</h3>
      <p>{now.task.text[told]}</p>
      <div class="row">
        <button type="button" class="primary" onClick={check}>
          {t('checkTask')}
        </button>
        <button
          type="button"
          onClick={() => {
            solution.value = true
          }}
        >
          {t('showSolution')}
        </button>
      </div>
      <div role="status">
        {checked.value && <Result done={checked.value.done} failed={checked.value.failed} />}
        {solution.value && <pre>{now.task.solution.join('\n')}</pre>}
      </div>
      <div class="row spread">
        <button type="button" disabled={index === 0} onClick={() => openLesson(index - 1)}>
          {t('previousLesson')}
        </button>
        <button type="button" onClick={() => openLesson(undefined)}>
          {t('closeLesson')}
        </button>
        <button type="button" disabled={index + 1 >= LESSONS.length} onClick={() => openLesson(index + 1)}>
          {t('nextLesson')}
        </button>
      </div>
    </section>
  )
}

function Result({ done, failed }: { done: boolean; failed: readonly Check[] }) {
  if (done) return <p class="good">{t('taskDone')}</p>
  return (
    <div class="bad">
      <p>{t('taskNotDone')}</p>
      <ul>
        {failed.map(({ packet, ...fact }) => (
          <li key={packet}>
            <code>{packet}</code>: {t('expects')} {Object.values(fact).join(', ')}
          </li>
        ))}
      </ul>
    </div>
  )
}
