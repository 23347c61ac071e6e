import { computed } from '@preact/signals'
import { placeOf } from '../engine/answers.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import {
  ask,
  asked,
  branchIndex,
  busy,
  choose,
  laneName,
  line,
  lineProblems,
  presets,
  replyOf,
  shown,
} from '../state.js'

const WORDS = ['syn', 'ack', 'echo-request', 'ttl', 'mark', 'len', 'uid', 'ctstate', 'in', 'from']
const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp']

interface ShownNamespace {
  readonly host: string
  readonly namespace: string
  readonly links: readonly { readonly name: string; readonly addresses: readonly string[] }[]
}

/** The line with its last word completed: by names of the snapshot, its interfaces and addresses, and the language's own words. */
const completions = computed((): readonly string[] => {
  const typed = line.value
  const start = typed.lastIndexOf(' ') + 1
  const [done, last] = [typed.slice(0, start), typed.slice(start)]
  const namespaces = (shown.value?.namespaces ?? []) as unknown as readonly ShownNamespace[]
  const places = namespaces.map(placeOf)
  const links = namespaces.flatMap((one) => one.links)
  const addresses = links.flatMap((link) => link.addresses.map((address) => address.replace(/\/.*/, '')))
  const before = done.trimEnd().split(' ').at(-1)
  const all =
    done === ''
      ? PROTOCOLS
      : before === 'in'
        ? links.map(({ name }) => name)
        : before === 'from'
          ? places
          : done.includes('>') && before !== '>'
            ? WORDS
            : [...addresses, ...places]
  const found = [...new Set(all)].filter((word) => word.startsWith(last) && word !== last)
  return found.slice(0, MOST_COMPLETIONS).map((word) => done + word)
})
const MOST_COMPLETIONS = 40

export function PacketForm() {
  const problems = lineProblems.value
  return (
    <form
      class="packet"
      onSubmit={(event) => {
        event.preventDefault()
        ask()
      }}
    >
      <label class="line">
        <span>{t('packet')}</span>
        <input
          type="text"
          name="packet"
          value={line.value}
          placeholder={t('packetHint')}
          autocomplete="off"
          spellcheck={false}
          list="names"
          aria-invalid={problems.length > 0}
          aria-describedby={problems.length > 0 ? 'line-problem' : undefined}
          onInput={({ currentTarget }) => {
            line.value = currentTarget.value
          }}
        />
        <datalist id="names">
          {completions.value.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      </label>
      <button type="submit" class="primary" disabled={busy.value || !shown.value}>
        {t('walk')}
      </button>
      <div class="presets">
        {presets.value.length > 0 && <span>{t('presets')}</span>}
        {presets.value.map(({ name, packet }) => (
          <button
            type="button"
            key={name}
            class="chip"
            aria-pressed={packet === line.value}
            onClick={() => {
              line.value = packet
              ask()
            }}
          >
            {t(name)}
          </button>
        ))}
      </div>
      {problems.map(({ message, column }) => (
        <p class="problem" id="line-problem" role="alert" key={message}>
          {column !== undefined && <code class="caret">{`${line.value}\n${' '.repeat(column - 1)}^`}</code>}
          {say(message)}
        </p>
      ))}
    </form>
  )
}

/** What became of it: one button a way, and the reply's lane. */
export function Verdict() {
  const answer = asked.value
  if (!answer) return null
  const { branches } = answer.trace
  const reply = replyOf(answer.connect, branchIndex.value)
  const connection = answer.connect?.branches[branchIndex.value] ?? answer.connect?.branches[0]
  return (
    <section class="verdict" aria-label={t('way')}>
      {branches.map((branch, index) => (
        <button
          type="button"
          key={index}
          class={`outcome ${branch.outcome}`}
          aria-pressed={laneName.value === 'request' && branchIndex.value === index}
          onClick={() => choose('request', index)}
        >
          <strong>{t(branch.outcome)}</strong>
          {branches.length > 1 && (
            <span class="chance">
              {branch.supposing == null ? `${Math.round(branch.probability * 1000) / 10} %` : say(branch.supposing)}
            </span>
          )}
          <span class="where">{`${branch.where.host}${branch.where.namespace === '' ? '' : `/${branch.where.namespace}`}: ${say(branch.where.text)}`}</span>
        </button>
      ))}
      {answer.connect && (
        <button
          type="button"
          class={`outcome ${reply?.outcome ?? 'undecided'}`}
          disabled={!reply}
          aria-pressed={laneName.value === 'reply'}
          onClick={() => choose('reply', branchIndex.value)}
        >
          <strong>{t('reply')}</strong>
          <span class="where">{reply ? say(reply.where.text) : t('noReply')}</span>
        </button>
      )}
      {connection && <p class="symptom">{say(connection.symptom)}</p>}
    </section>
  )
}
