import type { Reached } from '../engine/questions.js'
import { t } from '../i18n/index.js'
import { say } from '../i18n/say.js'
import { ask, line } from '../state.js'

export interface Asked {
  readonly from: string
  readonly through: string
  readonly to: string
}

type Way = Reached['ways'][number]

const walk = (packet: string) => {
  line.value = packet
  ask()
}

/** Which packets get there, as a picture: who sends them, to which address, and where they end. */
export function ReachAnswer({ of, asked }: { of: Reached; asked: Asked }) {
  const { answer: kind, ways, assumptions, open } = of
  return (
    <div class={`reach-answer ${kind}`}>
      <p>
        <strong>{t(`reach-${kind}`)}</strong>
      </p>
      {ways.map((way) => (
        <WayPicture key={`${way.family} ${way.from} ${way.sent} ${way.to} ${way.leaves}`} way={way} asked={asked} />
      ))}
      {ways.length === 0 && (
        <div class="flows">
          <b class="end">{asked.from}</b>
          <span class="flow none">✗</span>
          <b class="end">{asked.to}</b>
        </div>
      )}
      <Sentences title={t('notFollowed')} all={open} />
      <Sentences title={t('assumptions')} all={assumptions} />
    </div>
  )
}

function WayPicture({ way, asked }: { way: Way; asked: Asked }) {
  const { from, sent, to, leaves, packets, perhaps, hangs, more, sources, example } = way
  return (
    <>
      <div class="flows">
        <b class="end">
          {asked.from}
          <small class="dim">{t(sent ? 'sentBy' : 'comesInAt', { place: from })}</small>
        </b>
        <ul class="packets">
          {packets.map((text) => (
            <Flow key={text} text={text} sure />
          ))}
          {perhaps.map((text) => (
            <Flow key={text} text={text} sure={false} />
          ))}
          {more && <li class="dim">{t('andMore')}</li>}
        </ul>
        <b class="end">
          {asked.to}
          <small class="dim">{leaves === null ? to : t('leavesBy', { place: to, link: leaves })}</small>
          {sources.length > 0 && <small class="dim">{t('seenAs', { address: sources.join(', ') })}</small>}
        </b>
      </div>
      {perhaps.length > 0 && <Sentences title={t('perhaps')} all={hangs} />}
      {example && (
        <p class="row">
          <button type="button" class="chip" onClick={() => walk(example.packet)}>
            {example.packet}
          </button>
          {example.rules.map((rule) => (
            <code key={`${rule.table} ${rule.chain} ${rule.rule}`}>{rule.text}</code>
          ))}
        </p>
      )}
    </>
  )
}

/** Packets of one kind: who sends them, and to which address. */
function Flow({ text, sure }: { text: string; sure: boolean }) {
  const [from, to] = text.split(' → ')
  return (
    <li class={sure ? 'flow' : 'flow unsure'}>
      <code>{from}</code>
      {to !== undefined && (
        <>
          <span class="line">{' → '}</span>
          <code>{to}</code>
        </>
      )}
      <span class="line last" aria-hidden="true">
        {sure ? '' : '?'}
      </span>
    </li>
  )
}

function Sentences({ title, all }: { title: string; all: readonly string[] }) {
  if (all.length === 0) return null
  return (
    <>
      <p class="dim small">{title}</p>
      <ul class="plain dim small">
        {all.slice(0, MOST).map((text) => (
          <li key={text}>{say(text)}</li>
        ))}
        {all.length > MOST && <li>{t('andMore')}</li>}
      </ul>
    </>
  )
}
const MOST = 12
