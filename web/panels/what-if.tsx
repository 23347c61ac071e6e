import { signal } from '@preact/signals'
import type { Complaint } from '../engine/protocol.js'
import { t } from '../i18n/index.js'
import { changes } from '../state.js'

const problems = signal<readonly Complaint[]>([])
const said = signal('')

/** A console whose commands change the snapshot that is open, and nothing else. */
export function WhatIf() {
  const run = async (form: HTMLFormElement) => {
    const input = form.elements.namedItem('command') as HTMLInputElement
    const command = input.value.trim()
    if (command === '') return
    problems.value = await changes.add(command)
    if (problems.value.length === 0) input.value = ''
  }
  return (
    <section class="what-if panel" aria-labelledby="what-if-title">
      <h2 id="what-if-title">{t('whatIf')}</h2>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          run(event.currentTarget)
        }}
      >
        <input
          type="text"
          name="command"
          aria-labelledby="what-if-title"
          aria-describedby="what-if-help"
          placeholder={t('whatIfHint')}
          autocomplete="off"
          spellcheck={false}
        />
        <button type="submit">{t('apply')}</button>
      </form>
      <p id="what-if-help" class="dim small">
        {t('whatIfHelp')}
      </p>
      {problems.value.map(({ message }) => (
        <p class="problem" role="alert" key={message}>
          {message}
        </p>
      ))}
      {changes.all.value.length > 0 && (
        <>
          <ol class="changes">
            {changes.all.value.map((command, i) => (
              <li key={`${i} ${command}`}>
                <code>{command}</code>
              </li>
            ))}
          </ol>
          <p class="difference">
            {changes.before.value && (
              <>
                {t('before')} <del>{changes.before.value}</del> · {t('now')} <ins>{changes.now.value}</ins>
              </>
            )}
          </p>
          <div class="row">
            <button type="button" onClick={() => changes.undo()}>
              {t('undo')}
            </button>
            <button
              type="button"
              onClick={async () => {
                await navigator.clipboard
                  ?.writeText(`#!/bin/sh -e\n${changes.all.value.join('\n')}\n`)
                  .catch(() => undefined)
                said.value = t('copied')
              }}
            >
              {t('copyScript')}
            </button>
            <span role="status">{said.value}</span>
          </div>
        </>
      )}
    </section>
  )
}
